// What the suites ask of a Cashu wallet (cashu-ts) beyond its own words.
import { Wallet } from '@cashu/cashu-ts';
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { until } from './courier.mjs';

export const total = proofs => proofs.reduce((sum, p) => sum + BigInt(p.amount.toString()), 0n);

export async function open(mint, unit, seed = randomBytes(64)) {
  const wallet = new Wallet(mint, { unit, bip39seed: seed, requireSigDleq: true });
  await wallet.loadMint();
  return wallet;
}

/** NUT-23: a BOLT-11 quote that the fake node pays to itself. */
export async function buy(wallet, amount) {
  const quote = await wallet.createMintQuoteBolt11(amount);
  assert.match(quote.request, /^ln/);
  await until('quote paid', async () => (await wallet.checkMintQuoteBolt11(quote.quote)).state === 'PAID');
  return wallet.ops.mintBolt11(amount, quote).asDeterministic().run();
}

export async function refusedWith(code, promise) {
  await assert.rejects(promise, e => {
    assert.equal(e.code, code, `${e.message} (code ${e.code})`);
    return true;
  });
}

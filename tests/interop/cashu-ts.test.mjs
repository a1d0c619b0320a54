// @cashu/cashu-ts lives a whole wallet's life against the mint in each unit that Lightning issues.
// Environment: MINT = base URL of the mint, whose fake node pays quotes within 0.2 s, fees 0.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { OutputData, P2PKBuilder, CheckStateEnum } from '@cashu/cashu-ts';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { until } from './courier.mjs';
import { makeInvoice } from './invoice.mjs';
import { buy, open as openWallet, refusedWith, total } from './purse.mjs';

const mint = process.env.MINT;
const hex = bytes => Buffer.from(bytes).toString('hex');
const open = (unit, seed) => openWallet(mint, unit, seed);

for (const unit of ['sat', 'mana']) {
  test(`${unit}: mint, swap, double spend, locks, restore, melt`, async () => {
    const seed = randomBytes(64);
    const wallet = await open(unit, seed);
    const bought = await buy(wallet, 1000);
    assert.equal(total(bought), 1000n);

    const { keep, send } = await wallet.ops.send(300, bought).asRandom().keepAsDeterministic().run();
    assert.equal(total(send), 300n);
    assert.equal(total(keep), 700n);
    const gone = bought.filter(p => !keep.some(k => k.secret === p.secret));
    await refusedWith(11001, wallet.receive(gone));

    const states = await wallet.checkProofsStates([...gone, ...send]);
    assert.deepEqual(states.map(s => s.state),
      [...gone.map(() => CheckStateEnum.SPENT), ...send.map(() => CheckStateEnum.UNSPENT)]);

    // NUT-11: a lock only its key opens, SIG_INPUTS and SIG_ALL.
    const key = secp256k1.utils.randomSecretKey();
    const pubkey = hex(secp256k1.getPublicKey(key, true));
    for (const all of [false, true]) {
      const lock = new P2PKBuilder().addLockPubkey(pubkey);
      if (all) lock.sigAll();
      const from = all ? await wallet.receive(await buy(wallet, 100)) : send;
      const locked = (await wallet.ops.send(100, from).asP2PK(lock.toOptions()).keepAsRandom().run()).send;
      await assert.rejects(wallet.receive(locked));
      const opened = await wallet.receive(locked, { privkey: hex(key) });
      assert.equal(total(opened), 100n);
    }

    // NUT-09 and NUT-13: the seed alone finds what is unspent.
    const again = await open(unit, seed);
    const restored = (await again.batchRestore()).proofs;
    const found = await again.checkProofsStates(restored);
    const unspent = restored.filter((_, i) => found[i].state === CheckStateEnum.UNSPENT);
    assert.ok(total(unspent) >= 700n, `restored ${total(unspent)}`);

    // NUT-05 and NUT-08: pay an invoice of another node; the preimage fits, what was too much comes back.
    const invoice = makeInvoice(10_000);
    const melt = await wallet.createMeltQuoteBolt11(invoice.text);
    const { send: pay, keep: rest } = await wallet.ops
      .send(Number(melt.amount) + Number(melt.fee_reserve) + 7, keep).asRandom().keepAsRandom().run();
    const done = await wallet.meltProofsBolt11(melt, pay);
    assert.equal(done.quote.state, 'PAID');
    assert.equal(done.quote.payment_preimage, invoice.preimage);
    assert.ok(total(done.change) >= 7n, `change ${total(done.change)}`);
    await refusedWith(20006, wallet.createMeltQuoteBolt11(invoice.text).then(again => wallet.meltProofsBolt11(again, rest)));
  });

  test(`${unit}: NUT-20 locked quote opens only with its key`, async () => {
    const wallet = await open(unit);
    const key = secp256k1.utils.randomSecretKey();
    const quote = await wallet.createLockedMintQuote(64, hex(secp256k1.getPublicKey(key, true)));
    await until('quote paid', async () => (await wallet.checkMintQuoteBolt11(quote.quote)).state === 'PAID');
    const outputs = OutputData.createRandomData(64, wallet.getKeyset()).map(o => o.blindedMessage);
    const reply = await fetch(`${mint}/v1/mint/bolt11`, {
      method: 'POST', headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ quote: quote.quote, outputs: outputs.map(o => ({ ...o, amount: Number(o.amount) })), signature: 'ab'.repeat(64) }) });
    assert.equal((await reply.json()).code, 20008);
    assert.equal(total(await wallet.ops.mintBolt11(64, quote).privkey(hex(key)).run()), 64n);
    await refusedWith(20002, wallet.ops.mintBolt11(64, quote).privkey(hex(key)).run());
  });
}

test('loot cannot be bought', async () => {
  const wallet = await open('loot');
  await assert.rejects(async () => wallet.createMintQuoteBolt11(10));
  const reply = await fetch(`${mint}/v1/mint/quote/bolt11`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"unit":"loot","amount":10}' });
  assert.equal(reply.status, 400);
  assert.equal((await reply.json()).code, 20003);
  const info = await (await fetch(`${mint}/v1/info`)).json();
  assert.ok(!info.nuts['4'].methods.some(m => m.unit === 'loot'));
  assert.ok(info.nuts['5'].methods.some(m => m.unit === 'loot'));
});

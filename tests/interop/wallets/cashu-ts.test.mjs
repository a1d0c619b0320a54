// @cashu/cashu-ts lives a whole life against a mint of ours that rotates its keys and crashes meanwhile: see README.md.
// Environment: that of mint.mjs.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { CheckStateEnum, P2PKBuilder, getEncodedToken } from '@cashu/cashu-ts';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { until } from '../courier.mjs';
import { makeInvoice } from '../invoice.mjs';
import { buy, open as openWallet, refusedWith, total } from '../purse.mjs';
import { Mint, script } from './mint.mjs';

const mint = new Mint({
  sat: { fee_reserve: 10.0, input_fee_ppk: 100 },
  mana: { fee_reserve: 10.0, price_msat: 200 },
  loot: { fee_reserve: 10.0, price_msat: 200, issued_by: ['engine', 'lightning'] },
});
const opened = [];
before(() => mint.start());
after(async () => {
  opened.forEach(wallet => wallet.mint.disconnectWebSocket());
  await mint.stop();
});

const hex = bytes => Buffer.from(bytes).toString('hex');
const open = async (unit, seed) => {
  const wallet = await openWallet(mint.url, unit, seed);
  opened.push(wallet);
  return wallet;
};
const keyPair = () => {
  const key = secp256k1.utils.randomSecretKey();
  return { key: hex(key), pubkey: hex(secp256k1.getPublicKey(key, true)) };
};
const priceMsat = { sat: 1000, mana: 200, loot: 200 };
const states = async (wallet, proofs) => (await wallet.checkProofsStates(proofs)).map(each => each.state);

for (const unit of ['sat', 'mana', 'loot']) {
  test(`${unit}: a whole life`, async t => {
    const seed = randomBytes(64);
    const a = await open(unit, seed), b = await open(unit);
    let purse = [];
    const pay = async amount => {
      const { keep, send } = await a.ops.send(amount, purse).keepAsDeterministic().includeFees(true).run();
      purse = keep;
      return send;
    };
    const melt = async (wallet, description, amount) => {
      const invoice = makeInvoice(amount * priceMsat[unit], { description });
      const quote = await wallet.createMeltQuoteBolt11(invoice.text);
      const inputs = await pay(Number(quote.amount) + Number(quote.fee_reserve));
      return { invoice, quote, inputs };
    };

    await t.test('buys, and hears over the WebSocket that the invoice is paid', async () => {
      const quote = await a.createMintQuoteBolt11(1000);
      assert.equal((await a.on.onceMintPaid(quote.quote, { timeoutMs: 10_000 })).state, 'PAID');
      purse = await a.ops.mintBolt11(1000, quote).asDeterministic().run();
      assert.equal(total(purse), 1000n);
      await refusedWith(20002, a.ops.mintBolt11(1000, quote).run());
    });

    await t.test('a token goes to a second wallet, and is worth nothing to a third', async () => {
      const send = await pay(300);
      const token = getEncodedToken({ mint: mint.url, proofs: send, unit });
      const seen = [];
      await a.on.proofStateUpdates(send, update => seen.push(update.state), problem => { throw problem; });
      assert.equal(total(await b.receive(token)), 300n);
      await until('told that it is spent', () => seen.filter(state => state === 'SPENT').length === send.length);
      await refusedWith(11001, (await open(unit)).receive(token));
    });

    await t.test('P2PK, SIG_INPUTS and SIG_ALL: the lock opens for its owner alone', async () => {
      for (const all of [false, true]) {
        const { key, pubkey } = keyPair();
        const lock = new P2PKBuilder().addLockPubkey(pubkey);
        if (all) lock.sigAll();
        const { keep, send } = await a.ops.send(50, purse).keepAsDeterministic().asP2PK(lock.toOptions()).includeFees(true).run();
        purse = keep;
        await refusedWith(10001, b.receive(send, { privkey: keyPair().key }));
        assert.equal(total(await b.receive(send, { privkey: key })), 50n);
      }
    });

    await t.test('HTLC: opens for who has key and preimage', async () => {
      const { key, pubkey } = keyPair();
      const preimage = randomBytes(32);
      const lock = new P2PKBuilder().addLockPubkey(pubkey).addHashlock(hex(sha256(preimage))).toOptions();
      const { keep, send } = await a.ops.send(50, purse).keepAsDeterministic().asP2PK(lock).includeFees(true).run();
      purse = keep;
      const knowing = what => send.map(proof => ({ ...proof, witness: JSON.stringify({ preimage: hex(what), signatures: [] }) }));
      await refusedWith(10001, b.receive(knowing(randomBytes(32)), { privkey: key }));
      assert.equal(total(await b.receive(knowing(preimage), { privkey: key })), 50n);
    });

    await t.test('pays an invoice of another node; the reserve comes back', async () => {
      const { invoice, quote, inputs } = await melt(a, 'a melt', 100);
      const done = await a.meltProofsBolt11(quote, inputs);
      assert.equal(done.quote.state, 'PAID');
      assert.equal(done.quote.payment_preimage, invoice.preimage);
      assert.ok(total(done.change) >= 10n, `${total(done.change)} of the reserve`);
      purse.push(...done.change);
      await refusedWith(20006, b.createMeltQuoteBolt11(invoice.text)
        .then(async again => b.meltProofsBolt11(again, await buy(b, 128))));
    });

    await t.test('a payment that fails costs nothing; one that fails and then succeeds is paid', async () => {
      const failed = await melt(a, script('FAILED', 'FAILED'), 20);
      await refusedWith(20004, a.meltProofsBolt11(failed.quote, failed.inputs));
      assert.deepEqual([...new Set(await states(a, failed.inputs))], [CheckStateEnum.UNSPENT]);
      purse.push(...failed.inputs);
      const late = await melt(a, script('FAILED', 'PAID'), 20);
      assert.equal((await a.meltProofsBolt11(late.quote, late.inputs)).quote.state, 'PAID');
    });

    await t.test('a payment of which nobody knows the end stays pending, also after a crash of the mint', async () => {
      for (const description of [script('PENDING', 'PENDING'), script('UNKNOWN', 'UNKNOWN'),
        script('PAID', 'PAID', { pay_err: true, check_err: true })]) {
        const hung = await melt(a, description, 10);
        await a.meltProofsBolt11(hung.quote, hung.inputs).then(
          done => assert.equal(done.quote.state, 'PENDING'), problem => assert.equal(problem.code, 20005, problem.message));
        await mint.restart();
        assert.equal((await a.checkMeltQuoteBolt11(hung.quote.quote)).state, 'PENDING');
        assert.deepEqual([...new Set(await states(a, hung.inputs))], [CheckStateEnum.PENDING]);
        await refusedWith(11002, a.receive(hung.inputs));
      }
    });

    await t.test('a payment that outlives a crash of the mint is paid', async () => {
      const slow = await melt(a, script('PAID', 'PAID', { in_flight_ms: 3500 }), 10);
      await a.meltProofsBolt11(slow.quote, slow.inputs).then(
        done => assert.equal(done.quote.state, 'PENDING'), problem => assert.equal(problem.code, 20005, problem.message));
      await mint.restart();
      await until('paid', async () => (await a.checkMeltQuoteBolt11(slow.quote.quote)).state === 'PAID');
      await refusedWith(11001, a.receive(slow.inputs));
    });

    await t.test('the keys rotate: old proofs are taken, new ones are of the new keyset', async () => {
      const quote = await a.createMintQuoteBolt11(32);
      const { before, after } = await mint.rotate(unit);
      assert.ok(purse.every(proof => proof.id === before));
      await refusedWith(12002, a.ops.mintBolt11(32, quote).run());
      for (const wallet of [a, b]) {
        await wallet.loadMint(true);
        wallet.bindKeyset(after);
      }
      const bought = await a.ops.mintBolt11(32, await a.checkMintQuoteBolt11(quote.quote)).asDeterministic().run();
      assert.ok(bought.every(proof => proof.id === after));
      const send = await pay(40);
      assert.ok(send.every(proof => proof.id === after));
      assert.equal(total(await b.receive(send)), 40n);
      purse.push(...bought);
    });

    await t.test('restores from its seed into an empty wallet', async () => {
      const again = await open(unit, seed);
      const found = [];
      for (const { id } of (await mint.get('/v1/keysets')).keysets.filter(keyset => keyset.unit === unit)) {
        found.push(...(await again.batchRestore(300, 100, 0, id)).proofs);
      }
      const alive = await again.checkProofsStates(found);
      const unspent = found.filter((_, i) => alive[i].state === CheckStateEnum.UNSPENT);
      const secrets = new Set(unspent.map(proof => proof.secret));
      assert.ok(purse.every(proof => secrets.has(proof.secret)), 'all that the wallet has is found');
      assert.ok(total(await again.ops.receive(unspent).asRandom().run()) > 0n);
      await refusedWith(11001, again.ops.receive(purse).asRandom().run());
    });
  });
}

// @cashu/cashu-ts hears of quotes and proofs over the mint's WebSocket (NUT-17), mints in batches (NUT-29), pays parts
// of an invoice (NUT-15), uses offers (NUT-25) and melts that take their time or fail.
// Environment: MINT = base URL of the mint, whose fake node pays quotes within 0.2 s, fees 0.
import { after, test } from 'node:test';
import assert from 'node:assert/strict';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { bytesToHex } from '@noble/curves/utils.js';
import { until } from './courier.mjs';
import { makeInvoice } from './invoice.mjs';
import { buy, open, refusedWith, total } from './purse.mjs';

const mint = process.env.MINT;
const wallets = [];
const fresh = async () => { const wallet = await open(mint, 'sat'); wallets.push(wallet); return wallet; };
after(() => wallets.forEach(wallet => wallet.mint.disconnectWebSocket()));

const script = (pay, check, more = {}) => JSON.stringify(
  { pay_invoice_state: pay, check_payment_state: check, pay_err: false, check_err: false, ...more });
const quoteFor = (wallet, msat, options) => {
  const invoice = makeInvoice(msat, options);
  return wallet.createMeltQuoteBolt11(invoice.text).then(quote => ({ invoice, quote }));
};
const failed = error => { throw error; };

test('NUT-17: a mint quote is told when it is paid', async () => {
  const wallet = await fresh();
  const quote = await wallet.createMintQuoteBolt11(21);
  const paid = await wallet.on.onceMintPaid(quote.quote, { timeoutMs: 10_000 });
  assert.equal(paid.quote, quote.quote);
  assert.equal(paid.state, 'PAID');
  assert.equal(total(await wallet.ops.mintBolt11(21, quote).run()), 21n);
});

test('NUT-17: proofs are told when they are locked and spent, a melt quote when it is paid', async () => {
  const wallet = await fresh();
  const proofs = await buy(wallet, 8);
  const states = [];
  const melts = [];
  await wallet.on.proofStateUpdates(proofs, one => states.push(one.state), failed);
  const { quote } = await quoteFor(wallet, 8_000, { description: script('PAID', 'PAID', { in_flight_ms: 200 }) });
  await wallet.on.meltQuoteUpdates([quote.quote], one => melts.push(one.state), failed);
  await until('states at once', async () => states.length === proofs.length && melts.length === 1);
  assert.deepEqual([...new Set(states)], ['UNSPENT']);
  assert.deepEqual(melts, ['UNPAID']);
  const done = await wallet.meltProofsBolt11(quote, proofs);
  assert.equal(done.quote.state, 'PAID', 'the answer waits for the end');
  await until('told', async () => melts.at(-1) === 'PAID' && states.filter(s => s === 'SPENT').length === proofs.length);
  assert.deepEqual(melts, ['UNPAID', 'PENDING', 'PAID']);
  assert.equal(states.filter(s => s === 'PENDING').length, proofs.length);
});

test('NUT-29: two quotes in one batch', async () => {
  const wallet = await fresh();
  const quotes = [await wallet.createMintQuoteBolt11(13), await wallet.createMintQuoteBolt11(8)];
  await until('quotes paid', async () =>
    (await wallet.checkMintQuoteBatchBolt11(quotes)).every(quote => quote.state === 'PAID'));
  const prepared = await wallet.prepareBatchMint('bolt11', quotes.map(quote => ({ amount: quote.amount, quote })));
  const proofs = await wallet.completeBatchMint(prepared);
  assert.equal(total(proofs), 21n);
  assert.ok((await wallet.checkMintQuoteBatchBolt11(quotes)).every(quote => quote.state === 'ISSUED'));
  assert.equal(total(await wallet.receive(proofs)), 21n);
});

test('NUT-15: a part of an invoice', async () => {
  const wallet = await fresh();
  const invoice = makeInvoice(30_000);
  const quote = await wallet.createMultiPathMeltQuote(invoice.text, 10_000);
  assert.equal(BigInt(quote.amount.toString()), 10n);
  const proofs = await buy(wallet, 10);
  const done = await wallet.meltProofsBolt11(quote, proofs);
  assert.equal(done.quote.state, 'PAID');
  assert.equal(done.quote.payment_preimage, invoice.preimage);
});

test('NUT-25: an offer is paid again and minted in parts, and a melt pays one', async () => {
  const wallet = await fresh();
  const key = secp256k1.utils.randomSecretKey();
  const pubkey = bytesToHex(secp256k1.getPublicKey(key, true));
  const ask = id => wallet.checkMintQuoteBolt12(id);
  const paid = async (id, amount) => {
    await until('offer paid', async () => BigInt((await ask(id)).amount_paid.toString()) === amount);
    return ask(id);
  };
  const mint = (amount, quote) => wallet.mintProofsBolt12(amount, quote, bytesToHex(key));
  const first = await wallet.createMintQuoteBolt12(pubkey, { amount: 8, description: 'eight' });
  assert.match(first.request, /^lno1/);
  const proofs = await mint(5, await paid(first.quote, 8n));
  assert.equal(total(proofs), 5n);
  const second = await wallet.createMintQuoteBolt12(pubkey);
  const melt = await wallet.createMeltQuoteBolt12(second.request, 5_000);
  const done = await wallet.meltProofsBolt12(melt, proofs);
  assert.equal(done.quote.state, 'PAID');
  assert.match(done.quote.payment_preimage, /^[0-9a-f]{64}$/);
  assert.equal(total(await mint(5, await paid(second.quote, 5n))), 5n);
  assert.equal(total(await mint(3, await ask(first.quote))), 3n);
  const again = await wallet.createMeltQuoteBolt12(first.request);
  await wallet.meltProofsBolt12(again, await buy(wallet, 8));
  assert.equal(total(await mint(8, await paid(first.quote, 16n))), 8n);
});

test('NUT-05: a payment that fails gives the proofs back, one that fails and then succeeds takes them', async () => {
  const wallet = await fresh();
  const proofs = await buy(wallet, 8);
  const { quote } = await quoteFor(wallet, 8_000, { description: script('FAILED', 'FAILED') });
  await refusedWith(20004, wallet.meltProofsBolt11(quote, proofs));
  const late = await quoteFor(wallet, 8_000, { description: script('FAILED', 'PAID') });
  const done = await wallet.meltProofsBolt11(late.quote, proofs);
  assert.equal(done.quote.state, 'PAID');
  await refusedWith(11001, wallet.receive(proofs));
});

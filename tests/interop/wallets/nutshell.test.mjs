// nutshell's wallet, the program `cashu`, lives a whole life against a mint of ours: see README.md.
// It knows the units sat, msat, usd, eur, btc and auth, and can't load a mint that has another one.
// Environment: NUTSHELL = folder of its programs, and that of mint.mjs.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../courier.mjs';
import { makeInvoice } from '../invoice.mjs';
import { Mint, script } from './mint.mjs';
import { good, match, run } from './program.mjs';

const mint = new Mint({
  sat: { fee_reserve: 10.0, input_fee_ppk: 100 },
  usd: { fee_reserve: 10.0, price_msat: 10_000 },
});
before(() => mint.start());
after(() => mint.stop());

class Wallet {
  constructor(name, unit = 'sat') {
    this.name = name;
    this.unit = unit;
    this.home = join(process.env.MINT_FOLDER, 'homes', name);
    mkdirSync(this.home, { recursive: true });
  }
  try(args, options) {
    return run(join(process.env.NUTSHELL, 'cashu'), ['-h', mint.url, '-w', this.name, '-u', this.unit, '-t', '-y', ...args],
      { env: { HOME: this.home, CASHU_DIR: join(this.home, '.cashu') }, cwd: this.home, ...options });
  }
  async ask(...args) { return good(await this.try(args), `cashu ${args[0]}`); }
  async token(...args) { return match(await this.ask('send', ...args), /cashu[AB][\w=-]+/); }
  async refused(code, ...args) {
    const done = await this.try(args);
    assert.notEqual(done.code, 0, done.text.slice(-400));
    assert.match(done.text, new RegExp(`\\(Code: ${code}\\)`));
  }
  /** {free, pending} */
  async balance() {
    const text = await this.ask('balance', '-v');
    const free = Number(match(text, /^Balance: (\d+) sat/m));
    return { free, pending: Number(/^Balance: .*\(pending: (\d+) sat\)/m.exec(text)?.[1] ?? 0) };
  }
}

const a = new Wallet('a'), b = new Wallet('b'), c = new Wallet('c');

test('buys, and hears over the WebSocket that the invoice is paid', async () => {
  assert.match(await a.ask('invoice', '1000'), /Invoice paid/);
  assert.equal((await a.balance()).free, 1000);
  assert.equal(await mint.answered('/v1/ws'), 1);
  assert.equal(await mint.answered('/v1/mint/quote/bolt11/{quote_id}'), 0, 'it did not have to ask');
});

test('a token goes to a second wallet, and is worth nothing to a third', async () => {
  const token = await a.token('300');
  const before = (await b.balance()).free;
  await b.ask('receive', token);
  assert.ok((await b.balance()).free >= before + 299, 'less the fee of the swap');
  await c.ask('balance');
  await c.refused(11001, 'receive', token);
  await a.ask('burn', '-a');
  assert.deepEqual(await a.balance(), { free: 700, pending: 0 });
});

test('P2PK: the lock opens for its owner alone', async () => {
  const lock = match(await b.ask('lock', 'p2pk'), /P2PK:[0-9a-f]{66}/);
  const token = await a.token('100', '--lock', lock);
  await c.refused(10001, 'receive', token);
  const before = (await b.balance()).free;
  await b.ask('receive', token);
  assert.ok((await b.balance()).free >= before + 99);
  await a.ask('burn', '-a');
});

test('P2PK: what nobody claimed in time goes back', async () => {
  const stranger = match(await c.ask('lock', 'p2pk'), /P2PK:[0-9a-f]{66}/);
  const own = match(await b.ask('lock', 'p2pk'), /P2PK:([0-9a-f]{66})/);
  const token = await b.token('20', '--lock', stranger, '--timelock', '1', '--refund', own);
  const limit = Date.now() + 2000;
  const before = (await b.balance()).free;
  await until('the time is over', () => Date.now() > limit);
  await b.ask('receive', token);
  assert.ok((await b.balance()).free >= before + 19);
});

test('all of it swapped for fresh proofs', async () => {
  const before = (await b.balance()).free;
  await b.ask('selfpay');
  const { free } = await b.balance();
  assert.ok(free <= before && free >= before - 3, `${before}, then ${free}`);
});

test('pays an invoice of another node; the reserve comes back', async () => {
  const before = (await a.balance()).free;
  const invoice = makeInvoice(200_000);
  const text = await a.ask('pay', invoice.text);
  assert.match(text, new RegExp(`Invoice paid\\. \\(Preimage: ${invoice.preimage}\\)`));
  const spent = before - (await a.balance()).free;
  assert.ok(spent >= 200 && spent <= 204, `${spent} for 200 (the reserve was 20)`);
});

test('a payment that fails costs nothing', async () => {
  const before = (await a.balance()).free;
  assert.match(await a.ask('pay', makeInvoice(50_000, { description: script('FAILED', 'FAILED') }).text), /Code: 20004/);
  assert.deepEqual(await a.balance(), { free: before, pending: 0 });
});

test('a payment that takes its time is pending until it is paid, also after a crash of the mint', async () => {
  const before = (await a.balance()).free;
  const invoice = makeInvoice(40_000, { description: script('PAID', 'PAID', { in_flight_ms: 6000 }) });
  assert.match(await a.ask('pay', invoice.text), /Invoice pending/);
  const held = await a.balance();
  assert.ok(held.pending >= 40, `${held.pending} held`);
  await mint.restart();
  await a.ask('burn', '-a');
  for (const end = Date.now() + 30_000; (await a.balance()).pending > 0;) {
    assert.ok(Date.now() < end, 'still pending');
    await a.ask('burn', '-a');
  }
  assert.ok((await a.balance()).free <= before - 40);
});

test('the keys rotate: old proofs are taken, new ones are of the new keyset', async () => {
  const { after } = await mint.rotate('sat');
  const old = (await a.balance()).free;
  const token = await a.token('--force-swap', '60');
  const text = await a.ask('proofs', '--all');
  assert.ok(text.includes(after.slice(0, 16)), 'proofs of the new keyset');
  await b.ask('receive', token);
  await a.ask('burn', '-a');
  assert.ok((await a.balance()).free >= old - 62);
});

test('restores from its words into an empty wallet', async () => {
  const words = match(await a.ask('info', '--mnemonic'), /((?:[a-z]+ ){11,23}[a-z]+)\s*$/m);
  const { free } = await a.balance();
  const again = new Wallet('again');
  const text = good(await again.try(['restore', '--to', '2'], { input: `${words}\n` }), 'cashu restore');
  // More than it has: it never fetched the change of the payment that was pending, the restore finds that too.
  const found = Number(match(text, /Balance: (\d+) sat\s*$/));
  assert.ok(found >= free && found <= free + 10, `${found} found, ${free} known`);
  const token = await again.token('40');
  await c.ask('receive', token);
});

test('another unit', async () => {
  const rich = new Wallet('dollars', 'usd');
  assert.match(await rich.ask('invoice', '5.00'), /Invoice paid/);
  const token = await rich.token('1.25');
  const poor = new Wallet('cents', 'usd');
  await poor.ask('receive', token);
  assert.match(await poor.ask('balance'), /\$1\.25 USD/);
  assert.match(await rich.ask('pay', makeInvoice(1_000_000).text), /Invoice paid/);
  assert.match(await rich.ask('balance'), /\$2\.75 USD/);
});

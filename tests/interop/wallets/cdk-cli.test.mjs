// cdk's wallet, the program `cdk-cli`, lives a whole life against a mint of ours in each of several units: see README.md.
// Environment: CDK = folder of its programs, and that of mint.mjs.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { until } from '../courier.mjs';
import { makeInvoice } from '../invoice.mjs';
import { Mint, script } from './mint.mjs';
import { good, match, run } from './program.mjs';

const mint = new Mint({
  sat: { fee_reserve: 10.0, input_fee_ppk: 100 },
  mana: { fee_reserve: 10.0, price_msat: 200 },
  loot: { fee_reserve: 10.0, price_msat: 200, issued_by: ['engine', 'lightning'] },
});
before(() => mint.start());
after(() => mint.stop());

const hex = bytes => Buffer.from(bytes).toString('hex');
const keyPair = () => {
  const key = secp256k1.utils.randomSecretKey();
  return { key: hex(key), pubkey: hex(secp256k1.getPublicKey(key, true)) };
};
const priceMsat = { sat: 1000, mana: 200, loot: 200 };

class Wallet {
  constructor(name, unit) {
    this.unit = unit;
    this.folder = join(process.env.MINT_FOLDER, 'wallets', `${unit}-${name}`);
    mkdirSync(this.folder, { recursive: true });
  }
  command(args) { return [join(process.env.CDK, 'cdk-cli'), ['-w', this.folder, '-n', '-u', this.unit, ...args]]; }
  async ask(...args) { return good(await run(...this.command(args)), `cdk-cli ${args[0]}`); }
  token(...args) { return this.ask('send', '--mint-url', mint.url, ...args).then(text => match(text, /cashu[AB][\w=-]+/)); }
  async receive(token, ...args) {
    return Number(match(await this.ask('receive', '--allow-untrusted', token, ...args), /Received: (\d+)/));
  }
  pay(invoice) { return this.ask('melt', '--mint-url', mint.url, '--invoice', invoice.text); }
  async refused(pattern, ...args) {
    const done = await run(...this.command(args));
    assert.notEqual(done.code, 0, done.text.slice(-400));
    assert.match(done.text, pattern);
  }
  async balance() {
    return Number(/Total balance across all wallets: (\d+)/.exec(await this.ask('balance'))?.[1] ?? 0);
  }
}

const spent = /spent|11001/i;
let held = 0;  // melts that the mint doesn't know the end of, in all units

// The wallet sends a mint no more than 20 requests at once and one each three seconds then, which is what all the time goes
// to; so the longer part of its life is lived in `sat` alone.
for (const unit of ['sat', 'mana', 'loot']) {
  test(`${unit}: a whole life`, async t => {
    const inSat = (name, run) => (unit === 'sat' ? t.test(name, run) : undefined);
    const a = new Wallet('a', unit), b = new Wallet('b', unit), c = new Wallet('c', unit);
    const invoice = (amount, description) => makeInvoice(amount * priceMsat[unit], { description });

    await t.test('buys, and hears over the WebSocket that the invoice is paid', async () => {
      const before = await mint.answered('/v1/ws');
      const text = await a.ask('mint', mint.url, '1000');
      assert.match(text, /Received 1000 from mint/);
      assert.equal(await a.balance(), 1000);
      assert.ok(await mint.answered('/v1/ws') > before);
    });

    await t.test('a token goes to a second wallet, and is worth nothing to a third', async () => {
      const token = await a.token('--amount', '300', '--include-fee');
      assert.equal(await b.receive(token), 300);
      await c.refused(spent, 'receive', '--allow-untrusted', token);
      assert.equal(await b.balance(), 300);
    });

    await t.test('P2PK and P2BK: the lock opens for its owner alone', async () => {
      for (const more of [[], ['--use-p2bk']]) {
        const { key, pubkey } = keyPair();
        const token = await a.token('--amount', '50', '--include-fee', '--pubkey', pubkey, ...more);
        await c.refused(/./, 'receive', '--allow-untrusted', token, '--signing-key', keyPair().key);
        assert.equal(await b.receive(token, '--signing-key', key), 50);
      }
    });

    await inSat('P2PK: two of two keys, and the refund when its time is over', async () => {
      const first = keyPair(), second = keyPair();
      const both = await a.token('--amount', '20', '--include-fee', '--pubkey', first.pubkey, '--pubkey', second.pubkey, '--required-sigs', '2');
      await c.refused(/./, 'receive', '--allow-untrusted', both, '--signing-key', first.key);
      assert.equal(await b.receive(both, '--signing-key', first.key, '--signing-key', second.key), 20);
      const limit = Math.floor(Date.now() / 1000) + 2;
      const token = await a.token('--amount', '20', '--include-fee', '--pubkey', first.pubkey, '--locktime', `${limit}`, '--refund-keys', second.pubkey);
      await until('the time is over', () => Date.now() > (limit + 1) * 1000);
      assert.equal(await a.receive(token, '--signing-key', second.key), 20);
    });

    await inSat('HTLC: opens for who has the preimage', async () => {
      const preimage = hex(randomBytes(32));
      const token = await a.token('--amount', '50', '--include-fee', '--preimage', preimage);
      await c.refused(/./, 'receive', '--allow-untrusted', token, '--preimage', hex(randomBytes(32)));
      assert.equal(await b.receive(token, '--preimage', preimage), 50);
    });

    await t.test('pays an invoice of another node; the reserve comes back', async () => {
      const before = await a.balance();
      const one = invoice(100);
      const text = await a.pay(one);
      assert.match(text, /Payment successful: state=PAID, amount=100, fee_paid=\d+/);
      assert.ok(text.includes(one.preimage));
      const cost = before - await a.balance();
      assert.ok(cost >= 100 && cost <= 104, `${cost} for 100 (the reserve was 10)`);
    });

    await inSat('a payment that fails costs nothing; one that fails and then succeeds is paid', async () => {
      const before = await a.balance();
      await a.refused(/./, 'melt', '--mint-url', mint.url, '--invoice', invoice(20, script('FAILED', 'FAILED')).text);
      const cost = before - await a.balance();
      assert.ok(cost >= 0 && cost <= 2, `${cost} lost`);  // it swaps before it pays
      assert.match(await a.pay(invoice(20, script('FAILED', 'PAID'))), /Payment successful: state=PAID/);
    });

    await inSat('a payment that takes its time, through a crash of the mint', async () => {
      const before = await a.balance();
      const begun = mint.begunPayments();
      const one = invoice(30, script('PAID', 'PAID', { in_flight_ms: 5000 }));
      const going = run(...a.command(['melt', '--mint-url', mint.url, '--invoice', one.text]));
      await until('the mint holds it', async () => await pendingMelts() > held && mint.begunPayments() > begun);
      await mint.restart();
      await going;  // it hears of the end once it is connected again, or gives up and asks at its next start
      await until('paid', async () => await pendingMelts() === held);
      assert.match(await a.ask('check-pending'), /No orphaned pending proofs/);
      const cost = before - await a.balance();
      assert.ok(cost >= 30 && cost <= 36, `${cost} for 30`);
    });

    await inSat('a payment of which nobody knows the end is held, also after a crash of the mint', async () => {
      const before = await a.balance();
      const begun = mint.begunPayments();
      const [file, args] = a.command(['melt', '--mint-url', mint.url, '--invoice', invoice(10, script('UNKNOWN', 'UNKNOWN')).text]);
      const waiting = spawn(file, args, { stdio: 'ignore' });
      await until('the mint holds it', async () => await pendingMelts() > held && mint.begunPayments() > begun);
      held += 1;
      waiting.kill('SIGKILL');
      if (waiting.exitCode === null && waiting.signalCode === null) await once(waiting, 'exit');
      await mint.restart();
      await a.ask('check-pending');
      assert.ok(await a.balance() <= before - 10);
      assert.equal(await pendingMelts(), held);
    });

    await t.test('the keys rotate: old proofs are taken, new ones are of the new keyset', async () => {
      const { after } = await mint.rotate(unit);
      assert.match(await a.ask('mint', mint.url, '32'), /Received 32 from mint/);
      const token = await a.token('--amount', '40', '--include-fee');
      // Keysets are looked up once an hour and when it buys: a token of new keys would be unknown to it until then.
      for (const wallet of [b, c]) await wallet.ask('mint', mint.url, '8');
      assert.equal(await b.receive(token), 40);
      assert.equal(await mint.active(unit), after);
    });

    await t.test('restores from its seed into an empty wallet', async () => {
      const known = await b.balance();
      const again = new Wallet('again', unit);
      copyFileSync(join(b.folder, 'seed'), join(again.folder, 'seed'));
      const found = Number(match(await again.ask('restore', mint.url), /Restored: (\d+)/));
      assert.equal(found, known);
      const got = await c.receive(await again.token('--amount', '100', '--include-fee'));
      assert.ok(got >= 97 && got <= 100, `${got} of 100`);  // it counts the fee of proofs from two keysets too low
    });
  });
}

async function pendingMelts() {
  const text = await (await fetch(`${mint.url}/metrics`)).text();
  return text.split('\n').filter(line => line.startsWith('mint_melts_pending')).reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

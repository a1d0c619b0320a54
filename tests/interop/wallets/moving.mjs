// A real mint of another make does business with wallets, is stopped, and its business is imported into a mint of ours at
// the same address, where the wallets go on as if nothing had happened.
// Environment: NUTSHELL = folder of nutshell's programs (its wallet is used with both), and that of mint.mjs.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from '../courier.mjs';
import { makeInvoice } from '../invoice.mjs';
import { Mint } from './mint.mjs';
import { good, match, run } from './program.mjs';

const { MINT_FOLDER, MINT_PROGRAM, MINT_DATABASE, NUTSHELL } = process.env;

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

class Wallet {
  constructor(name, url) {
    this.name = name;
    this.url = url;
    this.home = join(MINT_FOLDER, 'homes', name);
    mkdirSync(this.home, { recursive: true });
  }
  try(args, options = {}) {
    return run(join(NUTSHELL, 'cashu'), ['-h', this.url, '-w', this.name, '-u', 'sat', '-t', '-y', ...args],
      { env: { HOME: this.home, CASHU_DIR: join(this.home, '.cashu') }, cwd: this.home, ...options });
  }
  async ask(...args) { return good(await this.try(args), `cashu ${args[0]}`); }
  async token(...args) { return match(await this.ask('send', ...args), /cashu[AB][\w=-]+/); }
  async balance() { return Number(match(await this.ask('balance'), /^Balance: (\d+) sat/m)); }
}

/** A program until it answers /v1/info. */
export async function startOld(port, file, args, options) {
  mkdirSync(options.cwd, { recursive: true });
  const log = openSync(join(options.cwd, 'log'), 'a');
  const child = spawn(file, args, { stdio: ['ignore', log, log], ...options, env: { ...process.env, ...options.env } });
  await until('the old mint serves', async () => {
    if (child.exitCode !== null) throw new Error(`it did not start: ${options.cwd}/log`);
    return (await fetch(`http://127.0.0.1:${port}/v1/info`).catch(() => undefined))?.ok;
  }, 60_000);
  return child;
}

/** `start(port, folder)` gives the process of the old mint; `source(folder)` its database; `seed` goes by environment. */
export function moves(from, { start, source, seed }) {
  test(`${from} moves here, and its wallets notice nothing`, async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const folder = join(MINT_FOLDER, 'old');
    const old = await start(port, folder);
    const [a, b, c] = ['a', 'b', 'c'].map(name => new Wallet(name, url));
    let mint;
    try {
      assert.match(await a.ask('invoice', '1000'), /Invoice paid/);
      const spent = await a.token('300');
      await b.ask('receive', spent);
      const kept = await a.token('50');
      const invoice = makeInvoice(100_000);
      assert.match(await a.ask('pay', invoice.text), /Invoice paid/);
      const balances = [await a.balance(), await b.balance()];
      const issued = (await (await fetch(`${url}/v1/keysets`)).json()).keysets.map(each => each.id);
      old.kill('SIGTERM');
      await once(old, 'exit');

      mint = new Mint({ sat: {} });
      mint.port = port;
      const imported = await run(MINT_PROGRAM, ['import', '--config', mint.configure(), '--data', MINT_FOLDER,
        '--from', from, '--source', source(folder), '--seed', 'env:OLD_SEED'],
      { env: { OLD_SEED: seed, DATABASE_URL: MINT_DATABASE } });
      const text = good(imported, 'import');
      assert.match(text, /opening balance/);
      await mint.start();
      const keysets = (await mint.get('/v1/keysets')).keysets.map(each => each.id);
      for (const id of issued) assert.ok(keysets.includes(id), `${id} among ${keysets}`);

      assert.deepEqual([await a.balance(), await b.balance()], balances);
      assert.match((await c.try(['receive', spent])).text, /\(Code: 11001\)/);
      await c.ask('receive', kept);
      assert.ok(await c.balance() >= 48);
      const token = await b.token('--force-swap', '100');
      await c.ask('receive', token);
      assert.match(await a.ask('pay', makeInvoice(200_000).text), /Invoice paid/);
      const again = await a.try(['pay', invoice.text]);
      assert.match(again.text, /Code: 20006/);
      assert.match(await a.ask('invoice', '70'), /Invoice paid/);
      const words = match(await b.ask('info', '--mnemonic'), /((?:[a-z]+ ){11,23}[a-z]+)\s*$/m);
      const { text: restored } = await new Wallet('again', url).try(['restore', '--to', '2'], { input: `${words}\n` });
      assert.ok(Number(match(restored, /Balance: (\d+) sat\s*$/)) >= await b.balance(), 'signatures of both mints come back');
    } finally {
      old.kill('SIGKILL');
      if (mint?.process) await mint.stop();
    }
  });
}

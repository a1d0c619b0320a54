// A mint of ours as a process that a suite may stop, kill, rotate and start again at the same address.
// Environment: MINT_PROGRAM; MINT_FOLDER for its data; MINT_DATABASE, the ledger's URL.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { until } from '../courier.mjs';

const { MINT_PROGRAM, MINT_FOLDER, MINT_DATABASE } = process.env;
const toml = value => (Array.isArray(value) ? `[${value.map(toml)}]` : typeof value === 'string' ? `"${value}"` : value);
const attempt = url => fetch(url).catch(() => undefined);

export class Mint {
  /** `units`: by name what stands in their [currencies.NAME]. */
  constructor(units) {
    this.units = units;
    this.port = 0;
    mkdirSync(MINT_FOLDER, { recursive: true });
  }

  get url() { return `http://127.0.0.1:${this.port}`; }

  /** Writes mint.toml; its path. */
  configure() {
    const config = join(MINT_FOLDER, 'mint.toml');
    writeFileSync(config, [
      `[server]\nport = ${this.port}`,
      '[lightning]\nbackend = "fake"\ninvoice_delay_ms = 50\npayment_timeout_seconds = 2',
      ...Object.entries(this.units).map(([name, keys]) =>
        `[currencies.${name}]\n${Object.entries(keys).map(([key, value]) => `${key} = ${toml(value)}`).join('\n')}`),
    ].join('\n'));
    return config;
  }

  async start() {
    const config = this.configure();
    const port = join(MINT_FOLDER, 'port');
    rmSync(port, { force: true });
    const log = openSync(join(MINT_FOLDER, 'log'), 'a');
    this.process = spawn(MINT_PROGRAM, ['--config', config, '--data', MINT_FOLDER],
      { stdio: ['ignore', log, log], env: { ...process.env, DATABASE_URL: MINT_DATABASE } });
    this.process.on('error', problem => { throw problem; });
    this.port = await until('the mint listens', () => {
      if (this.process.exitCode !== null) throw new Error(`the mint did not start: ${MINT_FOLDER}/log`);
      try { return Number(readFileSync(port, 'utf8')); } catch { return 0; }
    });
    await until('the mint is healthy', async () => (await attempt(`${this.url}/health`))?.ok);
    return this;
  }

  async stop(signal = 'SIGTERM') {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    this.process.kill(signal);
    await once(this.process, 'exit');
  }

  /** As a crash: without a word before. */
  async restart() {
    await this.stop('SIGKILL');
    await this.start();
  }

  /** New keys for a unit: those of the old keyset are still taken. */
  async rotate(unit) {
    const before = await this.active(unit);
    this.units[unit].keyset_index = (this.units[unit].keyset_index ?? 0) + 1;
    await this.stop();
    await this.start();
    const after = await this.active(unit);
    if (after === before) throw new Error(`${unit} has still the keyset ${before}`);
    return { before, after };
  }

  async get(path) { return (await fetch(this.url + path)).json(); }

  async active(unit) {
    return (await this.get('/v1/keysets')).keysets.find(keyset => keyset.active && keyset.unit === unit).id;
  }

  /** How many payments its node was asked for: one that is journaled and not begun when the mint dies is never made. */
  begunPayments() {
    const book = new DatabaseSync(join(MINT_FOLDER, 'fake-node.sqlite'), { readOnly: true });
    try { return book.prepare('SELECT count(*) AS n FROM payments').get().n; } finally { book.close(); }
  }

  /** How many requests of a route were answered well since the mint started. */
  async answered(route) {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const line = text.split('\n').find(each => each.startsWith(`http_requests_total{route="${route}",status="2xx"}`));
    if (!line) throw new Error(`/metrics knows no ${route}`);
    return Number(line.split(' ').at(-1));
  }
}

/** An invoice's description that tells the mint's fake node how its payment shall go. */
export const script = (pay, check, more = {}) => JSON.stringify(
  { pay_invoice_state: pay, check_payment_state: check, pay_err: false, check_err: false, ...more });

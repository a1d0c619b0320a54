// nutshell's mint, imported: see moving.mjs.
import { join } from 'node:path';
import { moves, startOld } from './moving.mjs';

const seed = 'a private key of nutshell for this test';
moves('nutshell', {
  seed,
  start: (port, folder) => startOld(port, join(process.env.NUTSHELL, 'mint'),
    ['--host', '127.0.0.1', '--port', String(port), '--log-level=warning', '--access_log=0'],
    {
      cwd: folder,
      env: {
        HOME: folder, MINT_DATABASE: join(folder, 'database'), MINT_PRIVATE_KEY: seed, MINT_BACKEND_BOLT11_SAT: 'FakeWallet',
        FAKEWALLET_BRR: 'TRUE', FAKEWALLET_DELAY_INCOMING_PAYMENT: '0.1', MINT_RATE_LIMIT: 'FALSE', MINT_INPUT_FEE_PPK: '100',
      },
    }),
  source: folder => join(folder, 'database', 'mint.sqlite3'),
});

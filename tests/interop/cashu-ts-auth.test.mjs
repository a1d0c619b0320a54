// NUT-21 and NUT-22: @cashu/cashu-ts logs in with oidc-provider (a certified OpenID provider), gets blind tokens of
// the mint and pays with them for a wallet's life. Environment: MANASTR_BUILD = where manastr-mint is.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthWallet, CheckStateEnum, Wallet } from '@cashu/cashu-ts';
import Provider from 'oidc-provider';
import { until } from './courier.mjs';
import { makeInvoice } from './invoice.mjs';
import { login } from './login.mjs';
import { buy, refusedWith, total } from './purse.mjs';

const redirectUri = 'http://localhost:33388/callback';
const folder = mkdtempSync(join(tmpdir(), 'manastr-auth-'));
let server, mint, url;
let alg = 'ES256';  // of the tokens from now on

const key = (kid, type, options, alg) => ({
  ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }), kid, alg, use: 'sig' });

/** Issues JWTs for `audience`. */
function makeProvider(issuer, audience) {
  const provider = new Provider(issuer, {
    clients: [{
      client_id: 'cashu-client', token_endpoint_auth_method: 'none', application_type: 'native',
      redirect_uris: [redirectUri], grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'],
    }],
    jwks: { keys: [key('ec', 'ec', { namedCurve: 'P-256' }, 'ES256'), key('rsa', 'rsa', { modulusLength: 2048 }, 'RS256')] },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    issueRefreshToken: () => true,
    ttl: { AccessToken: 300, Grant: 600, IdToken: 300, Interaction: 600, Session: 600, RefreshToken: 600 },
    features: {
      resourceIndicators: {
        enabled: true, defaultResource: () => audience, useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: 'openid', audience, accessTokenFormat: 'jwt', accessTokenTTL: 300, jwt: { sign: { alg } } }),
      },
    },
  });
  provider.on('server_error', (_, error) => console.error(error));
  return provider;
}

before(async () => {
  let handler;
  server = createServer((request, response) => handler(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const audience = 'https://mint.example';
  handler = makeProvider(issuer, audience).callback();
  writeFileSync(join(folder, 'mint.toml'), `
[server]
port = 0
[currencies.sat]
[auth]
openid_discovery = "${issuer}/.well-known/openid-configuration"
openid_client_id = "cashu-client"
audience = "${audience}"
bat_max_mint = 10
clear = ["POST /v1/restore"]
blind = ["POST /v1/swap", "POST /v1/checkstate", "GET /v1/mint/*", "POST /v1/mint/*", "GET /v1/melt/*", "POST /v1/melt/*"]
`);
  mint = spawn(join(process.env.MANASTR_BUILD, 'manastr-mint'),
    ['--config', join(folder, 'mint.toml'), '--data', join(folder, 'data')], { stdio: 'ignore' });
  const port = await until('the mint serves', async () => {
    try { return readFileSync(join(folder, 'data', 'port'), 'utf8').trim(); } catch { return null; }
  });
  url = `http://127.0.0.1:${port}`;
});

after(async () => {
  if (mint?.exitCode === null) { mint.kill(); await once(mint, 'exit'); }
  server?.closeAllConnections(); server?.close();
  rmSync(folder, { recursive: true });
});

async function open(name) {
  const session = await createAuthWallet(url, { authPool: 10, oidc: { scope: 'openid' } });
  const { verifier, challenge } = session.oidc.generatePKCE();
  const code = await login(await session.oidc.buildAuthCodeUrl({ redirectUri, codeChallenge: challenge }), name);
  const tokens = await session.oidc.exchangeAuthCode({ code, redirectUri, codeVerifier: verifier });
  const wallet = new Wallet(session.mint, { authProvider: session.auth, bip39seed: randomBytes(64), requireSigDleq: true });
  await wallet.loadMint();
  return { ...session, wallet, tokens };
}

test('a stranger is told to log in', async () => {
  const { wallet } = await createAuthWallet(url, { authPool: 10 });
  await assert.rejects(wallet.createMintQuoteBolt11(8), /Clear-auth token required/);
  const ask = async (path, headers) => (await (await fetch(url + path, {
    method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: '{"outputs":[],"inputs":[]}' })).json()).code;
  assert.equal(await ask('/v1/swap', {}), 31001);
  assert.equal(await ask('/v1/swap', { 'Blind-auth': 'authAeyJ9' }), 31002);
  assert.equal(await ask('/v1/restore', {}), 30001);
  assert.equal(await ask('/v1/restore', { 'Clear-auth': 'a.b.c' }), 30002);
  assert.equal(await ask('/v1/auth/blind/mint', {}), 30001);
});

test('who has logged in mints, swaps and melts, a blind token for each request', async () => {
  const { wallet, auth, tokens } = await open('alice');
  assert.ok(tokens.access_token && tokens.refresh_token);
  const bought = await buy(wallet, 64);
  assert.equal(total(bought), 64n);
  assert.ok(auth.poolSize > 0, 'some are left of the ten');
  const { keep, send } = await wallet.ops.send(20, bought).asRandom().keepAsRandom().run();
  const states = await wallet.checkProofsStates(send);
  assert.ok(states.every(s => s.state === CheckStateEnum.UNSPENT));
  const invoice = makeInvoice(10_000);
  const quote = await wallet.createMeltQuoteBolt11(invoice.text);
  const melted = await wallet.meltProofsBolt11(quote, send);
  assert.equal(melted.quote.payment_preimage, invoice.preimage);
  for (let i = 0; i < 12; ++i) await wallet.checkProofsStates(keep);  // more than a pool
  await refusedWith(11001, wallet.receive(send));
});

test('a refreshed clear token is as good as the first, and RS256 as ES256', async () => {
  const { wallet, auth, oidc, tokens } = await open('bob');
  alg = 'RS256';
  const fresh = await oidc.refresh(tokens.refresh_token);
  assert.equal(JSON.parse(Buffer.from(fresh.access_token.split('.')[0], 'base64url')).alg, 'RS256');
  assert.notEqual(fresh.access_token, tokens.access_token);
  await auth.ensure(1);
  const [token] = auth.exportPool();
  assert.equal(token.amount.toString(), '1');
  assert.equal(total(await buy(wallet, 8)), 8n);
});

test('a blind token pays once', async () => {
  const { auth } = await open('carol');
  const token = await auth.getBlindAuthToken({ method: 'POST', path: '/v1/checkstate' });
  const Y = '02' + createHash('sha256').update('x').digest('hex');
  const ask = async () => (await fetch(`${url}/v1/checkstate`, {
    method: 'POST', headers: { 'content-type': 'application/json', 'Blind-auth': token }, body: JSON.stringify({ Ys: [Y] }) })).json();
  assert.equal((await ask()).states[0].state, 'UNSPENT');
  assert.equal((await ask()).code, 31002);
});

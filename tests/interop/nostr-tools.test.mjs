// nostr-tools publishes and reads through the embedded relay and verifies what the engine signed.
// Environment: RELAYS = comma-separated URLs, ENGINE = the engine's public key.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { finalizeEvent, generateSecretKey, getPublicKey, verifyEvent } from 'nostr-tools/pure';
import { Relay } from 'nostr-tools/relay';
import { SimplePool, useWebSocketImplementation } from 'nostr-tools/pool';
import WebSocket from 'ws';
useWebSocketImplementation(WebSocket);

const relays = process.env.RELAYS.split(',');
const now = () => Math.floor(Date.now() / 1000);
const fresh = event => JSON.parse(JSON.stringify(event)); // verifyEvent caches its answer on the object

function collect(relay, filters, count, ms = 5000) {
  return new Promise((resolve, reject) => {
    const events = [];
    const timer = setTimeout(() => reject(new Error(`only ${events.length} of ${count} events`)), ms);
    const sub = relay.subscribe(filters, {
      onevent(e) {
        events.push(e);
        if (events.length === count) { clearTimeout(timer); sub.close(); resolve(events); }
      } });
  });
}

test('publish, live delivery, query, addressable replacement, deletion, count', async () => {
  const key = generateSecretKey();
  const relay = await Relay.connect(relays[0]);
  const live = collect(relay, [{ authors: [getPublicKey(key)], kinds: [31000] }], 2);
  const sign = (content, at, extra = {}) =>
    finalizeEvent({ kind: 31000, created_at: at, tags: [['d', 'slot']], content, ...extra }, key);
  const first = sign('first', now() - 10);
  const second = sign('second', now());
  await relay.publish(first);
  await relay.publish(second);
  assert.deepEqual((await live).map(e => e.content), ['first', 'second']);

  const pool = new SimplePool();
  const kept = await pool.querySync([relays[0]], { authors: [getPublicKey(key)], kinds: [31000] });
  assert.deepEqual(kept.map(e => e.id), [second.id]);
  await assert.rejects(relay.publish({ ...fresh(second), content: 'forged' }), /invalid/);

  await relay.publish(finalizeEvent(
    { kind: 5, created_at: now(), tags: [['e', second.id], ['k', '31000']], content: '' }, key));
  assert.deepEqual(await pool.querySync([relays[0]], { ids: [second.id] }), []);
  assert.equal(await relay.count([{ authors: [getPublicKey(key)], kinds: [31000] }], {}), 0);
  pool.close([relays[0]]);
  relay.close();
});

test("the engine's announcement is on every relay and verifies", async () => {
  for (const url of relays) {
    const pool = new SimplePool();
    const found = await pool.querySync([url],
      { kinds: [31006], authors: [process.env.ENGINE], '#d': ['announcement'] });
    assert.equal(found.length, 1, url);
    assert.ok(verifyEvent(fresh(found[0])));
    JSON.parse(found[0].content);
    pool.close([url]);
  }
});

test('the relay tells what it is (NIP-11)', async () => {
  const reply = await fetch(relays[0].replace(/^ws/, 'http'), { headers: { accept: 'application/nostr+json' } });
  assert.equal(reply.status, 200);
  const info = await reply.json();
  for (const nip of [1, 9, 11, 40, 42, 45]) assert.ok(info.supported_nips.includes(nip), `NIP-${nip}`);
  assert.ok(info.limitation.max_message_length > 0);
});

// @nostr-relay in memory on the loopback port given as the first argument.
import { WebSocketServer } from 'ws';
import { NostrRelay } from '@nostr-relay/core';
import { Validator } from '@nostr-relay/validator';
import { EventRepositorySqlite } from '@nostr-relay/event-repository-sqlite';

const port = Number(process.argv[2]);
// Its cache of filter results loses events that arrive around a REQ: off.
const events = new EventRepositorySqlite(':memory:');
await events.init();
const relay = new NostrRelay(events, { filterResultCacheTtl: 0, maxSubscriptionsPerClient: 100 });
const validator = new Validator();
const server = new WebSocketServer({ port, host: '127.0.0.1' });
server.on('connection', client => {
  relay.handleConnection(client);
  client.on('message', async data => {
    try {
      await relay.handleMessage(client, await validator.validateIncomingMessage(data));
    } catch (e) {
      client.send(JSON.stringify(['NOTICE', `invalid: ${e.message}`]));
    }
  });
  client.on('close', () => relay.handleDisconnect(client));
  client.on('error', () => client.close());
});
server.on('listening', () => console.log(`listening ${port}`));

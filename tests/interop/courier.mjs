// The relays of a match: everything is published on all of them, and whatever any of them has is heard.
import { Relay, useWebSocketImplementation } from 'nostr-tools/relay';
import WebSocket from 'ws';
useWebSocketImplementation(WebSocket);

/** Waits for the condition, asking again when `changed` says so; never longer than ms. */
export async function until(what, check, ms = 20_000) {
  for (const end = Date.now() + ms; ;) {
    const value = await check();
    if (value) return value;
    if (Date.now() > end) throw new Error(`timed out: ${typeof what === 'function' ? what() : what}`);
    await new Promise(r => setTimeout(r, 20));
  }
}

export class Courier {
  static async connect(urls) {
    const courier = new Courier();
    courier.relays = await Promise.all(urls.map(url => Relay.connect(url)));
    return courier;
  }

  /** Returns once a relay has it. Relays differ in what OK means (a duplicate may be false): what counts is the receipt. */
  async publish(event) {
    await Promise.any(this.relays.map(relay => relay.publish(event)));
    return event;
  }

  /** The same event may be heard once from each relay, and more. */
  listen(filter, heard) {
    const subscriptions = this.relays.map(relay => relay.subscribe([{ limit: 500, ...filter }], { onevent: heard }));
    return () => subscriptions.forEach(s => s.close());
  }

  /** The newest event that any relay has. */
  async newest(filter) {
    let best = null;
    const stop = this.listen(filter, e => {
      if (!best || e.created_at > best.created_at || (e.created_at === best.created_at && e.id < best.id)) best = e;
    });
    await until(() => `nothing for ${JSON.stringify(filter)}`, () => best);
    stop();
    return best;
  }

  close() { this.relays.forEach(r => r.close()); }
}

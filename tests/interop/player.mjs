// A player of duels, written from docs/protocol.md: nostr-tools for events, cashu-ts for money.
// A client for people would keep `secret`, `escrow` and the prepared outputs on disk before it first publishes.
import { finalizeEvent, generateSecretKey, getPublicKey } from 'nostr-tools/pure';
import * as nip44 from 'nostr-tools/nip44';
import { CheckStateEnum, OutputData, P2PKBuilder } from '@cashu/cashu-ts';
import { bytesToHex, randomBytes } from '@noble/hashes/utils.js';
import { randomBytes as walletSeed } from 'node:crypto';
import { Courier, until } from './courier.mjs';
import { KIND, checkEscrowKey, checkGroupSignature, commitment, escrowProof, insist, makeTerms, movePayload, nonceFor,
  outputsHash, partyEvent, publicKey,
  settlementKey, signGroup, tag, termsHash } from './protocol.mjs';
import { open } from './purse.mjs';
import { Transcript, genuine } from './transcript.mjs';

/** The engine said no: `reason` is its sentence, `receipt` the one that fills the slot, if any. */
export class Rejected extends Error {
  constructor({ reason, receipt }) { super(reason); this.receipt = receipt; }
}

const hex32 = () => bytesToHex(randomBytes(32));

export class Player {
  key = generateSecretKey();
  pubkey = getPublicKey(this.key);
  escrow = hex32();   // the escrow key's secret
  secret = hex32();   // from which nonces come
  seed = hex32();     // this party's share of the randomness
  lootSeed = walletSeed(64);
  counter = 0;
  attempt = 0;
  #stamps = new Map(); // created_at of the latest event in each slot

  /** The player knows the relays, the engine's key, and a mint. */
  static async enter({ relays, engine, mint, stakeUnit = 'mana' }) {
    const player = new Player();
    Object.assign(player, { engine, courier: await Courier.connect(relays), wallet: await open(mint, stakeUnit) });
    player.keys = await player.#keysOfMint(mint);
    return player;
  }

  // The keys of all keysets, for the DLEQ proofs.
  async #keysOfMint(mint) {
    const keys = new Map();
    const { keysets } = await (await fetch(`${mint}/v1/keysets`)).json();
    for (const { id } of keysets) {
      keys.set(id, (await (await fetch(`${mint}/v1/keys/${id}`)).json()).keysets[0].keys);
    }
    return id => { insist(keys.has(id), `keyset ${id} is not this mint's`); return keys.get(id); };
  }

  leave() { this.courier.close(); }
  sign(template) { return finalizeEvent(template, this.key); }
  get me() { return this.match.party(this.pubkey); }
  get other() { return this.match.parties ? this.match.parties[1 - this.me] : this.creator; }

  /** The engine's offer, verified. */
  async offer() {
    const found = await this.courier.newest({ kinds: [KIND.engine], authors: [this.engine], '#d': ['announcement'] });
    const event = genuine(found), content = JSON.parse(event.content);
    checkEscrowKey(content.escrow_key, content.escrow_proof, 'engine', this.engine, 'announcement');
    return { event, content };
  }

  /** From now on the match's receipts are followed. */
  follow(match, creator) {
    this.creator = creator;
    this.match = new Transcript(match, this.engine, this.keys);
    this.courier.listen({ kinds: [KIND.engine], authors: [this.engine], '#e': [match] }, event => {
      try { this.match.receive(event); } catch (e) { this.broken ??= e; }
    });
  }

  /** Waits until the chain shows it. */
  async reach(what, condition, ms = 20_000) {
    return until(() => `${what} (the match is at ${JSON.stringify(this.match.last)?.slice(0, 300)})`, () => {
      if (this.broken) throw this.broken;
      return condition(this.match);
    }, ms);
  }

  /** Publishes, and waits for the receipt that embeds the event; a rejection is thrown. Returns the receipt's content. */
  async say(event, ms) {
    await this.courier.publish(event);
    return this.reach(`a receipt for ${event.kind} ${event.tags[0][1]}`, t => {
      if (t.rejections.has(event.id)) throw new Rejected(t.rejections.get(event.id));
      return t.contents.find(c => c.event?.id === event.id);
    }, ms);
  }

  /** An event of the match; said in the same slot again, it is at least a second newer, or relays would keep the older. */
  act(kind, d, content) {
    const slot = `${kind} ${d}`, created_at = Math.max(Math.floor(Date.now() / 1000), (this.#stamps.get(slot) ?? 0) + 1);
    this.#stamps.set(slot, created_at);
    return this.sign(partyEvent(kind, d, content, { match: this.match.match, creator: this.creator, engine: this.engine,
      receipt: this.match.pointer, other: this.other, created_at }));
  }

  commit(phase, scope, round, payload) {
    return commitment(phase, scope, this.pubkey, round, payload, nonceFor(this.secret, phase, scope, round, payload));
  }

  // 31000
  challengeEvent(offer, choice, change = terms => terms) {
    const d = hex32();
    const terms = change(makeTerms(offer.event, offer.content.offers[0], choice));
    const content = { terms, escrow_key: publicKey(this.escrow), escrow_proof: escrowProof(this.escrow, 'create', this.pubkey, d),
      seed_commitment: this.commit('seed-create', d, 0, this.seed) };
    const tags = [['d', d], ['e', offer.event.id, '', this.engine], ['p', this.engine],
      ...(terms.opponent ? [['p', terms.opponent]] : []), ['t', 'manastr']];
    return this.sign({ kind: KIND.challenge, created_at: Math.floor(Date.now() / 1000), tags, content: JSON.stringify(content) });
  }

  async challenge(offer, choice) {
    const event = this.challengeEvent(offer, choice);
    this.follow(event.id, this.pubkey);
    await this.say(event);
    return event.id;
  }

  // 31001
  async find(filter) {
    const event = genuine(await this.courier.newest({ kinds: [KIND.challenge], '#p': [this.engine], ...filter }));
    this.follow(event.id, event.pubkey);
    await this.reach('the engine took the challenge', t => t.terms);
  }

  async accept(change = content => content) {
    const { match, terms } = this.match;
    return this.say(this.act(KIND.acceptance, match, change({ terms_hash: termsHash(terms), escrow_key: publicKey(this.escrow),
      escrow_proof: escrowProof(this.escrow, 'accept', this.pubkey, match),
      seed_commitment: this.commit('seed-accept', match, 0, this.seed) })));
  }

  // 31002
  lock() {
    const { keys, locktime, match } = this.match;
    return new P2PKBuilder().addLockPubkey(keys).requireLockSignatures(2).lockUntil(locktime)
      .addRefundPubkey(keys[this.me]).sigAll().addTag('match', match);
  }

  async stake(funds, lock) {
    await this.reach('the stake is due', t => t.parties && t.last.phase === ['creator-stake', 'acceptor-stake'][this.me]);
    lock ??= this.lock();
    const { send, keep } = await this.wallet.ops.send(this.match.terms.stake, funds).asP2PK(lock.toOptions())
      .keepAsRandom().includeFees(true).run();
    return { keep, proofs: send.map(p => ({ amount: Number(p.amount), id: p.id, secret: p.secret, C: p.C,
      dleq: { e: p.dleq.e, s: p.dleq.s, r: p.dleq.r } })) };
  }

  async fund(proofs) {
    const parts = [];
    for (let i = 0; i < proofs.length; i += 6) parts.push(proofs.slice(i, i + 6));
    const attempt = ++this.attempt;
    for (const [i, part] of parts.entries()) {
      await this.say(this.act(KIND.funding, `${this.match.match}:${attempt}:${i + 1}`, { parts: parts.length, proofs: part }));
    }
    const answer = await this.reach('the mint was asked', t =>
      t.contents.find(c => ['staked', 'unstaked'].includes(c.type) && c.party === this.pubkey && c.attempt === attempt));
    if (answer.type === 'unstaked') throw Object.assign(new Rejected(answer), { code: answer.code });
  }

  /** Both stakes are good by this player's own eyes: Transcript checked locks, sums and DLEQ, the mint is asked here. */
  async checkStakes() {
    const t = await this.reach('the stakes are funded', x => x.stakes && x);
    const states = await this.wallet.checkProofsStates([...t.stakeOf(0), ...t.stakeOf(1)]);
    insist(states.every(s => s.state === CheckStateEnum.UNSPENT), 'a stake is spent');
  }

  // 31004, round 0
  async openSeed() {
    await this.reach('the stakes are funded', t => t.stakes);
    const [phase, scope] = this.me === 0 ? ['seed-create', tag(this.match.challenge, 'd')] : ['seed-accept', this.match.match];
    await this.say(this.act(KIND.reveal, `${this.match.match}:0`,
      { seed: this.seed, nonce: nonceFor(this.secret, phase, scope, 0, this.seed) }));
    await this.reach('the match seed', t => t.matchSeed);
  }

  // 31003 and 31004
  commitmentEvent(round, unit) {
    const { match } = this.match;
    return this.act(KIND.commitment, `${match}:${round}`, { commitment: this.commit('move', match, round, movePayload(unit)) });
  }

  revealEvent(round, unit) {
    const { match } = this.match;
    return this.act(KIND.reveal, `${match}:${round}`, { unit, nonce: nonceFor(this.secret, 'move', match, round, movePayload(unit)) });
  }

  async playRound(round, unit) {
    await this.reach(`round ${round} begins`, t => t.last.phase === 'commit' && t.last.round === round);
    await this.say(this.commitmentEvent(round, unit));
    await this.reach('both have committed', t => t.commitments.every(c => c[round - 1]));
    await this.say(this.revealEvent(round, unit));
  }

  // 31005
  /** Claims what the verdict pays to this player, if anything: the unblinded proofs. */
  async claim() {
    const verdict = await this.reach('the verdict', t => t.verdict);
    const payout = verdict.payouts.find(p => p.claimant === this.pubkey);
    if (!payout) return [];
    const wallet = await open(this.match.terms.mint, payout.groups[0].unit, this.lootSeed);
    const keyset = wallet.getKeyset();
    const talk = nip44.getConversationKey(this.key, this.engine);
    for (let attempt = 1, rake = verdict.rake; attempt <= 8; attempt++) {
      const mine = payout.groups.map(g => {
        const outputs = OutputData.createDeterministicData(g.pay, this.lootSeed, this.counter, keyset);
        this.counter += outputs.length;
        return outputs;
      });
      const raked = rake ? JSON.parse(nip44.decrypt(rake, talk)).rake : payout.groups.map(() => []);
      const groups = payout.groups.map((g, i) => {
        insist(raked[i].reduce((n, row) => n + row[0], 0) === g.rake, 'the engine takes another rake than agreed');
        return [...mine[i].map(o => [Number(o.blindedMessage.amount), o.blindedMessage.B_]), ...raked[i]]
          .map(([amount, B_]) => ({ amount, id: keyset.id, B_ }));
      });
      const inputs = payout.groups.map(g => this.match.stakeOf(this.match.party(g.owner)));
      const sealed = { keyset: keyset.id, groups: groups.map(g => g.map(o => [o.amount, o.B_])),
        signatures: groups.map((g, i) => signGroup(this.escrow, inputs[i], g)) };
      const receipt = await this.say(this.act(KIND.claim, `${this.match.match}:${attempt}`, { outcome: verdict.outcome,
        outputs_hash: outputsHash(groups), sealed: nip44.encrypt(JSON.stringify(sealed), talk) }));
      const theirs = JSON.parse(nip44.decrypt(receipt.signatures, talk));
      theirs.forEach((signature, i) => checkGroupSignature(this.match.keys[2], signature, inputs[i], groups[i]));
      this.settlement = { operation: settlementKey(payout.groups.map(g => g.ys), groups),
        announcement: this.match.contents[0].announcement, verdict: this.match.eventOf(verdict), claim: receipt.event,
        groups: groups.map((outputs, i) => ({ outputs, inputs: inputs[i].map(({ dleq, ...proof }, first) => (first ? proof :
          { ...proof, witness: JSON.stringify({ signatures: [sealed.signatures[i], theirs[i]] }) })) })) };

      const after = c => c.sequence > receipt.sequence && c.claimant === this.pubkey;
      const refused = await this.reach('the settlement', t => {
        const later = t.contents.filter(after);
        return later.find(c => c.type === 'refusal') ?? (later.filter(c => c.type === 'settled').length === groups.length && 'settled');
      });
      if (refused !== 'settled') { rake = refused.rake ?? rake; continue; }
      const signatures = new Map(this.match.contents.filter(after).flatMap(c => c.signed.map(([amount, B_, C_, e, s]) =>
        [B_, { amount, id: c.keyset, C_, dleq: { e, s } }])));
      return mine.flat().map(o => o.toProof(signatures.get(o.blindedMessage.B_), keyset)); // checks the DLEQ proof
    }
    throw new Error('eight claims were refused');
  }

  /** At a mint with atomic settlement the claimant can do without the engine from here on (docs/mint-api.md). */
  async settle(change = request => request) {
    const reply = await fetch(`${this.match.terms.mint}/game-engine/settle`, { method: 'POST',
      headers: { 'content-type': 'application/json' }, body: JSON.stringify(change(this.settlement)) });
    return { status: reply.status, ...await reply.json() };
  }
}

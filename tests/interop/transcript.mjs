// One match as its chain of receipts tells it: each 31006 is verified, put in order, and everything that can be
// recomputed is recomputed (docs/protocol.md, section 9). Throws Violation at the first thing that doesn't fit.
import { verifyEvent } from 'nostr-tools/pure';
import { hasValidDleq, normalizeProofAmounts, pointFromHex, verifyDLEQProof } from '@cashu/cashu-ts';
import { hexToBytes } from '@noble/hashes/utils.js';
import { KIND, checkDistinct, checkEscrowKey, checkStake, checkTerms, commitment, duel, insist, matchSeed,
  movePayload, outputsHash, payouts, rulebookHash, tag, termsHash, times, yOf } from './protocol.mjs';

/** Through JSON first: verifyEvent keeps its answer on the object. */
export function genuine(event) {
  const fresh = JSON.parse(JSON.stringify(event));
  return verifyEvent(fresh) ? fresh : null;
}

const sameJson = (a, b) => JSON.stringify(a) === JSON.stringify(b);

export class Transcript {
  receipts = [];           // the chain so far, in order
  contents = [];           // their parsed contents
  rejections = new Map();  // id of the rejected event → content
  proofs = [[], []];       // by party, the funding events of the attempt that counts
  seeds = [null, null];
  commitments = [[], []];
  moves = [[], []];
  settled = [];
  #waiting = new Map();

  /** keysOf(keyset id): the keys of a keyset of the match's mint, { amount: point }; asked before DLEQ proofs are checked. */
  constructor(match, engine, keysOf) {
    Object.assign(this, { match, engine, keysOf });
  }

  get last() { return this.contents.at(-1); }
  /** The receipt to name in an event: the newest is always good. */
  get pointer() { return this.receipts.at(-1)?.id; }
  eventOf(content) { return this.receipts[content.sequence]; }
  party(pubkey) {
    const i = this.parties.indexOf(pubkey);
    insist(i >= 0, `${pubkey} is no party of the match`);
    return i;
  }

  /** An event from any relay, in any order, any number of times. Foreign and forged events are ignored. */
  receive(raw) {
    const event = genuine(raw);
    if (!event || event.kind !== KIND.engine || event.pubkey !== this.engine) return;
    const [match, sequence, rejected] = tag(event, 'd').split(':');
    if (match !== this.match) return;
    if (sequence === 'x') { this.rejections.set(rejected, JSON.parse(event.content)); return; }
    insist(/^(0|[1-9]\d*)$/.test(sequence), `sequence ${sequence}`);
    const known = this.receipts[sequence] ?? this.#waiting.get(Number(sequence));
    insist(!known || known.id === event.id, `the engine signed two receipts ${sequence}`);
    this.#waiting.set(Number(sequence), event);
    for (let next; (next = this.#waiting.get(this.receipts.length));) {
      this.#waiting.delete(this.receipts.length);
      this.#add(next);
    }
  }

  #add(event) {
    const c = JSON.parse(event.content), before = this.last;
    insist(c.v === 1 && c.sequence === this.receipts.length, 'version or sequence');
    insist(c.previous === (this.receipts.at(-1)?.id ?? null), `receipt ${c.sequence} does not follow the one before`);
    const named = event.tags.filter(t => t[0] === 'e').map(t => t[1]);
    insist(sameJson(named, c.previous ? [this.match, c.previous] : [this.match]), 'e tags');
    insist(!before || c.at >= before.at, 'the time went back');
    if (c.event) {
      insist(genuine(c.event), 'an embedded event is forged');
      c.body = JSON.parse(c.event.content);
      insist(c.type === 'challenge' || c.event.tags.some(t => t[0] === 'e' && t[1] === this.match), 'an event of another match');
    }
    this[`on_${c.type}`]?.(c);
    this.receipts.push(event);
    this.contents.push(c);
  }

  on_challenge({ event, body, announcement, rulebook_hash, keyset, max_inputs }) {
    insist(event.kind === KIND.challenge && event.id === this.match, 'the challenge is another');
    insist(genuine(announcement) && tag(announcement, 'd') === 'announcement', 'a forged announcement');
    insist(announcement.pubkey === this.engine && rulebook_hash === rulebookHash, 'engine or rulebook');
    checkTerms(body.terms, announcement);
    checkEscrowKey(body.escrow_key, body.escrow_proof, 'create', event.pubkey, tag(event, 'd'));
    const offer = JSON.parse(announcement.content);
    checkEscrowKey(offer.escrow_key, offer.escrow_proof, 'engine', this.engine, 'announcement');
    insist(keyset.id === body.terms.keyset && keyset.unit === body.terms.stake_unit, 'keyset');
    Object.assign(this, { challenge: event, terms: body.terms, keyset, max_inputs, engineKey: offer.escrow_key });
  }

  on_acceptance({ event, body, at, link_commitment, funding_limit, hard_end, locktime }) {
    insist(event.kind === KIND.acceptance && body.terms_hash === termsHash(this.terms), 'other terms were accepted');
    checkEscrowKey(body.escrow_key, body.escrow_proof, 'accept', event.pubkey, this.match);
    const created = JSON.parse(this.challenge.content);
    this.parties = [this.challenge.pubkey, event.pubkey];
    this.keys = [created.escrow_key, body.escrow_key, this.engineKey];
    checkDistinct(this.keys);
    insist(this.parties[0] !== this.parties[1], 'the creator accepts itself');
    insist(sameJson({ funding_limit, hard_end, locktime }, times(this.terms.clocks, at)), 'times');
    this.seedCommitments = [created.seed_commitment, body.seed_commitment];
    Object.assign(this, { link_commitment, locktime });
  }

  on_lapsed() { this.proofs = [[], []]; }

  on_funding({ event, body }) {
    const owner = this.party(event.pubkey), [, attempt, part] = tag(event, 'd').split(':').map(Number);
    if (this.proofs[owner].attempt !== attempt) this.proofs[owner] = Object.assign([], { attempt });
    this.proofs[owner][part - 1] = body.proofs;
  }

  stakeOf(owner) { return this.proofs[owner].flat(); }

  on_staked({ party }) {
    const owner = this.party(party);
    checkStake(this.stakeOf(owner), { ...this, owner });
    const keyset = { id: this.terms.keyset, keys: this.keysOf(this.terms.keyset) };
    for (const proof of normalizeProofAmounts(this.stakeOf(owner))) {
      insist(hasValidDleq(proof, keyset, { require: true }), 'the mint never signed a stake proof');
    }
  }

  on_funded({ stakes, link_commitment }) {
    insist(sameJson(stakes, [0, 1].map(i => this.stakeOf(i).map(p => p.C))), 'other stakes than those published');
    insist(link_commitment === this.link_commitment, 'another link commitment');
    this.stakes = stakes;
  }

  on_seed({ event, body, link, link_nonce, match_seed }) {
    const i = this.party(event.pubkey);
    const scope = i === 0 ? tag(this.challenge, 'd') : this.match;
    insist(commitment(i === 0 ? 'seed-create' : 'seed-accept', scope, event.pubkey, 0, body.seed, body.nonce) ===
      this.seedCommitments[i], 'a seed that does not open its commitment');
    this.seeds[i] = body.seed;
    if (this.seeds.includes(null)) return;
    insist(commitment('link', this.match, this.engine, 0, link, link_nonce) === this.link_commitment, 'a false link');
    insist(matchSeed(this.match, this.parties, this.seeds, this.stakes.flat(), link) === match_seed, 'a false match seed');
    this.matchSeed = match_seed;
  }

  on_commitment({ event, body }) {
    this.commitments[this.party(event.pubkey)][Number(tag(event, 'd').split(':')[1]) - 1] = body.commitment;
  }

  on_reveal({ event, body }) {
    const i = this.party(event.pubkey), round = Number(tag(event, 'd').split(':')[1]);
    insist(commitment('move', this.match, event.pubkey, round, movePayload(body.unit), body.nonce) ===
      this.commitments[i][round - 1], 'a move that does not open its commitment');
    insist(body.unit >= 0 && body.unit < 4 && !this.moves[i].includes(body.unit), 'a unit that has fought');
    this.moves[i][round - 1] = body.unit;
  }

  on_verdict(c) {
    insist(sameJson([c.terms, c.parties, c.escrow_keys, c.locktime], [this.terms, this.parties, this.keys, this.locktime]),
      'a verdict on another match');
    if (this.moves.every(m => m.length === 3)) {
      this.played = duel(this.matchSeed, this.parties, this.moves);
      const { winner } = this.played;
      insist(c.outcome === (winner === null ? 'draw' : 'win') && c.winner === (this.parties[winner] ?? null), 'a false outcome');
      const ys = [0, 1].map(i => this.stakeOf(i).map(p => yOf(p.secret)));
      insist(sameJson(c.payouts, payouts(this.terms, this.parties, this.keys, ys, winner)), 'false payouts');
    }
    this.verdict = c;
  }

  on_claim({ body }) { this.claim = body; }

  on_settled({ claimant, group, keyset, signed }) {
    const due = this.verdict.payouts.find(p => p.claimant === claimant).groups[group];
    insist(signed.reduce((n, row) => n + row[0], 0) === due.pay + due.rake, 'a group that does not balance');
    const keys = this.keysOf(keyset);
    for (const [amount, B_, C_, e, s] of signed) {
      insist(verifyDLEQProof({ e: hexToBytes(e), s: hexToBytes(s) }, pointFromHex(B_), pointFromHex(C_), pointFromHex(keys[amount])),
        'a blind signature that is not the mint\'s');
    }
    this.settled[group] = signed.map(([amount, B_]) => ({ amount, id: keyset, B_ }));
    if (this.verdict.outcome === 'win' && this.settled.filter(Boolean).length === 2) {
      insist(outputsHash(this.settled) === this.claim.outputs_hash, 'other outputs than those claimed');
    }
  }
}

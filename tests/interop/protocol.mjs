// The match protocol of docs/protocol.md as pure functions: hashes, escrow, the duel, payouts. No network, no clock.
// Section numbers are those of the document. Bytes travel as lower-case hex; a leading underscore is never used.
import { schnorr, secp256k1 } from '@noble/curves/secp256k1.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { hashToCurve } from '@cashu/cashu-ts';

export const KIND = { challenge: 31000, acceptance: 31001, funding: 31002, commitment: 31003, reveal: 31004, claim: 31005,
  engine: 31006 };

// 1. Words and forms

const bytes = v => (v instanceof Uint8Array ? v : hexToBytes(v));

export function tagged(tag, ...parts) {
  const head = sha256(utf8ToBytes(tag));
  return sha256(concatBytes(head, head, ...parts.map(bytes)));
}

function bigEndian(value, size) {
  return hexToBytes(BigInt(value).toString(16).padStart(2 * size, '0'));
}
export const u32 = value => bigEndian(value, 4);
export const u64 = value => bigEndian(value, 8);
export const hash = text => bytesToHex(sha256(utf8ToBytes(text)));

export class Violation extends Error {}
export function insist(fact, sentence) {
  if (!fact) throw new Violation(sentence);
}

// 2. Events

export const tag = (event, name) => event.tags.find(t => t[0] === name)?.[1];

/** The unsigned event of a party: `receipt` is a receipt at or after the one that began the phase. */
export function partyEvent(kind, d, content, { match, creator, engine, receipt, other, created_at }) {
  return { kind, created_at, content: JSON.stringify(content),
    tags: [['d', d], ['e', match, '', creator], ['e', receipt, '', engine], ['p', engine], ['p', other]] };
}

// 4. Terms

const kTerms = ['v', 'rulebook', 'rulebook_version', 'engine', 'announcement', 'mint', 'keyset', 'stake_unit', 'stake',
  'stake_price_msat', 'prize_unit', 'prize_price_msat', 'rake_ppm', 'clocks', 'relays', 'open_until', 'opponent'];
const kClocks = ['start_delay', 'min_step', 'step', 'party', 'funding', 'give_back', 'claim'];
const inOrder = (object, names) => Object.fromEntries(names.map(n => [n, object[n]]));

export function termsHash(terms) {
  const ordered = inOrder({ ...terms, clocks: inOrder(terms.clocks, kClocks) }, kTerms);
  return bytesToHex(tagged('manastr/v1/terms', utf8ToBytes(JSON.stringify(ordered))));
}

/** Terms under an announcement's offer, by the shortest clocks that it allows unless others are wanted. */
export function makeTerms(announcement, offer, { stake, clocks = {}, openFor = 600, opponent = null }) {
  const { min_clocks, relays } = JSON.parse(announcement.content);
  return { v: 1, rulebook: 'duel', rulebook_version: 1, engine: announcement.pubkey, announcement: announcement.id,
    mint: offer.mint, keyset: offer.keysets[0], stake_unit: offer.stake_unit, stake, stake_price_msat: offer.stake_price_msat,
    prize_unit: offer.prize_unit, prize_price_msat: offer.prize_price_msat, rake_ppm: offer.rake_ppm,
    clocks: inOrder({ ...min_clocks, ...clocks }, kClocks), relays: relays.slice(0, 8),
    open_until: Math.floor(Date.now() / 1000) + openFor, opponent };
}

const rakeOf = terms => Math.floor(terms.stake * terms.rake_ppm / 1e6);
const inPrize = (terms, amount) => amount * terms.stake_price_msat / terms.prize_price_msat;

/** What the terms promise is what the announcement offers. */
export function checkTerms(terms, announcement) {
  const offers = JSON.parse(announcement.content);
  insist(terms.announcement === announcement.id && terms.engine === announcement.pubkey, 'terms of another announcement');
  const same = ['mint', 'stake_unit', 'stake_price_msat', 'prize_unit', 'prize_price_msat', 'rake_ppm'];
  const offer = offers.offers.find(o => same.every(n => o[n] === terms[n]) && o.keysets.includes(terms.keyset));
  insist(offer, 'the engine offers no such mint, units, prices or rake');
  insist(offers.rulebooks.includes(`${terms.rulebook}/${terms.rulebook_version}`), 'unknown rulebook');
  insist(terms.stake >= offer.min_stake && terms.stake <= offer.max_stake, 'stake out of bounds');
  for (const n of kClocks) {
    insist(terms.clocks[n] >= offers.min_clocks[n] && terms.clocks[n] <= offers.max_clocks[n], `clock ${n} out of bounds`);
  }
  insist(Number.isInteger(inPrize(terms, terms.stake)) && Number.isInteger(inPrize(terms, rakeOf(terms))), 'inexact conversion');
}

// 5. Commitments, seeds, escrow keys

const roundBytes = (round, payload, nonce) => [u32(round), u32(bytes(payload).length), payload, nonce];

export function commitment(phase, scope, author, round, payload, nonce) {
  return bytesToHex(tagged(`manastr/v1/${phase}`, scope, author, ...roundBytes(round, payload, nonce)));
}

/** A nonce that a retry finds again. */
export function nonceFor(secret, phase, scope, round, payload) {
  return bytesToHex(hmac(sha256, bytes(secret), concatBytes(utf8ToBytes(phase), bytes(scope), u32(round), bytes(payload))));
}

export const movePayload = unit => Uint8Array.of(unit);

export function matchSeed(match, parties, seeds, stakeCs, link) {
  const cs = [...stakeCs].sort();
  return bytesToHex(tagged('manastr/v1/match-seed', match, u32(2), parties[0], seeds[0], parties[1], seeds[1],
    u32(cs.length), ...cs, link));
}

export const publicKey = secret => bytesToHex(secp256k1.getPublicKey(bytes(secret), true));
const escrowMessage = (role, author, scope) =>
  tagged(`manastr/v1/escrow-${role}`, author, role === 'engine' ? utf8ToBytes(scope) : scope);

export function escrowProof(secret, role, author, scope) {
  return bytesToHex(schnorr.sign(escrowMessage(role, author, scope), bytes(secret)));
}

export function checkEscrowKey(key, proof, role, author, scope) {
  insist(/^0[23][0-9a-f]{64}$/.test(key), 'an escrow key is 66 hex digits of a compressed point');
  secp256k1.Point.fromHex(key).assertValidity();
  insist(schnorr.verify(bytes(proof), escrowMessage(role, author, scope), bytes(key.slice(2))), `false proof of the ${role} escrow key`);
}

export function checkDistinct(keys) {
  insist(new Set(keys.map(k => k.slice(2))).size === keys.length, 'escrow keys of a match must differ in x');
}

// 7. Stakes

/** The text of a stake's secret; keys = [creator, acceptor, engine], owner = 0 or 1. */
export function lockText(nonce, keys, owner, locktime, match) {
  return JSON.stringify(['P2PK', { nonce, data: keys[0], tags: [['locktime', String(locktime)], ['pubkeys', keys[1], keys[2]],
    ['n_sigs', '2'], ['refund', keys[owner]], ['sigflag', 'SIG_ALL'], ['match', match]] }]);
}

export const inputFee = (count, ppk) => Math.ceil(count * ppk / 1000);

export function checkStake(proofs, { terms, keyset, keys, owner, locktime, match }) {
  insist(proofs.length >= 1 && proofs.length <= 12, 'a stake is 1 to 12 proofs');
  for (const p of proofs) {
    const nonce = /"nonce":"([0-9a-f]{64})"/.exec(p.secret)?.[1];
    insist(p.secret === lockText(nonce, keys, owner, locktime, match), 'a lock that is not the canonical one');
    insist(p.id === terms.keyset && p.dleq?.e && p.dleq.s && p.dleq.r && !p.witness, 'keyset, DLEQ or witness of a stake proof');
  }
  insist(new Set(proofs.map(p => p.secret)).size === proofs.length, 'a proof twice');
  const sum = proofs.reduce((n, p) => n + p.amount, 0);
  insist(sum - inputFee(proofs.length, keyset.input_fee_ppk) === terms.stake, `a stake of ${sum} for ${terms.stake}`);
}

export const yOf = secret => hashToCurve(utf8ToBytes(secret)).toHex(true);

// 8. Clocks

export function times(clocks, acceptedAtMs) {
  const funding_limit = Math.ceil(acceptedAtMs / 1000) + 3 * (clocks.start_delay + clocks.funding);
  const hard_end = funding_limit + 2 * clocks.party + 7 * (clocks.start_delay + clocks.min_step + 1) + clocks.give_back;
  return { funding_limit, hard_end, locktime: hard_end + clocks.claim + 600 };
}

// 11. The duel, and the verdict

//              skeleton golem wolf knight mage archer troll dragon
const kAttack =  [14, 11, 18, 15, 20, 17, 13, 19];
const kDefence = [6, 12, 5, 10, 4, 6, 8, 9];
const kHealth =  [24, 32, 22, 26, 20, 22, 34, 28];
//              fire [attack, defence, health], ice, shadow, nature
const kLeague = [[10, 0, 0], [0, 0, 20], [5, 5, 0], [0, 5, 15]];
const kAbility = ['none', 'boost', 'shield', 'heal'];

export const rulebookHash = bytesToHex(tagged('manastr/v1/rulebook', utf8ToBytes('duel/1'), Uint8Array.from([
  ...kAttack.flatMap((a, i) => [a, kDefence[i], kHealth[i]]), 10, 8, 15, ...kLeague.flat()])));

export function army(seed, player) {
  const h = tagged('manastr/v1/duel/army', seed, player);
  return [0, 1, 2, 3].map(i => {
    const b = h.subarray(8 * i, 8 * i + 8);
    const kind = b[0] % 8, league = b[5] % 4, [attack, defence, health] = kLeague[league];
    return { kind, league, ability: kAbility[b[4] % 4], attack: kAttack[kind] + b[1] % 10 + attack,
      defence: kDefence[kind] + b[2] % 8 + defence, health: kHealth[kind] + b[3] % 15 + health };
  });
}

function damage(from, to) {
  if (to.ability === 'shield') return 0;
  const attack = from.ability === 'boost' ? 2 * from.attack : from.attack;
  return Math.min(to.health, Math.max(0, attack - to.defence));
}

function healthLeft(unit, hit) {
  const left = unit.health - hit;
  return unit.ability === 'heal' && left > 0 ? Math.min(unit.health, left + Math.max(1, Math.floor(unit.health / 2))) : left;
}

/** seed, the two Nostr keys (creator first), three moves each: round by round, and the winner (0, 1 or null). */
export function duel(seed, players, moves) {
  const armies = players.map(p => army(seed, p));
  const order = moves.map(m => [...m, [0, 1, 2, 3].find(u => !m.includes(u))]);
  const won = [0, 0], dealt = [0, 0];
  const rounds = [0, 1, 2, 3].map(r => {
    const units = order.map((o, i) => armies[i][o[r]]);
    const hits = [damage(units[0], units[1]), damage(units[1], units[0])];
    const left = [healthLeft(units[0], hits[1]), healthLeft(units[1], hits[0])];
    const winner = left[0] === left[1] ? null : left[0] > left[1] ? 0 : 1;
    if (winner !== null) won[winner]++;
    hits.forEach((hit, i) => (dealt[i] += hit));
    return { units: order.map(o => o[r]), damage: hits, left, winner };
  });
  const lead = won[0] - won[1] || dealt[0] - dealt[1];
  return { armies, rounds, won, dealt, winner: lead === 0 ? null : lead > 0 ? 0 : 1 };
}

/** What the mint shall pay out. stakes: each party's Ys in funding order, creator's first. */
export function payouts(terms, parties, keys, stakes, winner) {
  const group = (owner, unit, pay, rake) =>
    ({ owner: parties[owner], owner_escrow: keys[owner], ys: stakes[owner], unit, pay, rake });
  if (winner === null) {
    return [0, 1].map(i => ({ claimant: parties[i], groups: [group(i, terms.stake_unit, terms.stake, 0)] }));
  }
  const loser = 1 - winner, whole = inPrize(terms, terms.stake), rake = inPrize(terms, rakeOf(terms));
  return [{ claimant: parties[winner],
    groups: [group(loser, terms.prize_unit, whole - rake, rake), group(winner, terms.prize_unit, whole, 0)] }];
}

// 12. Claim and settlement; an output is { amount, id, B_ }

const outputBytes = o => [Uint8Array.of(bytes(o.id).length), o.id, u64(o.amount), o.B_];

export function outputsHash(groups) {
  return bytesToHex(tagged('manastr/v1/outputs', u32(groups.length),
    ...groups.flatMap(g => [u32(g.length), ...g.flatMap(outputBytes)])));
}

export function settlementKey(ys, groups) {
  return bytesToHex(tagged('manastr/v1/settlement', u32(groups.length),
    ...groups.flatMap((g, i) => [u32(ys[i].length), ...ys[i], u32(g.length), ...g.flatMap(outputBytes)])));
}

/** NUT-11 SIG_ALL of one group: inputs in funding order, outputs in claim order. */
export function sigAllMessage(inputs, outputs) {
  return inputs.map(p => p.secret + p.C).join('') + outputs.map(o => `${o.amount}${o.B_}`).join('');
}
const sigAllDigest = (inputs, outputs) => sha256(utf8ToBytes(sigAllMessage(inputs, outputs)));

export function signGroup(secret, inputs, outputs) {
  return bytesToHex(schnorr.sign(sigAllDigest(inputs, outputs), bytes(secret)));
}

export function checkGroupSignature(key, signature, inputs, outputs) {
  insist(schnorr.verify(bytes(signature), sigAllDigest(inputs, outputs), bytes(key.slice(2))), 'a false signature over a group');
}

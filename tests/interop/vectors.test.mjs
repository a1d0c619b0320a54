// The published vectors and the example events of docs/protocol.md, reproduced by protocol.mjs and nostr-tools.
// Environment: PROTOCOL = docs/protocol.md of the tree.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { verifyEvent } from 'nostr-tools/pure';
import { SigAll } from '@cashu/cashu-ts';
import { bytesToHex } from '@noble/hashes/utils.js';
import * as p from './protocol.mjs';

const vectors = name => JSON.parse(readFileSync(join(dirname(process.env.PROTOCOL), '../tests/vectors', name), 'utf8'));
const examples = Object.fromEntries([...readFileSync(process.env.PROTOCOL, 'utf8')
  .matchAll(/<!-- example: ([a-z-]+) -->\n```json\n(.+)\n```/g)].map(m => [m[1], JSON.parse(m[2])]));
const content = name => JSON.parse(examples[name].content);

test('32 duels', () => {
  const { duels } = vectors('duel.json');
  assert.ok(duels.length >= 32);
  const sides = ['creator', 'acceptor'];
  for (const v of duels) {
    const got = p.duel(v.match_seed, sides.map(s => v[s].pubkey), sides.map(s => v[s].moves));
    sides.forEach((s, i) => {
      assert.deepEqual(got.armies[i].map(({ attack, defence, health, ability }) => ({ attack, defence, health, ability })),
        v[s].army.map(({ attack, defence, health, ability }) => ({ attack, defence, health, ability })));
      assert.equal(got.won[i], v[s].rounds_won);
      assert.equal(got.dealt[i], v[s].damage);
    });
    v.rounds.forEach((round, r) => {
      assert.deepEqual(got.rounds[r].units, round.fighters.map(f => f.unit));
      assert.deepEqual(got.rounds[r].damage, round.fighters.map(f => f.damage));
      assert.deepEqual(got.rounds[r].left, round.fighters.map(f => f.health));
    });
    assert.equal(sides[got.winner] ?? 'draw', v.winner ?? 'draw');
  }
});

test('hashes of a match', () => {
  const v = vectors('match.json');
  assert.equal(p.rulebookHash, v.rulebook_hash ?? vectors('duel.json').rulebook_hash);
  assert.equal(p.termsHash(v.terms), v.terms_hash);
  for (const c of v.commitments) {
    assert.equal(p.commitment(c.phase, c.scope, c.author, c.round, c.payload, c.nonce), c.commitment);
  }
  for (const e of v.escrow_proofs) {
    assert.equal(bytesToHex(p.tagged(`manastr/v1/escrow-${e.role}`, e.author, e.scope)), e.message);
  }
  const secret = JSON.parse(v.stake_secret);
  const tags = Object.fromEntries(secret[1].tags.map(t => [t[0], t.slice(1)]));
  assert.equal(p.lockText(secret[1].nonce, [secret[1].data, ...tags.pubkeys],
    secret[1].data === tags.refund[0] ? 0 : 1, Number(tags.locktime[0]), v.match), v.stake_secret);
  assert.equal(p.matchSeed(v.match, [v.creator, v.acceptor], v.seeds, v.stake_cs, v.link), v.match_seed);
});

test("a settlement's hashes", () => {
  const v = vectors('match.json');
  assert.equal(p.outputsHash(v.groups_outputs), v.outputs_hash);
  assert.equal(p.settlementKey(v.groups_ys, v.groups_outputs), v.settlement_key);
  assert.equal(content('claim').outputs_hash, v.outputs_hash);
});

test('the example events', () => {
  assert.ok(Object.keys(examples).length >= 13);
  for (const [name, event] of Object.entries(examples)) assert.ok(verifyEvent(event), name);
  const { terms, escrow_key, escrow_proof } = content('challenge');
  p.checkTerms(terms, examples.announcement);
  p.checkEscrowKey(escrow_key, escrow_proof, 'create', examples.challenge.pubkey, p.tag(examples.challenge, 'd'));
  const match = examples.challenge.id, accepted = content('acceptance');
  assert.equal(accepted.terms_hash, p.termsHash(terms));
  p.checkEscrowKey(accepted.escrow_key, accepted.escrow_proof, 'accept', examples.acceptance.pubkey, match);
  const offer = content('announcement');
  p.checkEscrowKey(offer.escrow_key, offer.escrow_proof, 'engine', examples.announcement.pubkey, 'announcement');
  const receipt = content('receipt-acceptance');
  const { funding_limit, hard_end, locktime } = receipt;
  assert.deepEqual({ funding_limit, hard_end, locktime }, p.times(terms.clocks, receipt.at));
  const keys = [escrow_key, accepted.escrow_key, offer.escrow_key], proofs = content('funding').proofs;
  p.checkStake(proofs, { terms, keyset: { input_fee_ppk: 0 }, keys, owner: 1, locktime, match });
  const verdict = content('receipt-verdict');
  const parties = [examples.challenge.pubkey, examples.acceptance.pubkey];
  const ys = [verdict.payouts[0].groups[1].ys, verdict.payouts[0].groups[0].ys];
  assert.deepEqual(ys[1], proofs.map(q => p.yOf(q.secret)));
  assert.deepEqual(verdict.payouts, p.payouts(terms, parties, keys, ys, 0));

  // SIG_ALL as a Cashu library computes it.
  const outputs = content('receipt-settled').signed.map(([amount, B_]) => ({ amount, id: content('receipt-settled').keyset, B_ }));
  const message = p.sigAllMessage(proofs, outputs);
  assert.equal(SigAll.computeDigests(proofs, outputs).v0, p.hash(message));
  assert.equal(p.hash(message), vectors('match.json').group_messages[0]);
});

// Strangers play: two players written only from docs/protocol.md, with nostr-tools and cashu-ts and nothing of the product.
// Environment: MINT = URL, RELAYS = comma-separated URLs, ENGINE = the engine's public key.
import { after, test } from 'node:test';
import assert from 'node:assert/strict';
import { CheckStateEnum, P2PKBuilder, hasValidDleq } from '@cashu/cashu-ts';
import { bytesToHex, randomBytes } from '@noble/hashes/utils.js';
import { KIND, publicKey } from './protocol.mjs';
import { makeInvoice } from './invoice.mjs';
import { Player, Rejected } from './player.mjs';
import { buy, open, total } from './purse.mjs';
import { genuine } from './transcript.mjs';

const { MINT: mint, ENGINE: engine } = process.env;
const relays = process.env.RELAYS.split(',');
const clocks = { step: 60, party: 300, funding: 120 };
const players = [];
after(() => players.forEach(p => p.leave()));

async function enter() {
  const player = await Player.enter({ relays, engine, mint });
  players.push(player);
  return player;
}

async function refused(pattern, promise) {
  await assert.rejects(promise, e => {
    assert.ok(e instanceof Rejected, e.stack);
    assert.match(e.message, pattern);
    return true;
  });
}

/** Two players up to the receipt that accepts. */
async function meet(stake = 100) {
  const [creator, acceptor] = [await enter(), await enter()];
  await creator.challenge(await creator.offer(), { stake, clocks, opponent: acceptor.pubkey });
  await acceptor.find({ authors: [creator.pubkey] });
  return [creator, acceptor];
}

/** From the acceptance to the match seed. */
async function lockBoth(creator, acceptor, stake = 100) {
  await acceptor.accept();
  for (const player of [acceptor, creator]) {
    await player.fund((await player.stake(await buy(player.wallet, stake + 28))).proofs);
  }
  await Promise.all([creator, acceptor].map(p => p.checkStakes()));
  await Promise.all([creator, acceptor].map(p => p.openSeed()));
}

async function playThrough(creator, acceptor) {
  const units = [[0, 1, 2], [3, 1, 0]];
  for (const round of [1, 2, 3]) {
    await Promise.all([creator, acceptor].map((p, i) => p.playRound(round, units[i][round - 1])));
  }
  return creator.reach('the verdict', t => t.verdict);
}

test('a whole duel, and the loot is money', async () => {
  let creator, acceptor, verdict;
  do { // a draw is possible: then everybody takes the own stake back, and another is played
    [creator, acceptor] = await meet();
    await lockBoth(creator, acceptor);
    verdict = await playThrough(creator, acceptor);
    await acceptor.reach('the verdict', t => t.verdict);
    if (verdict.outcome === 'draw') {
      for (const p of [creator, acceptor]) assert.equal(total(await p.claim()), 100n);
    }
  } while (verdict.outcome === 'draw');
  assert.equal(verdict.outcome, 'win');
  const [winner, loser] = verdict.winner === creator.pubkey ? [creator, acceptor] : [acceptor, creator];

  assert.deepEqual(await loser.claim(), []);
  const loot = await winner.claim();
  assert.equal(total(loot), 195n); // both stakes less 5 % of the loser's
  await Promise.all([creator, acceptor].map(p => p.reach('the end', t => t.last.type === 'closed')));
  assert.deepEqual(creator.match.receipts.map(e => e.id), acceptor.match.receipts.map(e => e.id));
  const gone = await creator.wallet.checkProofsStates([0, 1].flatMap(i => creator.match.stakeOf(i)));
  assert.ok(gone.every(s => s.state === CheckStateEnum.SPENT));

  // What the engine sent to the mint the winner can send as well, and gets the same; with other outputs it is refused.
  const again = await winner.settle();
  assert.equal(again.status, 200, again.detail);
  assert.deepEqual(again.signatures.map(g => g.map(s => s.C_)),
    winner.match.contents.filter(c => c.type === 'settled').map(c => c.signed.map(row => row[2])));
  const moved = await winner.settle(({ groups: [first, second], ...rest }) =>
    ({ ...rest, groups: [{ ...first, outputs: second.outputs }, { ...second, outputs: first.outputs }] }));
  assert.equal(moved.code, 16002, moved.detail);
  const evidence = await (await fetch(`${mint}/game-engine/verdicts/${winner.match.match}`)).json();
  assert.equal(genuine(evidence.verdict).id, winner.match.eventOf(verdict).id);
  assert.deepEqual(evidence.claims.map(c => c.id), [winner.settlement.claim.id]);

  // NUT-09 and NUT-13: the winner's seed alone finds the loot.
  const wallet = await open(mint, 'loot', winner.lootSeed);
  for (const p of loot) assert.ok(hasValidDleq(p, wallet.getKeyset(), { require: true }));
  const { proofs: restored, lastCounterWithSignature } = await wallet.batchRestore();
  await wallet.counters.advanceToAtLeast(wallet.keysetId, lastCounterWithSignature + 1);
  assert.equal(total(restored), 195n);
  assert.ok((await wallet.checkProofsStates(restored)).every(s => s.state === CheckStateEnum.UNSPENT));

  // A swap, and a lock that only its key opens.
  const key = randomBytes(32), lock = new P2PKBuilder().addLockPubkey(publicKey(key)).toOptions();
  const { send: locked, keep } = await wallet.ops.send(60, loot).asP2PK(lock).keepAsRandom().run();
  await assert.rejects(wallet.receive(locked));
  const opened = await wallet.receive(locked, { privkey: bytesToHex(key) });
  assert.equal(total(opened) + total(keep), 195n);

  // 20 sat are 100 loot at 200 msat.
  const invoice = makeInvoice(20_000);
  const quote = await wallet.createMeltQuoteBolt11(invoice.text);
  assert.equal(Number(quote.amount), 100);
  const done = await wallet.meltProofsBolt11(quote, [...keep, ...opened]);
  assert.equal(done.quote.state, 'PAID');
  assert.equal(done.quote.payment_preimage, invoice.preimage);
  assert.equal(total(done.change), 95n);
});

test('refusals that a stranger meets', async t => {
  const [creator, acceptor] = await meet();
  const { match } = creator.match;

  await t.test('nobody accepts an own challenge', async () => {
    await refused(/own challenge/, creator.accept());
  });

  await t.test('other terms are not accepted', async () => {
    await refused(/terms/, acceptor.accept(c => ({ ...c, terms_hash: '00'.repeat(32) })));
  });

  await t.test("an escrow key needs its proof, and can't be another's", async () => {
    await refused(/proof|escrow/, acceptor.accept(c => ({ ...c, escrow_proof: '11'.repeat(64) })));
    const theirs = JSON.parse(creator.match.challenge.content).escrow_key;
    await refused(/proof|escrow/, acceptor.accept(c => ({ ...c, escrow_key: theirs })));
  });

  await t.test('only the named opponent may accept', async () => {
    const third = await enter();
    await third.find({ ids: [match] });
    await refused(/unmatched/, third.accept());
  });

  await t.test('after all that the right acceptance fills the slot, and nothing else does then', async () => {
    const receipt = await acceptor.accept();
    await refused(/filled/, acceptor.accept(c => ({ ...c, seed_commitment: '22'.repeat(32) })));
    assert.equal(receipt.phase, 'acceptor-stake');
  });

  await t.test('a lock that is not the canonical one', async () => {
    const { keys, locktime } = acceptor.match;
    const builder = () => new P2PKBuilder().requireLockSignatures(2).sigAll();
    const wrong = {
      refund: builder().addLockPubkey(keys).lockUntil(locktime).addTag('match', match),
      locktime: builder().addLockPubkey(keys).lockUntil(locktime - 1).addRefundPubkey(keys[1]).addTag('match', match),
      'data|keys': builder().addLockPubkey([keys[1], keys[0], keys[2]]).lockUntil(locktime)
        .addRefundPubkey(keys[1]).addTag('match', match),
      data: new P2PKBuilder().addLockPubkey(keys[1]).sigAll().addTag('match', match),
    };
    for (const [reason, lock] of Object.entries(wrong)) {
      await refused(new RegExp(reason), acceptor.stake(await buy(acceptor.wallet, 100), lock).then(s => acceptor.fund(s.proofs)));
    }
  });

  await t.test('a stake of another amount, and one that the mint never signed', async () => {
    const short = (await acceptor.stake(await buy(acceptor.wallet, 100))).proofs;
    await refused(/sum to the stake/, acceptor.fund(short.slice(1)));
    const forged = short.map(p => ({ ...p, C: publicKey(randomBytes(32)) }));
    await refused(/DLEQ/, acceptor.fund(forged));
    await acceptor.fund(short); // the seventh attempt is good
  });

  await t.test('a stake before its locktime is only for a settlement', async () => {
    const proofs = acceptor.match.stakeOf(1);
    await assert.rejects(acceptor.wallet.receive(proofs, { privkey: [acceptor.escrow, creator.escrow] }), e => {
      assert.equal(e.code, 16001, e.stack);
      return true;
    });
  });

  await t.test('a reveal before both have committed; a second commitment', async () => {
    await creator.fund((await creator.stake(await buy(creator.wallet, 100))).proofs);
    await Promise.all([creator, acceptor].map(p => p.openSeed()));
    await creator.reach('round 1 begins', m => m.last.phase === 'commit');
    const first = await creator.say(creator.commitmentEvent(1, 2));
    await refused(/waits for nothing/, creator.say(creator.revealEvent(1, 2)));
    await assert.rejects(creator.say(creator.commitmentEvent(1, 3)), e => {
      assert.equal(e.receipt, creator.match.receipts[first.sequence].id);
      return true;
    });
  });
});

test('terms that the engine does not offer are refused', async () => {
  const creator = await enter(), offer = await creator.offer();
  for (const [reason, change] of [[/rake/, { rake_ppm: 0 }], [/stake/, { stake: 10_000_000 }], [/offer/, { prize_unit: 'sat' }],
    [/member/, { surprise: 1 }]]) {
    const event = creator.challengeEvent(offer, { stake: 100, clocks }, terms => ({ ...terms, ...change }));
    creator.follow(event.id, creator.pubkey);
    await refused(reason, creator.say(event));
  }
});

test('a deleted challenge is withdrawn', async () => {
  const creator = await enter();
  const match = await creator.challenge(await creator.offer(), { stake: 100, clocks });
  await creator.courier.publish(creator.sign({ kind: 5, created_at: Math.floor(Date.now() / 1000), content: '',
    tags: [['e', match], ['k', String(KIND.challenge)]] }));
  await creator.reach('it is closed', t => t.last.type === 'closed');
});

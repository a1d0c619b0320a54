// Verdicts, claims and settlements: rows "Settlement" of the protocol's list of things to survive, and the
// referee.
#include <gtest/gtest.h>

#include "tests/unit/common/match/table.h"

namespace manastr::match {
namespace {

void expect_rejected(Table& table, const Event& event, std::string_view words) {
  table.rejections.clear();
  const std::size_t settlements = table.settlements.size();
  table.send(event);
  EXPECT_EQ(table.settlements.size(), settlements) << words;
  ASSERT_EQ(table.rejections.size(), 1U) << words;
  EXPECT_NE(table.rejections[0].find(words), std::string::npos) << words << " / " << table.rejections[0];
}

Judgement judged(const Table& table) {
  const auto chain = table.match.chain();
  return judge({chain.begin(), chain.end()}, table.mint.stake_keyset());
}

/// Plans moves for which the armies draw; false if there are none.
bool plan_draw(Table& table) {
  const auto& armies = *table.transcript.view().armies;
  std::array<std::uint8_t, 4> a{0, 1, 2, 3};
  do {
    std::array<std::uint8_t, 4> b{0, 1, 2, 3};
    do {
      const auto duel = game::play_duel(armies[0], {a[0], a[1], a[2]}, armies[1], {b[0], b[1], b[2]});
      if (duel->winner) continue;
      table.creator.plan = {a[0], a[1], a[2]};
      table.acceptor.plan = {b[0], b[1], b[2]};
      return true;
    } while (std::next_permutation(b.begin(), b.end()));
  } while (std::next_permutation(a.begin(), a.end()));
  return false;
}

TEST(Claims, OutputsThatTheVerdictDoesNotPay) {
  Table table;
  table.to_verdict();
  const Player& winner = table.winner();
  const Payout payout = table.payout_of(winner);
  const auto good = table.outputs_for(winner, payout, 1);
  const auto bent = [&](const std::function<void(std::vector<Outputs>&)>& bend) {
    auto groups = good;
    bend(groups);
    return table.claim(winner, groups, 1, Outcome::win);
  };
  expect_rejected(table, bent([](auto& g) { g[0][0].amount *= 2; }), "must sum to");
  expect_rejected(table, bent([](auto& g) { g[1].pop_back(); }), "must sum to");
  expect_rejected(table, bent([](auto& g) { g[1][0].b_blinded = g[0][0].b_blinded; }), "stands twice");
  expect_rejected(table, bent([](auto& g) { g.pop_back(); }), "2 groups");
  expect_rejected(table, bent([](auto& g) { std::swap(g[0].front(), g[0].back()); }), "rake");
  expect_rejected(table, bent([](auto& g) { g[0].back().b_blinded = key_of("own").public_key(); }), "rake");
  table.acceptor.stake.swap(table.creator.stake);  // signs over other inputs
  expect_rejected(table, table.claim(winner, good, 1, Outcome::win), "SIG_ALL");
  table.acceptor.stake.swap(table.creator.stake);
  expect_rejected(table, table.claim(winner, good, 1, Outcome::draw), "verdict is another");
  table.send(table.claim(winner, good, 1, Outcome::win));
  EXPECT_EQ(table.settlements.size(), 1U);
}

TEST(Claims, TheLoserHasNothingToClaim) {
  Table table;
  table.to_verdict();
  const Player& loser = table.loser();
  expect_rejected(
      table,
      table.claim(loser, {{{64, table.mint.prize_keyset().id, key_of("x").public_key()}}}, 1, Outcome::win),
      "verdict is another");
}

TEST(Claims, HashThatIsNotOfTheSealedOutputs) {
  Table table;
  table.to_verdict();
  const Player& winner = table.winner();
  const Event good = table.claim(winner);
  Claim content = std::get<Claim>(parse_party_event(good)->content);
  content.outputs_hash = hash_of("x");
  expect_rejected(table, winner.sign(to_draft(content, table.to(winner), table.seconds())), "outputs_hash");
  content.sealed = "AAAA";
  const std::size_t before = table.match.chain().size();
  table.send(winner.sign(to_draft(content, table.to(winner), table.seconds())));
  EXPECT_EQ(table.match.chain().size(), before);
}

TEST(Claims, RefusedByTheMintThenAFreshAttempt) {
  Table table;
  table.to_verdict();
  const Player& winner = table.winner();
  table.send(table.claim(winner));
  const Settle first = table.settlements.front();
  table.settlements.pop_front();
  table.feed(SettlementRefused{table.now, first.operation, 11003, "outputs already signed"});
  ASSERT_EQ(table.types().back(), "refusal");
  EXPECT_TRUE(table.last<RefusalReceipt>()->rake.has_value());
  const auto old_rake = first.groups[0].outputs.back().b_blinded;
  table.send(table.claim(winner, 2));
  ASSERT_EQ(table.settlements.size(), 1U) << table.rejections.back();
  EXPECT_NE(table.settlements.front().groups[0].outputs.back().b_blinded, old_rake);
  EXPECT_NE(table.settlements.front().operation, first.operation);
  table.settle();
  EXPECT_TRUE(table.match.ended());
  EXPECT_EQ(table.fault, "");
  EXPECT_TRUE(judged(table).settled);
  const auto inputs = inputs_of_chain(table.match.chain(), table.mint.stake_keyset(), table.keys);
  EXPECT_TRUE(inputs.has_value()) << inputs.error().message;
}

TEST(Claims, AnAnswerGivenTwiceOrToAnotherQuestionChangesNothing) {
  Table table;
  table.to_verdict();
  table.send(table.claim(table.winner()));
  const Settle order = table.settlements.front();
  EXPECT_TRUE(table.feed(SettlementDone{table.now, hash_of("other"), {}}).empty());
  EXPECT_TRUE(table.feed(SettlementDone{table.now, order.operation, {}}).empty());  // too few signatures
  EXPECT_TRUE(table.feed(MintStates{table.now, 77, {}}).empty());
  table.settle();
  const std::size_t length = table.match.chain().size();
  EXPECT_TRUE(table.feed(SettlementDone{table.now, order.operation, {}}).empty());
  EXPECT_EQ(table.match.chain().size(), length);
  EXPECT_EQ(table.rakes.size(), 1U);
}

TEST(Claims, TheSameClaimAgainIsNoSecondSettlement) {
  Table table;
  table.to_verdict();
  table.send(table.claim(table.winner()));
  table.wait(Millis{5000});
  table.send(table.claim(table.winner()));
  EXPECT_EQ(table.settlements.size(), 1U);
  EXPECT_EQ(table.offered_again, 1);
  expect_rejected(table, table.claim(table.winner(), 2), "before the mint");
}

TEST(Claims, AStakeFoundSpentVoidsTheMatch) {
  Table table;
  table.to_verdict();
  const Player winner = table.winner();
  const std::size_t loser = winner.pubkey() == table.creator.pubkey() ? 1 : 0;
  table.send(table.claim(winner));
  table.feed(SettlementRefused{table.now, table.settlements.front().operation, 11001, "spent"});
  table.settlements.clear();
  ASSERT_TRUE(table.asked.has_value());
  const AskStates ask = *std::exchange(table.asked, std::nullopt);
  std::vector<ProofState> states(ask.ys.size(), ProofState::unspent);
  states.front() = ProofState::spent;  // the loser's group comes first
  table.feed(MintStates{table.now, ask.request, states});
  const auto verdict = table.last<VerdictReceipt>();
  EXPECT_EQ(verdict->outcome, Outcome::void_match);
  ASSERT_EQ(verdict->payouts.size(), 1U);
  EXPECT_NE(verdict->payouts[0].claimant, table.match.parties()[loser]);
  EXPECT_EQ(table.fault, "");
  table.send(table.claim(winner, 2));
  ASSERT_TRUE(table.settle());
  EXPECT_TRUE(table.match.ended());
  const auto inputs = inputs_of_chain(table.match.chain(), table.mint.stake_keyset(), table.keys);
  EXPECT_TRUE(inputs.has_value()) << inputs.error().message;
}

TEST(Claims, ADrawPaysEachItsOwn) {
  Table table;
  for (int i = 0;; ++i) {
    ASSERT_LT(i, 50) << "no seeds with a draw among them";
    table = Table();
    table.creator.seed = hash_of("draw" + std::to_string(i));
    table.to_seeds_open();
    if (plan_draw(table)) break;
  }
  for (unsigned round = 1; round <= 3; ++round) table.play_round(round);
  const auto verdict = table.last<VerdictReceipt>();
  ASSERT_EQ(verdict->outcome, Outcome::draw);
  ASSERT_EQ(verdict->payouts.size(), 2U);
  EXPECT_FALSE(verdict->rake.has_value());
  table.send(table.claim(table.creator));
  table.send(table.claim(table.acceptor));
  ASSERT_EQ(table.settlements.size(), 2U);
  ASSERT_TRUE(table.settle());
  EXPECT_FALSE(table.match.ended());
  ASSERT_TRUE(table.settle());
  EXPECT_TRUE(table.match.ended());
  EXPECT_TRUE(table.rakes.empty());
  EXPECT_EQ(table.fault, "");
  EXPECT_EQ(judged(table).outcome, Outcome::draw);
}

TEST(Claims, AWinnerWhoStaysSilent) {
  Table table;
  table.to_verdict();
  const UnixMillis end = *table.transcript.view().locktime - kQuietBeforeLocktime;
  EXPECT_EQ(table.match.next_timer(), end);
  table.now = end - Millis{1};
  Table late = table;
  late.send(late.claim(late.winner()));
  EXPECT_EQ(late.settlements.size(), 1U) << "a late claim is a claim";
  late.now = end + Millis{5};
  late.feed(TimerFired{late.now});
  EXPECT_FALSE(late.match.ended()) << "the mint has not answered";
  late.settle();
  EXPECT_TRUE(late.match.ended());
  table.fire();
  EXPECT_TRUE(table.match.ended());
  EXPECT_EQ(table.types().back(), "closed");
}

TEST(Claims, TheEnginesSignaturesGoToTheClaimant) {
  Table table;
  table.to_verdict();
  const Player& winner = table.winner();
  table.send(table.claim(winner));
  const auto receipt = table.last<ClaimReceipt>();
  const auto text =
      nostr::nip44_decrypt(*nostr::conversation_key(winner.nostr, table.keys.pubkey()), receipt->signatures);
  ASSERT_TRUE(text.has_value());
  const auto list = json::parse(*text);
  const Settle& order = table.settlements.front();
  ASSERT_EQ(list->if_array()->size(), order.groups.size());
  for (std::size_t i = 0; i < order.groups.size(); ++i) {
    const auto signature = array_from_hex<64>(*(*list->if_array())[i].if_string());
    EXPECT_TRUE(crypto::verify_schnorr(table.keys.escrow().x_only(),
                                       group_message(order.groups[i].inputs, order.groups[i].outputs),
                                       *signature));
  }
}

TEST(Referee, FindsEveryWayInWhichAnEngineCheats) {
  Table table;
  table.to_verdict();
  const std::vector<Event> chain(table.match.chain().begin(), table.match.chain().end());
  EXPECT_TRUE(judge(chain).in_order());
  const auto forged = [&](std::size_t at, const std::function<void(Receipt&)>& bend) {
    auto events = chain;
    Receipt receipt = *parse_receipt(chain[at]);
    bend(receipt);
    events[at] = table.keys.sign(
        to_draft(receipt, table.creator.pubkey(), table.acceptor.pubkey(), table.keys.pubkey(), ""));
    events.resize(at + 1);
    return judge(events);
  };
  const std::size_t last = chain.size() - 1;
  const auto verdict = [](Receipt& receipt) -> VerdictReceipt& {
    return std::get<VerdictReceipt>(receipt.body);
  };
  const std::vector<std::pair<std::string, Judgement>> cheats{
      {"wrong verdict", forged(last, [&](Receipt& r) { verdict(r).winner = table.loser().pubkey(); })},
      {"wrong verdict", forged(last,
                               [&](Receipt& r) {
                                 verdict(r).outcome = Outcome::draw;
                                 verdict(r).winner.reset();
                               })},
      {"wrong payout", forged(last, [&](Receipt& r) { verdict(r).payouts[0].groups[0].rake += 1; })},
      {"wrong payout",
       forged(last, [&](Receipt& r) { verdict(r).payouts[0].claimant = table.loser().pubkey(); })},
      {"other terms", forged(last, [&](Receipt& r) { verdict(r).terms.rake_ppm = 1; })},
      {"does not follow", forged(last, [&](Receipt& r) { r.head.previous = hash_of("x"); })},
      {"before the last", forged(last, [&](Receipt& r) { r.head.at -= Millis{86'400'000}; })},
      {"clock or deadline", forged(last - 2, [&](Receipt& r) { *r.head.deadlines[1] -= Millis{1000}; })},
      {"clock or deadline", forged(last - 2, [&](Receipt& r) { r.head.clocks[1] -= Millis{1000}; })},
      {"lead to phase", forged(last, [&](Receipt& r) { r.head.phase = Phase::closed; })}};
  for (const auto& [words, judgement] : cheats) {
    ASSERT_FALSE(judgement.in_order()) << words;
    EXPECT_NE(judgement.faults[0].find(words), std::string::npos) << words << " / " << judgement.faults[0];
  }
  for (std::size_t at = 0; at < chain.size(); ++at) {
    const Receipt receipt = *parse_receipt(chain[at]);
    if (const auto* seed = std::get_if<SeedReceipt>(&receipt.body); seed != nullptr && seed->opening) {
      const auto other_link =
          forged(at, [](Receipt& r) { std::get<SeedReceipt>(r.body).opening->link[0] ^= 1; });
      EXPECT_NE(other_link.faults.at(0).find("link"), std::string::npos);
      const auto other_seed =
          forged(at, [](Receipt& r) { std::get<SeedReceipt>(r.body).opening->match_seed[0] ^= 1; });
      EXPECT_NE(other_seed.faults.at(0).find("match seed"), std::string::npos);
      const auto no_link = forged(at, [](Receipt& r) { std::get<SeedReceipt>(r.body).opening.reset(); });
      EXPECT_NE(no_link.faults.at(0).find("does not open its link"), std::string::npos);
    }
    if (std::holds_alternative<AcceptanceReceipt>(receipt.body)) {
      const auto short_lock =
          forged(at, [](Receipt& r) { std::get<AcceptanceReceipt>(r.body).locktime -= Seconds{60}; });
      EXPECT_NE(short_lock.faults.at(0).find("locktime"), std::string::npos);
    }
    if (std::holds_alternative<FundedReceipt>(receipt.body)) {
      const auto fewer = forged(at, [](Receipt& r) { std::get<FundedReceipt>(r.body).stakes[0].pop_back(); });
      EXPECT_NE(fewer.faults.at(0).find("other proofs"), std::string::npos);
    }
  }
  auto gap = chain;
  gap.erase(gap.begin() + 3);
  EXPECT_FALSE(judge(gap).in_order());
  auto forked = chain;
  Receipt other = *parse_receipt(chain[4]);
  other.head.at += Millis{1};
  forked.push_back(table.keys.sign(
      to_draft(other, table.creator.pubkey(), table.acceptor.pubkey(), table.keys.pubkey(), "")));
  EXPECT_FALSE(judge(forked).in_order());
  EXPECT_FALSE(judge({}).in_order());
}

TEST(Referee, FindsAnEngineThatHurriesOrTakesBadStakes) {
  Table table;
  table.to_acceptance();
  const auto next = [&](ReceiptBody body, const std::function<void(ReceiptHead&)>& bend) {
    Receipt receipt{table.head(), std::move(body)};
    receipt.head.sequence = static_cast<unsigned>(table.match.chain().size());
    receipt.head.previous = table.match.chain().back().id;
    bend(receipt.head);
    Transcript reader = table.transcript;
    const Status read = reader.add(table.keys.sign(
        to_draft(receipt, table.creator.pubkey(), table.acceptor.pubkey(), table.keys.pubkey(), "")));
    return read ? std::string() : read.error().message;
  };
  const std::string early = next(LapsedReceipt{table.acceptor.pubkey(), "x"}, [&](ReceiptHead& head) {
    head.phase = Phase::open;
    head.deadlines[1].reset();
  });
  EXPECT_NE(early.find("still had time"), std::string::npos) << early;

  auto stake = table.make_stake(table.acceptor);
  const auto funded_by = [&](const std::vector<cashu::Proof>& proofs) {
    return next(FundingReceipt{table.funding(table.acceptor, proofs)},
                [](ReceiptHead& head) { head.deadlines[1].reset(); });
  };
  EXPECT_EQ(funded_by(stake), "");
  stake[0].dleq->dleq.s[0] ^= 1;
  EXPECT_NE(funded_by(stake).find("DLEQ"), std::string::npos);
  const std::string less = next(StakedReceipt{table.acceptor.pubkey(), 1},
                                [](ReceiptHead& head) { head.phase = Phase::creator_stake; });
  EXPECT_NE(less.find("not whole"), std::string::npos) << less;
}

TEST(Referee, ReadsOrderAndDuplicatesAway) {
  Table table;
  table.to_verdict();
  std::vector<Event> events(table.match.chain().rbegin(), table.match.chain().rend());
  events.insert(events.end(), table.match.chain().begin(), table.match.chain().end());
  events.push_back(table.challenge());
  EXPECT_TRUE(judge(events).in_order());
}

}  // namespace
}  // namespace manastr::match

// A whole duel through reduce(): challenge, acceptance, stakes, seeds, rounds, verdict, claim, settlement.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/common/match/table.h"

namespace manastr::match {
namespace {

TEST(DuelMatch, PlayedOutAndSettled) {
  Table table;
  table.to_verdict();
  EXPECT_TRUE(table.rejections.empty()) << table.rejections.front();
  ASSERT_EQ(table.match.phase(), Phase::claims);
  const auto verdict = table.last<VerdictReceipt>();
  ASSERT_TRUE(verdict.has_value());
  ASSERT_EQ(verdict->outcome, Outcome::win) << verdict->reason;
  ASSERT_EQ(verdict->payouts.size(), 1U);
  ASSERT_EQ(verdict->payouts[0].groups.size(), 2U);
  EXPECT_EQ(verdict->payouts[0].groups[0].pay, 95U);
  EXPECT_EQ(verdict->payouts[0].groups[0].rake, 5U);
  EXPECT_EQ(verdict->payouts[0].groups[1].pay, 100U);

  table.send(table.claim(table.winner()));
  EXPECT_TRUE(table.rejections.empty()) << table.rejections.front();
  ASSERT_EQ(table.settlements.size(), 1U);
  ASSERT_TRUE(table.settle());
  EXPECT_EQ(table.ended, "settled in full");
  ASSERT_EQ(table.rakes.size(), 1U);
  const auto rake = table.keys.rake(table.match.id(), table.rakes[0].issue, table.rakes[0].group, 5);
  ASSERT_EQ(rake.size(), table.rakes[0].signatures.size());
  for (std::size_t i = 0; i < rake.size(); ++i) {
    EXPECT_TRUE(crypto::verify_dleq(table.mint.prize_keyset().keys.at(rake[i].amount), rake[i].b_blinded,
                                    table.rakes[0].signatures[i].c_blinded,
                                    *table.rakes[0].signatures[i].dleq));
  }
  for (const Event& event : table.match.chain()) {
    EXPECT_LE(nostr::dump(event).size(), kMaxEngineEvent);
    EXPECT_TRUE(nostr::verify(event));
  }
  EXPECT_EQ(table.fault, "");
  const auto chain = table.match.chain();
  const Judgement judged = judge({chain.begin(), chain.end()}, table.mint.stake_keyset());
  EXPECT_TRUE(judged.in_order()) << judged.faults.front();
  EXPECT_EQ(judged.winner, table.winner().pubkey());
  EXPECT_EQ(judged.rake, 5U);
  EXPECT_TRUE(judged.settled);
}

TEST(DuelMatch, APublishedChainGivesItsInputsBack) {
  Table table;
  table.to_verdict();
  table.send(table.claim(table.winner()));
  table.settle();
  const auto inputs = inputs_of_chain(table.match.chain(), table.mint.stake_keyset(), table.keys);
  ASSERT_TRUE(inputs.has_value()) << inputs.error().message;
  Match again;
  for (const Input& input : *inputs) reduce(again, input, table.keys);
  EXPECT_TRUE(std::equal(again.chain().begin(), again.chain().end(), table.match.chain().begin(),
                         table.match.chain().end()));
}

/// A settlement as the mint gets it, to be bent.
struct Order {
  Event announcement;
  Event verdict;
  Event claim;
  std::vector<SignedGroup> groups;
};

TEST(DuelMatch, TheMintTakesOnlyASettlementThatItsEventsBearOut) {
  Table table;
  table.to_verdict();
  const Payout payout = table.payout_of(table.winner());
  const auto outputs = table.outputs_for(table.winner(), payout, 1);
  table.send(table.claim(table.winner()));
  const Settle& settle = table.settlements.front();
  const Order good{settle.announcement, settle.verdict, settle.claim, settle.groups};
  const auto check = [](const Order& o) {
    return check_settlement(o.announcement, o.verdict, o.claim, o.groups);
  };
  const auto checked = check(good);
  ASSERT_TRUE(checked.has_value()) << checked.error().message;
  EXPECT_EQ(checked->operation, settle.operation);
  EXPECT_EQ(checked->claimant, table.winner().pubkey());
  EXPECT_EQ(checked->payout, payout);

  const auto receipt_with = [&](const std::function<void(VerdictReceipt&)>& bend) {
    Receipt receipt = *parse_receipt(good.verdict);
    bend(std::get<VerdictReceipt>(receipt.body));
    return table.keys.sign(
        to_draft(receipt, table.creator.pubkey(), table.acceptor.pubkey(), table.keys.pubkey(), ""));
  };
  const EngineKeys other(key_of("other engine"), crypto::Secret<32>(hash_of("other root")));
  const std::vector<std::pair<std::string, std::function<void(Order&)>>> cases{
      {"sum to", [](Order& o) { o.groups[0].outputs[0].amount *= 2; }},
      {"one keyset", [&](Order& o) { o.groups[0].outputs[0].id = table.mint.stake_keyset().id; }},
      {"outputs_hash",
       [&](Order& o) {
         for (auto& group : o.groups) {
           for (auto& output : group.outputs) output.id = table.mint.stake_keyset().id;
         }
       }},
      {"outputs_hash", [](Order& o) { std::swap(o.groups[0].outputs[0], o.groups[0].outputs[1]); }},
      {"lock", [](Order& o) { std::swap(o.groups[0].inputs, o.groups[1].inputs); }},
      {"other inputs", [](Order& o) { std::swap(o.groups[0].inputs[0], o.groups[0].inputs[1]); }},
      {"other inputs", [](Order& o) { o.groups[0].inputs.pop_back(); }},
      {"2 groups", [](Order& o) { o.groups.pop_back(); }},
      {"verdict: the event's", [](Order& o) { o.verdict.sig[7] ^= 1; }},
      {"claim: the event's", [](Order& o) { o.claim.content += " "; }},
      {"announcement: the event's", [](Order& o) { o.announcement.id[0] ^= 1; }},
      {"receipt is none", [&](Order& o) { o.verdict = table.match.chain().front(); }},
      {"two engines",
       [&](Order& o) {
         o.verdict = other.sign({o.verdict.created_at, o.verdict.kind, o.verdict.tags, o.verdict.content});
       }},
      {"pays its author nothing",
       [&](Order& o) {
         o.claim = table.loser().sign({o.claim.created_at, o.claim.kind, o.claim.tags, o.claim.content});
       }},
      {"another outcome",
       [&](Order& o) { o.claim = table.claim(table.winner(), outputs, 1, Outcome::draw); }},
      {"another than the winner",
       [&](Order& o) {
         o.verdict = receipt_with([&](VerdictReceipt& v) { v.winner = table.loser().pubkey(); });
       }},
      {"announced one",
       [&](Order& o) {
         o.verdict = receipt_with([](VerdictReceipt& v) { v.escrow_keys[2] = key_of("x").public_key(); });
       }},
      {"the same",
       [&](Order& o) {
         o.verdict = receipt_with([](VerdictReceipt& v) { v.escrow_keys[0] = v.escrow_keys[1]; });
       }},
      {"no party", [&](Order& o) {
         o.verdict = receipt_with(
             [&](VerdictReceipt& v) { v.payouts[0].groups[0].owner_escrow = table.keys.escrow(); });
       }}};
  for (const auto& [words, bend] : cases) {
    Order order = good;
    bend(order);
    const auto refused = check(order);
    ASSERT_FALSE(refused.has_value()) << words;
    EXPECT_NE(refused.error().message.find(words), std::string::npos)
        << words << " / " << refused.error().message;
  }
}

TEST(DuelMatch, ReplayOfTheJournalGivesTheSameBytes) {
  Table table;
  table.to_verdict();
  table.send(table.claim(table.winner()));
  table.settle();
  Match again;
  for (const Input& input : table.journal) {
    const auto decoded = decode_input(encode(input));
    ASSERT_TRUE(decoded.has_value()) << decoded.error().message;
    EXPECT_EQ(encode(*decoded), encode(input));
    reduce(again, *decoded, table.keys);
  }
  ASSERT_EQ(again.chain().size(), table.match.chain().size());
  for (std::size_t i = 0; i < again.chain().size(); ++i) EXPECT_EQ(again.chain()[i], table.match.chain()[i]);
}

}  // namespace
}  // namespace manastr::match

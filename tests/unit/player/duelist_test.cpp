// The client against engines that fail it, and deaths between what it writes down and what it says.
#include "player/duelist.h"

#include <algorithm>

#include "common/match/referee.h"
#include "tests/unit/player/duel_fixture.h"

namespace manastr::player {
namespace {

class DuelistTest : public Duel {};

std::vector<std::string> secrets_of(const match::Event& funding) {
  std::vector<std::string> out;
  const auto parsed = must(match::parse_party_event(funding));
  for (const cashu::Proof& proof : std::get<match::Funding>(parsed.content).proofs)
    out.push_back(proof.secret);
  return out;
}

TEST_F(DuelistTest, PlaysAWholeMatch) {
  ASSERT_TRUE(play_to_the_end());
  EXPECT_EQ(result(winner()), "won");
  EXPECT_EQ(result(loser()), "lost");
  EXPECT_EQ(winner().has("loot"), 2 * kStake - kRake);
  EXPECT_EQ(winner().has("mana"), 1000 - kStake);
  EXPECT_EQ(loser().has("mana"), 1000 - kStake);
  EXPECT_TRUE(trouble.empty()) << trouble.front();
}

TEST_F(DuelistTest, AnEngineThatRefusesAStakeGetsTheSameAgain) {
  int refusals = 3;
  says_of_stake = [&]() -> std::optional<match::ProofState> {
    if (refusals == 0) return std::nullopt;
    --refusals;
    return match::ProofState::reserved;
  };
  ASSERT_TRUE(play_to(match::Phase::creator_stake));
  const auto attempts = bob.said_of(match::kFunding);
  ASSERT_EQ(attempts.size(), 4u);
  for (const match::Event& each : attempts) EXPECT_EQ(secrets_of(each), secrets_of(attempts.front()));
  EXPECT_EQ(bob.locked("mana"), kStake);
  EXPECT_EQ(bob.has("mana"), 1000 - kStake);
  EXPECT_TRUE(play_to_the_end());
}

TEST_F(DuelistTest, FinishesAtTheMintIfTheEngineIsSilentAfterTheClaim) {
  settles = false;
  ASSERT_TRUE(play_to_the_end());
  EXPECT_EQ(mint->settlements, 1);
  EXPECT_TRUE(winner().was_told("settled-alone"));
  EXPECT_EQ(winner().has("loot"), 2 * kStake - kRake);
  EXPECT_EQ(result(winner()), "won");
  EXPECT_EQ(result(loser()), "lost");
}

TEST_F(DuelistTest, LeavesTheSettlementToAnEngineThatDoesIt) {
  ASSERT_TRUE(play_to_the_end());
  EXPECT_EQ(mint->settlements, 1);
  EXPECT_FALSE(winner().was_told("settled-alone"));
}

TEST_F(DuelistTest, StopsAtAForkedChainAndKeepsTheEvidence) {
  ASSERT_TRUE(play_to(match::Phase::commit, 2));
  turn();
  const match::Event last = match.chain()[alice.heard - 1];
  const match::Event other = forged(last, [](match::Receipt& receipt) { receipt.head.at += Millis{1}; });
  ASSERT_NE(other.id, last.id);
  ASSERT_TRUE(alice.duelist->receive(last));
  EXPECT_EQ(alice.duelist->fault(), "");
  ASSERT_TRUE(alice.duelist->receive(other));
  EXPECT_NE(alice.duelist->fault(), "");
  EXPECT_TRUE(alice.was_told("stopped-playing"));
  const std::size_t said = alice.said.size();

  restart(alice);
  EXPECT_NE(alice.duelist->fault(), "") << "a fork is not forgotten";
  EXPECT_EQ(must(alice.book->evidence(opening.id)), std::vector{other});
  for (int i = 0; i < 20; ++i) turn();
  EXPECT_EQ(alice.said.size(), said) << "nothing more is said";

  // What was kept convinces others.
  std::vector<match::Event> all = must(alice.book->receipts(opening.id));
  all.push_back(other);
  ASSERT_FALSE(match::judge(all).faults.empty());
  EXPECT_NE(match::judge(all).faults.front().find("two different receipts"), std::string::npos);
}

TEST_F(DuelistTest, StopsAtTwoReceiptsOfANumberThatIsStillToCome) {
  ASSERT_TRUE(play_to(match::Phase::creator_stake));
  const match::Event next = forged(match.chain().back(), [](match::Receipt& r) { r.head.sequence += 5; });
  const match::Event other = forged(next, [](match::Receipt& r) { r.head.at += Millis{1}; });
  ASSERT_TRUE(alice.duelist->receive(next));
  EXPECT_EQ(alice.duelist->fault(), "");
  ASSERT_TRUE(alice.duelist->receive(other));
  EXPECT_NE(alice.duelist->fault(), "");
  EXPECT_EQ(must(alice.book->evidence(opening.id)), (std::vector{next, other}));
}

TEST_F(DuelistTest, TheStakeComesHomeFromAnEngineThatNeverOpensItsLink) {
  withholds = [](const match::Receipt& receipt) {
    const auto* seed = std::get_if<match::SeedReceipt>(&receipt.body);
    return seed != nullptr && seed->opening;
  };
  ASSERT_TRUE(play_to(match::Phase::commit));
  is_deaf = true;
  for (int i = 0; i < 30; ++i) turn();
  EXPECT_FALSE(alice.duelist->view().armies) << "no link, no armies";
  for (Seat* each : {&alice, &bob}) {
    EXPECT_EQ(each->said_of(match::kReveal).size(), 1u);
    EXPECT_TRUE(each->said_of(match::kCommitment).empty());
    EXPECT_EQ(each->locked("mana"), kStake);
  }
  ASSERT_TRUE(wait_for_locktime());
  for (Seat* each : {&alice, &bob}) {
    EXPECT_EQ(each->has("mana"), 1000u);
    EXPECT_EQ(result(*each), "stake taken back after the locktime");
  }
}

TEST_F(DuelistTest, StopsAtALinkThatIsNotTheOneCommittedTo) {
  const auto opens = [](const match::Receipt& receipt) {
    const auto* seed = std::get_if<match::SeedReceipt>(&receipt.body);
    return seed != nullptr && seed->opening;
  };
  withholds = opens;
  ASSERT_TRUE(play_to(match::Phase::commit));
  turn();
  is_deaf = true;
  const match::Event genuine = *std::ranges::find_if(
      match.chain(), [&](const match::Event& each) { return opens(must(match::parse_receipt(each))); });
  const match::Event wrong = forged(genuine, [](match::Receipt& receipt) {
    std::get<match::SeedReceipt>(receipt.body).opening->link[0] ^= 1;
  });
  ASSERT_TRUE(bob.duelist->receive(wrong));
  EXPECT_NE(bob.duelist->fault(), "");
  EXPECT_EQ(must(bob.book->evidence(opening.id)), std::vector{wrong});
  ASSERT_TRUE(wait_for_locktime());
  EXPECT_EQ(bob.has("mana"), 1000u);
}

// --- death between the writing down and the saying ---

struct Death {
  const char* name;
  std::uint32_t kind;
  bool heard;  ///< by the engine, before it died
};

class DeathOfTheSpeaker : public Duel, public testing::WithParamInterface<Death> {
 protected:
  using Slot = std::pair<match::PubKey, std::string>;
  /// Every event that the books hold for this kind.
  std::map<Slot, nostr::EventId> written() {
    std::map<Slot, nostr::EventId> out;
    const std::string id = to_hex(opening.id);
    for (Seat* seat : {&alice, &bob}) {
      for (const std::string& d : {id, id + ":0", id + ":1", id + ":2", id + ":3", id + ":1:1"}) {
        if (const auto said = must(seat->book->said(opening.id, GetParam().kind, d)))
          out[{seat->key.x_only(), d}] = said->id;
      }
    }
    return out;
  }
};

TEST_P(DeathOfTheSpeaker, SaysTheSameAfterIt) {
  // Clock, randomness and taste are others after each death; what is said is not.
  std::map<Slot, nostr::EventId> at_death;
  int deaths = 0;
  on_death = [&](Seat&) {
    ++deaths;
    at_death.merge(written());
    clock.pass(Millis{1500});
  };
  for (Seat* each : {&alice, &bob}) {
    each->dies_saying = GetParam().kind;
    each->dies_heard = GetParam().heard;
  }
  ASSERT_TRUE(play_to_the_end());
  EXPECT_GE(deaths, 1);
  EXPECT_FALSE(at_death.empty()) << "nothing was written down before it was said";
  std::map<Slot, nostr::EventId> said;
  for (const Seat* each : {&alice, &bob}) {
    for (const match::Event& event : each->said) {
      if (event.kind != GetParam().kind) continue;
      const auto [place, fresh] = said.emplace(Slot{event.pubkey, event.d()}, event.id);
      EXPECT_TRUE(fresh || place->second == event.id) << "two events for " << event.d();
    }
  }
  for (const auto& [slot, id] : at_death) EXPECT_EQ(said.at(slot), id);
  EXPECT_EQ(winner().has("loot"), 2 * kStake - kRake);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, DeathOfTheSpeaker,
    testing::Values(Death{"acceptance", match::kAcceptance, false},
                    Death{"acceptanceHeard", match::kAcceptance, true},
                    Death{"stake", match::kFunding, false}, Death{"stakeHeard", match::kFunding, true},
                    Death{"move", match::kCommitment, false}, Death{"moveHeard", match::kCommitment, true},
                    Death{"reveal", match::kReveal, false}, Death{"revealHeard", match::kReveal, true},
                    Death{"claim", match::kClaim, false}, Death{"claimHeard", match::kClaim, true}),
    [](const auto& each) { return std::string(each.param.name); });

// --- files lost, key and seed not ---

struct Loss {
  const char* name;
  std::uint32_t kind;  ///< the files are lost when the first of this kind is about to be said
  bool heard;
};

class LossOfFiles : public Duel, public testing::WithParamInterface<Loss> {};

TEST_P(LossOfFiles, CostsNothing) {
  bool lost = false;
  const auto lose = [&](Seat& seat) {
    lost = true;
    lose_files(seat);
  };
  for (Seat* each : {&alice, &bob}) {
    each->dies_saying = GetParam().kind;
    each->dies_heard = GetParam().heard;
    each->loses = lose;
  }
  ASSERT_TRUE(play_to_the_end()) << (trouble.empty() ? "" : trouble.back());
  EXPECT_TRUE(lost);
  for (Seat* each : {&alice, &bob}) EXPECT_EQ(each->locked("mana"), 0u) << each->name;
  EXPECT_EQ(winner().has("loot"), 2 * kStake - kRake);
  EXPECT_EQ(winner().has("mana"), 1000 - kStake);
  EXPECT_EQ(loser().has("mana"), 1000 - kStake) << "one stake is lost, not two";
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, LossOfFiles,
    testing::Values(Loss{"acceptance", match::kAcceptance, true}, Loss{"stakeUnsaid", match::kFunding, false},
                    Loss{"stake", match::kFunding, true}, Loss{"seed", match::kReveal, true},
                    Loss{"moveUnsaid", match::kCommitment, false}, Loss{"move", match::kCommitment, true},
                    Loss{"claimUnsaid", match::kClaim, false}, Loss{"claim", match::kClaim, true}),
    [](const auto& each) { return std::string(each.param.name); });

TEST_F(DuelistTest, ARefundIsFoundBySeedAndChain) {
  ASSERT_TRUE(play_to(match::Phase::commit, 1));
  is_deaf = true;
  lose_files(bob);
  turn();
  EXPECT_EQ(bob.locked("mana"), kStake);
  ASSERT_TRUE(wait_for_locktime());
  EXPECT_EQ(bob.has("mana"), 1000u);
}

TEST_F(DuelistTest, ALostStakeIsFoundThoughTheEngineForksTheChain) {
  ASSERT_TRUE(play_to(match::Phase::commit, 1));
  is_deaf = true;
  lose_files(bob);
  for (const match::Event& each : match.chain()) ASSERT_TRUE(bob.duelist->receive(each));
  bob.heard = match.chain().size();
  ASSERT_TRUE(bob.duelist->receive(
      forged(match.chain().back(), [](match::Receipt& receipt) { receipt.head.at += Millis{1}; })));
  ASSERT_NE(bob.duelist->fault(), "");
  turn();
  EXPECT_EQ(bob.locked("mana"), kStake);
  ASSERT_TRUE(wait_for_locktime());
  EXPECT_EQ(bob.has("mana"), 1000u);
}

TEST_F(DuelistTest, AnEngineCannotFillTheDiskWithEvidence) {
  ASSERT_TRUE(play_to(match::Phase::creator_stake));
  const match::Event last = match.chain().back();
  for (int i = 1; i <= 50; ++i) {
    ASSERT_TRUE(
        alice.duelist->receive(forged(last, [i](match::Receipt& receipt) { receipt.head.at += Millis{i}; })));
    ASSERT_TRUE(alice.duelist->receive(forged(last, [i](match::Receipt& receipt) {
      receipt.head.sequence += 5;
      receipt.head.at += Millis{i};
    })));
  }
  EXPECT_NE(alice.duelist->fault(), "");
  EXPECT_EQ(must(alice.book->evidence(opening.id)).size(), 1u);
}

TEST_F(DuelistTest, CountersOfALostStakeAreNotUsedAgain) {
  ASSERT_TRUE(play_to(match::Phase::commit, 1));
  std::set<std::string> nonces;
  for (const match::Event& each : bob.said_of(match::kFunding)) {
    for (const std::string& secret : secrets_of(each)) {
      nonces.insert(json::parse(secret).value().if_array()->at(1).find("nonce")->if_string()->substr());
    }
  }
  bob.loses = nullptr;
  lose_files(bob);
  for (const cashu::Amount amount : {1, 2, 4, 8, 16, 32, 64}) {
    const auto token = must(bob.wallet->send("mana", amount));
    for (const cashu::Proof& proof : token.proofs) {
      EXPECT_FALSE(nonces.contains(proof.secret)) << "its blinding factor is public";
    }
  }
}

}  // namespace
}  // namespace manastr::player

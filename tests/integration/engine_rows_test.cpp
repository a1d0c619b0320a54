// Rooms: player
// What an engine and a mint must survive (docs/protocol.md): one row, one test, by name. Each row changes
// what one side says at one step, and states what must be seen; whatever it is, the match ends and all money
// is where it belongs.
#include "common/match/referee.h"
#include "tests/integration/duel_table.h"

namespace manastr::test {
namespace {

using match::Outcome;
using match::Phase;

constexpr cashu::Amount kStake = 100;
constexpr cashu::Amount kPrize = 195;

/// The same event with another content, signed by its author. Older by a second unless the caller says
/// otherwise: relays keep the newer event of an address, and the true one is to reach the engine later.
nostr::Event rewrite(const Side& side, const nostr::Event& event,
                     const std::function<void(json::Object&)>& change, Seconds later = Seconds{-1}) {
  const auto content = json::parse(event.content).value();
  json::Object members = *content.if_object();
  change(members);
  return side.sign(
      {event.created_at + later, event.kind, event.tags, json::Value(std::move(members)).dump()});
}

json::Value& member(json::Object& object, std::string_view name) {
  const auto found = std::ranges::find(object, name, &json::Member::first);
  if (found == object.end()) throw std::runtime_error("no member " + std::string(name));
  return found->second;
}

/// Everything but the second event's `d` and content as in `event`.
nostr::Event said_again(const Side& side, const nostr::Event& event, Seconds later) {
  return side.sign({event.created_at + later, event.kind, event.tags, event.content});
}

/// An acceptance by `side`, in order but for what the caller changes, pointing where `like` points.
nostr::Event acceptance_of(const Side& side, const nostr::Event& like, const match::MatchId& match,
                           const Hash32& terms) {
  const player::MatchSecrets secrets(side.seed, match);
  json::Value content;
  content.set("terms_hash", to_hex(terms))
      .set("escrow_key", secrets.escrow().public_key().hex())
      .set("escrow_proof",
           to_hex(match::prove_escrow(secrets.escrow(), match::EscrowRole::accept, side.pubkey(), match)))
      .set("seed_commitment", to_hex(secrets.seed_commitment(match::Commits::seed_accept, side.pubkey())));
  return side.sign({like.created_at, like.kind, like.tags, content.dump()});
}

bool is(const nostr::Event& event, std::uint32_t kind, unsigned round) {
  return event.kind == kind && match::parse_slot(kind, event.d())->first == round;
}

struct RowsTest : testing::Test {
  static void SetUpTestSuite() {
    set_ = std::make_unique<Economy>(Economy::Options{.announcement = DuelTable::allowance()});
  }
  static void TearDownTestSuite() { set_.reset(); }
  static inline std::unique_ptr<Economy> set_;

  void publish(DuelTable& table, const nostr::Event& event) {
    ASSERT_TRUE(table.courier().publish({.event = event, .on_progress = {}}));
  }
  static bool rejected(DuelTable& table, std::string_view reason) {
    return std::ranges::any_of(table.rejections(),
                               [&](const std::string& each) { return each.contains(reason); });
  }
  static void expect_played_out(DuelTable& table) {
    ASSERT_TRUE(table.play_until_finished()) << set_->engine().log();
    const auto judgement = match::judge(table.transcript());
    EXPECT_TRUE(judgement.in_order()) << judgement.faults.front();
    EXPECT_TRUE(judgement.duel.has_value()) << "not played out";
    expect_conserved(table);
  }
  static void expect_forfeit_of_acceptor(DuelTable& table) {
    ASSERT_TRUE(table.play_until([&] { return table.creator().has("loot") == kPrize; }))
        << set_->engine().log();
    EXPECT_EQ(table.view().verdict->winner, table.creator().pubkey());
    const auto judgement = match::judge(table.transcript());
    EXPECT_TRUE(judgement.in_order()) << judgement.faults.front();
  }
  /// The acceptor's first funding has a changed proof: it is rejected, and the true one said again is taken.
  void expect_stake_rejected(const std::function<void(json::Object&)>& change) {
    DuelTable table(*set_);
    bool once = false;
    table.acceptor().say = [&](const nostr::Event& event) -> std::optional<nostr::Event> {
      if (event.kind != match::kFunding || once) return event;
      once = true;
      return rewrite(table.acceptor(), event, [&](json::Object& content) {
        json::Array proofs = *member(content, "proofs").if_array();
        json::Object first = *proofs.front().if_object();
        change(first);
        proofs.front() = json::Value(std::move(first));
        member(content, "proofs") = json::Value(std::move(proofs));
      });
    };
    table.sit_down();
    ASSERT_TRUE(table.play_until([&] { return !table.rejections().empty(); }));
    EXPECT_EQ(table.view().stakes[1].proofs.size(), 0u);
    expect_played_out(table);
  }
  static void expect_conserved(DuelTable& table) {
    cashu::Amount loot = 0;
    cashu::Amount mana = 0;
    for (const Side& side : table.sides) {
      loot += side.has("loot");
      mana += side.has("mana");
    }
    EXPECT_TRUE(loot == kPrize || mana == 2 * kStake) << loot << " loot, " << mana << " mana";
  }
};

// --- events ---

TEST_F(RowsTest, CopiedCommitment) {
  DuelTable table(*set_, DuelTable::hasty());
  std::optional<nostr::Event> theirs;
  table.creator().say = [&](const nostr::Event& event) {
    if (is(event, match::kCommitment, 1)) theirs = event;
    return event;
  };
  table.acceptor().say = [&](const nostr::Event& event) -> std::optional<nostr::Event> {
    if (!is(event, match::kCommitment, 1)) return event;
    if (!theirs) return std::nullopt;  // said again in five seconds; the test moves on with the first
    return rewrite(table.acceptor(), event, [&](json::Object& content) {
      content = *json::parse(theirs->content).value().if_object();
    });
  };
  table.sit_down();
  expect_forfeit_of_acceptor(table);
}

TEST_F(RowsTest, RevealThatDoesNotOpen) {
  DuelTable table(*set_, DuelTable::hasty());
  table.acceptor().say = [&](const nostr::Event& event) -> std::optional<nostr::Event> {
    if (!is(event, match::kReveal, 1)) return event;
    return rewrite(table.acceptor(), event,
                   [](json::Object& content) { member(content, "nonce") = std::string(64, '7'); });
  };
  table.sit_down();
  expect_forfeit_of_acceptor(table);
  EXPECT_TRUE(rejected(table, "open"));
}

TEST_F(RowsTest, SecondDifferentEventInOneSlotAfterItsReceipt) {
  DuelTable table(*set_);
  std::optional<nostr::Event> second;
  table.acceptor().say = [&](const nostr::Event& event) -> std::optional<nostr::Event> {
    if (is(event, match::kCommitment, 1) && !second) {
      second = rewrite(
          table.acceptor(), event,
          [](json::Object& content) { member(content, "commitment") = std::string(64, '5'); }, Seconds{1});
    }
    return event;
  };
  table.sit_down();
  ASSERT_TRUE(table.play_until(
      [&] { return table.view().head.phase == Phase::reveal || table.view().head.round > 1; }));
  publish(table, *second);
  ASSERT_TRUE(table.play_until([&] { return rejected(table, "filled"); }));
  expect_played_out(table);
}

TEST_F(RowsTest, AClientThatLostItsStateAndRetriesSaysTheSame) {
  DuelTable table(*set_);
  table.acceptor().say = [&](const nostr::Event& event) -> std::optional<nostr::Event> {
    if (event.kind == match::kCommitment) publish(table, said_again(table.acceptor(), event, Seconds{1}));
    return event;
  };
  table.sit_down();
  expect_played_out(table);
  EXPECT_FALSE(rejected(table, "filled"));
}

TEST_F(RowsTest, TwoAcceptances) {
  DuelTable table(*set_);
  DuelTable other(*set_);
  std::optional<nostr::Event> first;
  table.acceptor().say = [&](const nostr::Event& event) -> std::optional<nostr::Event> {
    if (event.kind == match::kAcceptance) first = event;
    return event;
  };
  table.sit_down();
  ASSERT_TRUE(table.play_until([&] { return table.view().parties.size() == 2; }));
  publish(table, acceptance_of(other.acceptor(), *first, table.match(), match::terms_hash(table.terms())));
  ASSERT_TRUE(table.play_until([&] { return rejected(table, "taken"); }));
  EXPECT_EQ(table.view().parties[1], table.acceptor().pubkey());
  expect_played_out(table);
}

TEST_F(RowsTest, AcceptanceByTheCreatorItself) {
  DuelTable table(*set_);
  bool once = false;
  table.acceptor().say = [&](const nostr::Event& event) -> std::optional<nostr::Event> {
    if (event.kind == match::kAcceptance && !once) {
      once = true;
      publish(table, acceptance_of(table.creator(), event, table.match(), match::terms_hash(table.terms())));
      return std::nullopt;
    }
    return event;
  };
  table.sit_down();
  ASSERT_TRUE(table.play_until([&] { return !table.rejections().empty(); }));
  expect_played_out(table);
}

TEST_F(RowsTest, SecondChallengeWithTheSameD) {
  DuelTable table(*set_);
  table.acceptor().say = [](const nostr::Event&) -> std::optional<nostr::Event> { return std::nullopt; };
  table.sit_down();
  ASSERT_TRUE(table.play_until([&] { return !table.view().receipts.empty(); }));
  publish(table, said_again(table.creator(), table.challenge_event(), Seconds{1}));
  ASSERT_TRUE(table.play_until([&] { return table.view().head.phase == Phase::closed; }));
}

TEST_F(RowsTest, DeletionOfEveryKindAfterItsReceipt) {
  DuelTable table(*set_);
  std::vector<nostr::Event> deletions;
  for (Side& side : table.sides) {
    side.say = [&](const nostr::Event& event) -> std::optional<nostr::Event> {
      const nostr::Event deletion = side.sign({event.created_at + Seconds{1},
                                               5,
                                               {{"e", to_hex(event.id)}, {"k", std::to_string(event.kind)}},
                                               ""});
      deletions.push_back(deletion);
      return event;
    };
  }
  table.sit_down();
  ASSERT_TRUE(table.play_until([&] { return table.view().head.phase == Phase::commit; }));
  deletions.push_back(table.creator().sign(
      {system_clock().now_seconds(), 5, {{"e", to_hex(table.match())}, {"k", "31000"}}, ""}));
  for (const nostr::Event& each : deletions) publish(table, each);
  expect_played_out(table);
}

TEST_F(RowsTest, EventAboveTheSizeLimit) {
  DuelTable table(*set_);
  std::optional<nostr::Event> big;
  table.acceptor().say = [&](const nostr::Event& event) -> std::optional<nostr::Event> {
    if (is(event, match::kCommitment, 1) && !big) {
      auto tags = event.tags;
      tags.push_back({"x", std::string(9000, 'x')});
      big = table.acceptor().sign({event.created_at - Seconds{1}, event.kind, tags, event.content});
      publish(table, *big);
    }
    return event;
  };
  table.sit_down();
  expect_played_out(table);
}

// --- escrow ---

TEST_F(RowsTest, EscrowKeyEqualToAnotherPartys) {
  DuelTable table(*set_);
  bool once = false;
  table.acceptor().say = [&](const nostr::Event& event) -> std::optional<nostr::Event> {
    if (event.kind != match::kAcceptance || once) return event;
    once = true;
    const auto challenge = json::parse(table.challenge_event().content).value();
    publish(table, rewrite(table.acceptor(), event, [&](json::Object& content) {
              member(content, "escrow_key") = *challenge.find("escrow_key");
            }));
    return std::nullopt;
  };
  table.sit_down();
  ASSERT_TRUE(table.play_until([&] { return !table.rejections().empty(); }));
  expect_played_out(table);
}

TEST_F(RowsTest, ForgedDleq) {
  expect_stake_rejected([](json::Object& proof) {
    json::Object dleq = *member(proof, "dleq").if_object();
    member(dleq, "e") = std::string(64, '1');
    member(proof, "dleq") = json::Value(std::move(dleq));
  });
}

TEST_F(RowsTest, MissingDleq) {
  expect_stake_rejected([](json::Object& proof) {
    std::erase_if(proof, [](const json::Member& each) { return each.first == "dleq"; });
  });
}

TEST_F(RowsTest, WrongLock) {
  expect_stake_rejected([](json::Object& proof) {
    std::string secret = *member(proof, "secret").if_string();
    secret.replace(secret.find("\"n_sigs\",\"2\""), 12, "\"n_sigs\",\"1\"");
    member(proof, "secret") = secret;
  });
}

TEST_F(RowsTest, WrongAmount) {
  expect_stake_rejected(
      [](json::Object& proof) { member(proof, "amount") = 2 * *member(proof, "amount").if_uint64(); });
}

// --- settlement ---

TEST_F(RowsTest, ClaimOfAWrongOutcome) {
  DuelTable table(*set_);
  for (Side& side : table.sides) {
    auto once = std::make_shared<bool>(false);
    side.say = [&, once](const nostr::Event& event) -> std::optional<nostr::Event> {
      if (event.kind == match::kClaim && !*once) {
        *once = true;
        const bool win = json::parse(event.content).value().find("outcome")->if_string()->compare("win") == 0;
        publish(table, rewrite(side, event, [&](json::Object& content) {
                  member(content, "outcome") = std::string(win ? "draw" : "win");
                }));
        return std::nullopt;
      }
      return event;
    };
  }
  table.sit_down();
  ASSERT_TRUE(table.play_until([&] { return rejected(table, "verdict"); }));
  expect_played_out(table);
}

TEST_F(RowsTest, SomeoneElseHasTheWinnersOutputSignedFirst) {
  DuelTable table(*set_);
  for (Side& side : table.sides) table.buy(side, "sat", 8);
  bool once = false;
  for (Side& side : table.sides) {
    side.say = [&](const nostr::Event& event) -> std::optional<nostr::Event> {
      if (event.kind == match::kClaim && !once) {
        once = true;
        const match::Payout* payout = nullptr;
        for (const match::Payout& each : table.view().verdict->payouts) {
          if (each.claimant == side.pubkey()) payout = &each;
        }
        const auto outputs =
            side.wallet
                ->prepare(to_hex(table.match()) + ":prize:1:0", payout->groups[0].unit, payout->groups[0].pay)
                .value();
        const auto token = side.wallet->send("sat", 1).value();
        const auto keyset = side.wallet->active_keyset("sat").value();
        const auto swapped = side.mint->swap(
            token.proofs, {{.amount = 1, .id = keyset.id, .b_blinded = outputs.front().b_blinded}});
        EXPECT_TRUE(swapped.has_value()) << swapped.error().message;
      }
      return event;
    };
  }
  table.sit_down();
  ASSERT_TRUE(table.play_until([&] { return !table.view().refusals.empty(); })) << set_->engine().log();
  EXPECT_EQ(table.view().refusals.front().code, int{cashu::kOutputsAlreadySigned});
  expect_played_out(table);
}

}  // namespace
}  // namespace manastr::test

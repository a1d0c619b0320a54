// Rooms: player
// Whole duels over real relays, the real mint and the real engine: how each branch of the lifecycle ends, and
// who has what.
#include "common/match/referee.h"
#include "tests/integration/duel_table.h"

namespace manastr::test {
namespace {

using match::Outcome;
using match::Phase;

constexpr cashu::Amount kStake = 100;
constexpr cashu::Amount kRake = 5;

struct EngineDuelTest : testing::Test {
  static Economy& set() { return *set_; }
  static void SetUpTestSuite() {
    set_ = std::make_unique<Economy>(Economy::Options{.announcement = DuelTable::allowance()});
  }
  static void TearDownTestSuite() { set_.reset(); }
  static inline std::unique_ptr<Economy> set_;

  /// Everyone's proofs that can be spent, by unit.
  static std::pair<cashu::Amount, cashu::Amount> mana_and_loot(const DuelTable& table) {
    std::pair<cashu::Amount, cashu::Amount> out;
    for (const Side& side : table.sides) {
      out.first += side.has("mana");
      out.second += side.has("loot");
    }
    return out;
  }
  /// Silent from the event of this kind and round on.
  static void silence(Side& side, std::uint32_t kind, unsigned round = 0) {
    side.say = [kind, round](const nostr::Event& event) -> std::optional<nostr::Event> {
      const auto slot = match::parse_slot(event.kind, event.d());
      if (event.kind == kind && (round == 0 || slot->first == round)) return std::nullopt;
      return event;
    };
  }
};

TEST_F(EngineDuelTest, AWholeDuelPaysTheWinnerAndTheTranscriptBearsItOut) {
  DuelTable table(set());
  table.sit_down();
  ASSERT_TRUE(table.play_until_finished()) << set().engine().log();
  const auto judgement = match::judge(table.transcript());
  EXPECT_TRUE(judgement.in_order()) << judgement.faults.front();
  EXPECT_TRUE(judgement.settled);
  ASSERT_TRUE(judgement.outcome.has_value());
  if (*judgement.outcome == Outcome::win) {
    EXPECT_EQ(mana_and_loot(table), std::pair(cashu::Amount{0}, 2 * kStake - kRake));
    const Side& winner = judgement.winner == table.creator().pubkey() ? table.creator() : table.acceptor();
    EXPECT_EQ(winner.has("loot"), 2 * kStake - kRake);
  } else {
    EXPECT_EQ(mana_and_loot(table), std::pair(2 * kStake, cashu::Amount{0}));
  }
  EXPECT_EQ(table.view().head.phase, Phase::closed);
}

TEST_F(EngineDuelTest, AnAcceptorThatDoesNotFundLosesItsPlaceAndNothingElse) {
  DuelTable table(set(), DuelTable::hasty());
  silence(table.acceptor(), match::kFunding);
  table.sit_down();
  ASSERT_TRUE(table.play_until([&] { return table.view().parties.size() == 2; }));
  ASSERT_TRUE(table.play_until(
      [&] { return table.view().head.phase == Phase::open && table.view().parties.size() == 1; }));
}

TEST_F(EngineDuelTest, ACreatorThatDoesNotFundAbortsTheMatchAndTheAcceptorsStakeGoesHome) {
  DuelTable table(set(), DuelTable::hasty());
  silence(table.creator(), match::kFunding);
  table.sit_down();
  ASSERT_TRUE(table.play_until([&] { return table.view().verdict.has_value(); }));
  EXPECT_EQ(table.view().verdict->outcome, Outcome::aborted);
  ASSERT_TRUE(table.play_until([&] { return table.acceptor().has("mana") == kStake; }));
  EXPECT_EQ(table.creator().wallet->balance("mana").value().locked, kStake)
      << "never sent, and its own after the locktime";
}

struct Silence {
  std::string name;
  std::uint32_t kind;
  unsigned round;
};
struct SilenceTest : EngineDuelTest, testing::WithParamInterface<Silence> {};

TEST_P(SilenceTest, ForfeitsToTheOther) {
  DuelTable table(set(), DuelTable::hasty());
  silence(table.creator(), GetParam().kind, GetParam().round);
  table.sit_down();
  ASSERT_TRUE(table.play_until([&] { return table.view().verdict.has_value(); })) << set().engine().log();
  EXPECT_EQ(table.view().verdict->outcome, Outcome::win);
  EXPECT_EQ(table.view().verdict->winner, table.acceptor().pubkey());
  ASSERT_TRUE(table.play_until([&] { return table.acceptor().has("loot") == 2 * kStake - kRake; }));
  EXPECT_TRUE(match::judge(table.transcript()).in_order());
}

TEST_P(SilenceTest, OfBothSendsEachStakeHome) {
  DuelTable table(set(), DuelTable::hasty());
  for (Side& side : table.sides) silence(side, GetParam().kind, GetParam().round);
  table.sit_down();
  ASSERT_TRUE(table.play_until([&] { return table.view().verdict.has_value(); })) << set().engine().log();
  EXPECT_NE(table.view().verdict->outcome, Outcome::win);
  ASSERT_TRUE(table.play_until([&] { return mana_and_loot(table).first == 2 * kStake; }));
  EXPECT_TRUE(match::judge(table.transcript()).in_order());
}

INSTANTIATE_TEST_SUITE_P(EveryStep, SilenceTest,
                         testing::Values(Silence{"Seed", match::kReveal, 0},
                                         Silence{"Commit1", match::kCommitment, 1},
                                         Silence{"Reveal1", match::kReveal, 1},
                                         Silence{"Commit3", match::kCommitment, 3},
                                         Silence{"Reveal3", match::kReveal, 3}),
                         [](const auto& silence) { return silence.param.name; });

TEST_F(EngineDuelTest, AWinnerWhoClaimsLateIsPaid) {
  DuelTable table(set());
  for (Side& side : table.sides) silence(side, match::kClaim);
  table.sit_down();
  ASSERT_TRUE(table.play_until([&] { return table.view().verdict.has_value(); }));
  EXPECT_EQ(mana_and_loot(table), std::pair(cashu::Amount{0}, cashu::Amount{0}));
  for (Side& side : table.sides) side.say = [](const nostr::Event& event) { return event; };
  ASSERT_TRUE(table.play_until_finished());
  const auto [mana, loot] = mana_and_loot(table);
  EXPECT_TRUE(loot == 2 * kStake - kRake || mana == 2 * kStake);
}

TEST_F(EngineDuelTest, AChallengeDeletedBeforeAnAcceptanceIsWithdrawn) {
  DuelTable table(set());
  silence(table.acceptor(), match::kAcceptance);
  table.sit_down();
  ASSERT_TRUE(table.play_until([&] { return !table.view().receipts.empty(); }));
  const nostr::Event deletion = table.creator().sign({.created_at = system_clock().now_seconds(),
                                                      .kind = 5,
                                                      .tags = {{"e", to_hex(table.match())}, {"k", "31000"}},
                                                      .content = ""});
  ASSERT_TRUE(table.courier().publish({.event = deletion, .on_progress = {}}));
  ASSERT_TRUE(table.play_until([&] { return table.view().head.phase == Phase::closed; }));
}

TEST_F(EngineDuelTest, AFloodOfRelaysLostStopsTheClocksUntilTheyAreBack) {
  Economy own({.announcement = DuelTable::allowance()});
  DuelTable table(own);
  silence(table.creator(), match::kCommitment, 2);
  table.sit_down();
  ASSERT_TRUE(table.play_until(
      [&] { return table.view().head.phase == Phase::commit && table.view().head.round == 2; }));
  own.relay(0).process().kill();
  own.relay(1).process().kill();
  ASSERT_TRUE(eventually([&] {
    const auto transcript = table.transcript();
    return !transcript.empty() && match::parse_receipt(transcript.back()).value().body.index() ==
                                      match::ReceiptBody(match::StoppedReceipt{}).index();
  }));
}

}  // namespace
}  // namespace manastr::test

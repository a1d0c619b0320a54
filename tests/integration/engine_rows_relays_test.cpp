// Rooms: player
// Rows of what must be survived that a relay has its part in, and those about time: forged and old events, a
// relay that lies by omission, relays that are gone, clocks that are wrong, ends that come.
#include "tests/integration/duel_rows.h"
#include "tests/integration/lying_relay.h"

namespace manastr::test {
namespace {

using match::Outcome;
using match::Phase;

// --- a relay that lies ---

struct Forgery {
  std::string name;
  /// What the relay makes of a true event and of one with other content, signed by another key.
  std::function<nostr::Event(const nostr::Event& genuine, const nostr::Event& other)> make;
};
struct ForgeryRows : DuelRows, testing::WithParamInterface<Forgery> {};

TEST_P(ForgeryRows, IsNotTakenAndTheTrueEventIs) {
  LyingRelay relay;
  Economy own({.announcement = DuelTable::allowance(), .more_relays = {relay.url()}});
  DuelTable table(own);
  std::optional<nostr::Event> kept;
  table.acceptor().say = [&](const nostr::Event& event) -> std::optional<nostr::Event> {
    if (!is(event, match::kCommitment, 1) || kept) return event;
    kept = event;
    return std::nullopt;
  };
  table.sit_down();
  ASSERT_TRUE(table.play_until([&] { return kept.has_value(); }));
  ASSERT_TRUE(eventually([&] { return relay.is_subscribed(); }));
  const nostr::Event other = rewrite(table.creator(), *kept, [](json::Object& content) {
    member(content, "commitment") = std::string(64, '5');
  });
  const double bad = metric(own, "engine_relay_events_bad");
  relay.tell(GetParam().make(*kept, other));
  EXPECT_TRUE(eventually([&] { return metric(own, "engine_relay_events_bad") > bad; }));
  publish(table, *kept);
  expect_played_out(table);
  bool is_there = false;
  for (const auto& receipt : bodies<match::CommitmentReceipt>(table.transcript())) {
    EXPECT_FALSE(receipt.event.content.contains(std::string(64, '5')));
    is_there |= receipt.event == *kept;
  }
  EXPECT_TRUE(is_there);
}

INSTANTIATE_TEST_SUITE_P(Of, ForgeryRows,
                         testing::Values(Forgery{"WrongSignature",
                                                 [](const nostr::Event& genuine, const nostr::Event& other) {
                                                   nostr::Event out = other;
                                                   out.pubkey = genuine.pubkey;
                                                   out.id = nostr::compute_id(out);
                                                   return out;
                                                 }},
                                         Forgery{"WrongId",
                                                 [](const nostr::Event& genuine, const nostr::Event& other) {
                                                   nostr::Event out = genuine;
                                                   out.content = other.content;
                                                   return out;
                                                 }}),
                         [](const auto& forgery) { return forgery.param.name; });

struct RelayRows : DuelRows {
  static void SetUpTestSuite() {}
  /// The same, with the last commitment of the acceptor kept back until the test lets it go.
  static void hold_commitment(DuelTable& table, std::optional<nostr::Event>& kept) {
    table.acceptor().say = [&](const nostr::Event& event) -> std::optional<nostr::Event> {
      if (!is(event, match::kCommitment, 2) || kept) return event;
      kept = event;
      return std::nullopt;
    };
  }
};

TEST_F(RelayRows, OneRelayLyingByOmission) {
  // It is one of four, says OK to everything, and never shows any of it.
  LyingRelay relay;
  Economy own({.announcement = DuelTable::allowance(), .more_relays = {relay.url()}});
  DuelTable table(own);
  table.sit_down();
  expect_played_out(table);
}

TEST_F(RelayRows, ARelayThatReplaysOldEvents) {
  // Whatever is said, all that was said before comes again, from the engine's point of view out of nowhere;
  // and a whole match of yesterday besides.
  LyingRelay relay;
  Economy own({.announcement = DuelTable::allowance(), .more_relays = {relay.url()}});
  DuelTable yesterday(own);
  DuelTable table(own);
  std::vector<nostr::Event> old;
  for (DuelTable* each : {&yesterday, &table}) {
    for (Side& side : each->sides) {
      side.say = [&](const nostr::Event& event) {
        for (const nostr::Event& before : old) relay.tell(before);
        old.push_back(event);
        return event;
      };
    }
  }
  yesterday.sit_down();
  expect_played_out(yesterday);
  const auto chain = yesterday.transcript();
  table.sit_down();
  expect_played_out(table);
  EXPECT_EQ(yesterday.transcript(), chain);
  EXPECT_TRUE(table.rejections().empty()) << table.rejections().front();
  expect_conserved(yesterday);
}

TEST_F(RelayRows, EventAboveARelaysSizeLimit) {
  // One relay takes no stake and no receipt of one.
  Economy own(
      {.announcement = DuelTable::allowance(), .first_relay = "[limits]\nmax_ws_message_bytes = 2048\n"});
  DuelTable table(own);
  table.sit_down();
  expect_played_out(table);
}

// --- relays that are gone ---

TEST_F(RelayRows, AllRelaysDownTheClockStopsAndGoesOnWhenTheyAreBack) {
  Economy own({.announcement = DuelTable::allowance()});
  match::Clocks clocks = DuelTable::quick();
  clocks.step = clocks.min_step = Seconds{4};
  DuelTable table(own, clocks);
  std::optional<nostr::Event> kept;
  hold_commitment(table, kept);
  table.sit_down();
  ASSERT_TRUE(table.play_until([&] { return kept && table.view().commitments[0].size() == 2; }));
  const UnixMillis deadline = *table.view().head.deadlines[1];
  for (std::size_t i = 0; i < 3; ++i) own.relay(i).process().kill();
  ASSERT_TRUE(eventually([&] { return bodies<match::StoppedReceipt>(table.transcript()).size() == 1; }));
  // Longer than the step allows, and nobody is the worse for it.
  ASSERT_TRUE(eventually([&] { return system_clock().now() > deadline + Millis{1500}; }));
  EXPECT_TRUE(bodies<match::SilenceReceipt>(table.transcript()).empty());
  for (std::size_t i = 0; i < 3; ++i) own.relay(i).restart("RELAY_PORT");
  ASSERT_TRUE(eventually([&] { return bodies<match::ResumedReceipt>(table.transcript()).size() == 1; }));
  publish(table, *kept);
  expect_played_out(table);
}

TEST_F(RelayRows, AllRelaysDownTheClockStandsNoLongerThanTheTermsGiveBack) {
  Economy own({.announcement = DuelTable::allowance()});
  match::Clocks clocks = DuelTable::brisk();
  clocks.give_back = Seconds{2};
  DuelTable table(own, clocks);
  std::optional<nostr::Event> kept;
  hold_commitment(table, kept);
  table.sit_down();
  ASSERT_TRUE(table.play_until([&] { return kept && table.view().commitments[0].size() == 2; }));
  for (std::size_t i = 0; i < 3; ++i) own.relay(i).process().kill();
  ASSERT_TRUE(eventually([&] { return !bodies<match::VerdictReceipt>(table.transcript()).empty(); }));
  const auto chain = table.transcript();
  const auto resumed = bodies<match::ResumedReceipt>(chain);
  ASSERT_EQ(resumed.size(), 1U);
  EXPECT_LE(resumed.front().given_back, Millis{2'200});
  EXPECT_EQ(bodies<match::VerdictReceipt>(chain).front().winner, table.creator().pubkey());
  EXPECT_EQ(bodies<match::SilenceReceipt>(chain).size(), 1U);
  const auto judgement = match::judge(chain);
  EXPECT_TRUE(judgement.in_order()) << judgement.faults.front();
}

// --- time ---

TEST_F(RelayRows, ClocksOfThePlayersMachinesAnHourOff) {
  Economy own({.announcement = DuelTable::allowance()});
  DuelTable table(own, DuelTable::quick(), kStake, {Seconds{3600}, Seconds{-3600}});
  table.sit_down();
  expect_played_out(table);
  EXPECT_TRUE(table.rejections().empty()) << table.rejections().front();
}

/// The shortest match that there can be: its hard end is some twenty seconds away.
match::Clocks shortest() {
  return {.start_delay = Seconds{0},
          .min_step = Seconds{1},
          .step = Seconds{1},
          .party = Seconds{1},
          .funding = Seconds{2},
          .give_back = Seconds{0},
          .claim = Seconds{1}};
}
const std::string kShortest =
    "min_step_seconds = 1\ngrace_seconds = 0\nmin_allowance_seconds = 1\nmin_claim_window_hours = \"1s\"\n";

TEST_F(RelayRows, VoidAtTheHardEnd) {
  Economy own({.announcement = kShortest});
  DuelTable table(own, shortest());
  table.sit_down();
  ASSERT_TRUE(table.play_until([&] { return table.view().funded; }));
  own.engine().process().kill();
  const UnixSeconds hard_end = *table.view().hard_end;
  ASSERT_TRUE(eventually([&] { return system_clock().now_seconds() > hard_end; }, std::chrono::seconds(40)));
  own.restart_engine();
  ASSERT_TRUE(table.play_until([&] { return table.view().verdict.has_value(); })) << own.engine().log();
  EXPECT_EQ(table.view().verdict->outcome, Outcome::void_match);
  EXPECT_TRUE(table.view().verdict->reason.contains("hard end")) << table.view().verdict->reason;
  const auto judgement = match::judge(table.transcript());
  EXPECT_TRUE(judgement.in_order()) << judgement.faults.front();
}

TEST_F(RelayRows, WinnerSilent) {
  // Nobody claims: the chain is closed, nothing is paid, and each stake is its owner's at the locktime.
  Economy own({.announcement = kShortest});
  DuelTable table(own, shortest());
  for (Side& side : table.sides) {
    side.say = [](const nostr::Event& event) -> std::optional<nostr::Event> {
      if (event.kind == match::kClaim) return std::nullopt;
      return event;
    };
  }
  table.sit_down();
  ASSERT_TRUE(table.play_until([&] { return table.view().head.phase == Phase::closed; }, Millis{60'000}))
      << own.engine().log();
  EXPECT_TRUE(table.view().closed_reason.contains("claim window is over")) << table.view().closed_reason;
  for (const Side& side : table.sides) {
    EXPECT_EQ(side.has("loot") + side.has("mana"), 0U);
    EXPECT_EQ(side.wallet->balance("mana")->locked, kStake);
  }
  const auto judgement = match::judge(table.transcript());
  EXPECT_TRUE(judgement.in_order()) << judgement.faults.front();
  EXPECT_FALSE(judgement.settled);
}

}  // namespace
}  // namespace manastr::test

#include "engine/match/match_writer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <future>

#include "tests/support/temporary_folder.h"
#include "tests/unit/common/match/table.h"

namespace manastr::engine {
namespace {

/// The machine's clock, which the test sets: forward alone as NTP does, or as after a sleep, of which a
/// monotonic clock may know or not.
class SetClock final : public Clock {
 public:
  UnixMillis now() const override { return unix_millis(now_); }
  Monotonic monotonic() const override { return system_clock().monotonic() + Millis{monotonic_}; }
  void pass(Millis wall, Millis monotonic) {
    monotonic_ += monotonic.count();
    now_ += wall.count();
  }
  void set(UnixMillis at) { now_ = count(at); }

 private:
  std::atomic<std::int64_t> now_{0};
  std::atomic<std::int64_t> monotonic_{0};
};

class NoCourier final : public relay::Courier {
 public:
  relay::SubscriptionId subscribe(relay::Subscription) override { return 0; }
  void unsubscribe(relay::SubscriptionId) override {}
  Status publish(relay::Publication publication) override {
    if (on_publish) on_publish(publication.event);
    return {};
  }
  void withdraw(const nostr::EventId&) override {}
  void fetch(relay::Fetch) override {}
  std::vector<std::string> seen_on(const nostr::EventId&) const override { return {}; }
  std::function<void(const nostr::Event&)> on_publish;
  relay::CourierStatus status() const override { return {}; }
  void on_status(std::function<void(const relay::CourierStatus&)>) override {}
};

/// Never answers.
class NoMint final : public mintclient::Transport {
 public:
  void send(mintclient::HttpRequest, mintclient::OnReply) override {}
};

struct MatchWriterTest : testing::Test {
  MatchWriterTest() {
    table.to_seeds_open();
    EXPECT_EQ(table.match.phase(), match::Phase::commit);
    clock.set(table.now);
    // The journal has the match as a daemon before this one left it.
    JournaledStep whole{.version = kInputVersion, .at = table.now, .input = "{}"};
    whole.match = table.match.id();
    for (const nostr::Event& each : table.match.chain())
      whole.receipts.push_back({whole.receipts.size(), each});
    whole.phase = match::phase_name(table.match.phase());
    whole.creator = table.creator.pubkey();
    whole.creator_d = table.challenge().d();
    EXPECT_TRUE(journal->adopt({whole}));
    journal->start([](const Error& error) { ADD_FAILURE() << error.message; });
    writer().take_up({.match = table.match, .steps = 1});
  }
  ~MatchWriterTest() override {
    writers.stop();
    journal->stop();
  }
  MatchWriter& writer() { return writers.of(table.match.id()); }

  /// Has the writer begun a turn after this was called. What wakes it is an event of no match, to which
  /// nothing is said.
  void wake() {
    const nostr::Draft stranger{
        clock.now_seconds(), match::kAcceptance, {{"d", to_hex(match::hash_of("nobody"))}}, "{}"};
    writer().push(MatchWriter::PartyEvent{clock.now(), table.acceptor.sign(stranger)});
    while (writer().queued() > 0) std::this_thread::yield();
  }
  std::vector<std::string> types() const {
    std::vector<std::string> out;
    const auto text = journal->transcript(table.match.id()).value().value();
    const auto list = json::parse(text, {.bytes = 4 << 20}).value();
    for (const json::Value& each : *list.if_array()) {
      const auto receipt = match::parse_receipt(nostr::event_from_json(each).value());
      out.emplace_back(match::type_name(receipt.value().body));
    }
    return {out.begin() + static_cast<std::ptrdiff_t>(table.match.chain().size()), out.end()};
  }
  /// What the engine says once time has passed so.
  std::vector<std::string> after(Millis wall, Millis monotonic) {
    clock.pass(wall, monotonic);
    wake();
    const Monotonic until = system_clock().monotonic() + std::chrono::seconds(20);
    while (types().empty() && system_clock().monotonic() < until) std::this_thread::yield();
    writers.stop();
    journal->stop();
    return types();
  }

  test::TemporaryFolder folder;
  match::Table table;
  SetClock clock;
  NoCourier courier;
  telemetry::Metrics metrics;
  std::unique_ptr<Journal> journal =
      Journal::open(folder.path("engine.sqlite"), table.keys.pubkey(), clock).value();
  Publisher publisher{courier, clock, [](const nostr::EventId&) {}};
  StakeReservations reservations;
  std::unique_ptr<MintBook> mints =
      MintBook::make({.primary_url = "http://mint", .backup_url = "", .units = {"mana"}},
                     std::make_shared<NoMint>())
          .value();
  MintCalls mint_calls{
      {}, *mints, reservations, clock, system_random(), metrics, [](const match::MatchId&, match::Input) {}};
  AnnouncementBook announcements;
  Reputation reputation{0};
  ChallengeSlots slots;
  MatchLimits limits;
  MatchFigures figures{metrics};
  MatchWriters writers{{table.keys, clock, *journal, publisher, mint_calls, *mints, reservations,
                        announcements, reputation, slots, limits, figures},
                       1};
};

const Millis kAllowance = match::Clocks{}.step + match::Clocks{}.start_delay;
const Seconds kAbsence{400};  // longer than a step, not as long as the match may take

TEST_F(MatchWriterTest, SilenceIsForfeited) {
  writers.start();
  // In steps that a turn takes: both clocks agree, and the writer is there all the time.
  for (Millis waited{0}; waited < kAllowance + Millis{5000} && types().empty(); waited += Millis{900}) {
    clock.pass(Millis{900}, Millis{900});
    wake();
  }
  const auto said = after(Millis{0}, Millis{0});
  ASSERT_FALSE(said.empty());
  EXPECT_EQ(said.front(), "silence");
}

TEST_F(MatchWriterTest, NobodyForfeitsWhileTheMachineSleeps) {
  writers.start();
  wake();
  EXPECT_EQ(after(kAbsence, Millis{0}), (std::vector<std::string>{"stopped", "resumed"}));
}

TEST_F(MatchWriterTest, NobodyForfeitsWhileTheProcessStandsStill) {
  writers.start();
  wake();
  EXPECT_EQ(after(kAbsence, kAbsence), (std::vector<std::string>{"stopped", "resumed"}));
}

TEST_F(MatchWriterTest, NobodyForfeitsWhenTheClockIsSetForwardALittle) {
  writers.start();
  wake();
  EXPECT_EQ(after(Seconds{2}, Millis{0}), (std::vector<std::string>{"stopped", "resumed"}));
}

TEST_F(MatchWriterTest, WhatCameInTimeCountsHoweverLongTheBacklogBeforeIt) {
  constexpr int kTurn = 256;  // messages
  clock.set(*table.match.next_timer() - Millis{1000});
  // The backlog takes its time: past the deadline, and then so long that it looks like an absence.
  std::deque<Millis> turns{Millis{4000}, Millis{10'000}};
  courier.on_publish = [&](const nostr::Event& event) {
    const auto slot = match::parse_slot(event.kind, event.d());
    if (!slot || slot->form != match::Slot::Form::rejection || turns.empty()) return;
    clock.pass(turns.front(), turns.front());
    turns.pop_front();
  };
  const nostr::Event stranger = table.acceptor.sign(
      {clock.now_seconds(), match::kAcceptance, {{"d", to_hex(match::hash_of("nobody"))}}, "{}"});
  for (const char* d : {"one", "other"}) {
    const nostr::Event malformed = table.creator.sign(
        {clock.now_seconds(), match::kChallenge, {{"d", to_hex(match::hash_of(d))}}, "{}"});
    writer().push(MatchWriter::PartyEvent{clock.now(), malformed});
    for (int i = 1; i < kTurn; ++i) writer().push(MatchWriter::PartyEvent{clock.now(), stranger});
  }
  for (const match::Player* each : {&table.creator, &table.acceptor})
    writer().push(MatchWriter::PartyEvent{clock.now(), table.move_commitment(*each, 1)});
  writers.start();
  const auto said = after(Millis{0}, Millis{0});
  EXPECT_TRUE(turns.empty());
  EXPECT_EQ(std::ranges::count(said, "silence"), 0);
}

TEST_F(MatchWriterTest, ARestartComesBeforeTheTimersThatFellDueMeanwhile) {
  const UnixMillis left = clock.now();
  clock.pass(kAbsence, kAbsence);
  writers.to_all(MatchWriter::Restart{.down_since = left});
  writers.start();
  EXPECT_EQ(after(Millis{0}, Millis{0}), (std::vector<std::string>{"stopped", "resumed"}));
}

}  // namespace
}  // namespace manastr::engine

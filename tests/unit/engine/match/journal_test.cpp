#include "engine/match/journal.h"

#include <gtest/gtest.h>

#include <future>

#include "tests/support/temporary_folder.h"

namespace manastr::engine {
namespace {

const crypto::SecretKey& engine_key() {
  static const auto key = *crypto::SecretKey::from_hex(std::string(63, '0') + "3");
  return key;
}

nostr::Event signed_event(const std::string& d) {
  return nostr::sign(
      {.created_at = unix_seconds(1'800'000'000), .kind = 31006, .tags = {{"d", d}}, .content = "{}"},
      engine_key(), {});
}

JournaledStep step_of(Byte match, std::uint64_t step, std::vector<JournaledReceipt> receipts = {}) {
  JournaledStep out{.step = step, .version = 1, .at = unix_millis(1'800'000'000'000), .input = "{}"};
  out.match.fill(match);
  out.receipts = std::move(receipts);
  out.phase = "open";
  out.creator.bytes.fill(match);
  out.creator_d = std::string(64, 'a');
  return out;
}

struct JournalTest : testing::Test {
  test::TemporaryFolder folder;
  std::unique_ptr<Journal> journal = open();

  std::unique_ptr<Journal> open() {
    return Journal::open(folder.path("engine.sqlite"), engine_key().x_only(), system_clock()).value();
  }
  void start() {
    journal->start([](const Error& error) { ADD_FAILURE() << error.message; });
  }
  void submit(JournaledStep step) {
    std::promise<void> durable;
    step.committed = [&] { durable.set_value(); };
    ASSERT_TRUE(journal->submit(std::move(step)));
    durable.get_future().wait();
  }
  void reopen() {
    journal.reset();
    journal = open();
  }
};

TEST_F(JournalTest, GivesBackWhatWasCommitted) {
  start();
  const nostr::Event first = signed_event("one");
  const nostr::Event second = signed_event("two");
  submit(step_of(1, 0, {{0, first}}));
  auto next = step_of(1, 1, {{1, second}});
  next.effects = {{"ask", "checkstate"}, {"pay", "settle"}};
  submit(std::move(next));
  auto answer = step_of(1, 2);
  answer.effects_done = {"ask"};
  submit(std::move(answer));
  journal->acknowledged(first.id);
  submit(step_of(2, 0, {{0, signed_event("other")}}));
  reopen();

  const auto unfinished = journal->unfinished().value();
  ASSERT_EQ(unfinished.size(), 2u);
  const JournaledMatch& match = unfinished[0].match == step_of(1, 0).match ? unfinished[0] : unfinished[1];
  EXPECT_EQ(match.inputs.size(), 3u);
  ASSERT_EQ(match.receipts.size(), 2u);
  EXPECT_EQ(match.receipts[0].event, first);
  EXPECT_EQ(match.receipts[1].event, second);
  EXPECT_EQ(match.unacknowledged, std::vector{second.id});
  EXPECT_EQ(match.outbox, std::vector<std::string>{"pay"});
  EXPECT_TRUE(journal->last_alive().value().has_value());
  EXPECT_EQ(journal->slots().value().size(), 2u);
}

TEST_F(JournalTest, AFinishedMatchIsKeptButNotReplayed) {
  start();
  auto last = step_of(1, 0, {{0, signed_event("one")}});
  last.finished = true;
  submit(std::move(last));
  reopen();
  EXPECT_TRUE(journal->unfinished().value().empty());
  EXPECT_EQ(journal->unacknowledged_of_finished().value().size(), 1u);
  EXPECT_EQ(journal->slots().value().size(), 1u);
}

TEST_F(JournalTest, ServesTheTranscriptByteForByte) {
  start();
  const nostr::Event first = signed_event("one");
  const nostr::Event second = signed_event("two");
  submit(step_of(1, 0, {{0, first}, {1, second}}));
  const auto match = step_of(1, 0).match;
  EXPECT_EQ(journal->transcript(match).value().value(),
            "[" + nostr::dump(first) + "," + nostr::dump(second) + "]");
  EXPECT_EQ(journal->last_receipt(match).value().value(), second);
  EXPECT_FALSE(journal->transcript(step_of(9, 0).match).value().has_value());
}

TEST_F(JournalTest, AnAdoptedChainTakesThePlaceOfTheOldOne) {
  start();
  submit(step_of(1, 0, {{0, signed_event("one")}}));
  reopen();
  const std::vector<JournaledStep> steps = {
      step_of(1, 0, {{0, signed_event("one")}}),
      step_of(1, 1, {{1, signed_event("two")}, {2, signed_event("three")}})};
  ASSERT_TRUE(journal->adopt(steps));
  const auto unfinished = journal->unfinished().value();
  ASSERT_EQ(unfinished.size(), 1u);
  EXPECT_EQ(unfinished[0].inputs.size(), 2u);
  EXPECT_EQ(unfinished[0].receipts.size(), 3u);
}

TEST_F(JournalTest, RefusesTheJournalOfAnotherKey) {
  journal.reset();
  const auto other = *crypto::SecretKey::from_hex(std::string(63, '0') + "4");
  const auto opened = Journal::open(folder.path("engine.sqlite"), other.x_only(), system_clock());
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("belongs to the engine key"), std::string::npos);
}

TEST_F(JournalTest, AFailedCommitEndsItAndRunsNothing) {
  std::promise<Error> failed;
  journal->start([&](const Error& error) { failed.set_value(error); });
  submit(step_of(1, 0));
  auto again = step_of(1, 0);  // the same step twice breaks a constraint
  bool ran = false;
  again.committed = [&] { ran = true; };
  ASSERT_TRUE(journal->submit(std::move(again)));
  EXPECT_FALSE(failed.get_future().get().message.empty());
  EXPECT_FALSE(journal->submit(step_of(2, 0)));
  journal.reset();
  EXPECT_FALSE(ran);
}

TEST_F(JournalTest, RemembersAnnouncementsAndMisconduct) {
  const nostr::Event offer = signed_event("announcement");
  ASSERT_TRUE(journal->add_announcement(offer));
  ASSERT_TRUE(journal->add_announcement(offer));
  start();
  auto step = step_of(1, 0);
  step.misconduct = {{engine_key().x_only(), {}, "quit"}};
  submit(std::move(step));
  reopen();
  EXPECT_EQ(journal->announcements().value(), std::vector{offer});
  EXPECT_EQ(journal->misconduct(unix_millis(1'800'000'000'000)).value().size(), 1u);
  EXPECT_TRUE(journal->misconduct(unix_millis(1'800'000'000'001)).value().empty());
}

}  // namespace
}  // namespace manastr::engine

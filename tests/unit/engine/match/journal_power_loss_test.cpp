// The power goes at each sync point of a journal's life: every step that was reported as committed is there
// with its receipts and effects, no step is there in part, and the life goes on from what is there.
#include <gtest/gtest.h>

#include <algorithm>
#include <future>

#include "engine/match/journal.h"
#include "tests/support/power_loss_vfs.h"
#include "tests/support/temporary_folder.h"

namespace manastr::engine {
namespace {

using storage::Durability;
using storage::OpenOptions;
using test::PowerLossVfs;
using test::TemporaryFolder;
using test::Unsynced;

const crypto::SecretKey& engine_key() {
  static const auto key = *crypto::SecretKey::from_hex(std::string(63, '0') + "3");
  return key;
}

nostr::Event signed_event(const std::string& d) {
  return nostr::sign(
      {.created_at = unix_seconds(1'800'000'000), .kind = 31006, .tags = {{"d", d}}, .content = "{}"},
      engine_key(), {});
}

OpenOptions through(const PowerLossVfs& vfs, Durability durability = Durability::full) {
  OpenOptions options;
  options.vfs = vfs.name();
  options.durability = durability;
  options.wal_autocheckpoint = 8;  // so that checkpoints and the log's restart are among the sync points
  return options;
}

Result<std::unique_ptr<Journal>> open(const std::string& file, const OpenOptions& options) {
  return Journal::open(file, engine_key().x_only(), system_clock(), options);
}

constexpr std::uint64_t kStepsOfAMatch = 6;
constexpr Byte kMatches = 3;

/// Step `step` of match `match`: an input, a receipt of its own, and at the even steps an effect that the odd
/// ones answer.
JournaledStep step_of(Byte match, std::uint64_t step) {
  const std::string name = std::to_string(match) + "-" + std::to_string(step);
  JournaledStep out{.step = step,
                    .version = 1,
                    .at = unix_millis(1'800'000'000'000),
                    .input = "{\"input\":\"" + name + "\"}"};
  out.match.fill(match);
  out.receipts = {{step, signed_event(name)}};
  if (step % 2 == 0) {
    out.effects = {{"ask " + name, "checkstate"}};
  } else {
    out.effects_done = {"ask " + std::to_string(match) + "-" + std::to_string(step - 1)};
    out.rake = {{0, static_cast<unsigned>(step), "loot", "[]"}};
    out.misconduct = {{engine_key().x_only(), out.receipts[0].event.id, "quit"}};
  }
  out.phase = "open";
  out.creator.bytes.fill(match);
  out.creator_d = std::string(64, 'a');
  // The last match stays open; a finished one is in the slots and the transcripts.
  out.finished = step + 1 == kStepsOfAMatch && match < kMatches;
  return out;
}

/// Steps of the three matches in turn, as they come in a life.
std::vector<JournaledStep> life() {
  std::vector<JournaledStep> out;
  for (std::uint64_t step = 0; step < kStepsOfAMatch; ++step) {
    for (Byte match = 1; match <= kMatches; ++match) out.push_back(step_of(match, step));
  }
  return out;
}

struct Lived {
  bool announced = false;
  std::size_t committed = 0;  ///< steps reported as durable, from the first
  std::size_t submitted = 0;
  bool failed = false;
};

/// Submits the steps from `first` on until the journal gives out; every third waits for all before it, so
/// that some share a commit and some do not.
Lived live(Journal& journal, const std::vector<JournaledStep>& steps, std::size_t first = 0) {
  Lived out{.committed = first, .submitted = first};
  out.announced = journal.add_announcement(signed_event("announcement")).has_value();
  if (!out.announced) return out;
  std::atomic<std::size_t> committed{first};
  std::promise<void> gave_out;
  auto failure = gave_out.get_future().share();
  journal.start([&](const Error&) { gave_out.set_value(); });
  for (std::size_t i = first; i < steps.size(); ++i) {
    JournaledStep step = steps[i];
    auto durable = std::make_shared<std::promise<void>>();
    auto reached = durable->get_future();
    step.committed = [&committed, durable] {
      ++committed;
      durable->set_value();
    };
    if (!journal.submit(std::move(step))) break;
    ++out.submitted;
    const bool waits = i % 3 == 2 || i + 1 == steps.size();
    while (waits && reached.wait_for(Millis{1}) != std::future_status::ready) {
      if (failure.wait_for(Millis{0}) == std::future_status::ready) break;
    }
  }
  journal.stop();
  out.failed = failure.wait_for(Millis{0}) == std::future_status::ready;
  out.committed = committed;
  return out;
}

/// Steps of the life found in the journal, all whole and the first of it; or what is wrong.
Result<std::size_t> survivors(Journal& journal, const std::vector<JournaledStep>& steps) {
  TRY(const std::vector<JournaledMatch> unfinished, journal.unfinished());
  TRY(const auto slots, journal.slots());
  TRY(const auto misconduct, journal.misconduct(unix_millis(0)));
  std::size_t found = 0;
  std::size_t noted = 0;
  for (; found < steps.size(); ++found) {
    const JournaledStep& step = steps[found];
    TRY(const auto transcript, journal.transcript(step.match));
    if (!transcript || transcript->find(nostr::dump(step.receipts[0].event)) == std::string::npos) break;
    noted += step.misconduct.size();
  }
  std::size_t receipts = 0;
  for (const auto& slot : slots) {
    TRY(const auto transcript, journal.transcript(slot.match));
    for (std::size_t at = transcript->find("\"sig\""); at != std::string::npos;
         at = transcript->find("\"sig\"", at + 1)) {
      ++receipts;
    }
    const std::uint64_t step =
        (found - slot.match[0] + kMatches) / kMatches;  // how many of this match are there
    const auto match = std::ranges::find(unfinished, slot.match, &JournaledMatch::match);
    const bool finished = slot.match[0] < kMatches && step == kStepsOfAMatch;
    if (finished != (match == unfinished.end())) return broken("a match is not as open as its steps say");
    if (finished) continue;
    if (match->inputs.size() != step || match->receipts.size() != step) {
      return broken("a match has inputs and receipts of different steps");
    }
    for (std::uint64_t i = 0; i < step; ++i) {
      if (match->inputs[i].input != step_of(slot.match[0], i).input)
        return broken("an input is another than was submitted");
    }
    const std::vector<std::string> due = step % 2 == 1
                                             ? std::vector{step_of(slot.match[0], step - 1).effects[0].first}
                                             : std::vector<std::string>{};
    if (match->outbox != due) return broken("the outbox is not that of the last step");
  }
  if (receipts != found) return broken("receipts are there whose steps are not");
  if (slots.size() != std::min<std::size_t>(found, kMatches))
    return broken("matches are there without steps");
  if (misconduct.size() != noted) return broken("misconduct is noted of steps that are not there");
  return found;
}

/// What is wrong with the journal that the loss left behind; "" if nothing is.
std::string damage(const std::string& file, const OpenOptions& options, const Lived& lived,
                   const std::vector<JournaledStep>& steps) {
  auto journal = open(file, options);
  if (!journal) return "it does not open: " + journal.error().message;
  const auto found = survivors(**journal, steps);
  if (!found) return found.error().message;
  if (*found < lived.committed) return std::to_string(lived.committed - *found) + " committed steps are lost";
  if (*found > lived.submitted) return "steps are there that were never submitted";
  const auto announcements = (*journal)->announcements();
  if (!announcements) return announcements.error().message;
  if (lived.announced && announcements->size() != 1) return "the announcement is lost";
  if (lived.committed > 0 && !(*journal)->last_alive().value_or(std::nullopt))
    return "it does not know when it was last alive";

  const Lived rest = live(**journal, steps, *found);
  if (rest.failed || rest.committed != steps.size()) return "it does not go on from there";
  journal = open(file, options);
  if (!journal) return journal.error().message;
  const auto all = survivors(**journal, steps);
  if (!all) return all.error().message;
  return *all == steps.size() ? "" : "the life does not end as it would have";
}

class JournalPowerLoss : public testing::TestWithParam<Unsynced> {};

TEST_P(JournalPowerLoss, LosesNothingAtAnySyncPoint) {
  const std::vector<JournaledStep> steps = life();
  PowerLossVfs vfs("journal-power-loss");
  std::size_t sync = 1;
  for (bool lost = true; lost; ++sync) {
    const TemporaryFolder folder;
    const std::string file = folder.path("engine.sqlite");
    vfs.restore();  // counts the syncs anew
    vfs.lose_power_at_sync(sync, GetParam(), static_cast<unsigned>(sync));
    Lived lived;
    if (auto journal = open(file, through(vfs))) lived = live(**journal, steps);
    lost = vfs.lost();
    vfs.restore();
    ASSERT_EQ(damage(file, through(vfs), lived, steps), "")
        << "power lost at sync " << sync << ", " << lived.committed << " of " << lived.submitted
        << " steps reported";
    if (lost) continue;
    EXPECT_EQ(lived.committed, steps.size());
    EXPECT_FALSE(lived.failed);
  }
  EXPECT_GT(sync, steps.size() / 3) << "each commit that someone waits for has its own sync";
}

TEST_P(JournalPowerLoss, IsFoundWhereNothingIsSynced) {
  const std::vector<JournaledStep> steps = life();
  PowerLossVfs vfs("journal-power-loss");
  const TemporaryFolder folder;
  const std::string file = folder.path("engine.sqlite");
  Lived lived;
  {
    const auto journal = open(file, through(vfs, Durability::off)).value();
    lived = live(*journal, steps);
    vfs.lose_power_now(GetParam(), 7);  // before the journal is closed, which would write and sync the log
  }
  vfs.restore();
  EXPECT_EQ(lived.committed, steps.size());
  EXPECT_NE(damage(file, through(vfs), lived, steps), "");
}

INSTANTIATE_TEST_SUITE_P(Unsynced, JournalPowerLoss, testing::Values(Unsynced::dropped, Unsynced::torn),
                         [](const auto& each) {
                           return each.param == Unsynced::dropped ? "dropped" : "torn";
                         });

}  // namespace
}  // namespace manastr::engine

#include "mint/ledger/postgres/committer.h"

#include <algorithm>
#include <thread>

#include "common/resilience/backoff.h"
#include "mint/ledger/postgres/schema.h"

namespace manastr::mint {
namespace {

using postgres::Failure;
using postgres::Fault;
using postgres::Outcome;
using postgres::Parameters;
using postgres::Statement;

constexpr resilience::BackoffPolicy kReconnect{.first = Millis{50}, .cap = Millis{1'000}};
constexpr unsigned kMaxTries = 20;      // of one round that others keep in the way of
constexpr unsigned kMaxDeferrals = 50;  // of one write
constexpr Seconds kFenceKept{24 * 3600};
constexpr Seconds kFullFor{30};  // a small write says nothing of the next large one

// A row of this replica-less kind takes a commit's id, so that it can't be made any more.
constexpr Statement kFence{"fence",
                           "INSERT INTO mint.commits(id, replica, accounts, amounts, folded) "
                           "VALUES($1::bytea, '', '{}', '{}', true) ON CONFLICT (id) DO NOTHING"};
constexpr Statement kWhoseCommit{"whose_commit", "SELECT replica FROM mint.commits WHERE id = $1::bytea"};

constexpr Statement kStay{
    "stay", "UPDATE mint.replicas SET seen = now() WHERE name = $1::text AND incarnation = $2::bytea"};

std::unexpected<Error> away() { return unavailable("the mint's database can't be reached now: try again"); }

}  // namespace

void Committer::hurry() {
  const std::lock_guard lock(mutex_);
  hurries_ = true;
  wake_.notify_all();
}

bool Committer::hurries() const {
  const std::lock_guard lock(mutex_);
  return hurries_;
}

/// False if the mint stops.
bool Committer::wait(Millis time) {
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, time, [&] { return hurries_; });
}

Outcome<void> Committer::connect() {
  if (connection_ && connection_->usable()) return {};
  connection_.reset();
  auto opened = postgres::Connection::open_bounded(address_);
  if (!opened) {
    books_->set_away("the database can't be reached: " + opened.error().message);
    return std::unexpected(opened.error());
  }
  if (const auto current = is_ledger_current(**opened); !current || !*current) {
    const std::string why =
        current ? "the database was taken back to an older schema" : current.error().message;
    if (!current && current.error().kind == ErrorKind::unavailable)
      return std::unexpected(Fault{Failure::lost, "", why});
    return std::unexpected(Fault{Failure::missing, "", why});
  }
  connection_ = *std::move(opened);
  books_->set_away("");
  return {};
}

void Committer::probe() {
  if (clock_->monotonic() < full_until_) return;
  if (auto connected = connect(); !connected) return books_->set_away(connected.error().message);
  const auto stays = connection_->ask(kStay, Parameters().add(holder_.replica).add(holder_.incarnation));
  if (!stays) {
    books_->set_away("the database can't be written: " + stays.error().message);
    if (stays.error().failure == Failure::lost) connection_.reset();
    return;
  }
  books_->set_away("");
  if (stays->affected() == 0) books_->halt_replaced(holder_.replica);
}

std::optional<bool> Committer::was_committed(const CommitId& id, Millis limit) {
  resilience::Backoff backoff(kReconnect, system_random());
  const Monotonic started = clock_->monotonic();
  for (;;) {
    if (connect()) {
      auto fenced = connection_->ask(kFence, Parameters().add(id));
      if (fenced && fenced->affected() == 1) return false;
      // There already: the commit, or the fence of an attempt whose own answer was lost.
      if (fenced) {
        if (auto whose = connection_->ask(kWhoseCommit, Parameters().add(id)); whose && whose->size() == 1)
          return !whose->text(0, 0).empty();
      }
    }
    const bool stays = wait(backoff.next());
    if (clock_->monotonic() - started > (stays ? limit : std::min(limit, patience_))) return std::nullopt;
    if (stays) continue;
    std::this_thread::sleep_for(kReconnect.first);
  }
}

void Committer::answer_all(const std::vector<Job*>& jobs, const std::unexpected<Error>& error) {
  for (Job* job : jobs) {
    if (!job->outcome) job->outcome = error;
  }
}

void Committer::run_round(std::vector<Job*> round, std::vector<Job*>& later) {
  resilience::Backoff backoff(kReconnect, system_random());
  const Monotonic until = clock_->monotonic() + patience_;
  for (unsigned tries = 0;; ++tries) {
    std::erase_if(round, [](const Job* job) { return job->outcome.has_value(); });
    if (round.empty()) return;
    if (tries >= kMaxTries)
      return answer_all(round, unavailable("the mint's database is too busy: try again"));
    if (auto connected = connect(); !connected) {
      if (connected.error().failure != Failure::lost && connected.error().failure != Failure::full) {
        books_->halt(connected.error().message);
        return answer_all(round, broken("the mint's ledger can't be written: its operator has to look"));
      }
      tries = 0;
      if (clock_->monotonic() >= until || !wait(backoff.next())) return answer_all(round, away());
      continue;
    }
    Catalog catalog = books_->catalog();
    const CommitId id = system_random().bytes<16>();
    books_->set_committing(true);
    Batch batch(*connection_, catalog, holder_, round);
    const auto end = batch.commit(id);
    bool made = end && *end == Batch::End::committed;
    if (!end && batch.commit_sent()) {
      // A swap may be answered that it can't be told: sent again, it gets its signatures, done or not. What
      // else hangs on a commit waits for the answer.
      const auto told = was_committed(id, batch.swaps_only() ? patience_ : kFenceKept);
      if (!told) {
        if (!batch.swaps_only() && !hurries())
          books_->halt("the database was away for a day, and what became of a commit can't be told");
        answer_all(round,
                   unavailable("the mint lost its database and can't tell whether this was done: send it "
                               "again and it is answered as it was"));
      }
      made = told.value_or(false);
    }
    if (made) {
      books_->adopt(catalog);
      for (const auto& [job, written] : batch.done()) job->outcome = written;
      books_->add_own(batch.tally(), catalog);
      books_->set_away("");
    }
    books_->set_committing(false);
    for (Job* job : batch.deferred()) {
      if (job->outcome || std::ranges::find(round, job) == round.end()) continue;
      if (++job->deferrals > kMaxDeferrals) {
        job->outcome = unavailable("others were faster again and again: try again");
        continue;
      }
      std::erase(round, job);
      later.insert(later.begin(), job);
    }
    if (end && *end == Batch::End::fenced) {
      books_->halt_replaced(holder_.replica);
      return answer_all(round, broken("another process has taken this mint's place"));
    }
    if (end || batch.commit_sent()) continue;
    switch (end.error().failure) {
      case Failure::lost:
        connection_.reset();
        if (clock_->monotonic() >= until) return answer_all(round, away());
        break;
      case Failure::again:
        if (!wait(backoff.next())) return answer_all(round, away());
        break;
      case Failure::full:
        full_until_ = clock_->monotonic() + kFullFor;
        books_->set_away("the last write was not done, the database said: " + end.error().message);
        return answer_all(round, unavailable("the mint's ledger can't be written now: try again"));
      case Failure::denied:
      case Failure::missing:
        books_->halt("the database refused: " + end.error().message);
        return answer_all(round, broken("the mint's ledger can't be written: its operator has to look"));
      default:
        // One of them is at fault: it must not take the others along.
        if (round.size() == 1)
          return answer_all(round, broken("the mint's database refused this: " + end.error().message));
        for (Job* job : round) run_round({job}, later);
        return;
    }
  }
}

void Committer::commit(std::deque<Job>& jobs, const Ended& ended) {
  std::vector<Job*> waiting;
  waiting.reserve(jobs.size());
  for (Job& job : jobs) waiting.push_back(&job);
  while (!waiting.empty()) {
    Footprint taken;
    std::vector<Job*> round, later, refused;
    const bool halted = books_->halted();
    for (Job* job : waiting) {
      if (halted && !ends_payment(job->write)) {
        job->outcome = broken("the mint's ledger can't be written: its operator has to look");
        refused.push_back(job);
      } else {
        (claim_footprint(job->write, taken) ? round : later).push_back(job);
      }
    }
    if (!refused.empty()) ended(refused);
    if (!round.empty()) {
      run_round(round, later);
      std::erase_if(round, [](const Job* job) { return !job->outcome.has_value(); });
      ended(round);
    }
    waiting = std::move(later);
  }
}

}  // namespace manastr::mint

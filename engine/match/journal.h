// The engine's memory: one SQLite file (WAL, synchronous=FULL), written by one thread that commits for all
// matches at once. What is committed together: the input of one step of one match, the receipts that answer
// it, the effects that it sets off. State is never stored: replaying a match's inputs gives it.
//
//   meta           key -> value: schema version, engine public key, last heartbeat
//   matches        one row a match: who made it, whether it is finished (finished ones are not replayed)
//   inputs         (match, step) -> version, time, input as JSON
//   receipts       (match, sequence) -> id, signed event byte for byte, whether a quorum of relays has it
//   outbox         idempotency key -> what was asked of a mint; gone in the commit that journals its answer
//   announcements  id -> signed event, newest last
//   rake           what the engine earned: blind signatures, to be unblinded with the engine's secrets
//   misconduct     keys that made others wait or contradicted themselves
//
// Called by the match writers (submit), the publisher (acknowledged), HTTP handlers (reads). After a failed
// commit the journal takes nothing more and says so through `failed`: the process must end, for its memory is
// ahead of its disk.
#pragma once
#include <atomic>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/inbox.h"
#include "common/nostr/event.h"
#include "common/storage/database.h"

namespace manastr::engine {

using MatchId = nostr::EventId;

struct JournaledReceipt {
  std::uint64_t sequence = 0;
  nostr::Event event;
};

/// One step of one match. Steps of a match are dense from 0 and submitted in order.
struct JournaledStep {
  MatchId match{};
  std::uint64_t step = 0;
  std::uint32_t version = 0;  ///< of the input's encoding
  UnixMillis at{};
  std::string input;
  std::vector<JournaledReceipt> receipts;
  std::vector<std::pair<std::string, std::string>> effects;  ///< key, what it is
  std::vector<std::string> effects_done;                     ///< keys that this input answers
  struct Rake {
    unsigned issue = 0;
    unsigned group = 0;
    std::string unit;
    std::string signatures;  ///< JSON array of NUT-00 blind signatures
  };
  std::vector<Rake> rake;
  struct Misconduct {
    crypto::XOnlyKey author;
    nostr::EventId event{};
    std::string what;
  };
  std::vector<Misconduct> misconduct;
  bool finished = false;
  std::string phase;         ///< for whoever reads the file
  crypto::XOnlyKey creator;  ///< of step 0: (creator, creator_d) names one match for ever
  std::string creator_d;
  std::function<void()> committed;  ///< on the journal's thread, in order of submission
};

/// All that is needed to take up an unfinished match again.
struct JournaledMatch {
  MatchId match{};
  struct Input {
    std::uint32_t version = 0;
    UnixMillis at{};
    std::string input;
  };
  std::vector<Input> inputs;                   ///< by step
  std::vector<JournaledReceipt> receipts;      ///< by sequence
  std::vector<nostr::EventId> unacknowledged;  ///< receipts no quorum has yet
  std::vector<std::string> outbox;             ///< keys of calls to a mint not answered yet
};

struct JournalFigures {
  std::uint64_t steps = 0;
  std::uint64_t commits = 0;
  Millis slowest_commit{0};
  std::size_t queued = 0;
};

class Journal {
 public:
  /// Opens or makes the file and checks that it belongs to this engine key. Errors are one sentence for the
  /// operator. `storage` is for tests that lose power.
  static Result<std::unique_ptr<Journal>> open(const std::filesystem::path& file,
                                               const crypto::XOnlyKey& engine, const Clock& clock,
                                               const storage::OpenOptions& storage = {});
  ~Journal();

  // Before start(), from one thread.
  Result<std::vector<JournaledMatch>> unfinished() const;
  /// The newest moment of which the journal knows; nullopt if it is new. What the engine signed later is not
  /// in it.
  Result<std::optional<UnixMillis>> last_alive() const;
  /// (creator, d) of every match there ever was.
  struct Slot {
    crypto::XOnlyKey creator;
    std::string d;
    MatchId match{};
  };
  Result<std::vector<Slot>> slots() const;
  Result<std::vector<nostr::Event>> announcements() const;  ///< oldest first
  /// Receipts of finished matches that no quorum has yet.
  Result<std::vector<nostr::Event>> unacknowledged_of_finished() const;
  /// Misconduct noted at or after `since`: author and time.
  Result<std::vector<std::pair<crypto::XOnlyKey, UnixMillis>>> misconduct(UnixMillis since) const;
  /// Puts `steps`, the whole of one match as its published chain has it, in the place of what is known of
  /// that match.
  Status adopt(const std::vector<JournaledStep>& steps);

  /// Durable on return. Also after start(), but not from the journal's own thread.
  Status add_announcement(const nostr::Event& event);

  /// Starts the thread. `failed` is called once, from it, if a commit fails.
  void start(std::function<void(const Error&)> failed);
  /// Commits what is queued, then ends the thread.
  void stop();

  /// Waits while the queue is full. False after a failure or stop().
  bool submit(JournaledStep step);
  /// Runs `then` on the journal's thread once everything submitted before it is durable.
  void after_commit(std::function<void()> then);
  /// A quorum has it. Written with the next commit; forgetting it costs only a repeated publication.
  void acknowledged(const nostr::EventId& receipt);

  // Any time, from any thread.
  /// The chain as a JSON array of events, byte for byte as published; nullopt if there is no such match.
  Result<std::optional<std::string>> transcript(const MatchId& match) const;
  /// The newest receipt of a match; nullopt if there is no such match.
  Result<std::optional<nostr::Event>> last_receipt(const MatchId& match) const;
  JournalFigures figures() const;

 private:
  struct Database;
  explicit Journal(std::unique_ptr<Database> database, const Clock& clock);
  struct Announcement {
    nostr::EventId id{};
    std::string body;
    std::promise<Status>* done;
  };
  using Job = std::variant<JournaledStep, Announcement, nostr::EventId, std::function<void()>>;
  void run();
  Status commit(const std::deque<Job>& jobs);

  const Clock& clock_;
  std::unique_ptr<Database> database_;
  Inbox<Job> inbox_;
  std::function<void(const Error&)> failed_;
  std::thread thread_;
  std::atomic<std::uint64_t> steps_{0};
  std::atomic<std::uint64_t> commits_{0};
  std::atomic<std::int64_t> slowest_commit_ms_{0};
};

}  // namespace manastr::engine

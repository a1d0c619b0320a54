// What a mint on PostgreSQL knows without asking: units and prices, totals, and whether it may still write.
// Shared by the committing thread, the auditor and readers; thread-safe.
#pragma once
#include <atomic>
#include <mutex>

#include "mint/ledger/accounts.h"
#include "mint/ledger/seen_filter.h"
#include "mint/ledger/standing.h"
#include "mint/ledger/writes.h"

namespace manastr::mint {

class PostgresBooks {
 public:
  explicit PostgresBooks(unsigned filter_log2_bits) : proofs(filter_log2_bits), outputs(filter_log2_bits) {}

  Catalog catalog() const;
  void set_keysets(const std::vector<KeysetRecord>& records);
  /// Units, keysets and prices as they were found in the database.
  void adopt(const Catalog& from);
  /// What this write made known, once it is committed, or was known before.
  void remember(const Write& write);

  // Own totals are exact: what is committed is added at once. Those of other mints are as of the last audit.
  void add_own(const Tally& tally, const Catalog& catalog);
  /// Before the sums are read. They count only if no commit of one's own came between.
  std::uint64_t generation() const;
  void audited(Accounts own, Accounts others, std::uint64_t generation);
  Totals totals() const;
  /// A commit begins or is over, from the committing thread.
  void set_committing(bool now);

  /// From now on only what ends payments is written, until a restart.
  void halt(std::string why);
  /// The same, since the books don't add up.
  void raise_alarm(const std::string& violation);
  /// As the database has it; the alarm in it doesn't count.
  void set_standing(Standing standing);
  Standing standing() const;
  /// The same: another process has taken the name.
  void halt_replaced(const std::string& replica);
  /// Writes can't be done now: why; "" once they can.
  void set_away(std::string why);
  /// The auditor can't do its work: it may be that writes can't be done either.
  void doubt();
  /// Somebody should find out whether writes can be done: the last ones could not, or there is doubt.
  bool is_doubtful() const;
  bool halted() const;
  Status health() const;

  /// Of what this process has seen; written by one thread at a time.
  class Seen {
   public:
    explicit Seen(unsigned filter_log2_bits);
    void add(const PointBytes& point) {
      const std::lock_guard lock(mutex_);
      filter_.add(key_of(point));
    }
    bool may_contain(const PointBytes& point) const { return filter_.may_contain(key_of(point)); }

   private:
    /// Salted: clients choose some bits of a point, and must not choose where they fall.
    std::uint64_t key_of(const PointBytes& point) const;
    const std::uint64_t salt_;
    std::mutex mutex_;
    SeenFilter filter_;
  };
  Seen proofs;
  Seen outputs;
  std::atomic<bool> filters_loaded = false;

 private:
  mutable std::mutex mutex_;
  Catalog catalog_;
  Accounts own_;
  Accounts others_;
  std::uint64_t generation_ = 0;
  bool committing_ = false;
  std::string halted_;
  std::string alarm_;
  Standing standing_;
  std::string away_;
  bool doubted_ = false;
};

}  // namespace manastr::mint

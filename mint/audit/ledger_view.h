// A ledger as `manastr-mint verify` sees it: read only, and all but misplaced_points() of one moment, also
// while mints write to it. Implementations: sqlite_view.h, postgres_view.h. Used by one thread.
#pragma once
#include <functional>
#include <memory>

#include "common/crypto/bdhke.h"
#include "mint/ledger/checkpoint.h"

namespace manastr::mint {

template <class T>
class Stream {
 public:
  virtual ~Stream() = default;
  /// nullopt: there are no more.
  virtual Result<std::optional<T>> next() = 0;
};

struct StoredEntry {
  std::uint64_t sequence = 0;
  std::string text;
};
struct StoredCheckpoint {
  std::uint64_t number = 0;
  SignedCheckpoint checkpoint;
};

/// The totals that the running mints keep beside the journal.
struct KeptTotals {
  std::map<std::string, Accounts> entered;  ///< what entries were made of, by chain
  Accounts open;                            ///< what is in no entry yet
  std::vector<std::string> faults;
};

/// What the rows of the ledger themselves come to.
struct CountedRows {
  Accounts accounts;  ///< all but overrun, which is in no row
  std::uint64_t spent = 0;
  std::uint64_t locked = 0;
  std::uint64_t signatures = 0;
  std::uint64_t pruned_proofs = 0;  ///< of keysets whose rows are gone after their final expiry
  std::uint64_t pruned_signatures = 0;
  std::uint64_t mint_quotes = 0;
  std::uint64_t melts = 0;  ///< paid
  std::vector<std::string> faults;
};

/// A signature as it was given out.
struct StoredBlind {
  std::uint32_t keyset = 0;
  cashu::Amount amount = 0;
  PointBytes b_blinded{};
  PointBytes c_blinded{};
  crypto::Dleq dleq;
};

class LedgerView {
 public:
  virtual ~LedgerView() = default;
  virtual Result<std::vector<KeysetRecord>> keysets() = 0;
  virtual Result<Catalog> catalog() = 0;
  virtual Result<std::vector<std::string>> chains() = 0;
  /// Ascending by sequence.
  virtual Result<std::unique_ptr<Stream<StoredEntry>>> entries(const std::string& chain) = 0;
  /// Ascending by number.
  virtual Result<std::unique_ptr<Stream<StoredCheckpoint>>> checkpoints() = 0;
  /// `lengths`: last sequence of each chain.
  virtual Result<KeptTotals> kept(const std::map<std::string, std::uint64_t>& lengths) = 0;
  virtual Result<CountedRows> count() = 0;
  /// Of the `signatures` that there are, about `most`, spread over all; all, if there are no more.
  virtual Result<std::vector<StoredBlind>> some_signatures(std::uint64_t signatures, std::size_t most) = 0;
  /// Sentences about proofs and signatures that stand in more than one row or are not found where they are.
  virtual Result<std::vector<std::string>> misplaced_points() = 0;
};

/// No more faults of a kind are told.
inline constexpr std::size_t kMaxFaults = 10;
/// Adds `fault` unless there are that many.
inline void note(std::vector<std::string>& faults, std::string fault) {
  if (faults.size() < kMaxFaults) faults.push_back(std::move(fault));
}

}  // namespace manastr::mint

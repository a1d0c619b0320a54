// Where the records of the keysets are kept, and what is spent and signed of them: the ledger, as far as the
// room of keysets knows it.
#pragma once
#include <vector>

#include "common/base/error.h"
#include "mint/keysets/keyset_record.h"

namespace manastr::mint {

class KeysetStore {
 public:
  virtual ~KeysetStore() = default;

  /// Ascending by number. From any thread.
  virtual Result<std::vector<KeysetRecord>> keysets() = 0;
  /// `after` in the place of `before`: fresh records with the next numbers, and states of those that are
  /// there. Whole or not at all, and durable when it returns. False, and nothing is done, if the store has
  /// others than `before`: another mint was faster. Waits for the commit.
  virtual Result<bool> change_keysets(const std::vector<KeysetRecord>& before,
                                      const std::vector<KeysetRecord>& after) = 0;

  /// Whether a payment under way holds proofs or blank outputs of it.
  virtual Result<bool> has_pending(std::uint32_t keyset) = 0;
  enum class Pruned {
    more,   ///< a batch is done
    later,  ///< the rest can't go yet: it belongs to a payment under way, or another mint has it in hand
    done,   ///< nothing is left, and what was outstanding is booked as expired
  };
  /// Of a pruned keyset: forgets one small batch of its spent proofs and signatures, and adds what went to
  /// its row in the table `pruned`, in the same transaction. One thread at a time.
  virtual Result<Pruned> prune(std::uint32_t keyset) = 0;
};

/// That `after` changes nothing but states, forgets nothing, and marks as pruned what has a final expiry
/// alone; what every store asks first. PostgreSQL asks its own clock too.
Status check_change(const std::vector<KeysetRecord>& before, const std::vector<KeysetRecord>& after);

}  // namespace manastr::mint

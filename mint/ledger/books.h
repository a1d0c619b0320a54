// The running totals behind the checks of each SQLite commit: what was issued and redeemed of each keyset and
// unit, what came in and went out. Owned by the committing thread; kept in the database by journal entry,
// rows of entries that are written never change.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mint/ledger/accounts.h"

namespace manastr::mint {

struct KeysetSums {
  Wide issued = 0;
  Wide redeemed = 0;
  Wide expired = 0;
  Wide locked = 0;  ///< by melts under way; in no total
  bool operator==(const KeysetSums&) const = default;
};
struct UnitSums {
  Wide issued = 0;
  Wide redeemed = 0;
  Wide paid_for = 0;
  Wide claimed = 0;
  Wide expired = 0;
  bool operator==(const UnitSums&) const = default;
};
/// Numbers only, so that a copy per transaction costs next to nothing.
struct Sums {
  std::vector<UnitSums> units;      ///< by Books::unit()
  std::vector<KeysetSums> keysets;  ///< by number
  Wide received = 0;
  Wide paid_out = 0;
  Wide credit = 0;
  Wide overrun = 0;  ///< of payments and promises, beyond what was held for them; no part of the gap
  bool operator==(const Sums&) const = default;
};

class Books {
 public:
  void set_keysets(const std::vector<KeysetRecord>& records);
  /// Index of the unit, added if need be.
  std::size_t unit(std::string_view name);
  const std::string& unit_name(std::size_t index) const { return names_[index]; }
  std::size_t unit_of_keyset(std::uint32_t number) const { return unit_of_keyset_[number]; }
  /// Hex, by number; "" where there is none.
  const std::vector<std::string>& keyset_ids() const { return keyset_ids_; }

  void issue(std::uint32_t keyset, Wide amount) {
    sums.keysets[keyset].issued += amount;
    sums.units[unit_of_keyset_[keyset]].issued += amount;
  }
  void redeem(std::uint32_t keyset, Wide amount) {
    sums.keysets[keyset].redeemed += amount;
    sums.units[unit_of_keyset_[keyset]].redeemed += amount;
    look_at(sums.keysets[keyset]);
  }
  void lock(std::uint32_t keyset, Wide amount) {
    sums.keysets[keyset].locked += amount;
    look_at(sums.keysets[keyset]);
  }
  void unlock(std::uint32_t keyset, Wide amount) { sums.keysets[keyset].locked -= amount; }
  /// Issued, never redeemed, and owed to nobody any more.
  void expire(std::uint32_t keyset, Wide amount) {
    sums.keysets[keyset].expired += amount;
    sums.units[unit_of_keyset_[keyset]].expired += amount;
  }
  /// Of its proofs none may be spent, of its outputs none signed any more, whatever a request was told
  /// before.
  bool pruned(std::uint32_t number) const { return number < pruned_.size() && pruned_[number]; }

  std::uint64_t price(std::size_t index) const { return prices_[index]; }
  void set_price(std::size_t index, std::uint64_t msat) { prices_[index] = msat; }
  void set_cap(std::size_t index, std::optional<cashu::Amount> most) { caps_[index] = most; }
  /// 11006 if so much more of the unit would be more than its cap.
  Status check_cap(std::size_t index, Wide more) const;

  /// What is owed beyond what is there; <= 0 is solvent.
  Wide gap() const;
  /// "" or a sentence: more of a keyset is redeemed, or locked to be, than was issued.
  std::string overdrawn() const;
  Totals totals() const;
  /// By how much each account of the journal is more than in `earlier`.
  Accounts since(const Sums& earlier) const;

  /// Back to what they were.
  void restore(const Sums& earlier);

  Sums sums;
  /// Set where more of a keyset may have been redeemed than issued: a reason to ask overdrawn() in the end,
  /// for a swap spends before it issues.
  bool suspect = false;

 private:
  void look_at(const KeysetSums& keyset) { suspect |= keyset.redeemed + keyset.locked > keyset.issued; }

  std::vector<std::string> names_;
  std::vector<std::uint64_t> prices_;
  std::vector<std::optional<cashu::Amount>> caps_;
  std::vector<std::size_t> unit_of_keyset_;
  std::vector<std::string> keyset_ids_;
  std::vector<bool> pruned_;
};

/// The refusal of an issue above a unit's cap.
std::unexpected<Error> above_cap(std::string_view unit, cashu::Amount cap, Wide outstanding);

}  // namespace manastr::mint

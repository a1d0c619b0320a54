// The running totals behind the solvency check: what was issued and redeemed of each unit, what came in and
// went out. Owned by the committing thread; kept in the database by hour, rows of past hours never change.
#pragma once
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "mint/keysets/signing_keyset.h"
#include "mint/ledger/records.h"

namespace manastr::mint {

struct UnitSums {
  Wide issued = 0;
  Wide redeemed = 0;
  Wide paid_for = 0;
  Wide claimed = 0;
  bool operator==(const UnitSums&) const = default;
};
/// Numbers only, so that a copy per transaction costs nothing.
struct Sums {
  std::vector<UnitSums> units;  ///< by Books::Unit index
  Wide received = 0;
  Wide paid_out = 0;
  Wide credit = 0;
  bool operator==(const Sums&) const = default;
};

class Books {
 public:
  void set_keysets(const std::vector<KeysetRecord>& records);
  /// Index of the unit, added if need be.
  std::size_t unit(std::string_view name);
  const std::string& unit_name(std::size_t index) const { return names_[index]; }
  std::size_t unit_of_keyset(std::uint32_t number) const { return unit_of_keyset_[number]; }
  UnitSums& of_keyset(std::uint32_t number) { return sums.units[unit_of_keyset(number)]; }

  std::uint64_t price(std::size_t index) const { return prices_[index]; }
  void set_price(std::size_t index, std::uint64_t msat) { prices_[index] = msat; }
  void set_cap(std::size_t index, std::optional<cashu::Amount> most) { caps_[index] = most; }
  /// 11006 if so much more of the unit would be more than its cap.
  Status check_cap(std::size_t index, Wide more) const;

  /// What is owed beyond what is there; <= 0 is solvent.
  Wide gap() const { return gap(sums); }
  Wide gap(const Sums& of) const;
  Totals totals() const;

  /// Back to what they were.
  void restore(const Sums& earlier);

  Sums sums;

 private:
  std::vector<std::string> names_;
  std::vector<std::uint64_t> prices_;
  std::vector<std::optional<cashu::Amount>> caps_;
  std::vector<std::size_t> unit_of_keyset_;
};

/// The refusal of an issue above a unit's cap.
std::unexpected<Error> above_cap(std::string_view unit, cashu::Amount cap, Wide outstanding);

}  // namespace manastr::mint

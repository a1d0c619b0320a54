// The accounts of the mint: by keyset what was issued and redeemed, by unit what was paid for and claimed,
// and the money. Commits add to them; where several mints do, the sum is over all rows.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "mint/keysets/keyset_record.h"
#include "mint/ledger/records.h"

namespace manastr::mint {

/// Units, their prices and keysets, as the database has them.
class Catalog {
 public:
  void set_keysets(const std::vector<KeysetRecord>& records);
  void set_price(std::string_view unit, std::uint64_t msat);
  /// All that `other` knows; indices stay.
  void adopt(const Catalog& other);
  /// Index of the unit, added if need be.
  std::size_t unit(std::string_view name);
  const std::vector<std::string>& units() const { return units_; }
  std::uint64_t price(std::size_t unit) const { return prices_[unit]; }
  bool knows_keyset(std::uint32_t number) const {
    return number < unit_of_keyset_.size() && unit_of_keyset_[number] != kNone;
  }
  std::size_t unit_of_keyset(std::uint32_t number) const { return unit_of_keyset_[number]; }
  std::size_t keysets() const { return unit_of_keyset_.size(); }
  /// Of its proofs none may be spent, of its outputs none signed any more.
  bool pruned(std::uint32_t number) const { return number < pruned_.size() && pruned_[number]; }
  bool operator==(const Catalog&) const = default;

 private:
  static constexpr std::size_t kNone = ~std::size_t{0};
  std::vector<std::string> units_;
  std::vector<std::uint64_t> prices_;
  std::vector<std::size_t> unit_of_keyset_;
  std::vector<bool> pruned_;
};

/// Of one write, or of one commit.
class Tally {
 public:
  void issue(std::uint32_t keyset, cashu::Amount amount) { of(keysets_, keyset).in += amount; }
  void redeem(std::uint32_t keyset, cashu::Amount amount) { of(keysets_, keyset).out += amount; }
  /// Issued, never redeemed, and owed to nobody any more.
  void expire(std::uint32_t keyset, Wide amount) { of(keysets_, keyset).expired += amount; }
  void pay_for(std::size_t unit, Wide amount) { of(units_, unit).in += amount; }
  void claim(std::size_t unit, Wide amount) { of(units_, unit).out += amount; }
  Wide received = 0;
  Wide paid_out = 0;
  Wide credit = 0;
  Wide overrun = 0;  ///< of payments and promises, beyond what was held for them; no part of the gap

  void add(const Tally& other);
  /// By how much more is owed than there is, if this is done; <= 0 for all that conserves.
  Wide gap(const Catalog& catalog) const;
  /// What this adds to the circulation of each unit or takes from it, by the catalog's index.
  std::vector<Wide> circulation(const Catalog& catalog) const;
  /// Account and amount of all that is not 0. False if one is beyond 63 bits.
  bool rows(const Catalog& catalog, std::vector<std::pair<std::string, std::int64_t>>& out) const;

 private:
  struct Flow {
    Wide in = 0;
    Wide out = 0;
    Wide expired = 0;
  };
  static Flow& of(std::vector<Flow>& flows, std::size_t index) {
    if (flows.size() <= index) flows.resize(index + 1);
    return flows[index];
  }
  std::vector<Flow> keysets_;  // issued and redeemed, by number
  std::vector<Flow> units_;    // paid for and claimed, by index
};

/// Amounts by the names of accounts, as the journal has them. issued/, redeemed/ and expired/ are followed by
/// a keyset's number, paid_for/ and claimed/ by a unit.
using Accounts = std::map<std::string, Wide, std::less<>>;
inline constexpr std::string_view kIssued = "issued/";
inline constexpr std::string_view kRedeemed = "redeemed/";
inline constexpr std::string_view kExpired = "expired/";
inline constexpr std::string_view kPaidFor = "paid_for/";
inline constexpr std::string_view kClaimed = "claimed/";
inline constexpr std::string_view kReceived = "received";
inline constexpr std::string_view kPaidOut = "paid_out";
inline constexpr std::string_view kCredit = "credit";
inline constexpr std::string_view kOverrun = "overrun";
/// 0 if there is no such account.
Wide amount_of(const Accounts& accounts, std::string_view kind, std::string_view what = "");
Totals totals_of(const Accounts& accounts, const Catalog& catalog);
/// "" or a sentence: more of a keyset was redeemed than issued, or more is owed than there is and no
/// payment's overrun explains it.
std::string violation(const Accounts& accounts, const Catalog& catalog);
/// Its sentence about a keyset.
std::string overdrawn_keyset(std::string_view number, Wide redeemed, Wide issued);

}  // namespace manastr::mint

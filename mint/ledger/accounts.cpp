#include "mint/ledger/accounts.h"

#include <algorithm>
#include <limits>

namespace manastr::mint {

Wide amount_of(const Accounts& accounts, std::string_view kind, std::string_view what) {
  const auto it = accounts.find(std::string(kind) + std::string(what));
  return it == accounts.end() ? 0 : it->second;
}

void Catalog::set_keysets(const std::vector<KeysetRecord>& records) {
  for (const KeysetRecord& record : records) {
    if (unit_of_keyset_.size() <= record.number) unit_of_keyset_.resize(record.number + 1, kNone);
    unit_of_keyset_[record.number] = unit(record.unit);
    if (record.state != KeysetState::pruned) continue;
    if (pruned_.size() <= record.number) pruned_.resize(record.number + 1);
    pruned_[record.number] = true;
  }
}

void Catalog::set_price(std::string_view name, std::uint64_t msat) { prices_[unit(name)] = msat; }

void Catalog::adopt(const Catalog& other) {
  for (std::size_t i = 0; i < other.units_.size(); ++i) set_price(other.units_[i], other.prices_[i]);
  for (std::size_t i = 0; i < other.unit_of_keyset_.size(); ++i) {
    if (other.unit_of_keyset_[i] == kNone) continue;
    if (unit_of_keyset_.size() <= i) unit_of_keyset_.resize(i + 1, kNone);
    unit_of_keyset_[i] = unit(other.units_[other.unit_of_keyset_[i]]);
  }
  if (pruned_.size() < other.pruned_.size()) pruned_.resize(other.pruned_.size());
  for (std::size_t i = 0; i < other.pruned_.size(); ++i) pruned_[i] = pruned_[i] || other.pruned_[i];
}

std::size_t Catalog::unit(std::string_view name) {
  for (std::size_t i = 0; i < units_.size(); ++i) {
    if (units_[i] == name) return i;
  }
  units_.emplace_back(name);
  prices_.push_back(0);
  return units_.size() - 1;
}

void Tally::add(const Tally& other) {
  for (std::size_t i = 0; i < other.keysets_.size(); ++i) {
    of(keysets_, i).in += other.keysets_[i].in;
    keysets_[i].out += other.keysets_[i].out;
    keysets_[i].expired += other.keysets_[i].expired;
  }
  for (std::size_t i = 0; i < other.units_.size(); ++i) {
    of(units_, i).in += other.units_[i].in;
    units_[i].out += other.units_[i].out;
  }
  received += other.received;
  paid_out += other.paid_out;
  credit += other.credit;
  overrun += other.overrun;
}

Wide Tally::gap(const Catalog& catalog) const {
  Wide owed = credit;
  for (std::size_t i = 0; i < keysets_.size(); ++i) {
    if (!catalog.knows_keyset(static_cast<std::uint32_t>(i))) continue;
    owed += (keysets_[i].in - keysets_[i].out - keysets_[i].expired) *
            catalog.price(catalog.unit_of_keyset(static_cast<std::uint32_t>(i)));
  }
  for (std::size_t i = 0; i < units_.size(); ++i) owed += (units_[i].in - units_[i].out) * catalog.price(i);
  return owed - (received - paid_out);
}

std::vector<Wide> Tally::circulation(const Catalog& catalog) const {
  std::vector<Wide> out(catalog.units().size());
  for (std::size_t i = 0; i < keysets_.size(); ++i) {
    const auto number = static_cast<std::uint32_t>(i);
    if (catalog.knows_keyset(number)) out[catalog.unit_of_keyset(number)] += keysets_[i].in - keysets_[i].out;
  }
  return out;
}

bool Tally::rows(const Catalog& catalog, std::vector<std::pair<std::string, std::int64_t>>& out) const {
  bool fits = true;
  const auto row = [&](std::string_view kind, std::string_view what, Wide amount) {
    if (amount == 0) return;
    fits = fits && amount <= std::numeric_limits<std::int64_t>::max() &&
           amount >= std::numeric_limits<std::int64_t>::min();
    out.emplace_back(std::string(kind) + std::string(what), static_cast<std::int64_t>(amount));
  };
  for (std::size_t i = 0; i < keysets_.size(); ++i) {
    row(kIssued, std::to_string(i), keysets_[i].in);
    row(kRedeemed, std::to_string(i), keysets_[i].out);
    row(kExpired, std::to_string(i), keysets_[i].expired);
  }
  for (std::size_t i = 0; i < units_.size(); ++i) {
    row(kPaidFor, catalog.units()[i], units_[i].in);
    row(kClaimed, catalog.units()[i], units_[i].out);
  }
  row(kReceived, "", received);
  row(kPaidOut, "", paid_out);
  row(kCredit, "", credit);
  row(kOverrun, "", overrun);
  return fits;
}

Totals totals_of(const Accounts& accounts, const Catalog& catalog) {
  Totals out;
  for (std::size_t i = 0; i < catalog.units().size(); ++i) {
    UnitTotals unit{.unit = catalog.units()[i], .price_msat = catalog.price(i)};
    unit.paid_for = amount_of(accounts, kPaidFor, unit.unit);
    unit.claimed = amount_of(accounts, kClaimed, unit.unit);
    out.units.push_back(std::move(unit));
  }
  for (std::uint32_t number = 0; number < catalog.keysets(); ++number) {
    if (!catalog.knows_keyset(number)) continue;
    UnitTotals& unit = out.units[catalog.unit_of_keyset(number)];
    if (unit.unit == kAuthUnit) continue;  // no money
    const KeysetTotals keyset{number, amount_of(accounts, kIssued, std::to_string(number)),
                              amount_of(accounts, kRedeemed, std::to_string(number)),
                              amount_of(accounts, kExpired, std::to_string(number))};
    unit.issued += keyset.issued;
    unit.redeemed += keyset.redeemed;
    unit.expired += keyset.expired;
    out.keysets.push_back(keyset);
  }
  std::erase_if(out.units, [](const UnitTotals& unit) { return unit.unit == kAuthUnit; });
  out.received_msat = amount_of(accounts, kReceived);
  out.paid_out_msat = amount_of(accounts, kPaidOut);
  out.credit_msat = amount_of(accounts, kCredit);
  return out;
}

std::string overdrawn_keyset(std::string_view number, Wide redeemed, Wide issued) {
  return "of keyset " + std::string(number) + " " + to_text(redeemed) + " were redeemed and only " +
         to_text(issued) + " issued: someone else has its keys";
}

std::string violation(const Accounts& accounts, const Catalog& catalog) {
  for (const auto& [account, redeemed] : accounts) {
    if (!account.starts_with(kRedeemed)) continue;
    const std::string number = account.substr(kRedeemed.size());
    const Wide issued = amount_of(accounts, kIssued, number);
    if (redeemed > issued) return overdrawn_keyset(number, redeemed, issued);
  }
  const Totals totals = totals_of(accounts, catalog);
  const Wide gap = totals.liabilities_msat() - totals.assets_msat();
  if (gap > std::max(Wide{0}, amount_of(accounts, kOverrun)))
    return "the mint owes " + to_text(gap) + " msat more than it has";
  return "";
}

}  // namespace manastr::mint

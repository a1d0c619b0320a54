#include "mint/ledger/books.h"

namespace manastr::mint {

Wide Totals::liabilities_msat() const {
  Wide out = credit_msat;
  for (const UnitTotals& unit : units) out += unit.owed() * unit.price_msat;
  return out;
}

std::string_view name_of(Origin::Kind kind) {
  return kind == Origin::Kind::restored ? "restored" : "imported";
}

Origin::Kind kind_of_origin(std::string_view name) {
  return name == "imported" ? Origin::Kind::imported : Origin::Kind::restored;
}

void Books::set_keysets(const std::vector<KeysetRecord>& records) {
  for (const KeysetRecord& record : records) {
    if (unit_of_keyset_.size() <= record.number) {
      unit_of_keyset_.resize(record.number + 1);
      pruned_.resize(record.number + 1);
    }
    pruned_[record.number] = record.state == KeysetState::pruned;
    unit_of_keyset_[record.number] = unit(record.unit);
    keyset_ids_.resize(unit_of_keyset_.size());
    keyset_ids_[record.number] = record.id.hex();
  }
  sums.keysets.resize(unit_of_keyset_.size());
}

std::size_t Books::unit(std::string_view name) {
  for (std::size_t i = 0; i < names_.size(); ++i) {
    if (names_[i] == name) return i;
  }
  names_.emplace_back(name);
  prices_.push_back(0);
  caps_.emplace_back();
  sums.units.emplace_back();
  return names_.size() - 1;
}

Status Books::check_cap(std::size_t index, Wide more) const {
  const UnitSums& unit = sums.units[index];
  const Wide outstanding = unit.issued - unit.redeemed;
  if (!caps_[index] || outstanding + more <= Wide{*caps_[index]}) return {};
  return above_cap(names_[index], *caps_[index], outstanding);
}

std::unexpected<Error> above_cap(std::string_view unit, cashu::Amount cap, Wide outstanding) {
  return refused(cashu::kAmountOutsideLimit, "no more than " + std::to_string(cap) + " " + std::string(unit) +
                                                 " may be in circulation, " + to_text(outstanding) +
                                                 " are: wait until some are melted, or ask for less");
}

Wide Books::gap() const {
  Wide owed = sums.credit;
  for (std::size_t i = 0; i < sums.units.size(); ++i) {
    const UnitSums& unit = sums.units[i];
    owed += (unit.issued - unit.redeemed + unit.paid_for - unit.claimed - unit.expired) * prices_[i];
  }
  return owed - (sums.received - sums.paid_out);
}

std::string Books::overdrawn() const {
  for (std::size_t i = 0; i < sums.keysets.size(); ++i) {
    const KeysetSums& keyset = sums.keysets[i];
    const Wide taken = keyset.redeemed + keyset.locked;
    if (taken > keyset.issued) return overdrawn_keyset(std::to_string(i), taken, keyset.issued);
  }
  return "";
}

void Books::restore(const Sums& earlier) {
  sums = earlier;
  sums.units.resize(names_.size());
  sums.keysets.resize(unit_of_keyset_.size());
}

Totals Books::totals() const {
  Totals out;
  for (std::size_t i = 0; i < names_.size(); ++i) {
    if (names_[i] == kAuthUnit) continue;  // no money
    const UnitSums& unit = sums.units[i];
    out.units.push_back(
        {names_[i], prices_[i], unit.issued, unit.redeemed, unit.paid_for, unit.claimed, unit.expired});
  }
  for (std::uint32_t number = 1; number < sums.keysets.size(); ++number) {
    if (names_[unit_of_keyset_[number]] == kAuthUnit) continue;
    const KeysetSums& keyset = sums.keysets[number];
    out.keysets.push_back({number, keyset.issued, keyset.redeemed, keyset.expired});
  }
  out.received_msat = sums.received;
  out.paid_out_msat = sums.paid_out;
  out.credit_msat = sums.credit;
  return out;
}

Accounts Books::since(const Sums& earlier) const {
  Accounts out;
  const auto add = [&](std::string_view kind, const std::string& what, Wide amount) {
    if (amount != 0) out.emplace(std::string(kind) + what, amount);
  };
  for (std::size_t i = 0; i < sums.keysets.size(); ++i) {
    const KeysetSums was = i < earlier.keysets.size() ? earlier.keysets[i] : KeysetSums{};
    add(kIssued, std::to_string(i), sums.keysets[i].issued - was.issued);
    add(kRedeemed, std::to_string(i), sums.keysets[i].redeemed - was.redeemed);
    add(kExpired, std::to_string(i), sums.keysets[i].expired - was.expired);
  }
  for (std::size_t i = 0; i < sums.units.size(); ++i) {
    const UnitSums was = i < earlier.units.size() ? earlier.units[i] : UnitSums{};
    add(kPaidFor, names_[i], sums.units[i].paid_for - was.paid_for);
    add(kClaimed, names_[i], sums.units[i].claimed - was.claimed);
  }
  add(kReceived, "", sums.received - earlier.received);
  add(kPaidOut, "", sums.paid_out - earlier.paid_out);
  add(kCredit, "", sums.credit - earlier.credit);
  add(kOverrun, "", sums.overrun - earlier.overrun);
  return out;
}

}  // namespace manastr::mint

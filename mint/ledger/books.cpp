#include "mint/ledger/books.h"

namespace manastr::mint {

Wide Totals::liabilities_msat() const {
  Wide out = credit_msat;
  for (const UnitTotals& unit : units) out += unit.owed() * unit.price_msat;
  return out;
}

void Books::set_keysets(const std::vector<KeysetRecord>& records) {
  for (const KeysetRecord& record : records) {
    if (unit_of_keyset_.size() <= record.number) unit_of_keyset_.resize(record.number + 1);
    unit_of_keyset_[record.number] = unit(record.unit);
  }
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

Wide Books::gap(const Sums& of) const {
  Wide owed = of.credit;
  for (std::size_t i = 0; i < of.units.size(); ++i) {
    const UnitSums& unit = of.units[i];
    owed += (unit.issued - unit.redeemed + unit.paid_for - unit.claimed) * prices_[i];
  }
  return owed - (of.received - of.paid_out);
}

void Books::restore(const Sums& earlier) {
  sums = earlier;
  sums.units.resize(names_.size());
}

Totals Books::totals() const {
  Totals out;
  for (std::size_t i = 0; i < names_.size(); ++i) {
    const UnitSums& unit = sums.units[i];
    out.units.push_back({names_[i], prices_[i], unit.issued, unit.redeemed, unit.paid_for, unit.claimed});
  }
  out.received_msat = sums.received;
  out.paid_out_msat = sums.paid_out;
  out.credit_msat = sums.credit;
  return out;
}

}  // namespace manastr::mint

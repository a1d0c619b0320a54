#include "mint/ledger/postgres/caps.h"

#include <algorithm>

#include "mint/ledger/books.h"
#include "mint/ledger/postgres/auditor.h"

namespace manastr::mint {
namespace {

using postgres::Array;
using postgres::Outcome;
using postgres::Parameters;
using postgres::Rows;
using postgres::Statement;

constexpr Statement kLockCaps{"lock_caps",
                              "SELECT unit, cap FROM mint.units WHERE cap IS NOT NULL AND unit = "
                              "ANY($1::text[]) ORDER BY unit FOR UPDATE"};

}  // namespace

void Caps::add_units_of(const Write& write, const Catalog& catalog, std::vector<std::string_view>& units) {
  const auto add = [&](std::uint32_t keyset) {
    if (!catalog.knows_keyset(keyset)) return;
    const std::string_view unit = catalog.units()[catalog.unit_of_keyset(keyset)];
    if (std::ranges::find(units, unit) == units.end()) units.push_back(unit);
  };
  const auto unit_of = [&](std::uint32_t keyset) {
    return catalog.knows_keyset(keyset) ? catalog.unit_of_keyset(keyset) : ~std::size_t{0};
  };
  if (const auto* mint = std::get_if<MintWrite>(&write)) {
    for (const Issue& output : mint->issues) add(output.keyset);
  } else if (const auto* credited = std::get_if<CreditedIssue>(&write)) {
    for (const Issue& output : credited->issues) add(output.keyset);
  } else if (const auto* settle = std::get_if<SettleWrite>(&write)) {
    for (const SettleGroup& group : settle->groups) {
      for (const Issue& output : group.issues) {
        if (group.spends.empty() || unit_of(group.spends.front().keyset) != unit_of(output.keyset))
          add(output.keyset);
      }
    }
  }
}

bool Caps::queue_lock(postgres::Connection& connection, std::span<const std::string_view> units) {
  if (units.empty()) return false;
  Array names(Array::Element::text, units.size());
  for (const std::string_view unit : units) names.add(unit);
  connection.queue(kLockCaps, Parameters().add(names));
  return true;
}

Outcome<void> Caps::read(postgres::Connection& connection, const Rows& locked, const std::string& replica,
                         const Catalog& catalog) {
  if (locked.size() == 0) return {};
  auto audited = audited_accounts(connection, replica);
  if (!audited) return std::unexpected(audited.error());
  Accounts all = std::move(audited->others);
  for (const auto& [account, amount] : audited->own) all[account] += amount;
  const Totals totals = totals_of(all, catalog);
  for (std::size_t i = 0; i < locked.size(); ++i) {
    const std::string_view unit = locked.text(i, 0);
    Cap cap{.most = locked.unsigned_integer(i, 1)};
    for (const UnitTotals& each : totals.units) {
      if (each.unit == unit) cap.outstanding = each.outstanding();
    }
    caps_.emplace(unit, cap);
  }
  return {};
}

Status Caps::take(const Tally& tally, const Catalog& catalog) {
  if (caps_.empty()) return {};
  const std::vector<Wide> added = tally.circulation(catalog);
  for (std::size_t i = 0; i < added.size(); ++i) {
    const auto found = caps_.find(catalog.units()[i]);
    if (added[i] <= 0 || found == caps_.end()) continue;
    Cap& cap = found->second;
    if (cap.outstanding + added[i] > Wide{cap.most})
      return above_cap(found->first, cap.most, cap.outstanding);
    cap.outstanding += added[i];
  }
  return {};
}

}  // namespace manastr::mint

#include "mint/ledger/postgres/caps.h"

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

const std::vector<Issue>* issues_of(const Write& write) {
  if (const auto* mint = std::get_if<MintWrite>(&write)) return &mint->issues;
  if (const auto* credited = std::get_if<CreditedIssue>(&write)) return &credited->issues;
  return nullptr;
}

}  // namespace

std::string_view Caps::unit_of(const Write& write, const Catalog& catalog) {
  const std::vector<Issue>* issues = issues_of(write);
  if (issues == nullptr || issues->empty() || !catalog.knows_keyset(issues->front().keyset)) return {};
  return catalog.units()[catalog.unit_of_keyset(issues->front().keyset)];
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

Status Caps::take(const Write& write, const Catalog& catalog) {
  if (caps_.empty()) return {};
  const auto found = caps_.find(unit_of(write, catalog));
  if (found == caps_.end()) return {};
  Cap& cap = found->second;
  Wide more = 0;
  for (const Issue& output : *issues_of(write)) more += output.amount;
  if (cap.outstanding + more > Wide{cap.most}) return above_cap(found->first, cap.most, cap.outstanding);
  cap.outstanding += more;
  return {};
}

}  // namespace manastr::mint

#include "mint/backup/checks.h"

#include <map>

#include "mint/audit/verify.h"
#include "mint/keysets/foreign_keys.h"
#include "mint/keysets/journal_key.h"
#include "mint/keysets/keyset_ring.h"
#include "mint/keysets/mnemonic_file.h"

namespace manastr::mint {
namespace {

constexpr postgres::Statement kSome{
    "some_signatures", "SELECT b_, c_, keyset, amount FROM mint.signatures WHERE c_ IS NOT NULL LIMIT 2000"};

Status check_signature(const KeysetRing& ring, const SignatureRow& row) {
  const SigningKeyset* keyset = ring.by_number(row.keyset);
  const SigningKeyset::Denomination* key = keyset == nullptr ? nullptr : keyset->denomination(row.amount);
  const auto b_blinded = crypto::PublicKey::parse(row.b_blinded);
  if (key == nullptr || !b_blinded) return invalid("it holds a signature that no key can have made");
  if (crypto::sign_blinded(key->secret, key->key, *b_blinded).c_blinded.bytes() == row.c_blinded) return {};
  return invalid("it holds a signature of keyset " + keyset->id_hex() +
                 " that the mnemonic's key did not make");
}

Status check_totals(const Totals& totals, const Inventory& inventory) {
  std::map<std::string, std::pair<Wide, Wide>> sums;
  for (const KeysetInventory& each : inventory.keysets) {
    sums[each.unit].first += each.signed_amount;
    sums[each.unit].second += each.spent;
  }
  // What was forgotten is in the books alone.
  const auto pruned = inventory.rows.find("pruned");
  const bool all_rows = pruned == inventory.rows.end() || pruned->second == 0;
  for (const UnitTotals& unit : totals.units) {
    if (!all_rows) break;
    const auto [signed_amount, spent] = sums[unit.unit];
    if (unit.issued != signed_amount || unit.redeemed != spent) {
      return invalid("its books say that " + to_text(unit.issued) + " " + unit.unit + " were issued and " +
                     to_text(unit.redeemed) + " redeemed, its rows " + to_text(signed_amount) + " and " +
                     to_text(spent));
    }
  }
  if (!totals.solvent()) {
    return invalid("by its books it owes " + to_text(totals.liabilities_msat() - totals.assets_msat()) +
                   " msat more than it has");
  }
  return {};
}

}  // namespace

Result<std::vector<SignatureRow>> some_signatures(storage::Database& database) {
  TRY(storage::Query row, database.query("SELECT b_, c_, keyset, amount FROM signatures WHERE c_ IS NOT NULL "
                                         "ORDER BY number DESC LIMIT 2000"));
  std::vector<SignatureRow> out;
  for (;;) {
    TRY(const bool found, row.next());
    if (!found) return out;
    SignatureRow& each = out.emplace_back();
    TRY(each.b_blinded, row.array<33>(0));
    TRY(each.c_blinded, row.array<33>(1));
    each.keyset = static_cast<std::uint32_t>(row.integer(2));
    each.amount = row.unsigned_integer(3);
  }
}

Result<std::vector<SignatureRow>> some_signatures(postgres::Connection& connection) {
  TRY(const postgres::Rows rows, connection.ask(kSome));
  std::vector<SignatureRow> out(rows.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    TRY(out[i].b_blinded, rows.array<33>(i, 0));
    TRY(out[i].c_blinded, rows.array<33>(i, 1));
    out[i].keyset = static_cast<std::uint32_t>(rows.integer(i, 2));
    out[i].amount = rows.unsigned_integer(i, 3);
  }
  return out;
}

Status check_ledger(Ledger& ledger, const Inventory& inventory, const std::vector<SignatureRow>& signatures,
                    const Configuration& configuration, const std::string& directory) {
  TRY(std::vector<KeysetRecord> stored, ledger.keysets());
  if (stored.empty()) return invalid("it holds no keyset");
  TRY(const Mnemonic mnemonic,
      load_mnemonic(configuration.keysets.mnemonic, directory, false, system_random()));
  TRY(const crypto::Secret<64> seed, crypto::mnemonic_seed(mnemonic.words.reveal()));
  // Refuses if an id comes out different.
  TRY(const Derivations derivations, all_derivations(seed, configuration, directory));
  TRY(const KeysetRing::Assembled assembled,
      KeysetRing::assemble(derivations, std::move(stored), configuration));
  for (const SignatureRow& each : signatures) TRY_STATUS(check_signature(*assembled.ring, each));
  return check_totals(ledger.totals(), inventory);
}

Status check_books(LedgerView& view, const Configuration& configuration, const std::string& directory) {
  TRY(const Mnemonic mnemonic,
      load_mnemonic(configuration.keysets.mnemonic, directory, false, system_random()));
  TRY(const crypto::Secret<64> seed, crypto::mnemonic_seed(mnemonic.words.reveal()));
  TRY(const Derivations derivations, all_derivations(seed, configuration, directory));
  std::string fault;
  const auto hear = [&](bool passed, const std::string& line) {
    if (!passed && fault.empty()) fault = line;
  };
  TRY(const bool clean, verify_ledger(view, journal_key(seed).x_only(), std::nullopt, hear, &derivations));
  if (!clean) return invalid(fault);
  return {};
}

}  // namespace manastr::mint

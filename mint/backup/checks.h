// What is checked of a ledger before it is trusted: that the mnemonic is its own, that signatures are what
// the mnemonic gives, that its books say what its rows say. Used by restores and their drills.
#pragma once
#include "mint/audit/ledger_view.h"
#include "mint/backup/inventory.h"
#include "mint/configuration/configuration.h"
#include "mint/ledger/ledger.h"

namespace manastr::mint {

/// A blind signature as it is stored.
struct SignatureRow {
  PointBytes b_blinded{};
  PointBytes c_blinded{};
  std::uint32_t keyset = 0;
  cashu::Amount amount = 0;
};
/// Some thousand of them: the youngest, or any.
Result<std::vector<SignatureRow>> some_signatures(storage::Database& database);
Result<std::vector<SignatureRow>> some_signatures(postgres::Connection& connection);

/// The mnemonic of `directory` (or of the configuration) gives the ids of all keysets and these signatures,
/// and the totals of each unit are the sums of its rows.
Status check_ledger(Ledger& ledger, const Inventory& inventory, const std::vector<SignatureRow>& signatures,
                    const Configuration& configuration, const std::string& directory);

/// What `manastr-mint verify` checks: the journal, the totals, the rows. The error is its first fault.
Status check_books(LedgerView& view, const Configuration& configuration, const std::string& directory);

}  // namespace manastr::mint

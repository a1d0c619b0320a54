// Walks the whole journal: every chain entry by entry, every checkpoint, in the order in which they were
// made, so that memory is bounded however long they are. Used by verify.cpp.
#pragma once
#include "mint/audit/ledger_view.h"

namespace manastr::mint {

struct WalkedJournal {
  std::map<std::string, Accounts> by_chain;  ///< sums of the entries
  Accounts balances;                         ///< of all chains
  std::map<std::string, std::uint64_t> lengths;
  std::uint64_t entries = 0;
  std::uint64_t checkpoints = 0;
  std::vector<std::string> chain_faults;
  std::vector<std::string> checkpoint_faults;
  /// Where the ledger has other checkpoints than the one that was kept, or fewer.
  std::string after_fault;
};

/// `after`: a checkpoint that someone kept, whose signature holds.
Result<WalkedJournal> walk_journal(LedgerView& view, const crypto::XOnlyKey& key,
                                   const std::optional<SignedCheckpoint>& after);

/// Where the accounts differ: "issued/1 is 5 in the journal and 6 in the totals".
void compare_accounts(const Accounts& a, std::string_view name_of_a, const Accounts& b,
                      std::string_view name_of_b, std::vector<std::string>& faults);

}  // namespace manastr::mint

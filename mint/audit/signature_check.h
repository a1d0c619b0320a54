// That stored blind signatures are what the mint's keys give, C_ = k·B_, and that their DLEQ proofs (NUT-12)
// show it: of all of them or, of very many, of some that are spread over all. Used by verify.cpp.
#pragma once
#include "mint/audit/ledger_view.h"
#include "mint/keysets/derivation.h"

namespace manastr::mint {

struct CheckedSignatures {
  std::uint64_t checked = 0;
  std::uint64_t without_keys = 0;  ///< of keysets whose keys come from elsewhere
  std::vector<std::string> faults;
};

/// `signatures`: how many there are.
Result<CheckedSignatures> check_signatures(LedgerView& view, const Derivations& derivations,
                                           std::uint64_t signatures);

}  // namespace manastr::mint

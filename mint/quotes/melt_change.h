// The change of a melt (NUT-08): what is left of the inputs, signed onto the blank outputs.
#pragma once
#include <span>

#include "mint/keysets/signing_keyset.h"
#include "mint/ledger/writes.h"

namespace manastr::mint {

/// For a payment that cost `paid` msat. keysets[i] is that of blanks[i]. Empty without blanks, or where
/// nothing is left.
Result<std::vector<Issue>> sign_change(std::span<const SigningKeyset* const> keysets,
                                       std::span<const BlankOutput> blanks, const MeltQuote& quote,
                                       Msat paid);

}  // namespace manastr::mint

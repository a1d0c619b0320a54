// `manastr-mint verify`: rebuilds every balance from the journal, and compares it with the totals that the
// mint keeps and with what the rows of the ledger come to. Reads only, also while the mint runs. Called by
// main.
#pragma once
#include <functional>

#include "mint/audit/ledger_view.h"
#include "mint/configuration/configuration.h"
#include "mint/keysets/derivation.h"

namespace manastr::mint {

/// One line for each check, and for what is wrong one for each fault.
using TellCheck = std::function<void(bool passed, const std::string& line)>;

/// True if everything passed. An error: the ledger could not be read. `after`: a checkpoint that someone
/// kept.
/// `derivations`: null, signatures are counted and not checked.
Result<bool> verify_ledger(LedgerView& view, const crypto::XOnlyKey& key,
                           const std::optional<SignedCheckpoint>& after, const TellCheck& tell,
                           const Derivations* derivations = nullptr);

/// The same of a mint by its configuration; `after_file` is a file with a reply of /v1/supply, or with its
/// member `checkpoint` ("": none).
Result<bool> verify_mint(const Configuration& configuration, const std::string& directory,
                         const std::string& after_file, const TellCheck& tell);

}  // namespace manastr::mint

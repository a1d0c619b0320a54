// A PostgreSQL ledger for verification, on a connection of its own. The role of a running mint suffices.
#pragma once
#include "common/crypto/secret.h"
#include "mint/audit/ledger_view.h"

namespace manastr::mint {

/// An error if the database is away or of another schema than this program's, or if a restore into it was not
/// finished and the caller isn't that restore.
Result<std::unique_ptr<LedgerView>> view_postgres_ledger(const crypto::SecretText& url,
                                                         bool restoring = false);

}  // namespace manastr::mint

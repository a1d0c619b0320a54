// The tables of the SQLite ledger (docs/architecture.md says why they look so).
#pragma once
#include <span>

#include "common/storage/migrations.h"

namespace manastr::mint {

std::span<const storage::Migration> ledger_migrations();

}  // namespace manastr::mint

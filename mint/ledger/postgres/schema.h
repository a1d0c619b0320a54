// The tables of the PostgreSQL ledger (schema `mint`), brought forward by their owner, and what the role of a
// running mint may do with them: read, add, change the few columns that change; nothing is deleted but
// through functions that delete only what may go. docs/postgresql.md says how an operator makes the roles.
#pragma once
#include <string>

#include "common/postgres/connection.h"

namespace manastr::mint {

/// A schema beside `mint` while a restore is under way, from before its first row to after its last check:
/// what is in `mint` is no mint's ledger yet.
inline constexpr const char* kRestoringSchema = "mint_restoring";
/// Taken by who makes or drops the schema, until the end of the transaction.
inline constexpr const char* kLockSchema = "SELECT pg_advisory_xact_lock(5570193308277399041)";

/// An error if a restore is under way, or was not finished.
Status check_restored(postgres::Connection& connection);

/// Brings the schema forward to this version's, all in one transaction that others wait for. `runtime` gets
/// its rights if it is not the owner itself ("" : nobody). Refuses a database of a newer version, and one
/// that a restore is about to fill; says what to do if this role may not.
Status migrate_ledger(postgres::Connection& connection, const std::string& runtime);

/// True if the schema is this version's: there is nothing to migrate. An error if it is newer.
Result<bool> is_ledger_current(postgres::Connection& connection);

}  // namespace manastr::mint

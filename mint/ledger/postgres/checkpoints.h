// The journal in PostgreSQL beyond what the database does itself: mint.fold_commits() appends to the chain of
// each replica what it has committed, here all chains are read together and signed. Any mint on the database
// does it, whichever comes first; the auditor's thread calls it.
#pragma once
#include "common/postgres/connection.h"
#include "mint/ledger/standing.h"

namespace manastr::mint {

/// Where `chain` stands, and the last checkpoint.
postgres::Outcome<Standing> read_standing(postgres::Connection& connection, const std::string& chain);

/// Makes a checkpoint if any chain has gone on since the last one and that is kCheckpointEvery old, or
/// `at_once`. Not in a transaction. True if it made one: another mint may have been faster.
Result<bool> make_checkpoint(postgres::Connection& connection, const crypto::SecretKey& key, bool at_once);

}  // namespace manastr::mint

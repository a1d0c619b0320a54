// An entry of the journal: by how much each account changed since the entry before it, in lines of text whose
// SHA-256 the next entry names. Written by the ledgers about once a second while something changes, one chain
// for each replica of the mint, and read by `manastr-mint verify`. docs/journal.md has the format.
#pragma once
#include "common/base/clock.h"
#include "common/base/error.h"
#include "mint/ledger/accounts.h"

namespace manastr::mint {

/// The chain of a ledger that has one alone (SQLite).
inline constexpr std::string_view kOnlyChain = "main";

struct JournalEntry {
  std::string chain;  ///< name of the replica
  std::uint64_t sequence = 1;
  UnixSeconds time{};
  Hash32 previous{};  ///< journal_digest() of the entry before; zeros of the first
  Accounts changes;   ///< none of them 0; accounts that are new here are accounts all the same

  std::string text() const;
  /// Reads what text() writes, and nothing else.
  static Result<JournalEntry> parse(std::string_view text);
};

/// SHA-256 of the text of an entry or a checkpoint.
Hash32 journal_digest(std::string_view text);

/// Adds `changes` to `accounts`; accounts that come to 0 are left out.
void add_changes(Accounts& accounts, const Accounts& changes);

}  // namespace manastr::mint

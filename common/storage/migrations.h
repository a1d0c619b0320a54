// The schema of a SQLite file, brought forward at start. Each daemon has one list that only grows: a
// migration that has been released is never edited.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

#include "common/storage/database.h"

namespace manastr::storage {

struct Migration {
  std::string_view what;  ///< for the error, if it fails: "quotes remember their method"
  std::string_view script;
};

/// Applies those of `migrations` that the file has not seen, all in one transaction; their number is kept in
/// PRAGMA user_version. `application_id` (PRAGMA application_id, not 0) tells the files of the daemons apart.
/// Refuses a file of another application and one written by a newer version, and leaves it as it is.
Status migrate(Database& database, std::int32_t application_id, std::span<const Migration> migrations);

/// One id per kind of file.
inline constexpr std::int32_t kMintLedger = 0x4d4e4d31;     // "MNM1"
inline constexpr std::int32_t kEngineJournal = 0x4d4e4531;  // "MNE1"
inline constexpr std::int32_t kRelayEvents = 0x4d4e5231;    // "MNR1"
inline constexpr std::int32_t kPlayerWallet = 0x4d4e5031;   // "MNP1"
inline constexpr std::int32_t kFakeNode = 0x4d4e4c31;       // "MNL1"

}  // namespace manastr::storage

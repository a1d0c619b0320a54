// What a backup says of itself, in FILE.manifest.json beside FILE.
#pragma once
#include "mint/backup/inventory.h"

namespace manastr::mint {

struct Manifest {
  bool postgresql = false;  ///< FILE is a pg_dump in its custom format; else a SQLite database
  UnixSeconds taken_at{};   ///< nothing younger is in it
  std::uint64_t bytes = 0;  ///< of FILE
  std::string sha256;       ///< of FILE, hex
  Inventory inventory;
};

std::string manifest_path(const std::string& backup);
json::Value to_json(const Manifest& manifest);
Result<Manifest> read_manifest(const std::string& backup);
/// Size and digest of the file as it is.
struct FileDigest {
  std::uint64_t bytes = 0;
  std::string sha256;
  bool operator==(const FileDigest&) const = default;
};
Result<FileDigest> digest_of(const std::string& path);

}  // namespace manastr::mint

// Files that are on the disk, under their name or not at all, and that only their owner reads: backups,
// secrets, reports. Errors are sentences with the path and the reason.
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/error.h"

namespace manastr::storage {

/// An empty one, mode 0600. An error if the name is taken, also by a link.
Status make_file(const std::string& path);
/// Whole, synced, under its name only then; mode 0600. An error if the name is taken.
Status write_file(const std::string& path, std::string_view content);
Status sync_file(const std::string& path);
/// Gives the file `from` the name `to` and syncs the folder. An error if `to` is taken.
Status name_file(const std::string& from, const std::string& to);
void remove_file(const std::string& path);
/// Reads it in pieces.
Status read_file(const std::string& path, const std::function<Status(ByteView)>& piece);
/// Of a file that is small: at most `most` bytes, or an error.
Result<std::string> read_small_file(const std::string& path, std::size_t most);

}  // namespace manastr::storage

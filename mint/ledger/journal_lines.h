// The lines that journal entries and checkpoints are written in: words between single spaces, a line break
// behind each line. For journal_entry.cpp and checkpoint.cpp.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "mint/ledger/accounts.h"

namespace manastr::mint {

/// No text beyond this is read.
inline constexpr std::size_t kMaxJournalText = 1 << 20;

/// Takes a text apart.
class JournalLines {
 public:
  explicit JournalLines(std::string_view text) : left_(text) {}
  /// The words behind `first` of the next line, if it begins so and has exactly `words` of them.
  std::optional<std::vector<std::string_view>> take(std::string_view first, std::size_t words);
  bool done() const { return left_.empty(); }

 private:
  std::string_view left_;
};

/// 1 to 100 of a-z, A-Z, 0-9 and _ - . /
bool is_journal_name(std::string_view name);
/// Digits without a leading zero.
std::optional<std::uint64_t> journal_number(std::string_view digits);
std::optional<Hash32> journal_hash(std::string_view hex);

}  // namespace manastr::mint

// Checkpoints and journal entries from outside: no input may crash, and what is read is written back as it
// was.
#include <cstdlib>

#include "mint/audit/kept_checkpoint.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace manastr;
  const std::string_view text = as_text(ByteView(data, size));
  if (const auto read = mint::Checkpoint::parse(text); read && read->text() != text) std::abort();
  if (const auto read = mint::JournalEntry::parse(text); read && read->text() != text) std::abort();
  if (const auto kept = mint::read_kept_checkpoint(text); kept && !mint::Checkpoint::parse(kept->text))
    std::abort();
  return 0;
}

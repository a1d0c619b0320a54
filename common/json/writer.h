// Appending JSON writer for hot paths (mint replies, event ids), where a tree would cost more than the
// answer.
#pragma once
#include <string>
#include <string_view>

namespace manastr::json {

/// Appends `text` as a JSON string with its quotes, escaped as NIP-01 and JSON.stringify do: \n \" \\ \r \t
/// \b \f by name, other control characters below 0x20 as \u00xx, everything else verbatim.
void append_string(std::string& out, std::string_view text);

}  // namespace manastr::json

// The one reader of JSON from outside. Every byte is hostile: size, depth and counts are bounded before
// memory is spent.
#pragma once
#include <cstddef>
#include <string_view>

#include "common/json/value.h"

namespace manastr::json {

struct Limits {
  std::size_t bytes = 1 << 20;
  std::size_t depth = 32;
  std::size_t values = 200'000;  ///< all values of the document together
  std::size_t string_bytes = 1 << 20;
};

/// RFC 8259, one value and nothing behind it but white space. Refuses: duplicate keys, invalid UTF-8, lone
/// surrogate escapes, anything over `limits`. The error names the byte offset. Fuzz target:
/// tests/fuzz/json_fuzz.cpp.
Result<Value> parse(std::string_view text, const Limits& limits = {});

}  // namespace manastr::json

#include "common/json/writer.h"

#include <array>

namespace manastr::json {
namespace {

/// 0: verbatim; 'u': \u00xx; any other: backslash and that letter.
constexpr std::array<char, 256> kEscapes = [] {
  std::array<char, 256> out{};
  for (std::size_t c = 0; c < 0x20; ++c) out[c] = 'u';
  out['\n'] = 'n', out['\r'] = 'r', out['\t'] = 't', out['\b'] = 'b', out['\f'] = 'f';
  out['"'] = '"', out['\\'] = '\\';
  return out;
}();
constexpr char kHex[] = "0123456789abcdef";

}  // namespace

void append_string(std::string& out, std::string_view text) {
  out.push_back('"');
  std::size_t written = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const char escape = kEscapes[byte];
    if (escape == 0) [[likely]]
      continue;
    out.append(text, written, i - written);
    written = i + 1;
    out.push_back('\\');
    out.push_back(escape);
    if (escape == 'u') {
      out.append("00");
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15]);
    }
  }
  out.append(text, written, text.size() - written);
  out.push_back('"');
}

}  // namespace manastr::json

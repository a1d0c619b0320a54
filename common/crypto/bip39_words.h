// The English word list of BIP-39, in its own order, which is alphabetical. For bip39.cpp alone.
#pragma once
#include <array>
#include <string_view>

namespace manastr::crypto {

extern const std::array<std::string_view, 2048> kEnglishWords;

}  // namespace manastr::crypto

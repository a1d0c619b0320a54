// The end of MurmurHash3, for keys of 64 bits: one to one, and every bit of the input turns half of the
// output's.
#pragma once
#include <cstdint>

namespace manastr::mint {

constexpr std::uint64_t mixed(std::uint64_t word) {
  word = (word ^ word >> 33) * 0xff51afd7ed558ccdU;
  word = (word ^ word >> 33) * 0xc4ceb9fe1a85ec53U;
  return word ^ word >> 33;
}

}  // namespace manastr::mint

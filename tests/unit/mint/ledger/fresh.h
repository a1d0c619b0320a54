// Proofs, outputs and hashes that nobody has seen before.
#pragma once
#include "common/base/random.h"
#include "mint/ledger/writes.h"

namespace manastr::mint::test {

inline PointBytes fresh_point() {
  PointBytes out = system_random().bytes<33>();
  out[0] = 2;
  return out;
}
inline Hash32 fresh_hash() { return system_random().bytes<32>(); }
inline Spend spend(cashu::Amount amount, std::uint32_t keyset = 1) {
  return {fresh_point(), keyset, amount, ""};
}
inline Issue issue(cashu::Amount amount, std::uint32_t keyset = 1) {
  return {fresh_point(), keyset, amount, fresh_point(), {fresh_hash(), fresh_hash()}};
}

}  // namespace manastr::mint::test

// A keyset as the ledger remembers it: all that its seed does not say.
#pragma once
#include <optional>
#include <string>

#include "common/cashu/types.h"

namespace manastr::mint {

/// How far a keyset's life has come. It goes on to the next alone; only a unit that was taken out of the
/// configuration and put back has its newest keyset sign again. That its final expiry is past is no state:
/// the clock says it.
enum class KeysetState : std::uint8_t {
  signing = 0,    ///< what wallets see as active; one of each unit
  overlap = 1,    ///< has a successor, but signs what was prepared for it until `overlap_until`
  verifying = 2,  ///< its proofs are taken, nothing is signed
  pruned = 3,     ///< for good: past its final expiry, and what was spent of it is being forgotten
};

/// Keys of the mint's own seed: Derivations knows it, and others.
inline constexpr std::string_view kOwnDerivation = "cdk";
/// NUT-22's unit: its keysets have one key, of amount 1. They are no money, and in no list of those that are.
inline constexpr std::string_view kAuthUnit = "auth";

struct KeysetRecord {
  std::uint32_t number = 0;  ///< the ledger's own short name of it, from 1
  cashu::KeysetId id;
  cashu::Unit unit;
  std::uint32_t position = 1;  ///< idx of the derivation path
  std::uint64_t input_fee_ppk = 0;
  std::uint32_t denominations = 32;  ///< 2^0 .. 2^(n-1)
  KeysetState state = KeysetState::signing;
  std::optional<UnixSeconds> overlap_until;              ///< set in the state overlap
  std::optional<UnixSeconds> final_expiry;               ///< a part of the id, so it never changes
  std::string derivation = std::string(kOwnDerivation);  ///< where its keys come from: derivation.h
  UnixSeconds created_at{};
  /// Restored from a backup, and nobody has said yet that nothing was spent since: its proofs are not taken.
  bool held = false;
  int version() const { return id.bytes().size() == 8 ? 1 : 2; }
  bool is_money() const { return unit != kAuthUnit; }
  bool operator==(const KeysetRecord&) const = default;
};

}  // namespace manastr::mint

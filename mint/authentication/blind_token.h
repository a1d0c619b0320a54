// A blind authentication token as a request's header has it (NUT-22): authA and the base64url, padded or not,
// of a JSON object with id, secret and C.
#pragma once
#include <string>
#include <string_view>

#include "common/cashu/types.h"

namespace manastr::mint {

/// Nothing of it is verified yet.
struct BlindToken {
  static constexpr std::size_t kMaxBytes = 4 * 1024;

  cashu::KeysetId id;
  std::string secret;
  ByteArray<33> c{};

  /// The error has code 31002. `amount` may stand in it if it is 1; a DLEQ proof, which should not be sent,
  /// is passed over. A secret with a spending condition (NUT-10) is refused: there is no witness to fulfil
  /// it. Fuzz target: blind_token_fuzz.cpp.
  static Result<BlindToken> parse(std::string_view header);
  /// As wallets send it, unpadded.
  std::string header() const;
  bool operator==(const BlindToken&) const = default;
};

}  // namespace manastr::mint

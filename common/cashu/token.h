// NUT-00 tokens: cashuA (V3, JSON) and cashuB (V4, CBOR), read and written.
#pragma once
#include "common/cashu/types.h"

namespace manastr::cashu {

struct Token {
  std::string mint;
  Unit unit;
  std::string memo;
  std::vector<Proof> proofs;
};
/// Bounds: 1 MiB of text, 1000 proofs. V4 short keyset ids (8 bytes of a v2 id) are kept as `short_ids` need resolving:
/// `known` are the mint's keyset ids to resolve them against.
Result<Token> parse_token(std::string_view text, const std::vector<KeysetId>& known);
std::string dump_token_v3(const Token& token);
std::string dump_token_v4(const Token& token);

}  // namespace manastr::cashu

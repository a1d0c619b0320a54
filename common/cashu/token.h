// NUT-00 tokens: cashuA (V3, JSON) and cashuB (V4, CBOR), read and written.
#pragma once
#include "common/cashu/types.h"

namespace manastr::cashu {

/// Proofs of one mint.
struct Token {
  std::string mint;  ///< URL without trailing slashes
  Unit unit;         ///< "sat" where a V3 token names none
  std::string memo;
  std::vector<Proof> proofs;
};

/// Takes "cashuA…" and "cashuB…", padded or not, also behind "cashu:". Bounds: 1 MiB of text, 1000 proofs. A
/// V3 token of several mints is refused. Short keyset ids (8 bytes of a v2 id) are resolved against `known`,
/// the mint's keyset ids; none or several that fit is an error of code 12001.
Result<Token> parse_token(std::string_view text, const std::vector<KeysetId>& known);
/// The binary form, "craw" "B" CBOR.
Result<Token> parse_token_binary(ByteView bytes, const std::vector<KeysetId>& known);
std::string dump_token_v3(const Token& token);
/// Proofs are grouped by keyset, in order of first appearance; ids are written in full.
std::string dump_token_v4(const Token& token);
Bytes dump_token_binary(const Token& token);

}  // namespace manastr::cashu

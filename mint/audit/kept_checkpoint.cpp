#include "mint/audit/kept_checkpoint.h"

#include "common/json/reader.h"

namespace manastr::mint {

Result<SignedCheckpoint> read_kept_checkpoint(std::string_view json) {
  json::Limits limits;
  limits.bytes = 4 << 20;
  TRY(const json::Value reply, json::parse(json, limits));
  const json::Value* member = reply.find("checkpoint");
  const json::Value& kept = member == nullptr ? reply : *member;
  SignedCheckpoint out;
  TRY(out.text, json::get_string(kept, "text", member == nullptr ? "" : "checkpoint"));
  TRY(const std::string signature,
      json::get_string(kept, "signature", member == nullptr ? "" : "checkpoint"));
  const auto bytes = array_from_hex<64>(signature);
  if (!bytes) return invalid("signature: 128 digits of lower-case hex are expected");
  out.signature = *bytes;
  TRY_STATUS(Checkpoint::parse(out.text));
  return out;
}

}  // namespace manastr::mint

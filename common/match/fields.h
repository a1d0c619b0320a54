// How the codecs of the protocol take members apart: hex of a fixed length, keys, bounded numbers and texts.
// Internal to common/match and common/gameapi. Every error names the member.
#pragma once
#include <initializer_list>

#include "common/crypto/keys.h"
#include "common/json/reader.h"
#include "common/json/value.h"
#include "common/match/protocol.h"

namespace manastr::match {

std::string path_of(std::string_view where, std::string_view key);
/// No member but `names`, each at most once (the reader saw to that).
Status known_members(const json::Value& object, std::initializer_list<std::string_view> names,
                     std::string_view where = "");
Result<std::string> text_field(const json::Value& object, std::string_view key, std::size_t max_bytes,
                               std::string_view where = "");
Result<std::uint64_t> number_field(const json::Value& object, std::string_view key, std::uint64_t min,
                                   std::uint64_t max, std::string_view where = "");
template <std::size_t N>
Result<ByteArray<N>> hex_field(const json::Value& object, std::string_view key, std::string_view where = "") {
  TRY(const std::string text, json::get_string(object, key, where));
  const auto bytes = array_from_hex<N>(text);
  if (!bytes) {
    return invalid(path_of(where, key) + ": expected " + std::to_string(2 * N) + " lower-case hex digits");
  }
  return *bytes;
}
Result<PubKey> pubkey_field(const json::Value& object, std::string_view key, std::string_view where = "");
Result<std::optional<PubKey>> optional_pubkey_field(const json::Value& object, std::string_view key,
                                                    std::string_view where = "");
/// 66 lower-case digits that are a point.
Result<crypto::PublicKey> point_field(const json::Value& object, std::string_view key,
                                      std::string_view where = "");
Result<crypto::PublicKey> point_from(const json::Value& value, std::string_view where);
Result<Event> event_field(const json::Value& object, std::string_view key, std::string_view where = "");
/// Content of an event: one JSON object.
Result<json::Value> parse_content(std::string_view content);

}  // namespace manastr::match

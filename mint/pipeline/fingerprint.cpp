#include "mint/pipeline/fingerprint.h"

#include "common/crypto/hash.h"

namespace manastr::mint {
namespace {

void append_sized(Bytes& out, ByteView bytes) {
  append_be32(out, static_cast<std::uint32_t>(bytes.size()));
  append(out, bytes);
}

}  // namespace

Hash32 fingerprint(std::string_view endpoint, std::span<const cashu::Proof> inputs,
                   std::span<const cashu::BlindedMessage> outputs, std::string_view quote) {
  constexpr std::size_t kPerInput = 192;
  constexpr std::size_t kPerOutput = 96;
  Bytes data;
  data.reserve(64 + inputs.size() * kPerInput + outputs.size() * kPerOutput);
  append_sized(data, as_bytes(endpoint));
  append_sized(data, as_bytes(quote));
  append_be32(data, static_cast<std::uint32_t>(inputs.size()));
  for (const cashu::Proof& proof : inputs) {
    append_sized(data, proof.id.bytes());
    append_be64(data, proof.amount);
    append_sized(data, as_bytes(proof.secret));
    append(data, proof.c);
  }
  append_be32(data, static_cast<std::uint32_t>(outputs.size()));
  for (const cashu::BlindedMessage& output : outputs) {
    append_sized(data, output.id.bytes());
    append_be64(data, output.amount);
    append(data, output.b_blinded.bytes());
  }
  return crypto::sha256(data);
}

Hash32 witness_fingerprint(std::span<const cashu::Proof> inputs, std::string_view signature) {
  Bytes data;
  for (const cashu::Proof& proof : inputs) append_sized(data, as_bytes(proof.witness ? *proof.witness : ""));
  append(data, as_bytes(signature));
  return crypto::sha256(data);
}

}  // namespace manastr::mint

#include <charconv>

#include "common/cashu/types.h"

namespace manastr::cashu {
namespace {

constexpr std::size_t kMaxKeys = 64;

std::string path(std::string_view where, std::string_view member) {
  std::string out(where);
  if (!out.empty() && !member.empty()) out += '.';
  out += member;
  return out;
}

std::string element(std::string_view where, std::size_t index) {
  return std::string(where) + "[" + std::to_string(index) + "]";
}

Result<KeysetId> get_keyset_id(const json::Value& object, std::string_view where) {
  TRY(const std::string text, json::get_string(object, "id", where));
  const auto id = KeysetId::from_hex(text);
  if (!id) {
    return invalid(
        path(where, "id") + ": no keyset id; send the full lower-case id as GET /v1/keysets lists it",
        kKeysetUnknown);
  }
  return *id;
}

Result<crypto::PublicKey> get_point(const json::Value& object, std::string_view key, std::string_view where) {
  TRY(const std::string text, json::get_string(object, key, where));
  const auto point = crypto::PublicKey::from_hex(text, HexCase::any);
  if (!point) return invalid(path(where, key) + ": expected a compressed secp256k1 point, 66 hex digits");
  return *point;
}

Result<ByteArray<32>> get_scalar(const json::Value& object, std::string_view key, std::string_view where) {
  TRY(const std::string text, json::get_string(object, key, where));
  const auto scalar = array_from_hex<32>(text, HexCase::any);
  if (!scalar) return invalid(path(where, key) + ": expected 64 hex digits");
  return *scalar;
}

Result<crypto::Dleq> get_dleq(const json::Value& object, std::string_view where) {
  crypto::Dleq dleq;
  TRY(dleq.e, get_scalar(object, "e", where));
  TRY(dleq.s, get_scalar(object, "s", where));
  return dleq;
}

/// The member if it is there and not null.
const json::Value* find_present(const json::Value& object, std::string_view key) {
  const json::Value* member = object.find(key);
  return member != nullptr && !member->is_null() ? member : nullptr;
}

Status expect_object(const json::Value& value, std::string_view where) {
  if (value.is_object()) return {};
  return invalid((where.empty() ? std::string("document") : std::string(where)) + ": expected an object");
}

template <class T>
Result<std::vector<T>> elements_from_json(const json::Array& array, std::size_t limit, std::string_view where,
                                          int too_many,
                                          Result<T> (*parse)(const json::Value&, std::string_view)) {
  if (array.size() > limit) {
    return invalid(std::string(where) + ": " + std::to_string(array.size()) + " elements, at most " +
                       std::to_string(limit) + " are taken; split the request",
                   too_many);
  }
  std::vector<T> out;
  out.reserve(array.size());
  for (std::size_t i = 0; i < array.size(); ++i) {
    TRY(T item, parse(array[i], element(where, i)));
    out.push_back(std::move(item));
  }
  return out;
}

template <class T>
json::Value elements_to_json(const std::vector<T>& items) {
  json::Array array;
  array.reserve(items.size());
  for (const T& item : items) array.push_back(to_json(item));
  return json::Value(std::move(array));
}

}  // namespace

Result<Proof> proof_from_json(const json::Value& value, std::string_view where) {
  TRY_STATUS(expect_object(value, where));
  Proof proof;
  TRY(proof.amount, json::get_uint64(value, "amount", where));
  TRY(proof.id, get_keyset_id(value, where));
  TRY(proof.secret, json::get_string(value, "secret", where));
  if (proof.secret.empty() || proof.secret.size() > kMaxSecretBytes) {
    return invalid(path(where, "secret") + ": expected 1 to " + std::to_string(kMaxSecretBytes) + " bytes");
  }
  TRY(const std::string c, json::get_string(value, "C", where));
  if (!from_hex_into(c, proof.c, HexCase::any) || (proof.c[0] != 2 && proof.c[0] != 3)) {
    return invalid(path(where, "C") + ": expected a compressed secp256k1 point, 66 hex digits");
  }
  if (const json::Value* witness = find_present(value, "witness")) {
    if (witness->is_string()) {
      proof.witness = *witness->if_string();
    } else if (witness->is_object()) {
      proof.witness = witness->dump();
    } else {
      return invalid(path(where, "witness") + ": expected a string of JSON, or an object");
    }
    if (proof.witness->size() > kMaxWitnessBytes) {
      return invalid(path(where, "witness") + ": longer than " + std::to_string(kMaxWitnessBytes) + " bytes");
    }
  }
  if (const json::Value* dleq = find_present(value, "dleq")) {
    const std::string inside = path(where, "dleq");
    TRY_STATUS(expect_object(*dleq, inside));
    ProofDleq proof_dleq;
    TRY(proof_dleq.dleq, get_dleq(*dleq, inside));
    TRY(proof_dleq.r, get_scalar(*dleq, "r", inside));
    proof.dleq = proof_dleq;
  }
  return proof;
}

Result<BlindedMessage> blinded_message_from_json(const json::Value& value, std::string_view where) {
  TRY_STATUS(expect_object(value, where));
  TRY(const Amount amount, json::get_uint64(value, "amount", where));
  TRY(const KeysetId id, get_keyset_id(value, where));
  TRY(const crypto::PublicKey point, get_point(value, "B_", where));
  return BlindedMessage{amount, id, point};
}

Result<BlindSignature> blind_signature_from_json(const json::Value& value, std::string_view where) {
  TRY_STATUS(expect_object(value, where));
  TRY(const Amount amount, json::get_uint64(value, "amount", where));
  TRY(const KeysetId id, get_keyset_id(value, where));
  TRY(const crypto::PublicKey point, get_point(value, "C_", where));
  BlindSignature signature{amount, id, point, std::nullopt};
  if (const json::Value* dleq = find_present(value, "dleq")) {
    const std::string inside = path(where, "dleq");
    TRY_STATUS(expect_object(*dleq, inside));
    TRY(signature.dleq, get_dleq(*dleq, inside));
  }
  return signature;
}

Result<std::vector<Proof>> proofs_from_json(const json::Array& array, std::size_t limit,
                                            std::string_view where, int too_many) {
  return elements_from_json<Proof>(array, limit, where, too_many, proof_from_json);
}
Result<std::vector<BlindedMessage>> blinded_messages_from_json(const json::Array& array, std::size_t limit,
                                                               std::string_view where, int too_many) {
  return elements_from_json<BlindedMessage>(array, limit, where, too_many, blinded_message_from_json);
}
Result<std::vector<BlindSignature>> blind_signatures_from_json(const json::Array& array, std::size_t limit,
                                                               std::string_view where) {
  return elements_from_json<BlindSignature>(array, limit, where, 0, blind_signature_from_json);
}

json::Value to_json(const Proof& proof) {
  json::Value out;
  out.set("amount", proof.amount);
  out.set("id", proof.id.hex());
  out.set("secret", proof.secret);
  out.set("C", to_hex(proof.c));
  if (proof.witness) out.set("witness", *proof.witness);
  if (proof.dleq) {
    json::Value dleq;
    dleq.set("e", to_hex(proof.dleq->dleq.e));
    dleq.set("s", to_hex(proof.dleq->dleq.s));
    dleq.set("r", to_hex(proof.dleq->r));
    out.set("dleq", std::move(dleq));
  }
  return out;
}

json::Value to_json(const BlindedMessage& message) {
  json::Value out;
  out.set("amount", message.amount);
  out.set("id", message.id.hex());
  out.set("B_", message.b_blinded.hex());
  return out;
}

json::Value to_json(const BlindSignature& signature) {
  json::Value out;
  out.set("amount", signature.amount);
  out.set("id", signature.id.hex());
  out.set("C_", signature.c_blinded.hex());
  if (signature.dleq) {
    json::Value dleq;
    dleq.set("e", to_hex(signature.dleq->e));
    dleq.set("s", to_hex(signature.dleq->s));
    out.set("dleq", std::move(dleq));
  }
  return out;
}

json::Value to_json(const std::vector<Proof>& proofs) { return elements_to_json(proofs); }
json::Value to_json(const std::vector<BlindedMessage>& messages) { return elements_to_json(messages); }
json::Value to_json(const std::vector<BlindSignature>& signatures) { return elements_to_json(signatures); }

Result<Keys> keys_from_json(const json::Value& value, std::string_view where) {
  TRY_STATUS(expect_object(value, where));
  const json::Object& members = *value.if_object();
  if (members.empty() || members.size() > kMaxKeys) {
    return invalid(path(where, "") + ": expected 1 to " + std::to_string(kMaxKeys) + " keys");
  }
  Keys keys;
  for (const auto& [name, key] : members) {
    Amount amount = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), amount);
    if (error != std::errc{} || end != name.data() + name.size() || amount == 0 || name.front() == '0') {
      return invalid(path(where, name) + ": expected an amount, a decimal integer from 1 to 2^64-1");
    }
    const auto point =
        key.is_string() ? crypto::PublicKey::from_hex(*key.if_string(), HexCase::any) : std::nullopt;
    if (!point) return invalid(path(where, name) + ": expected a compressed secp256k1 point, 66 hex digits");
    keys.emplace(amount, *point);
  }
  return keys;
}

json::Value to_json(const Keys& keys) {
  json::Value out{json::Object{}};
  for (const auto& [amount, key] : keys) out.set(std::to_string(amount), key.hex());
  return out;
}

Result<KeysetInfo> keyset_info_from_json(const json::Value& value, std::string_view where) {
  TRY_STATUS(expect_object(value, where));
  KeysetInfo info;
  TRY(info.id, get_keyset_id(value, where));
  TRY(info.unit, json::get_string(value, "unit", where));
  if (!is_unit(info.unit)) return invalid(path(where, "unit") + ": expected [a-z0-9_-]{1,32}");
  TRY(const auto active, json::get_optional_bool(value, "active", where));
  info.active = active.value_or(true);
  TRY(const auto fee, json::get_optional_uint64(value, "input_fee_ppk", where));
  info.input_fee_ppk = fee.value_or(0);
  TRY(const auto expiry, json::get_optional_uint64(value, "final_expiry", where));
  if (expiry.value_or(0) > std::uint64_t{1} << 53) {
    return invalid(path(where, "final_expiry") + ": expected a time in seconds since 1970");
  }
  if (expiry.value_or(0) != 0) info.final_expiry = unix_seconds(static_cast<std::int64_t>(*expiry));
  return info;
}

Result<Keyset> keyset_from_json(const json::Value& value, std::string_view where) {
  Keyset keyset;
  TRY(static_cast<KeysetInfo&>(keyset), keyset_info_from_json(value, where));
  TRY(const json::Value* keys, json::get_object(value, "keys", where));
  TRY(keyset.keys, keys_from_json(*keys, path(where, "keys")));
  return keyset;
}

json::Value to_json(const KeysetInfo& info) {
  json::Value out;
  out.set("id", info.id.hex());
  out.set("unit", info.unit);
  out.set("active", info.active);
  out.set("input_fee_ppk", info.input_fee_ppk);
  out.set("final_expiry", info.final_expiry ? json::Value(count(*info.final_expiry)) : json::Value(nullptr));
  return out;
}

json::Value to_json(const Keyset& keyset) {
  json::Value out = to_json(static_cast<const KeysetInfo&>(keyset));
  out.set("keys", to_json(keyset.keys));
  return out;
}

}  // namespace manastr::cashu

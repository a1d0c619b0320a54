#include "mint/authentication/jwk_set.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <algorithm>

#include "common/json/reader.h"

namespace manastr::mint {
namespace {

constexpr std::size_t kCoordinate = 32;
constexpr std::size_t kMaxKeyId = 256;
constexpr int kLeastRsaBits = 2'048;
constexpr int kMostRsaBits = 8'192;
constexpr int kMostExponentBits = 64;

struct Free {
  void operator()(EVP_PKEY_CTX* each) const { EVP_PKEY_CTX_free(each); }
  void operator()(EVP_MD_CTX* each) const { EVP_MD_CTX_free(each); }
  void operator()(OSSL_PARAM_BLD* each) const { OSSL_PARAM_BLD_free(each); }
  void operator()(OSSL_PARAM* each) const { OSSL_PARAM_free(each); }
  void operator()(BIGNUM* each) const { BN_free(each); }
  void operator()(ECDSA_SIG* each) const { ECDSA_SIG_free(each); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;
using PublicKey = std::shared_ptr<EVP_PKEY>;

/// Unpadded, as RFC 7515 has it.
std::optional<Bytes> decoded(const json::Value& jwk, std::string_view member) {
  const json::Value* value = jwk.find(member);
  const std::string* text = value == nullptr ? nullptr : value->if_string();
  if (text == nullptr || text->empty() || text->ends_with('=')) return std::nullopt;
  return from_base64url(*text);
}

std::string_view text_of(const json::Value& jwk, std::string_view member) {
  const json::Value* value = jwk.find(member);
  const std::string* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string_view() : std::string_view(*text);
}

Owned<BIGNUM> number(ByteView bytes) {
  return Owned<BIGNUM>(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
}

/// Null if OpenSSL finds no public key in `builder`.
PublicKey make_key(const char* type, OSSL_PARAM_BLD* builder) {
  const Owned<OSSL_PARAM> parameters(OSSL_PARAM_BLD_to_param(builder));
  const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* made = nullptr;
  if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
    return nullptr;
  }
  return {made, EVP_PKEY_free};
}

PublicKey p256_key(const json::Value& jwk) {
  const auto x = decoded(jwk, "x");
  const auto y = decoded(jwk, "y");
  if (text_of(jwk, "crv") != "P-256" || !x || !y || x->size() != kCoordinate || y->size() != kCoordinate)
    return nullptr;
  Bytes point{4};
  append(point, *x);
  append(point, *y);
  const Owned<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new());
  if (!builder ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) !=
          1) {
    return nullptr;
  }
  PublicKey key = make_key("EC", builder.get());
  if (!key) return nullptr;
  const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  return context && EVP_PKEY_public_check(context.get()) == 1 ? key : nullptr;
}

PublicKey rsa_key(const json::Value& jwk) {
  const auto modulus = decoded(jwk, "n");
  const auto exponent = decoded(jwk, "e");
  if (!modulus || !exponent || modulus->size() > kMostRsaBits / 8 || exponent->size() > kMostExponentBits / 8)
    return nullptr;
  const Owned<BIGNUM> n = number(*modulus);
  const Owned<BIGNUM> e = number(*exponent);
  if (!n || !e || BN_num_bits(n.get()) < kLeastRsaBits || BN_is_odd(n.get()) == 0 ||
      BN_is_odd(e.get()) == 0 || BN_is_one(e.get()) != 0) {
    return nullptr;
  }
  const Owned<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new());
  if (!builder || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1) {
    return nullptr;
  }
  return make_key("RSA", builder.get());
}

/// Whether the provider says that this key is for something else than verifying `algorithm`.
bool is_for_others(const json::Value& jwk, std::string_view algorithm) {
  const std::string_view use = text_of(jwk, "use");
  const std::string_view named = text_of(jwk, "alg");
  if ((!use.empty() && use != "sig") || (!named.empty() && named != algorithm)) return true;
  const json::Value* operations = jwk.find("key_ops");
  if (operations == nullptr) return false;
  const json::Array* list = operations->if_array();
  return list == nullptr ||
         std::ranges::none_of(*list, [](const json::Value& each) { return each == json::Value("verify"); });
}

/// As OpenSSL reads it, of r and s.
Bytes der_of(ByteView signature) {
  const Owned<ECDSA_SIG> pair(ECDSA_SIG_new());
  Owned<BIGNUM> r = number(signature.first(kCoordinate));
  Owned<BIGNUM> s = number(signature.subspan(kCoordinate));
  if (!pair || !r || !s || ECDSA_SIG_set0(pair.get(), r.get(), s.get()) != 1) return {};
  (void)r.release();
  (void)s.release();
  Byte* written = nullptr;
  const int size = i2d_ECDSA_SIG(pair.get(), &written);
  if (size <= 0) return {};
  Bytes out(written, written + size);
  OPENSSL_free(written);
  return out;
}

bool holds(EVP_PKEY* key, ByteView message, ByteView signature) {
  const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
  return context &&
         EVP_DigestVerifyInit_ex(context.get(), nullptr, "SHA256", nullptr, nullptr, key, nullptr) == 1 &&
         EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(),
                          message.size()) == 1;
}

}  // namespace

std::optional<JwsAlgorithm> jws_algorithm(std::string_view name) {
  if (name == "ES256") return JwsAlgorithm::es256;
  if (name == "RS256") return JwsAlgorithm::rs256;
  return std::nullopt;
}

Result<JwkSet> JwkSet::parse(std::string_view text) {
  if (text.size() > kMaxBytes) return invalid("a key set of more than 256 KiB");
  TRY(const json::Value document, json::parse(text, {.bytes = kMaxBytes, .depth = 8, .values = 10'000}));
  TRY(const json::Array* list, json::get_array(document, "keys"));
  JwkSet out;
  for (const json::Value& jwk : *list) {
    if (out.keys_.size() == kMaxKeys) break;
    const std::string_view type = text_of(jwk, "kty");
    PublicKey key;
    JwsAlgorithm algorithm = JwsAlgorithm::es256;
    if (type == "EC" && !is_for_others(jwk, "ES256")) {
      key = p256_key(jwk);
    } else if (type == "RSA" && !is_for_others(jwk, "RS256")) {
      key = rsa_key(jwk);
      algorithm = JwsAlgorithm::rs256;
    }
    const std::string_view id = text_of(jwk, "kid");
    if (!key || id.size() > kMaxKeyId) continue;
    out.keys_.push_back(
        {id.empty() ? std::nullopt : std::optional<std::string>(id), algorithm, std::move(key)});
  }
  if (out.keys_.empty()) return invalid("no key for ES256 or for RS256 (of 2048 bits or more)");
  return out;
}

JwkSet::Verdict JwkSet::verify(JwsAlgorithm algorithm, const std::optional<std::string>& key_id,
                               ByteView message, ByteView signature) const {
  const Key* chosen = nullptr;
  for (const Key& each : keys_) {
    if (each.algorithm != algorithm || (key_id && each.id != key_id)) continue;
    if (chosen != nullptr) return Verdict::no_such_key;  // which of them can't be told
    chosen = &each;
  }
  if (chosen == nullptr) return Verdict::no_such_key;
  if (algorithm == JwsAlgorithm::rs256)
    return holds(chosen->key.get(), message, signature) ? Verdict::good : Verdict::bad;
  if (signature.size() != 2 * kCoordinate) return Verdict::bad;
  const Bytes der = der_of(signature);
  return !der.empty() && holds(chosen->key.get(), message, der) ? Verdict::good : Verdict::bad;
}

}  // namespace manastr::mint

// The public keys of an OpenID provider (RFC 7517), as far as this mint trusts them: P-256 for ES256, RSA of
// 2048 to 8192 bits for RS256. Made from what the provider serves, then read by all threads.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/error.h"

struct evp_pkey_st;

namespace manastr::mint {

/// RFC 7518 section 3.1; no other is accepted, least of all `none` and those with a shared secret.
enum class JwsAlgorithm { es256, rs256 };
std::optional<JwsAlgorithm> jws_algorithm(std::string_view name);

class JwkSet {
 public:
  static constexpr std::size_t kMaxBytes = 256 * 1024;
  static constexpr std::size_t kMaxKeys = 64;

  /// {"keys":[...]}. Keys that are for something else, of another kind or malformed are passed over; an error
  /// if the document is none, or has no key that could verify anything. Fuzz target: jwk_set_fuzz.cpp.
  static Result<JwkSet> parse(std::string_view text);

  enum class Verdict { good, bad, no_such_key };
  /// RFC 7515 section 5.2. `key_id`: the header's "kid"; without one, the set must have a single key of that
  /// algorithm. An ES256 signature is r and s, 64 bytes.
  Verdict verify(JwsAlgorithm algorithm, const std::optional<std::string>& key_id, ByteView message,
                 ByteView signature) const;
  std::size_t size() const { return keys_.size(); }

 private:
  struct Key {
    std::optional<std::string> id;
    JwsAlgorithm algorithm;
    std::shared_ptr<evp_pkey_st> key;
  };
  std::vector<Key> keys_;
};

}  // namespace manastr::mint

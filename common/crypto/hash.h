// SHA-256, HMAC, HKDF and BIP-340 tagged hashes, on OpenSSL with the digest fetched once and a context per
// thread.
#pragma once
#include <initializer_list>

#include "common/base/bytes.h"

namespace manastr::crypto {

Hash32 sha256(ByteView data);
Hash32 sha256(std::initializer_list<ByteView> parts);
ByteArray<64> sha512(ByteView data);
/// BIP-340: SHA256(SHA256(tag) ‖ SHA256(tag) ‖ parts...).
Hash32 tagged_hash(std::string_view tag, std::initializer_list<ByteView> parts);
Hash32 tagged_hash(std::string_view tag, ByteView data);
Hash32 hmac_sha256(ByteView key, std::initializer_list<ByteView> parts);
ByteArray<64> hmac_sha512(ByteView key, ByteView data);
/// RFC 5869.
Hash32 hkdf_extract_sha256(ByteView salt, ByteView key_material);
Bytes hkdf_expand_sha256(ByteView pseudo_random_key, ByteView info, std::size_t length);
ByteArray<20> ripemd160_of_sha256(ByteView data);

/// Incremental SHA-256, for streams.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  Sha256& update(ByteView data);
  Hash32 finish();

 private:
  void* context_;
};

}  // namespace manastr::crypto

#include "common/crypto/hash.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "common/crypto/secret.h"

namespace manastr::crypto {
namespace {

/// Without memory or providers no hash can be made, and no caller could go on.
void must(bool ok) {
  if (!ok) std::abort();
}

EVP_MD* fetch(const char* name) {
  EVP_MD* digest = EVP_MD_fetch(nullptr, name, nullptr);
  must(digest != nullptr);
  return digest;  // lives as long as the process
}
const EVP_MD* sha256_digest() {
  static EVP_MD* const digest = fetch("SHA256");
  return digest;
}
const EVP_MD* sha512_digest() {
  static EVP_MD* const digest = fetch("SHA512");
  return digest;
}
const EVP_MD* ripemd160_digest() {
  static EVP_MD* const digest = fetch("RIPEMD160");
  return digest;
}

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, FreeContext>;

Context new_context() {
  Context context(EVP_MD_CTX_new());
  must(context != nullptr);
  return context;
}

/// One digest of many short messages: the context of this thread is made once and kept on its algorithm.
template <std::size_t N>
class Digest {
 public:
  explicit Digest(const EVP_MD* algorithm) : algorithm_(algorithm), context_(new_context()) {}
  Digest& start() {
    must(EVP_DigestInit_ex(context_.get(), algorithm_, nullptr) == 1);
    return *this;
  }
  Digest& update(ByteView data) {
    must(EVP_DigestUpdate(context_.get(), data.data(), data.size()) == 1);
    return *this;
  }
  ByteArray<N> finish() {
    ByteArray<N> out;
    must(EVP_DigestFinal_ex(context_.get(), out.data(), nullptr) == 1);
    return out;
  }

 private:
  const EVP_MD* algorithm_;
  Context context_;
};

Digest<32>& sha256_here() {
  thread_local Digest<32> digest(sha256_digest());
  return digest;
}
Digest<64>& sha512_here() {
  thread_local Digest<64> digest(sha512_digest());
  return digest;
}

/// RFC 2104.
template <std::size_t N, std::size_t kBlock>
ByteArray<N> hmac(Digest<N>& digest, ByteView key, std::initializer_list<ByteView> parts) {
  ByteArray<kBlock> pad{};
  if (key.size() > kBlock) {
    auto hashed = digest.start().update(key).finish();
    std::copy(hashed.begin(), hashed.end(), pad.begin());
    wipe(hashed);
  } else {
    std::copy(key.begin(), key.end(), pad.begin());
  }
  for (Byte& byte : pad) byte ^= 0x36;
  digest.start().update(pad);
  for (const ByteView part : parts) digest.update(part);
  auto inner = digest.finish();
  for (Byte& byte : pad) byte ^= 0x36 ^ 0x5c;
  const auto out = digest.start().update(pad).update(inner).finish();
  wipe(pad);
  wipe(inner);
  return out;
}

}  // namespace

Hash32 sha256(ByteView data) { return sha256_here().start().update(data).finish(); }

Hash32 sha256(std::initializer_list<ByteView> parts) {
  auto& digest = sha256_here().start();
  for (const ByteView part : parts) digest.update(part);
  return digest.finish();
}

ByteArray<64> sha512(ByteView data) { return sha512_here().start().update(data).finish(); }

Hash32 tagged_hash(std::string_view tag, std::initializer_list<ByteView> parts) {
  const Hash32 prefix = sha256(as_bytes(tag));
  auto& digest = sha256_here().start().update(prefix).update(prefix);
  for (const ByteView part : parts) digest.update(part);
  return digest.finish();
}

Hash32 tagged_hash(std::string_view tag, ByteView data) { return tagged_hash(tag, {data}); }

Hash32 hmac_sha256(ByteView key, std::initializer_list<ByteView> parts) {
  return hmac<32, 64>(sha256_here(), key, parts);
}

ByteArray<64> hmac_sha512(ByteView key, ByteView data) { return hmac<64, 128>(sha512_here(), key, {data}); }

Hash32 hkdf_extract_sha256(ByteView salt, ByteView key_material) { return hmac_sha256(salt, {key_material}); }

Bytes hkdf_expand_sha256(ByteView pseudo_random_key, ByteView info, std::size_t length) {
  must(length <= 255 * 32);
  Bytes out;
  out.reserve(length + 32);
  Hash32 block{};
  std::size_t filled = 0;
  for (Byte counter = 1; out.size() < length; ++counter) {
    block = hmac_sha256(pseudo_random_key, {ByteView(block).first(filled), info, ByteView(&counter, 1)});
    filled = block.size();
    append(out, block);
  }
  wipe(block);
  wipe(std::span(out).subspan(length));
  out.resize(length);
  return out;
}

ByteArray<20> ripemd160_of_sha256(ByteView data) {
  thread_local Digest<20> digest(ripemd160_digest());
  return digest.start().update(sha256(data)).finish();
}

Sha256::Sha256() : context_(new_context().release()) {
  must(EVP_DigestInit_ex(static_cast<EVP_MD_CTX*>(context_), sha256_digest(), nullptr) == 1);
}

Sha256::~Sha256() { EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context_)); }

Sha256& Sha256::update(ByteView data) {
  must(EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(context_), data.data(), data.size()) == 1);
  return *this;
}

Hash32 Sha256::finish() {
  Hash32 out;
  must(EVP_DigestFinal_ex(static_cast<EVP_MD_CTX*>(context_), out.data(), nullptr) == 1);
  must(EVP_DigestInit_ex(static_cast<EVP_MD_CTX*>(context_), sha256_digest(), nullptr) == 1);
  return out;
}

}  // namespace manastr::crypto

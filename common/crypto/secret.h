// Secrets that zeroize. A secret has no operator<<, no formatter and no implicit conversion, so it cannot
// reach a log.
#pragma once
#include <utility>

#include "common/base/bytes.h"

namespace manastr::crypto {

/// Overwrites memory in a way that the compiler keeps.
void wipe(std::span<Byte> memory);
/// Equality in time that depends on the length alone.
bool equal_constant_time(ByteView a, ByteView b);

/// N secret bytes, wiped on destruction and when moved from.
template <std::size_t N>
class Secret {
 public:
  Secret() : bytes_{} {}
  explicit Secret(const ByteArray<N>& bytes) : bytes_(bytes) {}
  Secret(const Secret&) = default;
  Secret& operator=(const Secret&) = default;
  Secret(Secret&& other) noexcept : bytes_(other.bytes_) { wipe(other.bytes_); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      bytes_ = other.bytes_;
      wipe(other.bytes_);
    }
    return *this;
  }
  ~Secret() { wipe(bytes_); }
  const ByteArray<N>& reveal() const { return bytes_; }
  ByteArray<N>& reveal_mutable() { return bytes_; }

 private:
  ByteArray<N> bytes_;
};

/// A secret of any length (a mnemonic, a passphrase, a seed), wiped on destruction.
class SecretText {
 public:
  SecretText() = default;
  explicit SecretText(std::string text) : text_(std::move(text)) {}
  SecretText(const SecretText&) = default;
  SecretText(SecretText&& other) noexcept : text_(std::move(other.text_)) { other.wipe_text(); }
  SecretText& operator=(SecretText other) noexcept {
    text_.swap(other.text_);
    return *this;
  }
  ~SecretText() { wipe_text(); }
  std::string_view reveal() const { return text_; }
  bool empty() const { return text_.empty(); }

 private:
  void wipe_text();
  std::string text_;
};

}  // namespace manastr::crypto

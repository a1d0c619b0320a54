// BIP-39 mnemonics (English) and BIP-32 derivation: keysets of the mint, secrets of the player's wallet
// (NUT-13).
#pragma once
#include "common/crypto/keys.h"

namespace manastr::crypto {

/// 12 words from 16 random bytes, one space between them.
SecretText generate_mnemonic(Random& random);
/// 12, 15, 18, 21 or 24 lower-case words with any white space between. The error says which word is unknown
/// or that the checksum is wrong, without repeating the mnemonic.
Status check_mnemonic(std::string_view mnemonic);
/// PBKDF2-HMAC-SHA512, 2048 rounds: 64 bytes, about 1 ms. Refuses what check_mnemonic refuses, and a
/// passphrase beyond ASCII, which would need Unicode normalisation (NFKD).
Result<Secret<64>> mnemonic_seed(std::string_view mnemonic, std::string_view passphrase = "");

/// A node of a BIP-32 tree.
struct ExtendedKey {
  SecretKey key;
  Secret<32> chain_code;
  static ExtendedKey master(ByteView seed);
  /// child index; add kHardened for i'.
  ExtendedKey child(std::uint32_t index) const;
};
inline constexpr std::uint32_t kHardened = 0x80000000U;

}  // namespace manastr::crypto

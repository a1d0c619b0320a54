// NIP-49: a secret key encrypted with a password (scrypt, XChaCha20-Poly1305), text form ncryptsec1...
#pragma once
#include "common/base/random.h"
#include "common/crypto/keys.h"

namespace manastr::nostr {

// NIP-49 has passwords normalised to Unicode NFKC. ASCII is its own normal form and passes through. Other
// text is used as it is given, byte for byte (it must be UTF-8): keyboards of today type the composed form,
// which NFKC keeps; one who pastes a decomposed or compatibility character (U+212B, ligatures) must normalise
// it before.

/// log_n 16 takes about 64 MiB and 0.2 s; 1..22 are accepted when decrypting, above is refused (memory).
Result<std::string> nip49_encrypt(const crypto::SecretKey& key, std::string_view password, std::uint8_t log_n,
                                  Random& random);
Result<crypto::SecretKey> nip49_decrypt(std::string_view ncryptsec, std::string_view password);

}  // namespace manastr::nostr

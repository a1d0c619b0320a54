// The player's key file: the Nostr key by NIP-49 and the wallet's mnemonic, under one passphrase. JSON, mode
// 0600.
#pragma once
#include <string>

#include "common/base/random.h"
#include "common/crypto/keys.h"
#include "common/crypto/secret.h"

namespace manastr::player {

struct PlayerKeys {
  crypto::SecretKey nostr_key;
  crypto::SecretText mnemonic;  ///< BIP-39, of the wallet's seed
};

/// Fresh keys, both random.
PlayerKeys generate_player_keys(Random& random);

inline constexpr std::uint8_t kDefaultLogN = 16;  ///< scrypt cost: 64 MiB, about 0.2 s; at least 10

/// Writes a new file, synced before it gets its name; an existing file is never touched (an error).
Status write_keyfile(const std::string& path, const PlayerKeys& keys, std::string_view passphrase,
                     Random& random, std::uint8_t log_n = kDefaultLogN);
/// `refused` for a wrong passphrase, `invalid` for a file that is none or that others may read.
Result<PlayerKeys> read_keyfile(const std::string& path, std::string_view passphrase);

}  // namespace manastr::player

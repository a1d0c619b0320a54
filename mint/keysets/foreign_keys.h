// Private keys of keysets that came from another mint (an import), whose path or whose seed are not our own.
// Their records name one of three schemes, with the path behind the colon:
//   own-path:PATH      BIP-32 from the seed of our own mnemonic, another path (cdk before its present one)
//   foreign-path:PATH  BIP-32 from the imported seed's bytes (nutshell since 0.15; cdk with a seed text)
//   foreign-hash:PATH  SHA-256 of the imported seed, the path and the index as text (nutshell before 0.15)
// The key of 2^i is at PATH/i'. PATH: m/0'/0'/0', hardened throughout.
#pragma once
#include "mint/configuration/configuration.h"
#include "mint/keysets/derivation.h"

namespace manastr::mint {

inline constexpr std::string_view kOwnPath = "own-path";
inline constexpr std::string_view kForeignPath = "foreign-path";
inline constexpr std::string_view kForeignHash = "foreign-hash";

/// "m/0'/1'/2'", with or without "m/": the hardened indices, without that bit. nullopt for anything else.
std::optional<std::vector<std::uint32_t>> parse_hardened_path(std::string_view path);

/// `imported_seed` is empty if there is none; a record that needs it is refused then.
void add_foreign_keys(Derivations& derivations, const crypto::Secret<64>& own_seed,
                      const crypto::SecretText& imported_seed);

/// `configured` ([keysets] imported_seed) if it isn't empty, else what DIR/imported-seed holds, else "".
Result<crypto::SecretText> load_imported_seed(const crypto::SecretText& configured,
                                              const std::string& directory);
std::string imported_seed_path(const std::string& directory);

/// Everything that this mint can derive: its own keys from `own_seed`, and those of an import.
Result<Derivations> all_derivations(const crypto::Secret<64>& own_seed, const Configuration& configuration,
                                    const std::string& directory);

}  // namespace manastr::mint

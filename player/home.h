// The player's folder: settings, key file, wallet, match book, and the lock that keeps a second process out.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "common/storage/directory_lock.h"
#include "player/keyfile.h"
#include "player/match_book.h"
#include "player/wallet.h"
#include "relay-client/courier.h"

namespace manastr::player {

struct Settings {
  std::string mint;
  std::vector<std::string> relays;
  crypto::XOnlyKey engine;
};

/// Makes the folder with keys and settings; refuses one that has them. `words`: the mnemonic of an earlier
/// wallet; empty makes a new one. What is returned holds the mnemonic, to be shown once.
Result<PlayerKeys> create_home(const std::string& folder, const Settings& settings,
                               const crypto::SecretText& words, std::string_view passphrase, Random& random,
                               std::uint8_t log_n);

class Home {
 public:
  /// Opens, locks, and ends what the wallet had under way (a silent mint is no error).
  static Result<std::unique_ptr<Home>> open(const std::string& folder, std::string_view passphrase);

  const Settings& settings() const { return settings_; }
  const PlayerKeys& keys() const { return keys_; }
  const crypto::Secret<64>& seed() const { return seed_; }
  match::PubKey pubkey() const { return keys_.nostr_key.x_only(); }
  Wallet& wallet() { return *wallet_; }
  MatchBook& book() { return *book_; }
  mintclient::MintClient& mint() { return *mint_; }
  /// Connected at the first call; the error says which URL is none.
  Result<relay::Courier*> courier();
  /// Operations that a silent mint kept open at open(), one line each.
  const std::vector<std::string>& open_operations() const { return open_operations_; }

 private:
  class AuthSigner;
  Home(storage::DirectoryLock lock, Settings settings, PlayerKeys keys, crypto::Secret<64> seed);

  storage::DirectoryLock lock_;
  Settings settings_;
  PlayerKeys keys_;
  crypto::Secret<64> seed_;
  std::shared_ptr<mintclient::MintClient> mint_;
  std::unique_ptr<Wallet> wallet_;
  std::unique_ptr<MatchBook> book_;
  std::shared_ptr<relay::Signer> signer_;
  std::unique_ptr<relay::Courier> courier_;
  std::vector<std::string> open_operations_;
};

}  // namespace manastr::player

#include "player/home.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "common/crypto/bip39.h"
#include "common/json/reader.h"
#include "common/mintclient/curl_transport.h"
#include "relay-client/relay_pool.h"

namespace manastr::player {
namespace {

std::string settings_file(const std::string& folder) { return folder + "/settings.json"; }
std::string key_file(const std::string& folder) { return folder + "/keys.json"; }

bool only_loopback(const std::vector<std::string>& urls) {
  return std::all_of(urls.begin(), urls.end(), [](const std::string& url) {
    return url.starts_with("ws://127.0.0.1") || url.starts_with("ws://localhost") ||
           url.starts_with("ws://[::1]");
  });
}

Result<Settings> read_settings(const std::string& folder) {
  const std::string file = settings_file(folder);
  std::ifstream in(file, std::ios::binary);
  if (!in)
    return invalid(folder + " is no player's folder yet: run `manastr-player init` with --home " + folder);
  std::string text(64 * 1024, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  auto value = json::parse(text);
  if (!value) return invalid(file + ": " + value.error().message);
  Settings out;
  TRY(out.mint, json::get_string(*value, "mint", file));
  TRY(const auto engine, json::get_string(*value, "engine", file));
  const auto key = crypto::XOnlyKey::from_hex(engine);
  if (!key) return invalid(file + ": `engine` must be 64 hex digits");
  out.engine = *key;
  TRY(const auto relays, json::get_array(*value, "relays", file));
  for (const json::Value& relay : *relays) {
    if (!relay.is_string()) return invalid(file + ": `relays` must be a list of URLs");
    out.relays.push_back(*relay.if_string());
  }
  return out;
}

}  // namespace

class Home::AuthSigner final : public relay::Signer {
 public:
  explicit AuthSigner(const crypto::SecretKey& key) : key_(key) {}
  nostr::Event sign(const nostr::Draft& draft) override {
    return nostr::sign(draft, key_, system_random().bytes<32>());
  }

 private:
  crypto::SecretKey key_;
};

Result<PlayerKeys> create_home(const std::string& folder, const Settings& settings,
                               const crypto::SecretText& words, std::string_view passphrase, Random& random,
                               std::uint8_t log_n) {
  TRY([[maybe_unused]] const auto mint,
      mintclient::MintClient::make(settings.mint, mintclient::make_curl_transport()));
  TRY_STATUS(relay::check_urls(settings.relays));
  PlayerKeys keys = generate_player_keys(random);
  if (!words.empty()) {
    TRY_STATUS(crypto::check_mnemonic(words.reveal()));
    keys.mnemonic = words;
  }
  TRY(const auto lock, storage::DirectoryLock::acquire(folder));
  std::error_code ignored;
  if (std::filesystem::exists(key_file(folder), ignored)) {
    return invalid(folder +
                   " has a player's keys already, and they are never overwritten; choose another --home");
  }
  json::Value value;
  value.set("mint", settings.mint);
  value.set("engine", settings.engine.hex());
  json::Value relays{json::Array{}};
  for (const std::string& relay : settings.relays) relays.push(relay);
  value.set("relays", std::move(relays));
  std::ofstream out(settings_file(folder), std::ios::binary | std::ios::trunc);
  out << value.dump() << '\n';
  out.close();
  if (!out) return broken("cannot write " + settings_file(folder) + ": " + std::strerror(errno));
  TRY_STATUS(write_keyfile(key_file(folder), keys, passphrase, random, log_n));
  return keys;
}

Home::Home(storage::DirectoryLock lock, Settings settings, PlayerKeys keys, crypto::Secret<64> seed)
    : lock_(std::move(lock)),
      settings_(std::move(settings)),
      keys_(std::move(keys)),
      seed_(std::move(seed)) {}

Result<std::unique_ptr<Home>> Home::open(const std::string& folder, std::string_view passphrase) {
  TRY(auto settings, read_settings(folder));
  TRY(auto lock, storage::DirectoryLock::acquire(folder));
  TRY(auto keys, read_keyfile(key_file(folder), passphrase));
  TRY(auto seed, crypto::mnemonic_seed(keys.mnemonic.reveal()));
  std::unique_ptr<Home> home(
      new Home(std::move(lock), std::move(settings), std::move(keys), std::move(seed)));
  TRY(home->mint_, mintclient::MintClient::make(home->settings_.mint, mintclient::make_curl_transport()));
  TRY(home->wallet_, Wallet::open(folder + "/wallet.sqlite", home->seed_, home->mint_, system_clock()));
  TRY(home->book_, MatchBook::open(folder + "/matches.sqlite"));
  TRY(auto resumed, home->wallet_->resume());
  home->open_operations_ = std::move(resumed.open);
  return home;
}

Result<relay::Courier*> Home::courier() {
  if (!courier_) {
    signer_ = std::make_shared<AuthSigner>(keys_.nostr_key);
    relay::PoolOptions options;
    if (only_loopback(settings_.relays)) {
      options = relay::PoolOptions::for_loopback(settings_.relays);
    } else {
      options.urls = settings_.relays;
    }
    options.signer = signer_.get();
    TRY(courier_, relay::RelayPool::start(std::move(options)));
  }
  return courier_.get();
}

}  // namespace manastr::player

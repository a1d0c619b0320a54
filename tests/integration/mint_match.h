// A mint with the game endpoints and an engine that it knows, and a match as the mint sees it: stakes, a
// verdict, a claim. For tests of the mint that play the engine themselves.
#pragma once
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "common/nostr/nip98.h"
#include "tests/integration/staked_match.h"

namespace manastr::test {

using gameapi::kBurnManaPath;
using gameapi::kMintLootPath;
using gameapi::kSettlePath;
using gameapi::kSpentStatusPath;
using mintclient::HttpReply;

inline std::string engine_toml(const crypto::XOnlyKey& key, const std::string& permissions,
                               bool active = true) {
  return fmt::format(
      "[[authorized_game_engines]]\nname = \"test\"\nnostr_pubkey_hex = \"{}\"\nactive = {}\n"
      "[authorized_game_engines.permissions]\n{}\n",
      key.hex(), active, permissions);
}
inline constexpr const char* kAll =
    "can_burn_mana = true\ncan_mint_loot = true\ncan_query_spent_status = true\nmax_tokens_per_request = "
    "10000";

struct MintGame : testing::Test {
  MintGame()
      : nostr_(fresh_key()),
        mint_({.toml = "", .auth = engine_toml(nostr_.x_only(), kAll), .environment = {}}) {}

  std::string header(std::string_view path, const std::string& body, const crypto::SecretKey& key) {
    return nostr::authorization_header(key, mint_.url() + std::string(path), "POST", body,
                                       system_clock().now_seconds(), system_random());
  }
  HttpReply call(std::string_view path, const std::string& body) {
    return mint_.post(std::string(path), body, header(path, body, nostr_));
  }
  HttpReply call_as(const crypto::SecretKey& key, std::string_view path, const std::string& body) {
    return mint_.post(std::string(path), body, header(path, body, key));
  }
  std::string burn_body(const std::vector<cashu::Proof>& inputs, const Hash32& match,
                        const Hash32& operation = fresh_hash()) {
    return gameapi::to_json(gameapi::BurnManaRequest{operation, match, inputs}).dump();
  }
  std::string loot_body(const std::vector<Draft>& outputs, const Hash32& match,
                        const Hash32& operation = fresh_hash()) {
    gameapi::MintLootRequest request{operation, match, {}};
    for (const Draft& each : outputs) request.outputs.push_back(each.message);
    return gameapi::to_json(request).dump();
  }
  std::string status_body(const std::vector<cashu::Proof>& proofs) {
    gameapi::SpentStatusRequest request;
    for (const auto& proof : proofs) request.ys.push_back(proof.y());
    return gameapi::to_json(request).dump();
  }
  void replace_auth(const std::string& text) {
    const std::string path = mint_.folder() + "/game-engine-auth.toml";
    std::ofstream(path + ".new") << text;
    std::filesystem::rename(path + ".new", path);
  }

  crypto::SecretKey nostr_;
  MintHouse mint_;
};

/// A match whose stakes are at the mint.
struct Settled : MintGame, StakedMatch {
  Settled() : StakedMatch(mint_, nostr_) {
    for (std::size_t i = 0; i < 2; ++i) stakes_[i].proofs = mint_.buy("mana", stake_drafts(i));
  }
  HttpReply settle(const gameapi::SettleRequest& request) {
    return mint_.post(std::string(kSettlePath), gameapi::to_json(request).dump());
  }
};

}  // namespace manastr::test

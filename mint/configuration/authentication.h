// Section [auth] of mint.toml: which endpoints want to know who asks (NUT-21), or that someone known asks
// (NUT-22), and who vouches for them.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.h"
#include "common/config/document.h"

namespace manastr::mint {

/// A method and a path, or with `*` at its end the beginning of one.
struct ProtectedEndpoint {
  std::string method;  ///< "GET" or "POST"
  std::string path;
  bool covers(std::string_view of_method, std::string_view of_path) const;
};

struct AuthenticationConfiguration {
  std::string openid_discovery;  ///< URL; "": the mint is open to all, and the rest doesn't count
  std::string openid_client_id;
  std::string openid_ca_file;         ///< PEM; "": the machine's own authorities
  std::string audience;               ///< what a clear token's `aud` must have; "": see TokenRules
  std::size_t bat_max_mint = 50;      ///< blind tokens of one request
  std::uint64_t bat_max_hour = 1000;  ///< of one subject in an hour of the clock; 0: no limit
  std::uint32_t keyset_index = 0;     ///< tokens of the keysets below it are over
  // As [keysets], where [auth] says nothing else:
  Seconds rotate_every{0};
  Seconds overlap{0};
  Seconds keyset_lifetime{0};
  std::vector<ProtectedEndpoint> clear;  ///< with POST /v1/auth/blind/mint, always
  std::vector<ProtectedEndpoint> blind;
  bool enabled() const { return !openid_discovery.empty(); }
};

/// Errors stay with the section's document.
AuthenticationConfiguration read_authentication(config::Section section);

inline constexpr std::string_view kBlindMintPath = "/v1/auth/blind/mint";

}  // namespace manastr::mint

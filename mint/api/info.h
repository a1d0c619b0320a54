// GET /v1/info (NUT-06), and the bodies of /v1/keys and /v1/keysets (NUT-01, NUT-02).
#pragma once
#include <string>

#include "lightning/lightning.h"
#include "mint/configuration/configuration.h"
#include "mint/keysets/keyset_ring.h"

namespace manastr::mint {

/// Everything but the time, which the body gets when it is asked for.
class Info {
 public:
  /// `public_url`: without a slash at the end. `settles`: the game endpoints are there.
  Info(const Configuration& configuration, const KeysetRing& ring, std::string_view public_url,
       const lightning::Node& node);
  /// Base URL, without a slash at the end.
  const std::string& url() const { return url_; }
  std::string body(UnixSeconds now) const { return head_ + std::to_string(count(now)) + tail_; }

 private:
  std::string url_;
  std::string head_;
  std::string tail_;
};

std::string keysets_body(const KeysetRing& ring);
/// Active keysets with their keys.
std::string active_keys_body(const KeysetRing& ring);
std::string keys_body(const SigningKeyset& keyset);

inline constexpr std::string_view kVersion = "0.1.0";

}  // namespace manastr::mint

// GET /v1/info (NUT-06), and the bodies of /v1/keys and /v1/keysets (NUT-01, NUT-02).
#pragma once
#include <string>

#include "lightning/lightning.h"
#include "mint/configuration/configuration.h"
#include "mint/keysets/keysets.h"

namespace manastr::mint {

/// Says what holds for the ring in force. Thread-safe.
class Info {
 public:
  /// `public_url`: without a slash at the end. All but that must outlive this.
  Info(const Configuration& configuration, const Keysets& keysets, std::string_view public_url,
       lightning::Node& node)
      : configuration_(&configuration), node_(&node), url_(public_url), heads_(keysets) {}
  /// Base URL, without a slash at the end.
  const std::string& url() const { return url_; }
  std::string body(UnixSeconds now) const;

 private:
  std::string head_of(const KeysetRing& ring) const;
  const Configuration* configuration_;
  lightning::Node* node_;
  std::string url_;
  mutable PerRing<std::string> heads_;  ///< everything but the time
};

/// Keysets of money are told at other endpoints than those of blind tokens (NUT-22).
enum class KeysetsOf { money, tokens };
inline bool is_of(KeysetsOf kind, const SigningKeyset& keyset) {
  return keyset.is_money() == (kind == KeysetsOf::money);
}
std::string keysets_body(const KeysetRing& ring, KeysetsOf kind, UnixSeconds now);
/// Active keysets with their keys.
std::string active_keys_body(const KeysetRing& ring, KeysetsOf kind, UnixSeconds now);
std::string keys_body(const SigningKeyset& keyset, UnixSeconds now);

inline constexpr std::string_view kVersion = "0.1.0";

}  // namespace manastr::mint

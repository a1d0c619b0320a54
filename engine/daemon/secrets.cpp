#include "engine/daemon/secrets.h"

#include "common/telemetry/log.h"
#include "engine/daemon/key_file.h"

namespace manastr::engine {
namespace {

Result<crypto::SecretKey> configured_or_file(const std::optional<crypto::SecretKey>& configured,
                                             const std::filesystem::path& file, std::string_view what,
                                             bool may_make, Random& random) {
  if (configured) return *configured;
  TRY(KeyFile stored, load_or_make_key(file, may_make, random));
  if (stored.made) {
    telemetry::log_warn("Made a key file: back it up", {{"file", file.string()}, {"holds", what}});
  }
  return std::move(stored.key);
}

}  // namespace

Result<Secrets> open_secrets(const Configuration& configuration, const std::filesystem::path& data,
                             bool may_make, Random& random) {
  std::error_code missing;
  const auto journal = std::filesystem::file_size(configuration.sqlite_file(data.string()), missing);
  may_make = may_make && (missing || journal == 0);
  TRY(crypto::SecretKey identity,
      configured_or_file(configuration.nostr.private_key, data / "nostr.key",
                         "the engine's identity: its matches can't be judged without it", may_make, random));
  TRY(crypto::SecretKey root,
      configured_or_file(configuration.escrow.link_secret, data / "link.key",
                         "escrow key, links and rake: stakes wait for their locktime without it", may_make,
                         random));
  return Secrets{std::move(identity), std::move(root)};
}

}  // namespace manastr::engine

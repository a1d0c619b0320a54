// What the engine knows of the mints at which it takes stakes: prices, keysets with their keys, limits, and
// the clients to call them. Refreshed by one thread of the daemon, read by all.
#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/match/terms.h"
#include "common/mintclient/client.h"

namespace manastr::engine {

struct KnownMint {
  std::string url;
  bool atomic = false;  ///< settles all groups at once
  std::size_t max_inputs = match::kMaxProofs;
  std::map<cashu::Unit, std::uint64_t> price_msat;
  std::vector<cashu::Keyset> keysets;  ///< of the wanted units, with keys, retired ones too
};

class MintBook {
 public:
  struct Options {
    std::string primary_url;
    std::string
        backup_url;  ///< "": none. The same keysets: another door to the same mint; else a mint of its own
    std::vector<cashu::Unit> units;  ///< whose keysets are of interest
    Millis timeout{30'000};
  };
  static Result<std::unique_ptr<MintBook>> make(Options options,
                                                std::shared_ptr<mintclient::Transport> transport);

  /// Asks the mints anew; waits for their answers. What can't be reached keeps what was known of it; the
  /// error names the primary mint's trouble. From one thread at a time.
  Status refresh();
  /// A refresh under way ends after the answer that it waits for (2 s at most).
  void stop() { stopping_ = true; }

  /// The mints to offer: the primary, and the backup if it is a mint of its own. Those never reached are not
  /// in it.
  std::vector<std::shared_ptr<const KnownMint>> mints() const;
  std::shared_ptr<const KnownMint> mint(const std::string& url) const;
  std::optional<cashu::Keyset> keyset(const std::string& url, const cashu::KeysetId& id) const;
  /// Clients that reach the mint `url`, the first choice first; empty if it is none of ours.
  std::vector<std::shared_ptr<mintclient::MintClient>> doors(const std::string& url) const;

 private:
  MintBook(Options options) : options_(std::move(options)) {}
  Result<std::shared_ptr<const KnownMint>> ask(mintclient::MintClient& client);
  bool same_ledger_locked() const;

  const Options options_;
  std::atomic<bool> stopping_{false};
  std::shared_ptr<mintclient::MintClient> primary_look_;  // for refresh()
  std::shared_ptr<mintclient::MintClient> backup_look_;
  std::shared_ptr<mintclient::MintClient> primary_client_;
  std::shared_ptr<mintclient::MintClient> backup_client_;
  mutable std::mutex mutex_;  // guards what follows
  std::shared_ptr<const KnownMint> primary_;
  std::shared_ptr<const KnownMint> backup_;
};

}  // namespace manastr::engine

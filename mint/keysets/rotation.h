// Keysets that change while the mint runs: by its schedule, by its operator, by what another mint on the same
// database did, and in the end by being forgotten. Made by the daemon; keysets() is what all others look at.
// Each change is stored before it is in force, and if two mints change the ledger's keysets at once, one of
// them does and the other takes over what it finds.
#pragma once
#include <condition_variable>
#include <map>
#include <thread>

#include "mint/keysets/keyset_plan.h"
#include "mint/keysets/keyset_store.h"
#include "mint/keysets/keysets.h"

namespace manastr::mint {

struct RotationOptions {
  bool shared = false;               ///< other mints write the same ledger: it is looked at
  Millis every{500};                 ///< between two looks at ledger and clock
  Seconds prune_after{30 * 86'400};  ///< past the final expiry; 0: never
  /// A keyset is marked when it was due at every look for so long by the monotonic clock: one that is set
  /// forward for a while, or wrong at a start, ends nobody's money.
  Seconds sure_after{86'400};
  Millis between_batches{25};  ///< of pruning
  /// The units as the ledger has them by now; absent: those of the configuration.
  std::function<Result<std::vector<CurrencyConfiguration>>()> currencies;
};

class Rotation final : public KeysetSource {
 public:
  /// Brings the ledger's keysets forward to what the configuration asks for. All but the configuration must
  /// outlive this.
  static Result<std::unique_ptr<Rotation>> open(Derivations derivations, KeysetStore& store,
                                                const Configuration& configuration, RotationOptions options,
                                                const Clock& clock);
  ~Rotation() override;
  Keysets& keysets() { return *keysets_; }
  const Derivations& derivations() const { return derivations_; }
  int id_version() const { return configuration_.id_version; }
  /// The schedule, in a thread of its own until this ends.
  void start();

  /// Publishes the units and keysets that the ledger has, if they are others than those in force: somebody
  /// else has written there.
  Status refresh();
  /// KeysetSource: what the ledger has by now, published if it is news. `unavailable` if that can't be told,
  /// or is asked too often.
  Result<const KeysetRing*> look() override;
  /// What the thread does each time but for pruning; here for tests, whose clocks jump.
  Status tick();
  /// Marks what has been due to be forgotten for long enough, and forgets one batch of what is marked. True:
  /// there is more to do now.
  Result<bool> prune();

 private:
  Rotation(Derivations derivations, KeysetStore& store, const Configuration& configuration,
           RotationOptions options, const Clock& clock);
  using Edit = std::function<Status(std::vector<KeysetRecord>&)>;
  Status change(const Edit& edit);
  Status take_over(std::vector<KeysetRecord> records);
  Status reload();
  void loop();
  bool wait(Millis time);
  std::vector<KeysetPlan> plans() const;

  const Derivations derivations_;
  KeysetStore* store_;
  const KeysetsConfiguration configuration_;
  const std::optional<KeysetPlan> token_plan_;
  const RotationOptions options_;
  const Clock* clock_;
  std::vector<CurrencyConfiguration> currencies_;
  std::vector<KeysetPlan> plans_;
  std::unique_ptr<Keysets> keysets_;
  std::mutex mutex_;  // of all that changes keysets
  std::atomic<std::uint64_t> looks_ = 0;
  double looks_left_;
  Monotonic looked_at_{};
  // Of the one thread that prunes.
  std::map<std::uint32_t, Monotonic> due_since_;  // numbers past their time, since when without a break
  std::vector<std::uint32_t> forgotten_;          // numbers of which nothing is left

  std::mutex stop_mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace manastr::mint

// How a verdict becomes money: one interface, an implementation for each kind of mint. Called by MintCalls,
// which retries. A settlement is idempotent by its operation id: the same order again, after any crash or
// lost answer, pays once and brings the same signatures.
#pragma once
#include <memory>
#include <vector>

#include "common/match/lifecycle.h"
#include "common/mintclient/client.h"

namespace manastr::engine {

/// Blind signatures by group, in the order of the group's outputs.
using GroupSignatures = std::vector<std::vector<cashu::BlindSignature>>;

class Settlement {
 public:
  virtual ~Settlement() = default;
  /// Never waits. `done` is called once, from any thread: `refused` is the mint's final word for this order
  /// (its code and sentence), `unavailable` says that the same order must be sent again, `invalid` that
  /// nothing was sent.
  virtual void settle(const match::Settle& order, mintclient::Callback<GroupSignatures> done) = 0;
};

/// POST /game-engine/settle: all groups or none, in one transaction of the mint (docs/mint-api.md).
std::unique_ptr<Settlement> make_atomic_settlement(std::shared_ptr<mintclient::MintClient> mint);

}  // namespace manastr::engine

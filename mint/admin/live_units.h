// Keeps the ring of keysets in force (mint/keysets) in step with the ledger, whoever changed it: this mint's
// operators or another mint's on the same database. Made by the daemon; operations.cpp asks it what a change
// would make.
#pragma once
#include <condition_variable>
#include <mutex>
#include <thread>

#include "mint/admin/unit_changes.h"
#include "mint/keysets/keysets.h"
#include "mint/ledger/ledger.h"

namespace manastr::mint {

class LiveUnits {
 public:
  /// All outlive this. `rules.of_file`: the units of mint.toml.
  LiveUnits(Keysets& keysets, const Derivations& derivations, Ledger& ledger, UnitRules rules);
  ~LiveUnits();
  LiveUnits(const LiveUnits&) = delete;
  LiveUnits& operator=(const LiveUnits&) = delete;

  /// What the ledger has to write for this request, with the keys of a fresh keyset derived; `answer` is
  /// empty.
  Result<AdminEffect> effect_of(const AdminRequest& request, const AdminView& view, UnixSeconds now) const;
  /// The ring as it would be with this effect: for showing it.
  Result<std::shared_ptr<const KeysetRing>> ring_of(const AdminView& view, const AdminEffect& effect) const;

  /// Publishes what the ledger holds, if that is another ring than the one in force. From any thread.
  Status refresh();
  /// Calls refresh() that often from now on, in a thread of its own.
  void follow(Millis every);

  const UnitRules& rules() const { return rules_; }

 private:
  Result<std::shared_ptr<const KeysetRing>> make(std::vector<KeysetRecord> keysets,
                                                 const std::vector<UnitRecord>& units) const;
  Keysets* keysets_;
  const Derivations* derivations_;
  Ledger* ledger_;
  const UnitRules rules_;
  std::mutex refresh_mutex_;  // one at a time
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace manastr::mint

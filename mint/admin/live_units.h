// What a change of units would make of the ring of keysets in force (mint/keysets), and that it is in force
// once it is made. Made by the daemon, for operations.cpp.
#pragma once
#include "mint/admin/unit_changes.h"
#include "mint/keysets/rotation.h"
#include "mint/ledger/ledger.h"

namespace manastr::mint {

class LiveUnits {
 public:
  /// `rotation` outlives this. `rules.of_file`: the units of mint.toml.
  LiveUnits(Rotation& rotation, UnitRules rules) : rotation_(&rotation), rules_(std::move(rules)) {}

  /// What the ledger has to write for this request, with the keys of a fresh keyset derived; `answer` is
  /// empty.
  Result<AdminEffect> effect_of(const AdminRequest& request, const AdminView& view, UnixSeconds now) const;
  /// The ring as it would be with this effect: for showing it.
  Result<std::shared_ptr<const KeysetRing>> ring_of(const AdminView& view, const AdminEffect& effect) const;

  /// Publishes what the ledger holds, if that is another ring than the one in force. From any thread.
  Status refresh() { return rotation_->refresh(); }

  const UnitRules& rules() const { return rules_; }

 private:
  struct Change {
    AdminEffect effect;              ///< without keysets
    std::optional<KeysetPlan> keys;  ///< of a fresh keyset
  };
  Result<Change> change_of(const AdminRequest& request, const AdminView& view, UnixSeconds now) const;
  Result<std::shared_ptr<const KeysetRing>> make(std::vector<KeysetRecord> keysets,
                                                 const std::vector<UnitRecord>& units) const;
  Rotation* rotation_;
  const UnitRules rules_;
};

}  // namespace manastr::mint

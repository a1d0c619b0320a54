// What the next keyset of a unit is to be like, and the rules by which keysets follow one another (NUT-02).
// From records to records, without I/O: rotation.h carries it out.
#pragma once
#include <vector>

#include "mint/configuration/configuration.h"
#include "mint/keysets/keyset_record.h"

namespace manastr::mint {

struct KeysetPlan {
  cashu::Unit unit;
  std::uint32_t first_position = 1;  ///< a newest keyset below it has had its time
  std::uint64_t input_fee_ppk = 0;
  std::uint32_t denominations = 32;
  int id_version = 2;
  Seconds rotate_every{0};  ///< 0: never by itself
  Seconds overlap{0};
  Seconds lifetime{0};  ///< until the final expiry; 0: none
  /// Of the whole unit: it is that of each fresh keyset, and no schedule goes beyond it.
  std::optional<UnixSeconds> ends;
};
KeysetPlan plan_of(const CurrencyConfiguration& currency, const KeysetsConfiguration& keysets);
std::vector<KeysetPlan> plans_of(const std::vector<CurrencyConfiguration>& currencies,
                                 const KeysetsConfiguration& keysets);

/// Of the blind tokens (NUT-22); nullopt without [auth].
std::optional<KeysetPlan> token_plan(const AuthenticationConfiguration& authentication,
                                     const KeysetsConfiguration& keysets);

/// At start, and when units come and go: a unit whose plan differs from its newest keyset in fee,
/// denominations, id version or position gets a fresh one at once, without an overlap; of a unit of
/// money without a plan nothing is signed any more.
void bring_forward(std::vector<KeysetRecord>& records, const std::vector<KeysetPlan>& plans, UnixSeconds now);

/// A fresh keyset for the unit, without an id yet; those that signed sign on for `overlap`. While anything is
/// held after a restore, its keys are none that the lost ledger may have had.
void succeed(std::vector<KeysetRecord>& records, const KeysetPlan& plan, UnixSeconds now, Seconds overlap,
             std::optional<UnixSeconds> final_expiry);
/// By the plan's overlap and expiry.
void succeed(std::vector<KeysetRecord>& records, const KeysetPlan& plan, UnixSeconds now);

/// What time brings: a successor where one is due, and nothing more signed where the overlap is over. That a
/// keyset has expired is not written down: each use asks the clock, and a wrong one may yet be put right. A
/// successor that a clock ahead has made stays and signs; once the clock is right, the schedule goes on from
/// the date before it, and its predecessor's overlap is no longer than one that begins now.
void advance(std::vector<KeysetRecord>& records, const std::vector<KeysetPlan>& plans, UnixSeconds now);

}  // namespace manastr::mint

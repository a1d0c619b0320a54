// Inputs and outputs of a request, checked in the order that wallets rely on: shape, amounts and duplicates,
// keysets and units (here), balance (the operation's), then the ledger (known.h), then conditions and
// signatures.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "common/cashu/types.h"
#include "common/json/value.h"
#include "mint/keysets/keyset_ring.h"
#include "mint/ledger/writes.h"

namespace manastr::mint {

struct Inputs {
  std::vector<cashu::Proof> proofs;
  std::vector<const SigningKeyset*> keysets;
  std::vector<const SigningKeyset::Denomination*> keys;
  cashu::Unit unit;
  cashu::Amount sum = 0;
  cashu::Amount fee = 0;  ///< NUT-02
  bool any_condition = false;
  std::vector<PointBytes> ys;  ///< set by compute_ys
  std::vector<crypto::PublicKey> y_points;
};
struct Outputs {
  std::vector<cashu::BlindedMessage> messages;
  std::vector<const SigningKeyset*> keysets;
  std::vector<const SigningKeyset::Denomination*> keys;  ///< empty for blank outputs
  cashu::Unit unit;
  cashu::Amount sum = 0;
  /// 12002 or 12003: what a fresh request is refused for; a retry of one that was done before is not.
  std::optional<Error> unusable;
};

/// 11014 too many, 11007 twice, 12001 keyset, 12003 expired, 11009 several units, 10001 amount that is no
/// key; `unavailable` if the keyset is held after a restore.
Result<Inputs> check_inputs(std::vector<cashu::Proof> proofs, const KeysetRing& ring, UnixSeconds now);
/// 11015 too many, 11008 twice, 12001, 11009, 11006 amount that is no key. `blank`: NUT-08, amounts don't
/// count.
Result<Outputs> check_outputs(std::vector<cashu::BlindedMessage> messages, const KeysetRing& ring,
                              UnixSeconds now, bool blank = false);
/// From a request's members "inputs" and "outputs".
Result<Inputs> read_inputs(const json::Value& request, const KeysetRing& ring, std::size_t limit,
                           UnixSeconds now);
Result<Outputs> read_outputs(const json::Value& request, const KeysetRing& ring, std::size_t limit,
                             UnixSeconds now);

/// NUT-00 hash_to_curve of every secret.
void compute_ys(Inputs& inputs);
/// The rule that a proof with a `match` tag is spent only by a settlement before its locktime (16001). Before
/// anything is reserved: stakes are public, and who merely names them must not get in a settlement's way.
Status check_stakes(const Inputs& inputs, UnixSeconds now);
/// Conditions (NUT-10, 11, 14) of all inputs.
Status check_locks(const Inputs& inputs, const std::vector<cashu::BlindedMessage>& outputs,
                   std::string_view melt_quote, UnixSeconds now);
/// 10001 unless every C is k·Y.
Status verify_proofs(const Inputs& inputs);
std::vector<Issue> sign_outputs(const Outputs& outputs);
std::vector<Spend> to_spends(const Inputs& inputs);

}  // namespace manastr::mint

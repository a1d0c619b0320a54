// Spending conditions: NUT-10 secrets, NUT-11 P2PK with multisig, locktime, refund and SIG_ALL, NUT-14 HTLC.
// Fails closed: a secret that is a JSON array of two with a string kind is a condition; if it is malformed or
// of unknown kind, nobody can spend it.
#pragma once
#include "common/cashu/types.h"

namespace manastr::cashu {

enum class ConditionKind { none, p2pk, htlc, unspendable };

/// A NUT-10 secret taken apart. `tags` are as written; the typed fields below follow NUT-11.
struct Condition {
  ConditionKind kind = ConditionKind::none;
  std::string why_unspendable;  ///< for ConditionKind::unspendable
  std::string data;             ///< P2PK: public key hex; HTLC: hash hex
  std::vector<std::vector<std::string>> tags;
  std::vector<crypto::PublicKey> pubkeys;  ///< of the main path: P2PK data first, then the pubkeys tag
  std::vector<crypto::PublicKey> refund;
  std::uint32_t n_sigs = 1;  ///< 0 for an HTLC without pubkeys
  std::uint32_t n_sigs_refund = 1;
  std::optional<UnixSeconds> locktime;
  bool sig_all = false;
  /// First value of a tag that NUT-11 does not define (such as our `match`); nullopt if absent.
  std::optional<std::string> foreign_tag(std::string_view name) const;
};
Condition parse_condition(std::string_view secret);
/// False: parse_condition() would find none. Cheap.
bool may_hold_condition(std::string_view secret);

/// The SIG_ALL message of NUT-11 before hashing: secret_0‖C_0‖…‖amount_0‖B_0‖…[‖quote id].
std::string sig_all_message(const std::vector<Proof>& inputs, const std::vector<BlindedMessage>& outputs,
                            std::string_view melt_quote_id = "");

/// Checks every input's condition against its witness at time `now` (NUT-11, NUT-14): 0 if all hold. For
/// SIG_ALL: the same kind, data and tags in all inputs, signatures in the first witness, over inputs, outputs
/// and quote id. Error code 10001 on failure, and the sentence says which input and what lacks.
Status check_conditions(const std::vector<Proof>& inputs, const std::vector<BlindedMessage>& outputs,
                        std::string_view melt_quote_id, UnixSeconds now);

/// Witness JSON {"signatures":[...]} or with "preimage".
std::string p2pk_witness(const std::vector<crypto::Signature>& signatures);

}  // namespace manastr::cashu

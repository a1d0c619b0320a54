// What the ledger remembers, as plain values: quotes, spent proofs, blind signatures, verdicts.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/cashu/types.h"
#include "common/match/protocol.h"
#include "mint/ledger/money.h"

namespace manastr::mint {

using PointBytes = ByteArray<33>;  ///< a compressed point: Y, B_ or C_

/// How a quote is paid: {method} of NUT-04 and NUT-05.
enum class Method : std::uint8_t {
  bolt11 = 0,  ///< NUT-23: by one invoice, once
  bolt12 = 1,  ///< NUT-25: by an offer, as often as one likes
};
inline std::string_view name_of(Method method) { return method == Method::bolt11 ? "bolt11" : "bolt12"; }

/// NUT-04 with the amounts of NUT-23's later form.
struct MintQuote {
  std::string id;
  Method method = Method::bolt11;
  Hash32 node_key{};    ///< what the node knows it by: the invoice's payment hash, or the offer's id
  std::string request;  ///< BOLT11 or BOLT12
  cashu::Unit unit;
  cashu::Amount amount = 0;  ///< 0: whatever is paid through an offer
  cashu::Amount amount_paid = 0;
  cashu::Amount amount_issued = 0;
  Msat invoice_msat = 0;                    ///< of the invoice or offer; 0 as `amount`
  Msat received_msat = 0;                   ///< all payments
  std::optional<crypto::PublicKey> pubkey;  ///< NUT-20
  UnixSeconds created_at{};
  UnixSeconds expires_at{};  ///< of invoice or offer; what was paid can be minted at any time
  UnixSeconds updated_at{};

  enum class State { unpaid, paid, issued };
  State state() const {
    if (amount_paid == 0) return State::unpaid;
    return amount_issued < amount_paid ? State::paid : State::issued;
  }
  /// Whether the node may know of payments that the ledger doesn't.
  bool awaits_payment() const { return method == Method::bolt12 || state() == State::unpaid; }
};

/// A blind signature as issued, for replies, NUT-08 and NUT-09.
struct StoredSignature {
  std::uint32_t keyset = 0;  ///< KeysetRecord::number
  cashu::Amount amount = 0;
  bool pending = false;  ///< a blank output of a melt under way: reserved, not signed
  PointBytes c_blinded{};
  crypto::Dleq dleq;
  Hash32 operation{};  ///< fingerprint of the request that it answered
};

/// NUT-05.
struct MeltQuote {
  std::string id;
  Method method = Method::bolt11;
  Hash32 node_key{};    ///< what the node knows the payment by: its hash, or the key to pay an offer once
  std::string request;  ///< BOLT11 or BOLT12
  cashu::Unit unit;
  cashu::Amount amount = 0;
  cashu::Amount fee_reserve = 0;
  Msat invoice_msat = 0;  ///< what the payee gets from us
  bool names_amount =
      true;  ///< that is what the invoice says; else it names none, or this is a part (NUT-15)
  std::uint64_t price_msat = 0;
  enum class State { unpaid, pending, paid } state = State::unpaid;
  UnixSeconds created_at{};
  UnixSeconds expires_at{};
  cashu::Amount inputs = 0;     ///< once begun: their sum
  cashu::Amount input_fee = 0;  ///< once begun
  std::optional<Hash32> preimage;
  Hash32 operation{};                   ///< once begun: fingerprint of the request
  std::uint64_t attempt = 0;            ///< once begun: BeginMelt::attempt
  std::vector<StoredSignature> change;  ///< once paid: change[i] belongs to outputs[i]
};

/// A blank output of a melt (NUT-08), in the order of the request.
struct BlankOutput {
  PointBytes b_blinded{};
  std::uint32_t keyset = 0;
};

struct ProofState {
  enum class State { unspent, pending, spent } state = State::unspent;
  std::string witness;                  ///< only when spent
  std::optional<match::MatchId> match;  ///< burned or settled for this match
};

/// A blind authentication token that was spent (NUT-22).
struct SpentToken {
  std::optional<Hash32> request;  ///< for which it is good again: its fingerprint
};

/// A settlement's evidence, served to everyone.
struct StoredVerdict {
  std::string announcement;  ///< events as JSON
  std::string verdict;
  std::vector<std::string> claims;  ///< in the order they came
};

/// Something that the ledger did not write itself: it was put back from a backup, or taken over from another
/// mint. Until it is settled, what was there before is not trusted (docs/operating.md).
struct Origin {
  enum class Kind { restored, imported } kind = Kind::restored;
  UnixSeconds at{};
  std::string detail;  ///< JSON: what the backup said, or what was taken over
  bool settled = false;
};
/// "restored", "imported".
std::string_view name_of(Origin::Kind kind);
Origin::Kind kind_of_origin(std::string_view name);

/// What the mint owes and owns.
struct UnitTotals {
  cashu::Unit unit;
  std::uint64_t price_msat = 0;
  Wide issued = 0;    ///< blind signatures
  Wide redeemed = 0;  ///< proofs spent for good
  Wide paid_for = 0;  ///< mint quotes, credited when paid
  Wide claimed = 0;   ///< of that, issued
  Wide expired = 0;   ///< never redeemed, of keysets past their final expiry: no longer owed
  Wide outstanding() const { return issued - redeemed - expired; }
  Wide owed() const { return outstanding() + paid_for - claimed; }
};
struct KeysetTotals {
  std::uint32_t number = 0;
  Wide issued = 0;
  Wide redeemed = 0;
  Wide expired = 0;  ///< never redeemed, and owed to nobody any more
  bool operator==(const KeysetTotals&) const = default;
};
struct Totals {
  std::vector<UnitTotals> units;
  std::vector<KeysetTotals> keysets;
  Wide received_msat = 0;
  Wide paid_out_msat = 0;  ///< with fees
  Wide credit_msat = 0;    ///< burned for matches, not yet minted
  /// All that holders, payers and matches could still ask for.
  Wide liabilities_msat() const;
  Wide assets_msat() const { return received_msat - paid_out_msat; }
  bool solvent() const { return liabilities_msat() <= assets_msat(); }
};

}  // namespace manastr::mint

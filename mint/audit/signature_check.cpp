#include "mint/audit/signature_check.h"

#include <bit>

#include "common/crypto/bdhke.h"

namespace manastr::mint {
namespace {

constexpr std::size_t kMost = 20'000;  // some seconds of work

/// "" or what is wrong with it.
std::string fault_of(const StoredBlind& row, const DenominationKeys& keys) {
  const auto exponent = static_cast<std::size_t>(std::countr_zero(row.amount));
  if (!std::has_single_bit(row.amount) || exponent >= keys.size()) return "its keyset has no such amount";
  const auto b_blinded = crypto::PublicKey::parse(row.b_blinded);
  if (!b_blinded) return "that is no point";
  if (!crypto::verify_unblinded(keys[exponent].secret, *b_blinded, row.c_blinded))
    return "it was made with another key, or for another output or amount";
  const auto c_blinded = crypto::PublicKey::parse(row.c_blinded);
  if (!c_blinded || !crypto::verify_dleq(keys[exponent].key, *b_blinded, *c_blinded, row.dleq))
    return "its DLEQ proof does not hold";
  return "";
}

}  // namespace

Result<CheckedSignatures> check_signatures(LedgerView& view, const Derivations& derivations,
                                           std::uint64_t signatures) {
  std::map<std::uint32_t, Result<DenominationKeys>> keys;
  TRY(const std::vector<KeysetRecord> keysets, view.keysets());
  for (const KeysetRecord& record : keysets) keys.emplace(record.number, derivations.keys(record));
  TRY(const std::vector<StoredBlind> rows, view.some_signatures(signatures, kMost));
  CheckedSignatures out;
  for (const StoredBlind& row : rows) {
    const auto of_keyset = keys.find(row.keyset);
    std::string fault;
    if (of_keyset == keys.end()) {
      fault = "the ledger lacks its keyset";
    } else if (!of_keyset->second) {
      ++out.without_keys;
      continue;
    } else {
      fault = fault_of(row, *of_keyset->second);
    }
    ++out.checked;
    if (fault.empty()) continue;
    note(out.faults, "the signature of " + std::to_string(row.amount) + " of keyset " +
                         std::to_string(row.keyset) + " for the output " + to_hex(row.b_blinded) + ": " +
                         fault);
  }
  return out;
}

}  // namespace manastr::mint

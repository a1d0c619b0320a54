// Replies as JSON text, appended member by member: no tree on the hot path.
#pragma once
#include <span>
#include <string>

#include "mint/keysets/keysets.h"
#include "mint/ledger/records.h"
#include "mint/ledger/writes.h"

namespace manastr::mint {

/// The ring in force, or a newer one that knows the keysets of all these signatures: another mint on the same
/// ledger may have made them. `unavailable` if that can't be told now.
Result<const KeysetRing*> ring_of(const Keysets& keysets, std::span<const StoredSignature> signatures);

/// [{"id","amount","C_","dleq":{"e","s"}}, ...]
void append_signatures(std::string& out, std::span<const Issue> issues, const KeysetRing& ring);
void append_signatures(std::string& out, std::span<const StoredSignature> signatures, const KeysetRing& ring);
/// {"signatures":[...]}
std::string signatures_body(std::span<const Issue> issues, const KeysetRing& ring);
Result<std::string> signatures_body(std::span<const StoredSignature> signatures, const Keysets& keysets);

/// {"Y","state","witness"} of NUT-07.
void append_proof_state(std::string& out, const PointBytes& y, const ProofState& state);

std::string to_body(const MintQuote& quote);
Result<std::string> to_body(const MeltQuote& quote, const Keysets& keysets);

}  // namespace manastr::mint

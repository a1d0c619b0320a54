// Replies as JSON text, appended member by member: no tree on the hot path.
#pragma once
#include <span>
#include <string>

#include "mint/keysets/keyset_ring.h"
#include "mint/ledger/records.h"
#include "mint/ledger/writes.h"

namespace manastr::mint {

/// [{"id","amount","C_","dleq":{"e","s"}}, ...]
void append_signatures(std::string& out, std::span<const Issue> issues, const KeysetRing& ring);
void append_signatures(std::string& out, std::span<const StoredSignature> signatures, const KeysetRing& ring);
/// {"signatures":[...]}
std::string signatures_body(std::span<const Issue> issues, const KeysetRing& ring);
std::string signatures_body(std::span<const StoredSignature> signatures, const KeysetRing& ring);

/// {"Y","state","witness"} of NUT-07.
void append_proof_state(std::string& out, const PointBytes& y, const ProofState& state);

std::string to_body(const MintQuote& quote);
std::string to_body(const MeltQuote& quote, const KeysetRing& ring);

}  // namespace manastr::mint

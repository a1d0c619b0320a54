#include "mint/pipeline/render.h"

#include <algorithm>

#include "common/json/writer.h"

namespace manastr::mint {
namespace {

constexpr std::size_t kSignatureBytes = 360;

void append_hex(std::string& out, ByteView bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  for (const Byte byte : bytes) {
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
}

void append_signature(std::string& out, std::string_view id, cashu::Amount amount,
                      const PointBytes& c_blinded, const crypto::Dleq& dleq) {
  out += "{\"id\":\"";
  out += id;
  out += "\",\"amount\":";
  out += std::to_string(amount);
  out += ",\"C_\":\"";
  append_hex(out, c_blinded);
  out += "\",\"dleq\":{\"e\":\"";
  append_hex(out, dleq.e);
  out += "\",\"s\":\"";
  append_hex(out, dleq.s);
  out += "\"}}";
}

template <class Signatures>
void append_all(std::string& out, const Signatures& signatures, const KeysetRing& ring) {
  out.reserve(out.size() + signatures.size() * kSignatureBytes);
  out += '[';
  bool first = true;
  for (const auto& each : signatures) {
    if (!first) out += ',';
    first = false;
    append_signature(out, ring.by_number(each.keyset)->id_hex(), each.amount, each.c_blinded, each.dleq);
  }
  out += ']';
}

void member(std::string& out, std::string_view name, std::string_view text) {
  out += ",\"";
  out += name;
  out += "\":";
  json::append_string(out, text);
}

template <class Integer>
  requires std::integral<Integer>
void member(std::string& out, std::string_view name, Integer value) {
  out += ",\"";
  out += name;
  out += "\":";
  out += std::to_string(value);
}

std::string_view state_name(MintQuote::State state) {
  switch (state) {
    case MintQuote::State::paid:
      return "PAID";
    case MintQuote::State::issued:
      return "ISSUED";
    default:
      return "UNPAID";
  }
}

std::string_view state_name(MeltQuote::State state) {
  switch (state) {
    case MeltQuote::State::pending:
      return "PENDING";
    case MeltQuote::State::paid:
      return "PAID";
    default:
      return "UNPAID";
  }
}

}  // namespace

Result<const KeysetRing*> ring_of(const Keysets& keysets, std::span<const StoredSignature> signatures) {
  const auto known_to = [&](const KeysetRing& ring) {
    return std::ranges::all_of(
        signatures, [&](const StoredSignature& each) { return ring.by_number(each.keyset) != nullptr; });
  };
  if (const KeysetRing* ring = keysets.now(); known_to(*ring)) return ring;
  TRY(const KeysetRing* newer, keysets.look());
  if (!known_to(*newer))
    return unavailable("the mint does not know the keyset of a signature yet: try again");
  return newer;
}

void append_signatures(std::string& out, std::span<const Issue> issues, const KeysetRing& ring) {
  append_all(out, issues, ring);
}
void append_signatures(std::string& out, std::span<const StoredSignature> signatures,
                       const KeysetRing& ring) {
  append_all(out, signatures, ring);
}

std::string signatures_body(std::span<const Issue> issues, const KeysetRing& ring) {
  std::string out = "{\"signatures\":";
  append_signatures(out, issues, ring);
  out += '}';
  return out;
}

Result<std::string> signatures_body(std::span<const StoredSignature> signatures, const Keysets& keysets) {
  TRY(const KeysetRing* ring, ring_of(keysets, signatures));
  std::string out = "{\"signatures\":";
  append_signatures(out, signatures, *ring);
  out += '}';
  return out;
}

void append_proof_state(std::string& out, const PointBytes& y, const ProofState& state) {
  out += "{\"Y\":\"";
  append_hex(out, y);
  out += "\",\"state\":\"";
  switch (state.state) {
    case ProofState::State::unspent:
      out += "UNSPENT";
      break;
    case ProofState::State::pending:
      out += "PENDING";
      break;
    case ProofState::State::spent:
      out += "SPENT";
      break;
  }
  out += "\",\"witness\":";
  if (state.witness.empty()) {
    out += "null";
  } else {
    json::append_string(out, state.witness);
  }
  out += '}';
}

std::string to_body(const MintQuote& quote) {
  std::string out = "{\"quote\":";
  json::append_string(out, quote.id);
  member(out, "method", name_of(quote.method));
  member(out, "request", quote.request);
  member(out, "unit", quote.unit);
  if (quote.method == Method::bolt12 && quote.amount == 0) {
    out += ",\"amount\":null";
  } else {
    member(out, "amount", quote.amount);
  }
  member(out, "amount_paid", quote.amount_paid);
  member(out, "amount_issued", quote.amount_issued);
  // What can be paid again and again has no one state.
  if (quote.method == Method::bolt11) member(out, "state", state_name(quote.state()));
  member(out, "expiry", count(quote.expires_at));
  member(out, "updated_at", count(quote.updated_at));
  if (quote.pubkey) member(out, "pubkey", quote.pubkey->hex());
  out += '}';
  return out;
}

Result<std::string> to_body(const MeltQuote& quote, const Keysets& keysets) {
  std::string out = "{\"quote\":";
  json::append_string(out, quote.id);
  member(out, "method", name_of(quote.method));
  member(out, "request", quote.request);
  member(out, "unit", quote.unit);
  member(out, "amount", quote.amount);
  member(out, "fee_reserve", quote.fee_reserve);
  member(out, "state", state_name(quote.state));
  out += std::string(",\"paid\":") + (quote.state == MeltQuote::State::paid ? "true" : "false");
  member(out, "expiry", count(quote.expires_at));
  if (quote.preimage) {
    member(out, "payment_preimage", to_hex(*quote.preimage));
  } else {
    out += ",\"payment_preimage\":null";
  }
  if (!quote.change.empty()) {
    TRY(const KeysetRing* ring, ring_of(keysets, quote.change));
    out += ",\"change\":";
    append_signatures(out, quote.change, *ring);
  }
  out += '}';
  return out;
}

}  // namespace manastr::mint

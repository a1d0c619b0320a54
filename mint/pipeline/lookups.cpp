#include "common/json/reader.h"
#include "common/json/writer.h"
#include "mint/pipeline/operations.h"
#include "mint/pipeline/render.h"

namespace manastr::mint {
namespace {

Result<std::string> states_body(Parts& parts, const std::string& body) {
  TRY(const json::Value request, json::parse(body));
  TRY(const json::Array* array, json::get_array(request, "Ys"));
  if (array->size() > parts.limits.max_inputs) {
    return refused(cashu::kTooManyInputs,
                   "Ys: at most " + std::to_string(parts.limits.max_inputs) + " at once");
  }
  std::vector<PointBytes> ys;
  ys.reserve(array->size());
  for (std::size_t i = 0; i < array->size(); ++i) {
    const std::string* text = (*array)[i].if_string();
    const auto point = text == nullptr ? std::nullopt : array_from_hex<33>(*text, HexCase::any);
    if (!point || ((*point)[0] != 2 && (*point)[0] != 3)) {
      return invalid("Ys[" + std::to_string(i) + "]: expected a compressed point, 66 hex digits");
    }
    ys.push_back(*point);
  }
  TRY(const std::vector<ProofState> states, parts.ledger->proof_states(ys));
  std::string out = "{\"states\":[";
  for (std::size_t i = 0; i < ys.size(); ++i) {
    if (i > 0) out += ',';
    append_proof_state(out, ys[i], states[i]);
  }
  out += "]}";
  return out;
}

Result<std::string> restore_body(Parts& parts, const std::string& body) {
  TRY(const json::Value request, json::parse(body));
  TRY(const json::Array* array, json::get_array(request, "outputs"));
  TRY(const std::vector<cashu::BlindedMessage> outputs,
      cashu::blinded_messages_from_json(*array, parts.limits.max_restore_outputs, "outputs"));
  std::vector<PointBytes> asked;
  std::vector<const cashu::BlindedMessage*> messages;
  for (const cashu::BlindedMessage& output : outputs) {
    asked.push_back(output.b_blinded.bytes());
    messages.push_back(&output);
  }
  TRY(const auto found, parts.ledger->signatures(asked));
  std::vector<StoredSignature> signatures;
  for (const auto& each : found) {
    if (each && !each->pending) signatures.push_back(*each);
  }
  TRY(const KeysetRing* ring, ring_of(*parts.keysets, signatures));
  std::string out = "{\"outputs\":[";
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (!found[i] || found[i]->pending) continue;
    if (out.back() != '[') out += ',';
    // As signed, which a blank output of a melt could not know when it was sent.
    out += "{\"amount\":" + std::to_string(found[i]->amount) + ",\"id\":\"" +
           ring->by_number(found[i]->keyset)->id_hex() + "\",\"B_\":\"" + messages[i]->b_blinded.hex() +
           "\"}";
  }
  out += "],\"signatures\":";
  append_signatures(out, signatures, *ring);
  out += '}';
  return out;
}

void answer_with(Result<std::string> body, Answer& answer) {
  answer(body ? Reply{200, *std::move(body), Millis{0}} : error_reply(body.error()));
}

}  // namespace

void check_state(Parts& parts, const std::string& body, Answer answer) {
  answer_with(states_body(parts, body), answer);
}
void restore(Parts& parts, const std::string& body, Answer answer) {
  answer_with(restore_body(parts, body), answer);
}

}  // namespace manastr::mint

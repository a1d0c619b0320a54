#include "engine/match/step.h"

#include "common/match/party_events.h"
#include "engine/settlement/mint_calls.h"

namespace manastr::engine {
namespace {

template <class... Fs>
struct Cases : Fs... {
  using Fs::operator()...;
};

/// Answers of a mint are journaled whatever they change: the outbox entry goes with them.
std::optional<std::string> answered_key(const match::MatchId& match, const match::Input& input) {
  if (const auto* states = std::get_if<match::MintStates>(&input)) return states_key(match, states->request);
  if (const auto* done = std::get_if<match::SettlementDone>(&input))
    return settle_key(match, done->operation);
  if (const auto* refused = std::get_if<match::SettlementRefused>(&input))
    return settle_key(match, refused->operation);
  return std::nullopt;
}

unsigned sequence_of(const nostr::Event& receipt) {
  return match::parse_slot(match::kEngine, receipt.d()).value_or(match::Slot{}).first;
}

std::string dump_signatures(const std::vector<cashu::BlindSignature>& signatures) {
  json::Array out;
  for (const cashu::BlindSignature& each : signatures) out.push_back(cashu::to_json(each));
  return json::Value(std::move(out)).dump();
}

}  // namespace

UnixMillis time_of(const match::Input& input) {
  return std::visit([](const auto& each) { return each.at; }, input);
}

void set_time(match::Input& input, UnixMillis at) {
  std::visit([at](auto& each) { each.at = at; }, input);
}

Step take_step(match::Match& match, std::uint64_t number, const match::Input& input,
               const match::EngineKeys& keys) {
  Step step;
  JournaledStep& record = step.record;
  bool held = false;
  const std::vector<match::Effect> effects = match::reduce(match, input, keys);
  record.at = time_of(input);
  record.step = number;
  for (const match::Effect& effect : effects) {
    std::visit(
        Cases{[&](const match::Publish& publish) {
                if (publish.in_chain) {
                  record.receipts.push_back({sequence_of(publish.event), publish.event});
                } else {
                  step.outside_chain.push_back(publish.event);
                }
              },
              [&](const match::Republish& republish) { step.outside_chain.push_back(republish.event); },
              [&](const match::SetTimer& timer) { step.timer = timer.at; },
              [&](const match::AskStates& question) { step.questions.push_back(question); },
              [&](const match::Settle& settle) { step.settlements.push_back(settle); },
              [&](const match::RakeReceived& rake) {
                record.rake.push_back({rake.issue, rake.group, rake.unit, dump_signatures(rake.signatures)});
              },
              [&](const match::Misconduct& misconduct) {
                record.misconduct.push_back({misconduct.author, misconduct.event, misconduct.what});
              },
              [&](const match::Behind& behind) { step.behind = behind.sequence; },
              [&](const match::Held&) { held = true; }, [&](const match::Ended&) { record.finished = true; }},
        effect);
  }
  const bool has_id = match.opened();
  if (has_id) {
    record.match = match.id();
    record.phase = match::phase_name(match.phase());
    record.finished = record.finished || match.ended();
    for (const match::AskStates& each : step.questions) {
      record.effects.emplace_back(states_key(record.match, each.request), "checkstate at " + each.mint);
    }
    for (const match::Settle& each : step.settlements) {
      record.effects.emplace_back(settle_key(record.match, each.operation), "settle at " + each.mint);
    }
    if (auto key = answered_key(record.match, input)) record.effects_done.push_back(*std::move(key));
  }
  step.journaled = has_id && (held || !record.receipts.empty() || !record.effects.empty() ||
                              !record.effects_done.empty() || !record.rake.empty() ||
                              !record.misconduct.empty() || record.finished);
  if (!step.journaled) return step;
  record.version = kInputVersion;
  record.input = match::encode(input);
  if (const auto* opening = std::get_if<match::Opening>(&input)) {
    record.creator = opening->challenge.pubkey;
    record.creator_d = opening->challenge.d();
  }
  return step;
}

}  // namespace manastr::engine

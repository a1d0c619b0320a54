#include "engine/match/replay.h"

#include <algorithm>
#include <set>

#include "engine/match/step.h"
#include "engine/settlement/mint_calls.h"

namespace manastr::engine {
namespace {

/// What a replayed step leaves to be done: calls it made, less those it answers.
void remember(RestoredMatch& out, const match::Input& input, Step& step) {
  for (match::AskStates& each : step.questions) out.questions.push_back(std::move(each));
  for (match::Settle& each : step.settlements) out.settlements.push_back(std::move(each));
  for (const std::string& key : step.record.effects_done) {
    const match::MatchId& id = step.record.match;
    std::erase_if(out.questions, [&](const auto& each) { return states_key(id, each.request) == key; });
    std::erase_if(out.settlements, [&](const auto& each) { return settle_key(id, each.operation) == key; });
  }
  if (const auto* party = std::get_if<match::PartyInput>(&input)) out.events.insert(party->event.id);
  if (const auto* opening = std::get_if<match::Opening>(&input)) out.events.insert(opening->challenge.id);
  ++out.steps;
}

/// What was asked of a mint and is not answered, by the replay and by the journal.
bool same_calls(const RestoredMatch& restored, const JournaledMatch& journaled) {
  std::set<std::string> calls;
  for (const match::AskStates& each : restored.questions)
    calls.insert(states_key(journaled.match, each.request));
  for (const match::Settle& each : restored.settlements)
    calls.insert(settle_key(journaled.match, each.operation));
  return calls == std::set<std::string>(journaled.outbox.begin(), journaled.outbox.end());
}

std::string short_name(const MatchId& match) { return to_hex(match).substr(0, 16); }

}  // namespace

Result<RestoredMatch> replay(const JournaledMatch& journaled, const match::EngineKeys& keys) {
  RestoredMatch out;
  for (const JournaledMatch::Input& each : journaled.inputs) {
    if (each.version != kInputVersion) {
      return broken("match " + short_name(journaled.match) +
                    " was journaled by a newer version of the engine: run that");
    }
    auto input = match::decode_input(each.input);
    if (!input) {
      return broken("match " + short_name(journaled.match) +
                    ": the journal is damaged: " + input.error().message);
    }
    Step step = take_step(out.match, out.steps, *input, keys);
    remember(out, *input, step);
  }
  const auto chain = out.match.chain();
  const bool same = std::ranges::equal(
      chain, journaled.receipts,
      [](const nostr::Event& made, const auto& journaled_one) { return made == journaled_one.event; });
  if (!same) {
    return broken("match " + short_name(journaled.match) +
                  " doesn't replay to its receipts: this build's rules are not those it was judged by");
  }
  if (!same_calls(out, journaled)) {
    return broken(
        "match " + short_name(journaled.match) +
        " doesn't replay to its open calls to the mint: the journal is damaged, or another build's");
  }
  for (const nostr::EventId& id : journaled.unacknowledged) {
    const auto receipt = std::ranges::find(chain, id, &nostr::Event::id);
    if (receipt != chain.end()) out.unacknowledged.push_back(*receipt);
  }
  return out;
}

Result<AdoptedMatch> adopt(const std::vector<nostr::Event>& chain, const cashu::Keyset& keyset,
                           const match::EngineKeys& keys) {
  auto inputs = match::inputs_of_chain(chain, keyset, keys);
  if (!inputs) return broken("a chain found on the relays can't be taken up: " + inputs.error().message);
  AdoptedMatch out;
  for (const match::Input& input : *inputs) {
    Step step = take_step(out.restored.match, out.restored.steps, input, keys);
    if (!step.journaled) continue;
    remember(out.restored, input, step);
    out.steps.push_back(std::move(step.record));
  }
  if (!std::ranges::equal(out.restored.match.chain(), chain)) {
    return broken("a chain found on the relays doesn't replay to itself");
  }
  return out;
}

}  // namespace manastr::engine

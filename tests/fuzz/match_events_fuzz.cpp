// Events of kinds 31000-31006, the plaintexts of sealed contents, and inputs of the journal, as anybody may
// write them. What parses must survive being written and parsed again.
#include <cstdlib>

#include "common/match/lifecycle.h"
#include "common/match/party_events.h"
#include "common/match/receipt.h"

namespace {

using namespace manastr;
using namespace manastr::match;

void must_hold(bool ok) {
  if (!ok) std::abort();
}

void read_event(const Event& event) {
  if (const auto id = match_of(event)) must_hold(parse_slot(event.kind, event.d()).has_value());
  if (const auto party = parse_party_event(event)) {
    must_hold(check_envelope(event).has_value());
    must_hold(same_content(event, event));
  }
  (void)parse_announcement(event);
  (void)parse_rejection(event);
  if (const auto receipt = parse_receipt(event)) {
    const PubKey nobody;
    Event again = event;
    const auto draft = to_draft(*receipt, nobody, nobody, nobody, "");
    again.content = draft.content;
    again.tags = draft.tags;
    const auto reread = parse_receipt(again);
    if (!reread) must_hold(nostr::dump(again).size() > kMaxEngineEvent);
    if (reread) must_hold(to_draft(*reread, nobody, nobody, nobody, "").content == draft.content);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto event = nostr::parse_event(text)) read_event(*event);
  if (const auto claim = parse_sealed_claim(text)) {
    const auto again = parse_sealed_claim(dump_sealed_claim(*claim));
    const bool any = !claim->groups.empty() && !claim->groups.back().empty();
    if (any) must_hold(again.has_value() && outputs_hash(again->groups) == outputs_hash(claim->groups));
  }
  if (const auto rake = parse_rake(text)) must_hold(parse_rake(dump_rake(*rake)).value() == *rake);
  if (const auto input = decode_input(text))
    must_hold(encode(*decode_input(encode(*input))) == encode(*input));
  return 0;
}

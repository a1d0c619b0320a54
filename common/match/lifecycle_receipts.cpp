#include "common/match/lifecycle_state.h"

namespace manastr::match {
namespace {
constexpr unsigned kRejectionsPerKey = 16;
constexpr unsigned kRejections = 64;
constexpr unsigned kRejectionsToStrangers = 32;  // so that they can't use up what parties need
constexpr unsigned kRecords = 32;
}  // namespace

/// Appends to the chain what holds now, so every change of state comes before.
void Step::issue(ReceiptBody body, bool starts_phase) {
  Receipt receipt{.head = {}, .body = std::move(body)};
  ReceiptHead& head = receipt.head;
  head.match = s_.challenge.id;
  head.sequence = static_cast<unsigned>(s_.chain.size());
  if (!s_.chain.empty()) head.previous = s_.chain.back().id;
  head.at = s_.now;
  head.phase = s_.phase;
  head.round = s_.round;
  for (std::size_t i = 0; i < 2; ++i) {
    head.clocks[i] = i < s_.seats.size() ? s_.seats[i].clock.left() : Millis(s_.terms.clocks.party);
    if (i < s_.seats.size()) head.deadlines[i] = s_.seats[i].clock.deadline();
  }
  if (starts_phase) s_.phase_start = head.sequence;
  const std::optional<PubKey> acceptor =
      s_.seats.size() > 1 ? std::optional(s_.seats[1].pubkey) : std::nullopt;
  const std::string_view relay = s_.terms.relays.empty() ? std::string_view() : s_.terms.relays.front();
  Event event = keys_.sign(to_draft(receipt, s_.challenge.pubkey, acceptor, keys_.pubkey(), relay));
  s_.sequence_of.emplace(event.id, head.sequence);
  s_.chain.push_back(event);
  effects_.push_back(Publish{std::move(event), true});
}

/// The event fills its slot with the receipt that will be issued next.
void Step::receipted(const Event& event) {
  const SlotKey key{{event.kind, event.pubkey}, std::string(event.d())};
  s_.slots[key] = Filled{event, static_cast<unsigned>(s_.chain.size()), 0};
}

void Step::reject(const Event& event, std::string reason, std::optional<EventId> receipt) {
  const bool party = seat_of(event.pubkey).has_value();
  if (!party && s_.stranger_rejections >= kRejectionsToStrangers) return;
  if (s_.all_rejections >= kRejections || s_.rejections[event.pubkey] >= kRejectionsPerKey) return;
  ++s_.all_rejections;
  if (!party) ++s_.stranger_rejections;
  ++s_.rejections[event.pubkey];
  const MatchId match = s_.opened ? s_.challenge.id : event.id;
  const Rejection rejection{match, event.id, std::move(reason), receipt};
  effects_.push_back(
      Publish{keys_.sign(to_draft(rejection, event.pubkey, std::chrono::floor<Seconds>(s_.now))), false});
}

void Step::record(const PubKey& author, const EventId& event, std::string what) {
  if (s_.records++ < kRecords) effects_.push_back(Misconduct{author, event, std::move(what)});
}

void Step::close(std::string reason) {
  s_.phase = Phase::closed;
  for (Seat& seat : s_.seats) seat.clock.end(s_.now);
  s_.ended = true;
  issue(ClosedReceipt{reason}, true);
  effects_.push_back(Ended{std::move(reason)});
}

}  // namespace manastr::match

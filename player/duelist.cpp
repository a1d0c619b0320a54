#include "player/duelist.h"

#include <fmt/format.h>

#include <algorithm>

#include "player/duelist_state.h"

namespace manastr::player {
namespace {

constexpr std::size_t kMaxHeld = 256;

std::string name_of(const match::Transcript::View& view, const match::PubKey& key, const match::PubKey& me) {
  if (key == me) return "you";
  if (!view.parties.empty() && view.parties[0] == key) return "the creator";
  return "the opponent";
}

json::Value round_detail(const game::Round& round) {
  json::Value out;
  json::Value fighters;
  for (const game::Fighter& fighter : round.fighters) {
    json::Value one;
    one.set("unit", std::int64_t{fighter.unit});
    one.set("damage", fighter.damage);
    one.set("health", fighter.health);
    fighters.push(std::move(one));
  }
  out.set("fighters", std::move(fighters));
  out.set("winner", round.winner ? json::Value(*round.winner == game::Side::creator ? "creator" : "acceptor")
                                 : json::Value("none"));
  return out;
}

json::Value unit_detail(const game::Unit& unit) {
  json::Value out;
  out.set("league", game::league_name(unit.league));
  out.set("kind", game::kind_name(unit.kind));
  out.set("attack", unit.attack);
  out.set("defence", unit.defence);
  out.set("health", unit.health);
  out.set("ability", game::ability_name(unit.ability));
  return out;
}

std::string describe(const game::Unit& unit) {
  return fmt::format("{} {} (attack {}, defence {}, health {}, {})", game::league_name(unit.league),
                     game::kind_name(unit.kind), unit.attack, unit.defence, unit.health,
                     game::ability_name(unit.ability));
}

}  // namespace

Duelist::Duelist(std::unique_ptr<State> state) : state_(std::move(state)) {}
Duelist::~Duelist() = default;

Result<std::unique_ptr<Duelist>> Duelist::resume(const MatchRecord& record, const DuelistTools& tools) {
  TRY(auto parsed, match::parse_party_event(record.challenge));
  auto* challenge = std::get_if<match::Challenge>(&parsed.content);
  if (challenge == nullptr) return broken("the match book holds no challenge for this match");
  TRY(auto keyset, tools.wallet.keyset(challenge->terms.keyset));
  auto state = std::unique_ptr<State>(new State{
      record, tools, MatchSecrets(tools.wallet_seed, record.role == Role::creator ? challenge->d : record.id),
      tools.nostr_key.x_only(), *challenge, match::Transcript(std::move(keyset))});
  TRY(const auto receipts, tools.book.receipts(record.id));
  for (std::size_t i = 0; i < receipts.size(); ++i)
    state->held.emplace(static_cast<unsigned>(i), receipts[i]);
  const auto tell = std::exchange(state->tools.tell, [](const Happening&) {});  // told when they first came
  const Status status = state->drain();
  state->tools.tell = tell;
  if (!status) return std::unexpected(status.error());
  auto duelist = std::unique_ptr<Duelist>(new Duelist(std::move(state)));
  TRY(const auto evidence, tools.book.evidence(record.id));
  for (const match::Event& event : evidence) TRY_STATUS(duelist->receive(event));  // and it stops again
  return duelist;
}

const match::MatchId& Duelist::match() const { return state_->record.id; }
const match::Transcript::View& Duelist::view() const { return state_->view(); }
bool Duelist::finished() const { return state_->finished; }
const std::string& Duelist::fault() const { return state_->fault; }

Status Duelist::receive(const match::Event& event) {
  State& s = *state_;
  if (event.kind != match::kEngine || event.pubkey != s.record.engine ||
      match::match_of(event) != s.record.id) {
    return {};
  }
  const auto slot = match::parse_slot(event.kind, event.d());
  if (!slot) return {};
  if (slot->form == match::Slot::Form::rejection) {
    const auto rejection = match::parse_rejection(event);
    if (rejection && s.due("rejection:" + to_hex(rejection->event), Millis{3'600'000})) {
      s.tell("rejected", "the engine rejected an event: " + rejection->reason);
    }
    return {};
  }
  if (slot->form != match::Slot::Form::numbers) return {};
  const auto& known = s.view().receipts;
  if (slot->first < known.size()) {
    if (known[slot->first] == event.id) return {};
    return s.stop_for(event,
                      fmt::format("the engine signed two different receipts with number {}", slot->first));
  }
  if (s.held.size() < kMaxHeld) {
    const auto [place, fresh] = s.held.emplace(slot->first, event);
    if (!fresh && place->second.id != event.id && s.fault.empty()) {
      TRY_STATUS(s.tools.book.add_evidence(s.record.id, place->second));
      TRY_STATUS(s.stop_for(
          event, fmt::format("the engine signed two different receipts with number {}", slot->first)));
    }
  }
  return s.drain();
}

Status Duelist::act() {
  State& s = *state_;
  if (s.finished) return {};
  const bool refund_due =
      s.record.locktime > UnixSeconds{} && s.tools.clock.now_seconds() > s.record.locktime;
  // Also from an engine that is at fault: what is not found now would not come home either.
  if (s.record.recovered && s.own_lock) TRY_STATUS(s.find_stakes());
  if (!s.fault.empty()) return refund_due ? s.take_back_stakes() : Status{};
  if (!s.opened()) {
    // Beyond this no engine takes it, whatever this machine's clock is worth.
    const UnixSeconds last = std::max(s.challenge.terms.open_until, s.record.challenge.created_at);
    if (s.tools.clock.now_seconds() > last + match::kCreatedAtTolerance) {
      return s.finish("the engine never took the challenge");
    }
    if (s.record.role == Role::creator && s.due("challenge", Millis{5000}))
      return s.tools.publish(s.record.challenge);
    return {};
  }
  const auto& view = s.view();
  if (view.verdict) TRY_STATUS(s.collect());
  if (s.finished) return {};
  if (refund_due && s.due("refund", Millis{10'000})) {
    const Status refund = s.take_back_stakes();
    if (refund || refund.error().kind != ErrorKind::refused) return refund;
    // The mint calls it too early: this machine's clock is fast, and the match goes on.
  }
  if (view.head.phase == match::Phase::closed) {
    TRY(const bool gone, s.stakes_are_gone());
    return gone ? s.finish("closed before it began") : Status{};  // it comes home at the locktime
  }
  if (view.verdict) return {};
  const auto index = s.my_index();
  if (!index) {
    if (s.record.role == Role::creator) return {};
    if (view.parties.size() == 2) {
      TRY(const bool gone,
          s.stakes_are_gone());  // one's own acceptance may have lapsed with a stake already locked
      return gone ? s.finish("somebody else accepted first") : Status{};
    }
    return s.accept();
  }
  return s.play(*index);
}

std::optional<std::size_t> Duelist::State::my_index() const {
  for (std::size_t i = 0; i < view().parties.size(); ++i) {
    if (view().parties[i] == me) return i;
  }
  return std::nullopt;
}

bool Duelist::State::due(const std::string& what, Millis every) {
  const Monotonic now = tools.clock.monotonic();
  const auto [place, fresh] = last_sent.emplace(what, now);
  if (fresh) return true;
  if (now - place->second < every) return false;
  place->second = now;
  return true;
}

void Duelist::State::tell(std::string what, std::string text, json::Value detail) {
  tools.tell({record.id, std::move(what), std::move(text), std::move(detail)});
}

void Duelist::State::stop(std::string why) {
  if (!fault.empty()) return;
  fault = std::move(why);
  tell("stopped-playing",
       "stopped: " + fault + "; your stake comes home at the locktime (`resume` takes it)");
}

/// The first fault's evidence is kept, for an engine can sign as much of it as it likes.
Status Duelist::State::stop_for(const match::Event& evidence, std::string why) {
  if (!fault.empty()) return {};
  TRY_STATUS(tools.book.add_evidence(record.id, evidence));
  stop(std::move(why));
  return {};
}

Status Duelist::State::finish(const std::string& result) {
  TRY_STATUS(tools.book.close(record.id, result));
  finished = true;
  json::Value detail;
  detail.set("result", result);
  tell("finished", "finished: " + result, std::move(detail));
  return {};
}

match::Pointers Duelist::State::pointers() const {
  match::Pointers out;
  out.match = record.id;
  out.creator = record.challenge.pubkey;
  out.receipt = view().phase_start;
  out.engine = record.engine;
  for (const match::PubKey& party : view().parties) {
    if (party != me) out.others.push_back(party);
  }
  if (!challenge.terms.relays.empty()) out.relay = challenge.terms.relays.front();
  return out;
}

UnixSeconds Duelist::State::created_at() const { return tools.clock.now_seconds(); }

Status Duelist::State::drain() {
  for (;;) {
    const auto next = held.find(static_cast<unsigned>(view().receipts.size()));
    if (next == held.end()) return {};
    const match::Event event = next->second;
    held.erase(next);
    if (const Status added = transcript.add(event); !added) {
      return stop_for(event, "the engine broke the protocol: " + added.error().message);
    }
    TRY_STATUS(tools.book.add_receipt(record.id, view().head.sequence, event));
    if (view().locktime && my_index()) {
      own_lock = stake_lock(*my_index());
      if (record.locktime != *view().locktime) {
        record.locktime = *view().locktime;
        TRY_STATUS(tools.book.set_locktime(record.id, record.locktime));
      }
    }
    narrate(event);
  }
}

void Duelist::State::narrate(const match::Event& event) {
  const auto receipt = match::parse_receipt(event);
  if (!receipt) return;
  const auto& v = view();
  json::Value detail;
  detail.set("sequence", std::uint64_t{receipt->head.sequence});
  detail.set("receipt", to_hex(event.id));
  const std::string type(match::type_name(receipt->body));
  std::string text = type;
  if (const auto* accepted = std::get_if<match::AcceptanceReceipt>(&receipt->body)) {
    text = fmt::format("accepted by {}", name_of(v, accepted->event.pubkey, me));
  } else if (const auto* staked = std::get_if<match::StakedReceipt>(&receipt->body)) {
    text = fmt::format("stake of {} {} locked by {}", v.terms.stake, v.terms.stake_unit,
                       name_of(v, staked->party, me));
  } else if (const auto* unstaked = std::get_if<match::UnstakedReceipt>(&receipt->body)) {
    text = fmt::format("stake of {} refused: {}", name_of(v, unstaked->party, me), unstaked->reason);
  } else if (std::holds_alternative<match::FundedReceipt>(receipt->body)) {
    text = "both stakes are locked";
  } else if (const auto* seed = std::get_if<match::SeedReceipt>(&receipt->body); seed && seed->opening) {
    text = "seeds are open; the armies are drawn";
    if (v.armies) {
      for (std::size_t side = 0; side < 2; ++side) {
        const bool mine = v.parties[side] == me;
        json::Value army{json::Array{}};
        for (std::size_t unit = 0; unit < game::kUnits; ++unit) {
          text += fmt::format("\n    {} {}: {}", mine ? "your" : "their", unit,
                              describe((*v.armies)[side][unit]));
          army.push(unit_detail((*v.armies)[side][unit]));
        }
        detail.set(mine ? "your_army" : "their_army", std::move(army));
      }
    }
  } else if (std::holds_alternative<match::RevealReceipt>(receipt->body) && v.armies &&
             v.moves[0].size() == v.moves[1].size()) {
    const std::size_t done = v.moves[0].size();
    json::Value rounds;
    for (std::size_t r = done; r >= 1 && r <= game::kRounds; ++r) {
      std::array<std::uint8_t, 2> units{};
      for (std::size_t side = 0; side < 2; ++side) {
        if (r <= done) {
          units[side] = v.moves[side][r - 1];
        } else {
          game::Moves moves{};
          std::copy_n(v.moves[side].begin(), game::kChosenRounds, moves.begin());
          units[side] = game::forced_unit(moves).value_or(0);
        }
      }
      const game::Round fought = game::fight((*v.armies)[0], units[0], (*v.armies)[1], units[1]);
      const std::string who = !fought.winner                                 ? "nobody"
                              : v.parties[game::index(*fought.winner)] == me ? "you"
                                                                             : "the opponent";
      if (r == done) {
        text.clear();
      } else {
        text += "\n  ";
      }
      text +=
          fmt::format("round {}: {} against {}; {} won it", r, game::kind_name((*v.armies)[0][units[0]].kind),
                      game::kind_name((*v.armies)[1][units[1]].kind), who);
      json::Value one = round_detail(fought);
      one.set("round", std::uint64_t{r});
      rounds.push(std::move(one));
      if (done < game::kChosenRounds) break;
    }
    detail.set("rounds", std::move(rounds));
  } else if (const auto* silence = std::get_if<match::SilenceReceipt>(&receipt->body)) {
    text = fmt::format("nothing received from {} in time", name_of(v, silence->party, me));
  } else if (const auto* verdict = std::get_if<match::VerdictReceipt>(&receipt->body)) {
    text = fmt::format("verdict: {}{} ({})", match::outcome_name(verdict->outcome),
                       verdict->winner ? ", " + name_of(v, *verdict->winner, me) : "", verdict->reason);
    detail.set("outcome", match::outcome_name(verdict->outcome));
    if (verdict->winner) detail.set("winner", verdict->winner->hex());
  } else if (const auto* mine = std::get_if<match::ClaimReceipt>(&receipt->body)) {
    text = "claim accepted";
    const auto parsed = match::parse_party_event(mine->event);
    if (parsed && mine->event.pubkey == me) {
      if (const auto* said = std::get_if<match::Claim>(&parsed->content)) my_claims[said->attempt] = *mine;
    }
  } else if (const auto* refusal = std::get_if<match::RefusalReceipt>(&receipt->body)) {
    text = "the mint refused the claim: " + refusal->reason;
  } else if (const auto* stopped = std::get_if<match::StoppedReceipt>(&receipt->body)) {
    text = "the clocks stand still: " + stopped->reason;
  } else if (const auto* resumed = std::get_if<match::ResumedReceipt>(&receipt->body)) {
    text = "the clocks run again: " + resumed->reason;
  } else if (const auto* closed = std::get_if<match::ClosedReceipt>(&receipt->body)) {
    text = "closed: " + closed->reason;
  } else if (const auto* lapsed = std::get_if<match::LapsedReceipt>(&receipt->body)) {
    text = "the acceptance lapsed: " + lapsed->reason;
  }
  tell(type, std::move(text), std::move(detail));
}

}  // namespace manastr::player

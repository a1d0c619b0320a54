#include "tests/simulation/audit.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/match/referee.h"

namespace manastr::simulation {
namespace {

std::string short_name(const match::MatchId& match) { return to_hex(match).substr(0, 8); }

}  // namespace

std::int64_t Auditor::value(const cashu::Unit& unit, cashu::Amount amount) const {
  return static_cast<std::int64_t>(amount * mint_.price_msat.at(unit));
}

Report Auditor::run() {
  for (const std::string& each : engine_.trouble()) fail("engine: " + each);
  const bool must_open = players_[0]->setting().character == Character::honest && !engine_.has_vanished();
  if (engine_.matches().empty() && must_open) fail("an honest player's challenge was never receipted");
  for (const match::MatchId& match : engine_.matches()) check_match(match);
  for (const auto& player : players_) {
    // Without an engine nothing ends but by the stakes' coming home; check_money() sees to those.
    if (!player->is_finished() && !engine_.has_vanished()) fail(player->setting().name + " is not finished");
  }
  check_money();
  Bytes seen;
  for (const nostr::Event& event : relays_.seen()) append(seen, event.id);
  append(seen, as_bytes(report_.summary));
  report_.digest = crypto::sha256(seen);
  return std::move(report_);
}

void Auditor::check_match(const match::MatchId& match) {
  const std::string name = "match " + short_name(match);
  const std::vector<nostr::Event> chain = engine_.chain(match);
  const bool is_forked = engine_.forked() == match;
  const bool is_abandoned = engine_.abandoned().contains(match);
  if (!engine_.has_ended(match) && !engine_.has_vanished() && !is_abandoned) fail(name + " has not ended");

  // The referee, by the chain alone, and by all that anybody could have seen.
  std::vector<nostr::Event> all = chain;
  for (const nostr::Event& event : relays_.seen()) {
    if (match::match_of(event) == match) all.push_back(event);
  }
  const match::Judgement by_chain = match::judge(chain);
  const match::Judgement by_all = match::judge(all);
  const bool is_cut_short = (engine_.has_vanished() || is_abandoned) && !engine_.has_ended(match);
  if (is_abandoned) check_abandoned(match, chain, by_all);
  for (const std::string& fault : by_chain.faults) {
    if (!is_cut_short) fail(name + ": referee: " + fault);
  }
  for (const std::string& fault : by_all.faults) {
    if (!is_forked && !is_cut_short) fail(name + ": referee, of all events: " + fault);
  }
  const bool was_seen = std::ranges::any_of(
      relays_.seen(), [&](const nostr::Event& event) { return event.id == engine_.second_receipt(); });
  if (is_forked && was_seen && by_all.in_order())
    fail(name + ": the referee overlooks two receipts of one number");

  std::optional<Verdict> verdict;
  bool silence = false;
  for (const nostr::Event& event : chain) {
    const auto receipt = match::parse_receipt(event);
    if (!receipt) return fail(name + ": a receipt does not parse");
    if (std::holds_alternative<match::SilenceReceipt>(receipt->body)) silence = true;
    if (const auto* body = std::get_if<match::VerdictReceipt>(&receipt->body))
      verdict = Verdict{*body, event.id, silence};
  }
  if (!is_forked) check_views(match, chain);
  if (!verdict) {
    report_.summary += short_name(match) + " never began; ";
    return;
  }
  for (const match::Judgement* each : {&by_chain, &by_all}) {
    if (is_forked && each == &by_all) continue;
    if (each->outcome != verdict->body.outcome || each->winner != verdict->body.winner) {
      fail(name + ": the referee finds another outcome");
    }
  }
  check_verdict(match, *verdict);
}

/// An engine that keeps its link can but void the match: what it committed to stands there unopened, and if
/// it signs that the seeds are open all the same, that is a fault which anyone finds.
void Auditor::check_abandoned(const match::MatchId& match, const std::vector<nostr::Event>& chain,
                              const match::Judgement& by_all) {
  const std::string name = "match " + short_name(match);
  bool is_committed = false;
  for (const nostr::Event& event : chain) {
    const auto receipt = match::parse_receipt(event);
    if (!receipt) continue;
    is_committed |= std::holds_alternative<match::AcceptanceReceipt>(receipt->body);
    const auto* seed = std::get_if<match::SeedReceipt>(&receipt->body);
    if (seed != nullptr && seed->opening) fail(name + ": the link is open");
    if (std::holds_alternative<match::VerdictReceipt>(receipt->body)) fail(name + ": judged without a link");
  }
  if (!is_committed) fail(name + ": there is no commitment to the link");
  const bool says_so = std::ranges::any_of(relays_.seen(), [&](const nostr::Event& event) {
    const auto slot =
        match::match_of(event) == match ? match::parse_slot(event.kind, event.d()) : std::nullopt;
    return event.kind == match::kEngine && slot && slot->form == match::Slot::Form::numbers &&
           slot->first >= chain.size();
  });
  const bool is_found = std::ranges::any_of(by_all.faults, [](const std::string& fault) {
    return fault.find("does not open its link") != std::string::npos;
  });
  if (says_so && !is_found) fail(name + ": the referee overlooks a link that was not opened");
}

void Auditor::check_views(const match::MatchId& match, const std::vector<nostr::Event>& chain) {
  for (const auto& player : players_) {
    if (!player->is_party_of(match)) continue;
    const auto* view = player->view(match);
    const std::string who = player->setting().name;
    if (view == nullptr) {
      fail(who + " knows nothing of match " + short_name(match));
      continue;
    }
    if (view->receipts.size() > chain.size()) fail(who + " has receipts that the engine does not know");
    for (std::size_t i = 0; i < std::min(chain.size(), view->receipts.size()); ++i) {
      if (view->receipts[i] != chain[i].id) return fail(who + " has another receipt " + std::to_string(i));
    }
    const bool may_stop = engine_.abandoned().contains(match);
    if (const std::string fault = player->fault(match); !fault.empty() && !may_stop)
      fail(who + " stopped: " + fault);
  }
}

void Auditor::check_verdict(const match::MatchId& match, const Verdict& verdict) {
  const match::VerdictReceipt& body = verdict.body;
  const match::Terms& terms = body.terms;
  const std::int64_t stake = value(terms.stake_unit, terms.stake);
  const auto character = [&](const match::PubKey& pubkey) {
    const auto found =
        std::ranges::find_if(players_, [&](const auto& each) { return each->pubkey() == pubkey; });
    return (*found)->setting().character;
  };
  std::string how(match::outcome_name(body.outcome));
  if (body.outcome == match::Outcome::win) {
    const match::PubKey winner = *body.winner;
    const match::PubKey loser = body.parties[0] == winner ? body.parties[1] : body.parties[0];
    // Who sees a forked chain stops, as it must; what the engine signs after that is evidence against it.
    const bool is_forked = engine_.forked() == match;
    if (verdict.by_silence && !is_forked && character(loser) == Character::honest) {
      fail("an honest player lost match " + short_name(match) + " by silence: " + body.reason);
    }
    const bool paid = mint_.has_paid(match, winner);
    const bool can_be_paid = !engine_.has_vanished() && engine_.forked() != match;
    if (!paid && can_be_paid && character(winner) == Character::honest) {
      fail("the honest winner of match " + short_name(match) + " was not paid");
    }
    if (paid) {
      const auto split = match::split_stake(terms).value();
      due_[winner] += value(terms.prize_unit, split.prize);
      due_[loser] -= stake;
      rake_due_ += value(terms.prize_unit, split.rake);
      ++report_.settled;
    } else {
      ++report_.sent_home;
      how += ", not claimed";
    }
  } else {
    ++report_.sent_home;
  }
  report_.summary += fmt::format("{} {} ({}); ", short_name(match), how, body.reason);
}

void Auditor::check_money() {
  std::map<cashu::Unit, cashu::Amount> held;
  const bool has_fees = mint_.keyset(mint_.active("mana")).input_fee_ppk > 0;
  for (std::size_t i = 0; i < players_.size(); ++i) {
    PlayerProcess& player = *players_[i];
    const std::string& who = player.setting().name;
    if (!player.is_up()) {
      fail(who + " is not there at the end");
      return;
    }
    player.calm();
    if (const Status looked = player.look_for_money(); !looked) fail(who + ": " + looked.error().message);
    std::int64_t wealth = 0;
    for (const cashu::Unit unit : {"mana", "loot"}) {
      const auto balance = player.balance(unit);
      if (!balance) {
        fail(who + ": " + balance.error().message);
        continue;
      }
      if (balance->under_way > 0)
        fail(fmt::format("{} has {} {} under way for ever", who, balance->under_way, unit));
      if (balance->locked > 0) fail(fmt::format("{} has {} {} locked for ever", who, balance->locked, unit));
      held[unit] += balance->available;
      wealth += value(unit, balance->available);
    }
    const std::int64_t expected = value("mana", bought_[i]) + due_[player.pubkey()];
    const std::int64_t most_fees = has_fees ? value("mana", 30) : 0;
    if (wealth > expected || wealth < expected - most_fees) {
      fail(fmt::format("{} has {} msat and should have {}", who, wealth, expected));
    }
    report_.summary += fmt::format("{} {:+}; ", who, (wealth - value("mana", bought_[i])) / 200);
  }

  std::int64_t rake = 0;
  for (const cashu::Proof& proof : engine_.rake()) {
    const cashu::Unit& unit = mint_.keyset(proof.id).unit;
    if (!mint_.is_genuine(proof)) fail("a proof of the engine's rake is not genuine");
    if (mint_.is_spent(proof.y())) fail("a proof of the engine's rake is spent");
    rake += value(unit, proof.amount);
    held[unit] += proof.amount;
  }
  if (rake != rake_due_)
    fail(fmt::format("the engine has {} msat of rake and should have {}", rake, rake_due_));

  // The mint's own books: what was paid in is what circulates, and fees; and all that circulates is
  // somebody's.
  std::int64_t paid_in = 0;
  std::int64_t circulates = 0;
  std::int64_t fees = 0;
  std::int64_t owned = 0;
  for (const cashu::Unit unit : {"mana", "loot"}) {
    paid_in += value(unit, mint_.minted(unit));
    circulates += value(unit, mint_.outstanding(unit));
    fees += value(unit, mint_.fees(unit));
    owned += value(unit, held[unit]);
  }
  if (paid_in != circulates + fees) {
    fail(fmt::format("{} msat were paid in, but {} circulate and {} are fees", paid_in, circulates, fees));
  }
  if (owned != circulates) {
    fail(fmt::format("{} msat circulate, but {} are found", circulates, owned));
  }
}

}  // namespace manastr::simulation

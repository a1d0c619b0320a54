// challenges, matches, watch, transcript, verify: looking, without money.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <fstream>
#include <mutex>
#include <sstream>

#include "common/json/reader.h"
#include "common/match/referee.h"
#include "player/commands.h"

namespace manastr::player {
namespace {

std::string moment(UnixSeconds at) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(static_cast<std::time_t>(count(at))));
}

std::string span(Seconds left) {
  if (left.count() < 0) return "over";
  return fmt::format("{}:{:02}:{:02}", left.count() / 3600, left.count() / 60 % 60, left.count() % 60);
}

/// What keeps each relay from answering.
std::unexpected<Error> no_answer(const relay::Courier& courier) {
  std::string text = "no relay answers; are the URLs in settings.json right?";
  for (const relay::RelayStatus& each : courier.status().relays) {
    text += fmt::format(" {}: {}.", each.url, each.trouble.empty() ? "no answer in time" : each.trouble);
  }
  return unavailable(text);
}

std::unexpected<Error> unknown_match(const match::MatchId& id) {
  return unavailable("no relay has a receipt of match " + to_hex(id) +
                     "; is the id right, and your engine the one that judges it?");
}

json::Value judgement_detail(const match::Judgement& judged) {
  json::Value detail;
  detail.set("in_order", judged.in_order());
  json::Value faults{json::Array{}};
  for (const std::string& fault : judged.faults) faults.push(fault);
  detail.set("faults", std::move(faults));
  if (judged.outcome) detail.set("outcome", match::outcome_name(*judged.outcome));
  if (judged.winner) detail.set("winner", judged.winner->hex());
  detail.set("rake", judged.rake);
  detail.set("settled", judged.settled);
  return detail;
}

}  // namespace

Result<match::MatchId> match_id_from(Home& home, const std::string& text) {
  if (const auto id = array_from_hex<32>(text)) return *id;
  TRY(const auto record, home.book().find(text));
  return record.id;
}

Result<std::vector<match::Event>> fetch_chain(Home& home, const match::MatchId& id) {
  TRY(relay::Courier * courier, home.courier());
  nostr::Filter filter;
  filter.kinds = {match::kEngine};
  filter.authors = {home.settings().engine};
  filter.tags['e'] = {to_hex(id)};
  const auto fetched = relay::fetch_and_wait(*courier, {filter}, Millis{10'000});
  if (fetched.answered == 0) return no_answer(*courier);
  return fetched.events;
}

Result<match::Event> fetch_announcement(Home& home) {
  TRY(relay::Courier * courier, home.courier());
  nostr::Filter filter;
  filter.kinds = {match::kEngine};
  filter.authors = {home.settings().engine};
  filter.tags['d'] = {std::string(match::kAnnouncementD)};
  const auto fetched = relay::fetch_and_wait(*courier, {filter}, Millis{10'000});
  if (fetched.answered == 0) return no_answer(*courier);
  const match::Event* newest = nullptr;
  for (const match::Event& event : fetched.events) {
    if (event.d() != match::kAnnouncementD) continue;
    if (newest == nullptr || event.created_at > newest->created_at) newest = &event;
  }
  if (newest == nullptr) return unavailable("the engine has announced nothing on these relays");
  return *newest;
}

Status run_challenges(Home& home, const Report& report) {
  TRY(relay::Courier * courier, home.courier());
  nostr::Filter filter;
  filter.kinds = {match::kChallenge};
  filter.tags['p'] = {home.settings().engine.hex()};
  const auto fetched = relay::fetch_and_wait(*courier, {filter}, Millis{10'000});
  if (fetched.answered == 0) return no_answer(*courier);
  std::size_t shown = 0;
  for (const match::Event& event : fetched.events) {
    const auto parsed = match::parse_party_event(event);
    if (!parsed) continue;
    const auto* challenge = std::get_if<match::Challenge>(&parsed->content);
    const UnixSeconds now = system_clock().now_seconds();
    if (challenge == nullptr || challenge->terms.open_until <= now) continue;
    if (challenge->terms.opponent && *challenge->terms.opponent != home.pubkey()) continue;
    TRY(const auto chain, fetch_chain(home, event.id));
    bool open = false;
    unsigned newest = 0;
    for (const match::Event& each : chain) {
      const auto receipt = match::parse_receipt(each);
      if (!receipt || receipt->head.sequence < newest) continue;
      newest = receipt->head.sequence;
      open = receipt->head.phase == match::Phase::open;
    }
    if (!open) continue;
    json::Value detail;
    detail.set("match", to_hex(event.id));
    detail.set("creator", event.pubkey.hex());
    detail.set("stake", challenge->terms.stake);
    detail.set("unit", challenge->terms.stake_unit);
    report.say("open-challenge",
               fmt::format("{}  {} {}  open for {}{}", to_hex(event.id), challenge->terms.stake,
                           challenge->terms.stake_unit, span(challenge->terms.open_until - now),
                           event.pubkey == home.pubkey() ? "  (yours)" : ""),
               detail);
    if (++shown == 100) break;
  }
  if (shown == 0 && !report.json()) report.say("open-challenges", "no open challenges");
  return {};
}

Status run_matches(Home& home, const Report& report) {
  TRY(const auto records, home.book().records(false));
  if (records.empty() && !report.json()) report.say("matches", "no matches yet");
  const UnixSeconds now = system_clock().now_seconds();
  for (const MatchRecord& record : records) {
    TRY(const auto receipts, home.book().receipts(record.id));
    match::Transcript transcript;
    for (const match::Event& receipt : receipts) {
      if (!transcript.add(receipt)) break;
    }
    const auto& view = transcript.view();
    json::Value detail;
    detail.set("match", to_hex(record.id));
    detail.set("open", record.open);
    detail.set("role", record.role == Role::creator ? "creator" : "acceptor");
    std::string text = to_hex(record.id) + "  ";
    if (!record.open) {
      text += record.result;
      detail.set("result", record.result);
    } else if (view.receipts.empty()) {
      text += "not yet receipted by the engine";
    } else {
      text += match::phase_name(view.head.phase);
      detail.set("phase", match::phase_name(view.head.phase));
      for (std::size_t i = 0; i < view.parties.size(); ++i) {
        const auto deadline = view.head.deadlines[i];
        if (!deadline) continue;
        const Seconds left = std::chrono::floor<Seconds>(*deadline) - now;
        text += fmt::format(", {} left for {}", span(left),
                            view.parties[i] == home.pubkey() ? "you" : "the opponent");
        detail.set(view.parties[i] == home.pubkey() ? "seconds_left" : "opponent_seconds_left",
                   std::int64_t{left.count()});
      }
    }
    if (record.open && record.locktime > UnixSeconds{}) {
      text += ", refund falls due " + moment(record.locktime);
      detail.set("refund_at", std::int64_t{count(record.locktime)});
    }
    report.say("match", text, detail);
  }
  return {};
}

Status run_watch(Home& home, const Report& report, const std::string& text) {
  TRY(const auto id, match_id_from(home, text));
  TRY(const auto chain, fetch_chain(home, id));
  if (chain.empty()) return unknown_match(id);
  TRY(relay::Courier * courier, home.courier());
  struct Shared {
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<match::Event> events;
  };
  const auto shared = std::make_shared<Shared>();
  nostr::Filter filter;
  filter.kinds = {match::kEngine};
  filter.authors = {home.settings().engine};
  filter.tags['e'] = {to_hex(id)};
  const auto subscription = courier->subscribe({{filter},
                                                [shared](const match::Event& event, std::string_view) {
                                                  const std::lock_guard lock(shared->mutex);
                                                  if (shared->events.size() < 10'000)
                                                    shared->events.push_back(event);
                                                  shared->changed.notify_one();
                                                },
                                                {}});
  match::Transcript transcript;
  std::map<unsigned, match::Event> held;
  Status result;
  for (bool over = false; !over && result;) {
    std::vector<match::Event> fresh;
    {
      std::unique_lock lock(shared->mutex);
      shared->changed.wait(lock, [&] { return !shared->events.empty(); });
      fresh.swap(shared->events);
    }
    for (const match::Event& event : fresh) {
      const auto slot = match::parse_slot(event.kind, event.d());
      if (slot && slot->form == match::Slot::Form::numbers &&
          slot->first >= transcript.view().receipts.size()) {
        held.emplace(slot->first, event);
      }
    }
    for (auto next = held.find(static_cast<unsigned>(transcript.view().receipts.size())); next != held.end();
         next = held.find(static_cast<unsigned>(transcript.view().receipts.size()))) {
      const match::Event event = next->second;
      held.erase(next);
      result = transcript.add(event);
      if (!result) break;
      const auto& head = transcript.view().head;
      const auto receipt = match::parse_receipt(event);
      json::Value detail;
      detail.set("sequence", std::uint64_t{head.sequence});
      detail.set("phase", match::phase_name(head.phase));
      detail.set("type", match::type_name(receipt->body));
      report.say("receipt",
                 fmt::format("{:>3}  {:<11} {:<14} {}", head.sequence, match::type_name(receipt->body),
                             match::phase_name(head.phase), moment(std::chrono::floor<Seconds>(head.at))),
                 detail);
      over = head.phase == match::Phase::closed;
    }
  }
  courier->unsubscribe(subscription);
  if (!result) return invalid("the engine broke the protocol: " + result.error().message);
  return {};
}

Status run_transcript(Home& home, const Report& report, const std::string& text, const std::string& file) {
  TRY(const auto id, match_id_from(home, text));
  TRY(auto chain, fetch_chain(home, id));
  TRY(auto known, home.book().receipts(id));
  TRY(const auto evidence, home.book().evidence(id));
  known.insert(known.end(), evidence.begin(), evidence.end());
  for (const match::Event& event : known) {
    if (std::find(chain.begin(), chain.end(), event) == chain.end()) chain.push_back(event);
  }
  if (chain.empty()) return unknown_match(id);
  json::Value all{json::Array{}};
  for (const match::Event& event : chain) all.push(nostr::to_json(event));
  json::Value detail;
  if (file.empty()) {
    const std::string json = all.dump();
    detail.set("events", std::move(all));
    report.say("transcript", json, detail);
    return {};
  }
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out << all.dump() << '\n';
  out.close();
  if (!out) return broken("cannot write " + file + ": " + std::strerror(errno));
  detail.set("file", file);
  detail.set("count", std::uint64_t{chain.size()});
  report.say("transcript", fmt::format("{} events written to {}", chain.size(), file), detail);
  return {};
}

Status run_verify(const Report& report, const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return invalid("cannot read " + file + ": " + std::strerror(errno));
  std::ostringstream text;
  text << in.rdbuf();
  json::Limits limits;
  limits.bytes = 16 << 20;
  auto value = json::parse(text.str(), limits);
  if (!value) return invalid(file + ": " + value.error().message);
  const json::Array* list = value->if_array();
  if (list == nullptr) return invalid(file + ": expected a JSON array of events");
  std::vector<match::Event> events;
  for (const json::Value& each : *list) {
    TRY(auto event, nostr::event_from_json(each));
    events.push_back(std::move(event));
  }
  const match::Judgement judged = match::judge(std::move(events));
  const json::Value detail = judgement_detail(judged);
  if (!judged.in_order()) {
    std::string all;
    for (const std::string& fault : judged.faults) all += "\n  " + fault;
    report.say("verdict", "the transcript is not in order:" + all, detail);
    return invalid("the transcript is not in order");
  }
  std::string said = "in order";
  if (judged.outcome) {
    said += fmt::format("; {}{}, rake {}{}", match::outcome_name(*judged.outcome),
                        judged.winner ? " for " + judged.winner->hex() : "", judged.rake,
                        judged.settled ? ", settled" : ", not settled");
  } else {
    said += "; no verdict yet";
  }
  report.say("verdict", said, detail);
  return {};
}

}  // namespace manastr::player

// challenge, accept, play, resume.
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <iostream>

#include "player/commands.h"
#include "player/match_secrets.h"
#include "player/table.h"

namespace manastr::player {
namespace {

volatile std::sig_atomic_t interrupted = 0;

class RandomMoves final : public MoveChooser {
 public:
  std::optional<std::uint8_t> choose(const match::MatchId&, const match::Transcript::View&, std::size_t,
                                     unsigned, const std::vector<std::uint8_t>& free) override {
    for (;;) {  // rejection sampling: every unit equally likely
      const Byte drawn = system_random().bytes<1>()[0];
      if (drawn < 256 / free.size() * free.size()) return free[drawn % free.size()];
    }
  }
};

/// Asks on standard output and reads standard input without waiting for it, one question at a time.
class AskedMoves final : public MoveChooser {
 public:
  explicit AskedMoves(const Report& report) : report_(report) {}

  std::optional<std::uint8_t> choose(const match::MatchId& match, const match::Transcript::View& view,
                                     std::size_t me, unsigned round,
                                     const std::vector<std::uint8_t>& free) override {
    if (ended_) return drawn_.choose(match, view, me, round, free);
    const auto now = system_clock().monotonic();
    const Question question{match, round};
    if (open_ && open_ != question && now - asked_for_ < Millis{2'000})
      return std::nullopt;  // its turn comes
    asked_for_ = now;
    if (open_ != question) ask(question, free);
    while (const auto line = read_line()) {
      for (const auto unit : free) {
        if (*line != std::to_string(unit)) continue;
        open_.reset();
        return unit;
      }
      ask(question, free);
    }
    if (!ended_) return std::nullopt;
    report_.warn("standard input has ended: the moves left are drawn");
    return drawn_.choose(match, view, me, round, free);
  }

 private:
  struct Question {
    match::MatchId match;
    unsigned round;
    bool operator==(const Question&) const = default;
  };

  void ask(const Question& question, const std::vector<std::uint8_t>& free) {
    std::string list;
    json::Value units{json::Array{}};
    for (const auto unit : free) {
      list += fmt::format(" {}", unit);
      units.push(std::int64_t{unit});
    }
    json::Value detail;
    detail.set("match", to_hex(question.match));
    detail.set("round", std::uint64_t{question.round});
    detail.set("units", std::move(units));
    report_.say("move-wanted", fmt::format("round {}: which unit fights? one of{}", question.round, list),
                detail);
    open_ = question;
  }

  /// A whole line if there is one.
  std::optional<std::string> read_line() {
    for (;;) {
      pollfd ready{STDIN_FILENO, POLLIN, 0};
      if (::poll(&ready, 1, 0) <= 0) return std::nullopt;
      char next = 0;
      const ssize_t got = ::read(STDIN_FILENO, &next, 1);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) {
        ended_ = true;
        return std::nullopt;
      }
      if (next == '\n') return std::exchange(line_, "");
      if (line_.size() < 64) line_ += next;
    }
  }

  const Report& report_;
  RandomMoves drawn_;
  std::optional<Question> open_;
  Monotonic asked_for_{};
  std::string line_;
  bool ended_ = false;
};

/// A match of one's own of which the book knows nothing (its file was lost): from the chain, by key and seed.
Result<MatchRecord> recover(Home& home, const Report& report, const match::MatchId& id,
                            const std::vector<match::Event>& chain) {
  MatchRecord record{.id = id, .engine = home.settings().engine, .recovered = true};
  std::optional<match::Challenge> challenge;
  std::optional<crypto::PublicKey> own_escrow;
  for (const match::Event& event : chain) {
    const auto receipt = match::parse_receipt(event);
    if (!receipt || match::match_of(event) != id) continue;
    if (const auto* opening = std::get_if<match::ChallengeReceipt>(&receipt->body)) {
      const auto parsed = match::parse_party_event(opening->event);
      if (!parsed || opening->event.id != id) continue;
      challenge = std::get<match::Challenge>(parsed->content);
      record.challenge = opening->event;
      record.announcement = opening->announcement;
    } else if (const auto* accepted = std::get_if<match::AcceptanceReceipt>(&receipt->body)) {
      if (accepted->event.pubkey != home.pubkey()) continue;
      const auto parsed = match::parse_party_event(accepted->event);
      if (parsed) own_escrow = std::get<match::Acceptance>(parsed->content).escrow_key;
      record.role = Role::acceptor;
    }
  }
  if (!challenge) return unavailable("the engine has not receipted this challenge (yet); try again");
  if (record.challenge.pubkey == home.pubkey()) {
    own_escrow = challenge->escrow_key;
    record.role = Role::creator;
  }
  if (!own_escrow) return invalid("you are no party of this match; `accept` it");
  if (challenge->terms.mint != home.wallet().mint_url())
    return invalid("this match is played at another mint: " + challenge->terms.mint);
  const MatchSecrets secrets(home.seed(), record.role == Role::creator ? challenge->d : id);
  if (secrets.escrow().public_key() != *own_escrow)
    return invalid("you are a party of this match, but by the seed of another wallet");
  TRY([[maybe_unused]] const auto restored, home.wallet().restore());
  TRY_STATUS(home.book().add(record));
  report.say("recovered", "took the match up again from its chain and the seed");
  return record;
}

Status play_records(Home& home, const Report& report, const std::vector<MatchRecord>& records,
                    const PlayOptions& play) {
  TRY(relay::Courier * courier, home.courier());
  RandomMoves random_moves;
  AskedMoves asked_moves(report);
  MoveChooser& moves = play.ask ? static_cast<MoveChooser&>(asked_moves) : random_moves;
  const DuelistTools tools{
      home.keys().nostr_key,
      home.seed(),
      home.wallet(),
      home.mint(),
      home.book(),
      moves,
      system_clock(),
      system_random(),
      [courier](const match::Event& event) { return courier->publish({event, 0, false, {}}); },
      [&report](const Happening& happening) {
        json::Value detail = happening.detail;
        detail.set("match", to_hex(happening.match));
        report.say(happening.what, "  " + happening.text, detail);
      }};
  std::vector<std::unique_ptr<Duelist>> duelists;
  for (const MatchRecord& record : records) {
    TRY(auto duelist, Duelist::resume(record, tools));
    duelists.push_back(std::move(duelist));
  }
  std::signal(SIGINT, [](int) { interrupted = 1; });
  std::signal(SIGTERM, [](int) { interrupted = 1; });
  TRY_STATUS(play_all(
      *courier, duelists, system_clock(), [] { return interrupted != 0; },
      [&report](const std::string& text) { report.warn(text); }));
  for (const auto& duelist : duelists) {
    if (!duelist->fault().empty()) return invalid("stopped: " + duelist->fault());
  }
  if (interrupted != 0) report.warn("interrupted; `manastr-player resume` goes on");
  return {};
}

const match::Offer* find_offer(const match::Announcement& announcement, const std::string& mint,
                               const cashu::Unit& unit) {
  for (const match::Offer& offer : announcement.offers) {
    if (offer.mint == mint && (unit.empty() || offer.stake_unit == unit)) return &offer;
  }
  return nullptr;
}

/// What the match costs and may bring, before anything is promised.
Status say_cost(Home& home, const Report& report, const match::Terms& terms) {
  TRY(const auto cost, home.wallet().stake_cost(terms.stake_unit, terms.stake));
  TRY(const auto split, match::split_stake(terms));
  TRY(const auto own, match::convert(terms, terms.stake));
  json::Value detail;
  detail.set("stake", terms.stake);
  detail.set("unit", terms.stake_unit);
  detail.set("fees", cost.own_fee + cost.swap_fee);
  detail.set("prize", own + split.prize);
  detail.set("prize_unit", terms.prize_unit);
  detail.set("rake", split.rake);
  report.say("cost",
             fmt::format(
                 "stake {} {}, mint fees {}; the winner gets {} {}, the engine {} of it as rake; locktime {} "
                 "after the acceptance",
                 terms.stake, terms.stake_unit, cost.own_fee + cost.swap_fee, own + split.prize,
                 terms.prize_unit, split.rake,
                 fmt::format("{} h {} min", terms.clocks.to_locktime().count() / 3600,
                             terms.clocks.to_locktime().count() / 60 % 60)),
             detail);
  TRY(const auto balance, home.wallet().balance(terms.stake_unit));
  if (balance.available < terms.stake + cost.own_fee + cost.swap_fee) {
    return invalid(fmt::format("the wallet has {} {}, the match needs {}; `mint` buys more",
                               balance.available, terms.stake_unit,
                               terms.stake + cost.own_fee + cost.swap_fee));
  }
  return {};
}

}  // namespace

Status run_challenge(Home& home, const Report& report, const ChallengeCommand& command) {
  TRY(const auto announcement_event, fetch_announcement(home));
  TRY(const auto announcement, match::parse_announcement(announcement_event));
  const match::Offer* offer = find_offer(announcement, home.wallet().mint_url(), command.unit);
  if (offer == nullptr) {
    return invalid("the engine takes no stakes" + (command.unit.empty() ? "" : " in " + command.unit) +
                   " at " + home.wallet().mint_url());
  }
  TRY(const auto keyset, home.wallet().active_keyset(offer->stake_unit));
  const UnixSeconds now = system_clock().now_seconds();

  match::Challenge challenge{
      system_random().bytes<32>(), {}, crypto::PublicKey(home.keys().nostr_key.public_key()), {}, {}};
  match::Terms& terms = challenge.terms;
  terms.engine = home.settings().engine;
  terms.announcement = announcement_event.id;
  terms.mint = offer->mint;
  terms.keyset = keyset.id;
  terms.stake_unit = offer->stake_unit;
  terms.stake = command.stake;
  terms.stake_price_msat = offer->stake_price_msat;
  terms.prize_unit = offer->prize_unit;
  terms.prize_price_msat = offer->prize_price_msat;
  terms.rake_ppm = offer->rake_ppm;
  const auto clamp = [](Seconds wanted, Seconds least, Seconds most) {
    return std::clamp(wanted, least, most);
  };
  const match::Clocks wanted;
  const match::Clocks& least = announcement.min_clocks;
  const match::Clocks& most = announcement.max_clocks;
  terms.clocks.start_delay = clamp(wanted.start_delay, least.start_delay, most.start_delay);
  terms.clocks.min_step = clamp(wanted.min_step, least.min_step, most.min_step);
  terms.clocks.step = clamp(wanted.step, least.step, most.step);
  terms.clocks.party = clamp(wanted.party, least.party, most.party);
  terms.clocks.funding = clamp(wanted.funding, least.funding, most.funding);
  terms.clocks.give_back = clamp(wanted.give_back, least.give_back, most.give_back);
  terms.clocks.claim = clamp(wanted.claim, least.claim, most.claim);
  terms.relays = announcement.relays;
  terms.open_until = now + std::min(command.open_for, announcement.max_open);
  terms.opponent = command.opponent;
  TRY_STATUS(match::check_terms(terms, announcement_event, announcement, now));
  TRY_STATUS(say_cost(home, report, terms));

  const MatchSecrets secrets(home.seed(), challenge.d);
  challenge.escrow_key = secrets.escrow().public_key();
  challenge.escrow_proof =
      match::prove_escrow(secrets.escrow(), match::EscrowRole::create, home.pubkey(), challenge.d);
  challenge.seed_commitment = secrets.seed_commitment(match::Commits::seed_create, home.pubkey());
  nostr::Draft draft = match::to_draft(challenge, now);
  nostr::Event event = nostr::sign(draft, home.keys().nostr_key, system_random().bytes<32>());
  if (announcement.work > 0) {  // NIP-13
    if (announcement.work > 24)
      return invalid("the engine asks for more work than this client is ready to do");
    for (std::uint64_t nonce = 0; match::work_of(event.id) < announcement.work; ++nonce) {
      nostr::Draft worked = draft;
      worked.tags.push_back({"nonce", std::to_string(nonce), std::to_string(announcement.work)});
      nostr::Event unsigned_event{
          {}, home.pubkey(), worked.created_at, worked.kind, worked.tags, worked.content, {}};
      if (match::work_of(nostr::compute_id(unsigned_event)) < announcement.work) continue;
      event = nostr::sign(worked, home.keys().nostr_key, system_random().bytes<32>());
    }
  }
  const MatchRecord record{
      event.id, Role::creator, home.settings().engine, event, announcement_event, true, "", {}};
  TRY_STATUS(home.book().add(record));
  json::Value detail;
  detail.set("match", to_hex(event.id));
  report.say("challenge", "challenge " + to_hex(event.id), detail);
  if (!command.play.play) {
    TRY(relay::Courier * courier, home.courier());
    auto sent = relay::publish_and_wait(*courier, event, Millis{10'000});
    if (!sent) return std::unexpected(sent.error());
    return {};
  }
  return play_records(home, report, {record}, command.play);
}

Status run_accept(Home& home, const Report& report, const std::string& text, bool yes,
                  const PlayOptions& play) {
  const auto id = array_from_hex<32>(text);
  if (!id) return invalid("give the whole match id, 64 hex digits (`challenges` lists them)");
  TRY(const auto known, home.book().record(*id));
  if (known) return play_records(home, report, {*known}, play);
  TRY(const auto chain, fetch_chain(home, *id));
  std::optional<match::ChallengeReceipt> opening;
  bool has_accepted = false;
  for (const match::Event& event : chain) {
    const auto receipt = match::parse_receipt(event);
    if (!receipt) continue;
    if (const auto* first = std::get_if<match::ChallengeReceipt>(&receipt->body)) opening = *first;
    const auto* accepted = std::get_if<match::AcceptanceReceipt>(&receipt->body);
    if (accepted != nullptr && accepted->event.pubkey == home.pubkey()) has_accepted = true;
  }
  if (!opening) return unavailable("the engine has not receipted this challenge (yet); try again");
  TRY(const auto parsed, match::parse_party_event(opening->event));
  const auto* challenge = std::get_if<match::Challenge>(&parsed.content);
  if (challenge == nullptr || opening->event.id != *id) return invalid("this is no challenge");
  if (opening->event.pubkey == home.pubkey())
    return invalid("this challenge is your own; `play` goes on with it");
  if (has_accepted) {
    TRY(const auto record, recover(home, report, *id, chain));
    return play_records(home, report, {record}, play);
  }
  const match::Terms& terms = challenge->terms;
  if (terms.engine != home.settings().engine)
    return invalid("this challenge names another engine than your settings");
  if (terms.mint != home.wallet().mint_url())
    return invalid("this challenge is played at another mint: " + terms.mint);
  TRY(const auto announcement, match::parse_announcement(opening->announcement));
  TRY_STATUS(match::check_terms(terms, opening->announcement, announcement, system_clock().now_seconds()));
  if (!match::check_escrow(challenge->escrow_key, challenge->escrow_proof, match::EscrowRole::create,
                           opening->event.pubkey, challenge->d)) {
    return invalid("the creator's escrow key has no valid proof; don't fund this match");
  }
  TRY_STATUS(say_cost(home, report, terms));
  if (!yes) {
    if (isatty(STDIN_FILENO) == 0) return invalid("say --yes to accept without being asked");
    std::cout << "accept? [y/N] " << std::flush;
    std::string line;
    std::getline(std::cin, line);
    if (line != "y" && line != "yes") return invalid("not accepted");
  }
  const MatchRecord record{
      *id, Role::acceptor, home.settings().engine, opening->event, opening->announcement, true, "", {}};
  TRY_STATUS(home.book().add(record));
  return play_records(home, report, {record}, play);
}

Status run_play(Home& home, const Report& report, const std::string& text, const PlayOptions& play) {
  if (const auto id = array_from_hex<32>(text)) {
    TRY(const auto known, home.book().record(*id));
    if (!known) {
      TRY(const auto chain, fetch_chain(home, *id));
      TRY(const auto record, recover(home, report, *id, chain));
      return play_records(home, report, {record}, play);
    }
  }
  TRY(const auto record, home.book().find(text));
  return play_records(home, report, {record}, play);
}

Status run_resume(Home& home, const Report& report, const PlayOptions& play) {
  TRY(const auto records, home.book().records(true));
  if (records.empty()) {
    report.say("resume", "nothing is open");
    return {};
  }
  return play_records(home, report, records, play);
}

}  // namespace manastr::player

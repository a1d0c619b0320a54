#include "tests/simulation/engine_process.h"

#include <algorithm>

#include "common/crypto/bdhke.h"
#include "common/json/reader.h"
#include "engine/settlement/mint_calls.h"
#include "engine/settlement/settlement.h"
#include "tests/simulation/must.h"

namespace manastr::simulation {
namespace {

constexpr Millis kHeartbeat{1000};
constexpr Millis kRelaysMissed{3000};
constexpr Millis kPatience{4000};

match::ProofState to_match(mintclient::ProofState state) {
  switch (state) {
    case mintclient::ProofState::unspent:
      return match::ProofState::unspent;
    case mintclient::ProofState::pending:
      return match::ProofState::pending;
    case mintclient::ProofState::spent:
      break;
  }
  return match::ProofState::spent;
}

nostr::Event reread(const std::string& text) {
  auto event = nostr::parse_event(text);
  if (!event || !nostr::verify(*event))
    throw std::runtime_error("the engine's journal holds what is no event");
  return *std::move(event);
}

}  // namespace

/// Bytes, and when they were written.
struct EngineProcess::Disk {
  struct Match {
    std::vector<std::pair<UnixMillis, std::string>> inputs;
    std::vector<std::string> receipts;
    std::set<nostr::EventId> acknowledged;
    std::vector<engine::JournaledStep::Rake> rake;
    std::set<std::string> outbox;
    bool finished = false;
    match::PubKey creator;
    Hash32 creator_d{};

    /// What the journal commits of a step.
    void commit(const engine::JournaledStep& step) {
      inputs.emplace_back(step.at, step.input);
      for (const auto& receipt : step.receipts) receipts.push_back(nostr::dump(receipt.event));
      for (const auto& [key, call] : step.effects) outbox.insert(key);
      for (const std::string& key : step.effects_done) outbox.erase(key);
      for (const auto& each : step.rake) rake.push_back(each);
      finished = finished || step.finished;
    }
  };
  std::map<match::MatchId, Match> matches;
  std::string announcement;
  std::optional<UnixMillis> last_alive;
};

struct EngineProcess::Entry {
  match::Match match;
  std::uint64_t steps = 0;
  std::set<nostr::EventId> events;
  std::optional<UnixMillis> timer;
  UnixMillis last_at{};
};

struct EngineProcess::Memory {
  std::shared_ptr<SimulatedCourier> courier;
  std::shared_ptr<mintclient::MintClient> mint;
  std::map<match::MatchId, Entry> matches;
  std::map<match::MatchId, std::vector<nostr::Event>> held;
  engine::StakeReservations reservations;
  engine::ChallengeSlots slots;
  bool judging = false;
  bool relays_lost = false;
  std::optional<UnixMillis> quorum_missed_since;
};

EngineProcess::EngineProcess(Timeline& timeline, RelayNetwork& relays,
                             std::shared_ptr<test::SimulatedGameMint> mint, const match::EngineKeys& keys,
                             EngineSetting setting, std::uint64_t seed)
    : timeline_(timeline),
      relays_(relays),
      mint_(std::move(mint)),
      keys_(keys),
      setting_(std::move(setting)),
      random_(seed, "engine"),
      born_(timeline.now()),
      disk_(std::make_unique<Disk>()),
      line_(std::make_shared<SlowLine>(timeline, mint_, setting_.line, SeededRandom(seed, "engine's line"))) {
}
EngineProcess::~EngineProcess() = default;

bool EngineProcess::is_up() const { return memory_ != nullptr; }
bool EngineProcess::is_idle() const {
  return memory_ && memory_->judging && memory_->matches.empty() && memory_->courier->is_idle();
}
void EngineProcess::calm() {
  setting_.kills = 0;
  steps_to_death_ = 0;
  line_->calm();
}

void EngineProcess::guarded(const std::function<void()>& work) {
  try {
    work();
  } catch (const Killed&) {
    die();
  }
}

/// Called wherever a kill -9 would make a difference.
void EngineProcess::maybe_die() {
  if (steps_to_death_ > 0 && --steps_to_death_ == 0) throw Killed{};
}

void EngineProcess::die() {
  memory_.reset();
  ++life_;
  ++deaths_;
  timeline_.after(random_.between(Millis{100}, setting_.longest_down), [this] { start(); });
}

void EngineProcess::later(Millis wait, std::function<void()> what) {
  timeline_.after(wait, [this, life = life_, what = std::move(what)] {
    if (life == life_ && memory_) guarded(what);
  });
}

void EngineProcess::start() {
  if (has_vanished_) return;
  if (life_ == 0 && setting_.vanishes) {
    timeline_.after(*setting_.vanishes, [this] {
      has_vanished_ = true;
      memory_.reset();
      ++life_;
    });
  }
  memory_ = std::make_unique<Memory>();
  if (setting_.kills > 0) {
    --setting_.kills;
    steps_to_death_ = random_.between(1, setting_.steps_apart);
  }
  memory_->courier = relays_.connect("engine " + std::to_string(life_), setting_.quorum);
  memory_->mint = must(mintclient::MintClient::make(setting_.mint, line_));
  if (disk_->announcement.empty()) {
    disk_->announcement =
        nostr::dump(keys_.sign(match::announcement_draft(setting_.announcement, timeline_.now_seconds())));
  }
  // Its own chains first: nothing is signed before a quorum has answered.
  nostr::Filter own;
  own.kinds = {std::uint32_t{match::kEngine}};
  own.authors = {keys_.pubkey()};
  memory_->courier->fetch({.filters = {own},
                           .timeout = kPatience,
                           .quorum = 0,
                           .on_done = [this, life = life_](const relay::Fetched& fetched) {
                             if (life != life_ || !memory_) return;
                             guarded([&] {
                               if (fetched.complete) return restore(fetched.events);
                               memory_.reset();  // no quorum yet: from the start
                               ++life_;
                               timeline_.after(Millis{500}, [this] { start(); });
                             });
                           }});
}

void EngineProcess::restore(const std::vector<nostr::Event>& published) {
  std::map<match::MatchId, std::map<unsigned, nostr::Event>> chains;
  for (const nostr::Event& event : published) {
    const auto slot = match::parse_slot(match::kEngine, event.d());
    if (slot && slot->form == match::Slot::Form::numbers) chains[slot->match].emplace(slot->first, event);
  }
  for (const auto& [id, chain] : chains) {
    if (abandoned_.contains(id)) continue;
    std::vector<nostr::Event> unbroken;
    for (const auto& [sequence, event] : chain) {
      if (sequence == unbroken.size()) unbroken.push_back(event);
    }
    const auto known = disk_->matches.find(id);
    if (known != disk_->matches.end() && known->second.receipts.size() >= unbroken.size()) continue;
    if (unbroken.empty()) continue;
    const auto opening = match::parse_receipt(unbroken.front());
    if (!opening) throw std::runtime_error(opening.error().message);
    const auto& challenge = std::get<match::ChallengeReceipt>(opening->body);
    auto adopted = engine::adopt(unbroken, mint_->keyset(challenge.keyset.id), keys_);
    if (!adopted) {
      trouble_.push_back("a chain of its own can't be adopted: " + adopted.error().message);
      disk_->matches.erase(id);  // the shorter one must not be continued
      continue;
    }
    ++adoptions_;
    Disk::Match& match = disk_->matches[id] = {};
    match.creator = challenge.event.pubkey;
    match.creator_d = *array_from_hex<32>(challenge.event.d());
    for (const engine::JournaledStep& step : adopted->steps) match.commit(step);
  }
  for (const auto& [id, match] : disk_->matches) memory_->slots.take(match.creator, match.creator_d, id);
  std::vector<match::MatchId> ids = matches();
  for (const match::MatchId& id : ids) {
    const Disk::Match& stored = disk_->matches.at(id);
    engine::JournaledMatch journaled{.match = id,
                                     .inputs = {},
                                     .receipts = {},
                                     .unacknowledged = {},
                                     .outbox = {stored.outbox.begin(), stored.outbox.end()}};
    for (const auto& [at, input] : stored.inputs)
      journaled.inputs.push_back({engine::kInputVersion, at, input});
    for (const std::string& receipt : stored.receipts) {
      journaled.receipts.push_back({journaled.receipts.size(), reread(receipt)});
      const nostr::EventId& receipt_id = journaled.receipts.back().event.id;
      if (!stored.acknowledged.contains(receipt_id)) journaled.unacknowledged.push_back(receipt_id);
    }
    auto replayed = engine::replay(journaled, keys_);
    if (!replayed) {
      trouble_.push_back("replay: " + replayed.error().message);
      continue;
    }
    if (abandoned_.contains(id)) continue;
    if (stored.finished) {
      for (const nostr::Event& event : replayed->unacknowledged) publish(event);
      continue;
    }
    take_up(*std::move(replayed));
  }
  judge_on();
}

void EngineProcess::take_up(engine::RestoredMatch restored) {
  const match::MatchId id = restored.match.id();
  Entry entry{.match = std::move(restored.match), .steps = restored.steps, .events = {}};
  entry.events.insert(restored.events.begin(), restored.events.end());
  const auto next = entry.match.next_timer();
  memory_->matches.emplace(id, std::move(entry));
  set_timer(id, next);
  for (const nostr::Event& event : restored.unacknowledged) publish(event);
  for (const match::AskStates& question : restored.questions) ask(id, question, 0);
  for (const match::Settle& order : restored.settlements) settle(order, 0);
}

void EngineProcess::judge_on() {
  memory_->judging = true;
  std::vector<match::MatchId> ids;
  for (const auto& [id, entry] : memory_->matches) ids.push_back(id);
  for (const match::MatchId& id : ids) {
    if (disk_->last_alive)
      step(id, match::Restarted{.at = timeline_.now(), .down_since = *disk_->last_alive});
    if (memory_->matches.contains(id)) step(id, match::RelaysRegained{.at = timeline_.now()});
  }
  publish(reread(disk_->announcement));
  nostr::Filter to_us;
  to_us.kinds = {match::kChallenge,  match::kAcceptance, match::kFunding,
                 match::kCommitment, match::kReveal,     match::kClaim};
  to_us.tags = {{'p', {keys_.pubkey().hex()}}};
  nostr::Filter deletions;
  deletions.kinds = {5};
  memory_->courier->subscribe({.filters = {to_us, deletions},
                               .on_event =
                                   [this, life = life_](const nostr::Event& event, std::string_view) {
                                     if (life == life_ && memory_) guarded([&] { take(event); });
                                   },
                               .on_caught_up = {}});
  beat();
}

void EngineProcess::beat() {
  disk_->last_alive = timeline_.now();
  watch_relays();
  if (setting_.loses_disk) lose_disk();
  if (setting_.forks) fork_a_chain();
  later(kHeartbeat, [this] { beat(); });
}

/// Takes a backup, and dies some receipts later, at a moment when every relay has all of them: a receipt that
/// nobody can have read may be signed anew, any other must not.
void EngineProcess::lose_disk() {
  const auto receipts = [](const Disk& disk) {
    std::size_t sum = 0;
    for (const auto& [id, match] : disk.matches) sum += match.receipts.size();
    return sum;
  };
  if (!backup_) {
    if (random_.chance(10)) backup_ = std::make_unique<Disk>(*disk_);
    return;
  }
  if (receipts(*disk_) == receipts(*backup_) || !memory_->courier->is_idle() || !random_.chance(25)) return;
  *disk_ = *backup_;
  setting_.loses_disk = false;
  throw Killed{};
}

void EngineProcess::fork_a_chain() {
  if (timeline_.now() - born_ < *setting_.forks) return;
  for (const auto& [id, entry] : memory_->matches) {
    const auto chain = entry.match.chain();
    if (chain.size() < 2) continue;
    const nostr::Event& receipt = chain[random_.below(chain.size())];
    const nostr::Event other =
        keys_.sign({receipt.created_at + Seconds{1}, receipt.kind, receipt.tags, receipt.content});
    (void)memory_->courier->publish({.event = other, .on_progress = {}});
    forked_ = id;
    second_receipt_ = other.id;
    setting_.forks.reset();
    return;
  }
}

/// True if this step was to open the link of an engine that does not want to. Half of them say so.
bool EngineProcess::keeps_its_link(const match::MatchId& match, const engine::Step& step) {
  if (!setting_.keeps_link) return false;
  for (const engine::JournaledReceipt& each : step.record.receipts) {
    auto receipt = match::parse_receipt(each.event);
    auto* seed = receipt ? std::get_if<match::SeedReceipt>(&receipt->body) : nullptr;
    if (seed == nullptr || !seed->opening) continue;
    abandoned_.insert(match);
    if (random_.chance(50)) {
      seed->opening.reset();
      nostr::Draft draft = match::to_draft(*receipt, {}, {}, keys_.pubkey(), "");
      draft.tags = each.event.tags;
      publish(keys_.sign(draft));
    }
    return true;
  }
  return false;
}

void EngineProcess::watch_relays() {
  const bool quorum = memory_->courier->status().has_quorum();
  if (quorum) {
    memory_->quorum_missed_since.reset();
  } else if (!memory_->quorum_missed_since) {
    memory_->quorum_missed_since = timeline_.now();
  }
  const bool lost =
      memory_->quorum_missed_since && timeline_.now() - *memory_->quorum_missed_since >= kRelaysMissed;
  if (lost == memory_->relays_lost) return;
  memory_->relays_lost = lost;
  std::vector<match::MatchId> ids;
  for (const auto& [id, entry] : memory_->matches) ids.push_back(id);
  for (const match::MatchId& id : ids) {
    if (lost) {
      step(id, match::RelaysLost{.at = timeline_.now()});
    } else {
      step(id, match::RelaysRegained{.at = timeline_.now()});
    }
  }
}

void EngineProcess::take(const nostr::Event& event) {
  if (event.kind == 5) {
    for (const nostr::Tag& tag : event.tags) {
      const auto id = tag.size() >= 2 && tag[0] == "e" ? array_from_hex<32>(tag[1]) : std::nullopt;
      if (id && memory_->matches.contains(*id))
        step(*id, match::Withdrawn{.at = timeline_.now(), .evidence = event});
    }
    return;
  }
  const auto id = match::match_of(event);
  if (!id || !match::check_envelope(event)) return;
  const auto entry = memory_->matches.find(*id);
  if (entry == memory_->matches.end()) {
    if (event.kind == match::kChallenge) return open(event);
    if (!disk_->matches.contains(*id) && memory_->held[*id].size() < 16) memory_->held[*id].push_back(event);
    return;
  }
  if (entry->second.events.contains(event.id)) return;
  step(*id, match::PartyInput{.at = timeline_.now(), .event = event, .work = 0});
}

void EngineProcess::open(const nostr::Event& event) {
  if (disk_->matches.contains(event.id)) return;
  const auto content = match::parse_party_event(event);
  if (!content) return;
  const auto& challenge = std::get<match::Challenge>(content->content);
  if (const auto holder = memory_->slots.take(event.pubkey, challenge.d, event.id)) {
    if (memory_->matches.contains(*holder)) {
      step(*holder, match::Withdrawn{.at = timeline_.now(), .evidence = event});
    }
    return;
  }
  memory_->matches.emplace(event.id, Entry{});
  step(event.id, match::Opening{.at = timeline_.now(),
                                .challenge = event,
                                .announcement = reread(disk_->announcement),
                                .keyset = mint_->keyset(challenge.terms.keyset),
                                .max_inputs = 1000,
                                .work = 0});
  const auto entry = memory_->matches.find(event.id);
  if (entry == memory_->matches.end()) return;
  if (!entry->second.match.opened()) {
    memory_->slots.give_back(event.pubkey, challenge.d);
    memory_->matches.erase(entry);
    return;
  }
  const auto held = memory_->held.extract(event.id);
  if (held.empty()) return;
  for (const nostr::Event& each : held.mapped()) take(each);
}

void EngineProcess::step(const match::MatchId& match, match::Input input) {
  Entry& entry = memory_->matches.at(match);
  entry.last_at = std::max(entry.last_at, engine::time_of(input));
  engine::set_time(input, entry.last_at);
  maybe_die();
  engine::Step taken = engine::take_step(entry.match, entry.steps, input, keys_);
  if (keeps_its_link(match, taken)) {
    memory_->matches.erase(match);
    return;
  }
  if (taken.journaled) {
    maybe_die();
    if (const auto* party = std::get_if<match::PartyInput>(&input)) entry.events.insert(party->event.id);
    if (const auto* opening = std::get_if<match::Opening>(&input)) entry.events.insert(opening->challenge.id);
    ++entry.steps;
    Disk::Match& stored = disk_->matches[match];
    if (std::holds_alternative<match::Opening>(input)) {
      stored.creator = taken.record.creator;
      stored.creator_d = *array_from_hex<32>(taken.record.creator_d);
    }
    stored.commit(taken.record);
    maybe_die();
  }
  if (taken.timer) set_timer(match, *taken.timer);
  for (const nostr::Event& event : taken.outside_chain) publish(event);
  for (const auto& receipt : taken.record.receipts) {
    publish(receipt.event);
    maybe_die();
  }
  for (const match::AskStates& question : taken.questions) ask(match, question, 0);
  for (const match::Settle& order : taken.settlements) settle(order, 0);
  if (!taken.journaled || !taken.record.finished) return;
  memory_->reservations.release(match);
  memory_->matches.erase(match);
}

void EngineProcess::publish(const nostr::Event& event) {
  (void)memory_->courier->publish(
      {.event = event, .on_progress = [this, life = life_](const relay::PublishProgress& progress) {
         if (life != life_ || !memory_ || !progress.quorum_reached()) return;
         for (auto& [id, match] : disk_->matches) match.acknowledged.insert(progress.id);
       }});
}

void EngineProcess::set_timer(const match::MatchId& match, std::optional<UnixMillis> at) {
  memory_->matches.at(match).timer = at;
  if (!at) return;
  timeline_.at(*at, [this, life = life_, match, at] {
    if (life != life_ || !memory_) return;
    const auto entry = memory_->matches.find(match);
    if (entry == memory_->matches.end() || entry->second.timer != at) return;
    guarded([&] {
      entry->second.timer.reset();
      step(match, match::TimerFired{.at = timeline_.now()});
      const auto still = memory_->matches.find(match);
      if (still == memory_->matches.end() || still->second.timer) return;
      if (const auto next = still->second.match.next_timer()) {
        set_timer(match, std::max(*next, timeline_.now() + Millis{100}));
      }
    });
  });
}

void EngineProcess::ask(const match::MatchId& match, const match::AskStates& question, unsigned attempt) {
  const std::vector<bool> taken = memory_->reservations.reserve(match, question.ys);
  memory_->mint->checkstate(question.ys, [this, life = life_, match, question, attempt,
                                          taken](Result<std::vector<mintclient::ProofStatus>> states) {
    if (life != life_ || !memory_) return;
    if (!states) {
      return later(Millis{200 << std::min(attempt, 7U)}, [this, match, question, attempt] {
        if (memory_->matches.contains(match)) ask(match, question, attempt + 1);
      });
    }
    match::MintStates answer{.at = timeline_.now(), .request = question.request, .states = {}};
    for (std::size_t i = 0; i < states->size(); ++i) {
      answer.states.push_back(taken[i] ? match::ProofState::reserved : to_match((*states)[i].state));
    }
    guarded([&] {
      if (memory_->matches.contains(match)) step(match, std::move(answer));
    });
  });
}

void EngineProcess::settle(const match::Settle& order, unsigned attempt) {
  maybe_die();
  engine::make_atomic_settlement(memory_->mint)
      ->settle(order, [this, life = life_, order, attempt](Result<engine::GroupSignatures> signatures) {
        if (life != life_ || !memory_) return;
        match::Input answer;
        if (signatures) {
          answer = match::SettlementDone{
              .at = timeline_.now(), .operation = order.operation, .signatures = *std::move(signatures)};
        } else if (signatures.error().kind == ErrorKind::refused) {
          answer = match::SettlementRefused{.at = timeline_.now(),
                                            .operation = order.operation,
                                            .code = signatures.error().code,
                                            .message = signatures.error().message};
        } else {
          return later(Millis{200 << std::min(attempt, 7U)}, [this, order, attempt] {
            if (memory_->matches.contains(order.match)) settle(order, attempt + 1);
          });
        }
        guarded([&] {
          maybe_die();
          if (memory_->matches.contains(order.match)) step(order.match, std::move(answer));
        });
      });
}

// --- what an auditor looks at ---

nostr::Event EngineProcess::announcement() const { return reread(disk_->announcement); }

std::vector<match::MatchId> EngineProcess::matches() const {
  std::vector<match::MatchId> out;
  for (const auto& [id, match] : disk_->matches) out.push_back(id);
  return out;
}

std::vector<nostr::Event> EngineProcess::chain(const match::MatchId& match) const {
  std::vector<nostr::Event> out;
  const auto found = disk_->matches.find(match);
  if (found == disk_->matches.end()) return out;
  for (const std::string& receipt : found->second.receipts) out.push_back(reread(receipt));
  return out;
}

bool EngineProcess::has_ended(const match::MatchId& match) const {
  const auto found = disk_->matches.find(match);
  return found != disk_->matches.end() && found->second.finished;
}

std::vector<cashu::Proof> EngineProcess::rake() const {
  std::vector<cashu::Proof> out;
  for (const auto& [id, match] : disk_->matches) {
    for (const engine::JournaledStep::Rake& each : match.rake) {
      const auto signatures =
          cashu::blind_signatures_from_json(*json::parse(each.signatures)->if_array(), 64, "signatures")
              .value();
      cashu::Amount amount = 0;
      for (const auto& signature : signatures) amount += signature.amount;
      const auto secrets = keys_.rake(id, each.issue, each.group, amount);
      for (std::size_t i = 0; i < signatures.size(); ++i) {
        const auto& key = mint_->keyset(signatures[i].id).keys.at(signatures[i].amount);
        const auto c = crypto::unblind(signatures[i].c_blinded, secrets.at(i).r, key);
        out.push_back({signatures[i].amount, signatures[i].id, secrets.at(i).secret, c->bytes(), {}, {}});
      }
    }
  }
  return out;
}

}  // namespace manastr::simulation

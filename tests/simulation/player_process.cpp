#include "tests/simulation/player_process.h"

#include <algorithm>
#include <filesystem>

#include "common/match/commitment.h"
#include "player/match_secrets.h"
#include "tests/simulation/must.h"

namespace manastr::simulation {
namespace {

constexpr Millis kTick{1000};
constexpr Millis kSlowTick{20'000};
constexpr Millis kPatience{1000};

crypto::Secret<64> seed_of(std::uint64_t seed, const std::string& name) {
  return crypto::Secret<64>(SeededRandom(seed, "seed of " + name).bytes<64>());
}
crypto::SecretKey key_of(std::uint64_t seed, const std::string& name) {
  SeededRandom random(seed, "key of " + name);
  return crypto::SecretKey::generate(random);
}

}  // namespace

const char* name_of(Character character) {
  switch (character) {
    case Character::honest:
      return "honest";
    case Character::silent:
      return "silent";
    case Character::late:
      return "late";
    case Character::contradicts:
      return "contradicts";
    case Character::deletes:
      return "deletes";
    case Character::cheats:
      return "cheats";
    case Character::forgets:
      return "forgets";
  }
  return "";
}

/// Any free unit, the same for one round whenever it is asked in one life of the machine.
class PlayerProcess::Moves final : public player::MoveChooser {
 public:
  explicit Moves(SeededRandom random) : random_(random) {}
  std::optional<std::uint8_t> choose(const match::MatchId&, const match::Transcript::View&, std::size_t,
                                     unsigned, const std::vector<std::uint8_t>& free) override {
    return free.at(random_.below(free.size()));
  }

 private:
  SeededRandom random_;
};

struct PlayerProcess::Memory {
  std::shared_ptr<SimulatedCourier> courier;
  std::shared_ptr<mintclient::MintClient> mint;
  std::unique_ptr<player::Wallet> wallet;
  std::unique_ptr<player::MatchBook> book;
  std::map<match::MatchId, std::unique_ptr<player::Duelist>> duelists;
  std::map<match::MatchId, UnixMillis> patience;
  std::set<match::MatchId> closed;                            ///< finished in an earlier life
  std::set<match::MatchId> opened;                            ///< receipted by the engine
  std::map<match::MatchId, std::vector<match::Event>> early;  ///< receipts of matches not taken up yet
  std::optional<match::Event> announcement;
};

PlayerProcess::PlayerProcess(Timeline& timeline, RelayNetwork& relays,
                             std::shared_ptr<test::SimulatedGameMint> mint, PlayerSetting setting,
                             std::uint64_t seed)
    : timeline_(timeline),
      relays_(relays),
      mint_(std::move(mint)),
      setting_(std::move(setting)),
      seed_(seed),
      clock_(timeline, setting_.skew),
      random_(seed, "machine of " + setting_.name),
      secrets_(seed, "secrets of " + setting_.name),
      key_(key_of(seed, setting_.name)),
      wallet_seed_(seed_of(seed, setting_.name)),
      moves_(std::make_unique<Moves>(SeededRandom(seed, "moves of " + setting_.name))) {
  line_ = std::make_shared<DirectLine>(timeline, mint_, SeededRandom(seed, "line of " + setting_.name),
                                       [this] { on_edge(); });
}
PlayerProcess::~PlayerProcess() = default;

void PlayerProcess::note(const std::string& text) {
  diary_.push_back(std::to_string(count(timeline_.now()) % 100'000'000) + " " + setting_.name + ": " + text);
}

void PlayerProcess::guarded(const std::function<void()>& work) {
  try {
    work();
  } catch (const Killed&) {
    die();
  }
}

void PlayerProcess::on_edge() {
  if (edges_to_death_ > 0 && --edges_to_death_ == 0) throw Killed{};
}

void PlayerProcess::die() {
  note("killed");
  memory_.reset();
  if (std::exchange(loses_files_, false)) {
    note("loses its files");
    for (const auto& file : std::filesystem::directory_iterator(setting_.folder))
      std::filesystem::remove(file.path());
  }
  edges_to_death_ = 0;
  ++life_;
  ++deaths_;
  timeline_.after(random_.between(Millis{100}, setting_.longest_down), [this] { start(); });
}

void PlayerProcess::later(Millis wait, std::function<void()> what) {
  timeline_.after(wait, [this, life = life_, what = std::move(what)] {
    if (life == life_ && memory_) guarded(what);
  });
}

void PlayerProcess::buy(const cashu::Unit& unit, cashu::Amount amount) {
  auto client = must(mintclient::MintClient::make(setting_.mint, line_));
  auto wallet = must(player::Wallet::open(setting_.folder + "/wallet.db", wallet_seed_, client, clock_));
  const auto quote = must(wallet->request_mint(unit, amount));
  mint_->pay(quote.id);
  must(wallet->mint_paid(quote.id));
}

void PlayerProcess::start() {
  guarded([&] {
    memory_ = std::make_unique<Memory>();
    Memory& m = *memory_;
    line_->set(setting_.line);
    if (setting_.kills > 0) {
      --setting_.kills;
      edges_to_death_ = random_.between(1, setting_.edges_apart);
    }
    m.courier = relays_.connect(setting_.name + " " + std::to_string(life_), 2);
    m.mint = must(mintclient::MintClient::make(setting_.mint, line_));
    m.wallet = must(player::Wallet::open(setting_.folder + "/wallet.db", wallet_seed_, m.mint, clock_));
    m.book = must(player::MatchBook::open(setting_.folder + "/matches.db"));
    if (forgotten_) {
      (void)m.wallet->restore();  // what its owner does on finding the files gone
    } else {
      (void)m.wallet->resume();
    }
    nostr::Filter announcements;
    announcements.kinds = {std::uint32_t{match::kEngine}};
    announcements.authors = {setting_.engine};
    announcements.tags = {{'d', {std::string(match::kAnnouncementD)}}};
    nostr::Filter receipts;
    receipts.kinds = {std::uint32_t{match::kEngine}};
    receipts.authors = {setting_.engine};
    m.courier->subscribe({.filters = {announcements, receipts},
                          .on_event =
                              [this, life = life_](const match::Event& event, std::string_view) {
                                if (life == life_ && memory_) guarded([&] { receive(event); });
                              },
                          .on_caught_up = {}});
    tick();
  });
}

void PlayerProcess::challenge(cashu::Amount stake, const std::string& prize_unit) {
  wanted_stake_ = stake;
  wanted_prize_unit_ = prize_unit;
}

void PlayerProcess::accept(const match::MatchId& match) { roles_.emplace(match, player::Role::acceptor); }

Status PlayerProcess::take_up(const player::MatchRecord& record) {
  Memory& m = *memory_;
  const player::DuelistTools tools{key_,
                                   wallet_seed_,
                                   *m.wallet,
                                   *m.mint,
                                   *m.book,
                                   *moves_,
                                   clock_,
                                   secrets_,
                                   [this](const match::Event& event) { return publish(event); },
                                   [this](const player::Happening& happening) { note(happening.text); }};
  TRY(auto duelist, player::Duelist::resume(record, tools));
  player::Duelist& taken = *duelist;
  m.duelists[record.id] = std::move(duelist);
  for (const match::Event& event : m.early[record.id]) TRY_STATUS(taken.receive(event));
  return {};
}

Status PlayerProcess::add(const player::MatchRecord& record) {
  TRY_STATUS(memory_->book->add(record));
  return take_up(record);
}

void PlayerProcess::make_challenge() {
  Memory& m = *memory_;
  const auto announcement = must(match::parse_announcement(*m.announcement));
  const auto offer = std::ranges::find(announcement.offers, wanted_prize_unit_, &match::Offer::prize_unit);
  auto keyset = m.wallet->active_keyset(offer->stake_unit);
  if (!keyset) return;
  match::Challenge challenge{secrets_.bytes<32>(), {}, key_.public_key(), {}, {}};
  match::Terms& terms = challenge.terms;
  terms.engine = setting_.engine;
  terms.announcement = m.announcement->id;
  terms.mint = offer->mint;
  terms.keyset = keyset->id;
  terms.stake_unit = offer->stake_unit;
  terms.stake = wanted_stake_;
  terms.stake_price_msat = offer->stake_price_msat;
  terms.prize_unit = offer->prize_unit;
  terms.prize_price_msat = offer->prize_price_msat;
  terms.rake_ppm = offer->rake_ppm;
  terms.clocks = announcement.min_clocks;
  terms.relays = announcement.relays;
  terms.open_until = timeline_.now_seconds() + Seconds{3600};
  const player::MatchSecrets secrets(wallet_seed_, challenge.d);
  challenge.escrow_key = secrets.escrow().public_key();
  challenge.escrow_proof =
      match::prove_escrow(secrets.escrow(), match::EscrowRole::create, pubkey(), challenge.d);
  challenge.seed_commitment = secrets.seed_commitment(match::Commits::seed_create, pubkey());
  const match::Event event =
      nostr::sign(match::to_draft(challenge, clock_.now_seconds()), key_, secrets_.bytes<32>());
  wanted_stake_ = 0;
  challenged_ = event.id;
  roles_.emplace(event.id, player::Role::creator);
  if (const Status added =
          add({event.id, player::Role::creator, setting_.engine, event, *m.announcement, true, "", {}});
      !added) {
    note("can't challenge: " + added.error().message);
  }
}

void PlayerProcess::receive(const match::Event& event) {
  Memory& m = *memory_;
  if (event.d() == match::kAnnouncementD) {
    m.announcement = event;
    return;
  }
  const auto id = match::match_of(event);
  if (!id) return;
  m.early[*id].push_back(event);
  if (event.d() == to_hex(*id) + ":0") m.opened.insert(*id);
  if (const auto found = m.duelists.find(*id); found != m.duelists.end()) {
    if (const Status received = found->second->receive(event); !received)
      note("receive: " + received.error().message);
    return act(*id);
  }
}

void PlayerProcess::tick() {
  Memory& m = *memory_;
  if (wanted_stake_ > 0 && m.announcement) make_challenge();
  // Matches of which the book knows, or which the chain brings back to a player who forgot.
  for (const auto& [id, role] : roles_) {
    if (m.duelists.contains(id)) continue;
    Status done;
    if (const auto record = m.book->record(id); record && *record) {
      done = take_up(**record);
      if (!(*record)->open) m.closed.insert(id);
    } else {
      const auto early = m.early.find(id);
      if (early == m.early.end()) continue;
      for (const match::Event& event : early->second) {
        const auto receipt = match::parse_receipt(event);
        const auto* opening = receipt ? std::get_if<match::ChallengeReceipt>(&receipt->body) : nullptr;
        if (opening == nullptr) continue;
        done = add({.id = id,
                    .role = role,
                    .engine = setting_.engine,
                    .challenge = opening->event,
                    .announcement = opening->announcement,
                    .recovered = forgotten_});
        break;
      }
    }
    if (!done) note("can't take up: " + done.error().message);
  }
  std::vector<match::MatchId> ids;
  for (const auto& [id, duelist] : m.duelists) ids.push_back(id);
  bool hurries = m.duelists.size() < roles_.size() || wanted_stake_ > 0;
  for (const match::MatchId& id : ids) {
    act(id);
    const player::Duelist& duelist = *m.duelists.at(id);
    const auto& view = duelist.view();
    const bool waits = duelist.finished() || m.closed.contains(id) || !duelist.fault().empty() ||
                       view.verdict || view.head.phase == match::Phase::closed ||
                       (view.head.phase == match::Phase::open && !view.receipts.empty());
    hurries = hurries || !waits;
  }
  later(hurries ? kTick : kSlowTick, [this] { tick(); });
}

void PlayerProcess::act(const match::MatchId& match) {
  Memory& m = *memory_;
  player::Duelist& duelist = *m.duelists.at(match);
  if (duelist.finished() || m.closed.contains(match)) return;
  if (is_silent_) {
    // It wakes when its own stake falls due.
    const auto& locktime = duelist.view().locktime;
    if (!locktime || clock_.now_seconds() <= *locktime) return;
  }
  if (setting_.character == Character::cheats && !has_cheated_ && duelist.view().verdict) {
    has_cheated_ = true;
    if (const auto claim = false_claim(match)) (void)send(*claim);
  }
  const auto wait = m.patience.find(match);
  if (wait != m.patience.end() && timeline_.now() < wait->second) return;
  const Status acted = duelist.act();
  if (acted) return;
  note("act: " + acted.error().message);
  m.patience[match] = timeline_.now() + kPatience;
  // As the program does: the wallet's open operations are ended before it goes on.
  (void)m.wallet->resume();
}

// --- what is said ---

Status PlayerProcess::publish(const match::Event& event) {
  on_edge();
  if (is_silent_) return {};
  if (said_ids_.insert(event.id).second) ++said_;
  const bool shows = said_ == setting_.at_event;
  switch (is_reformed_ ? Character::honest : setting_.character) {
    case Character::silent:
      if (said_ >= setting_.at_event) {
        is_silent_ = true;
        note("falls silent");
        return {};
      }
      break;
    case Character::late:
      if (said_ >= setting_.at_event && random_.chance(60)) {
        later(random_.between(Millis{1000}, Millis{70'000}), [this, event] { (void)send(event); });
        return {};
      }
      break;
    case Character::contradicts:
      if (shows) {
        contradict(event);
        return {};
      }
      break;
    case Character::deletes:
      if (said_ >= setting_.at_event) {
        nostr::Draft deletion{
            clock_.now_seconds(), 5, {{"e", to_hex(event.id)}, {"k", std::to_string(event.kind)}}, ""};
        later(random_.between(Millis{1}, Millis{8000}), [this, deletion] {
          (void)memory_->courier->publish({.event = nostr::sign(deletion, key_, {}), .on_progress = {}});
        });
      }
      break;
    case Character::forgets:
      if (shows && !forgotten_) {
        forgotten_ = true;
        (void)send(event);
        loses_files_ = true;
        throw Killed{};
      }
      break;
    case Character::honest:
    case Character::cheats:
      break;
  }
  const Status sent = send(event);
  on_edge();
  return sent;
}

Status PlayerProcess::send(const match::Event& event) {
  return memory_->courier->publish({.event = event, .on_progress = {}});
}

/// Another event for the same slot, shown first to some relays.
void PlayerProcess::contradict(const match::Event& event) {
  note("contradicts itself at kind " + std::to_string(event.kind));
  nostr::Draft other{event.created_at, event.kind, event.tags, event.content};
  const auto parsed = match::parse_party_event(event);
  if (parsed) {
    match::Pointers to{.match = parsed->match,
                       .creator = {},
                       .receipt = parsed->receipt,
                       .engine = setting_.engine,
                       .others = {},
                       .relay = ""};
    if (const auto* commitment = std::get_if<match::Commitment>(&parsed->content)) {
      other =
          match::to_draft(match::Commitment{commitment->round, secrets_.bytes<32>()}, to, event.created_at);
    } else if (const auto* reveal = std::get_if<match::Reveal>(&parsed->content)) {
      other = match::to_draft(match::Reveal{reveal->round, reveal->payload, secrets_.bytes<32>()}, to,
                              event.created_at);
    } else {
      other.created_at += Seconds{1};
    }
    other.tags = event.tags;
  }
  const match::Event second = nostr::sign(other, key_, secrets_.bytes<32>());
  for (std::size_t relay = 0; relay < relays_.relays().size(); ++relay) {
    const bool swapped = random_.chance(50);
    memory_->courier->whisper(relay, swapped ? second : event);
    if (random_.chance(50)) memory_->courier->whisper(relay, swapped ? event : second);
  }
}

/// A claim of victory, whatever the verdict was, in the slot of its highest attempt.
std::optional<match::Event> PlayerProcess::false_claim(const match::MatchId& match) {
  const auto& view = memory_->duelists.at(match)->view();
  match::Pointers to{.match = match,
                     .creator = view.parties.at(0),
                     .receipt = *view.verdict_id,
                     .engine = setting_.engine,
                     .others = {},
                     .relay = ""};
  const bool says_win = random_.chance(50);
  const match::Claim claim{match::kMaxAttempts, says_win ? match::Outcome::win : match::Outcome::draw,
                           secrets_.bytes<32>(), "AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
  note("claims falsely");
  return nostr::sign(match::to_draft(claim, to, clock_.now_seconds()), key_, secrets_.bytes<32>());
}

// --- the end ---

void PlayerProcess::calm() {
  setting_.line = {};
  line_->set({});
  setting_.kills = 0;
  edges_to_death_ = 0;
  is_silent_ = false;
  is_reformed_ = true;
}

bool PlayerProcess::is_finished() {
  if (!memory_ || wanted_stake_ > 0) return false;
  for (const auto& [id, role] : roles_) {
    const auto found = memory_->duelists.find(id);
    if (found == memory_->duelists.end()) {
      if (memory_->opened.contains(id)) return false;
      continue;  // a challenge that its author forgot, or that the engine did not take
    }
    if (!found->second->finished() && !memory_->closed.contains(id)) return false;
  }
  return true;
}

Result<player::Balance> PlayerProcess::balance(const cashu::Unit& unit) {
  return memory_->wallet->balance(unit);
}

Status PlayerProcess::look_for_money() {
  TRY([[maybe_unused]] const auto resumed, memory_->wallet->resume());
  if (!forgotten_) return {};
  TRY([[maybe_unused]] const auto restored, memory_->wallet->restore());
  return {};
}

const match::Transcript::View* PlayerProcess::view(const match::MatchId& match) {
  const auto found = memory_->duelists.find(match);
  return found == memory_->duelists.end() ? nullptr : &found->second->view();
}
std::string PlayerProcess::fault(const match::MatchId& match) {
  const auto found = memory_->duelists.find(match);
  return found == memory_->duelists.end() ? "" : found->second->fault();
}
std::string PlayerProcess::result(const match::MatchId& match) {
  const auto record = memory_->book->record(match);
  return record && *record ? (*record)->result : "";
}

}  // namespace manastr::simulation

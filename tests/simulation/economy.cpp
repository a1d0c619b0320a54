#include "tests/simulation/economy.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "tests/simulation/audit.h"

namespace manastr::simulation {
namespace {

constexpr UnixMillis kStart{Seconds{1'900'000'000}};
constexpr Seconds kUntilCalm{5 * 3600};
constexpr Seconds kUntilEnd{8 * 3600};

std::vector<RelayHabits> draw_relays(SeededRandom& random) {
  std::vector<RelayHabits> out;
  const bool is_calm = random.chance(25);
  const std::uint64_t liar = random.below(6);
  constexpr std::array kReplacements{Replacement::first_wins, Replacement::last_wins,
                                     Replacement::lower_id_wins};
  const std::uint64_t shift = random.below(3);
  for (std::uint64_t i = 0; i < 3; ++i) {
    RelayHabits habits{.url = fmt::format("ws://relay{}.test", i + 1)};
    habits.replacement = kReplacements[(i + shift) % 3];
    habits.deletes = random.chance(50);
    habits.withholds = i == liar ? (random.chance(50) ? 100 : 40) : 0;
    habits.slowest = random.between(Millis{20}, is_calm ? Millis{100} : Millis{2000});
    habits.repeats = is_calm ? 0 : static_cast<unsigned>(random.below(30));
    habits.replays = is_calm ? 0 : static_cast<unsigned>(random.below(20));
    habits.breaks = is_calm ? 0 : static_cast<unsigned>(random.below(3));
    habits.longest_break = random.between(Millis{200}, Millis{6000});
    out.push_back(habits);
  }
  return out;
}

LineFaults draw_line(SeededRandom& random) {
  if (random.chance(50)) return {};
  return {static_cast<unsigned>(random.below(20)), static_cast<unsigned>(random.below(20))};
}

Character draw_character(SeededRandom& random) {
  constexpr std::array kOdd{Character::silent,  Character::silent, Character::late,   Character::contradicts,
                            Character::deletes, Character::cheats, Character::forgets};
  return random.chance(55) ? Character::honest : kOdd[random.below(kOdd.size())];
}

PlayerSetting draw_player(SeededRandom& random, std::string name, const std::string& folder) {
  PlayerSetting out{.name = std::move(name)};
  out.character = draw_character(random);
  out.at_event = static_cast<unsigned>(random.between(1, 10));
  const bool is_skewed = random.chance(40);
  out.skew = is_skewed ? Millis{Seconds{static_cast<std::int64_t>(random.below(7201)) - 3600}} : Millis{0};
  out.line = draw_line(random);
  if (random.chance(40)) {
    out.kills = static_cast<unsigned>(random.between(1, 4));
    out.edges_apart = static_cast<unsigned>(random.between(5, 60));
  }
  out.folder = folder + "/" + out.name;
  out.mint = test::SimulatedMint::kUrl;
  return out;
}

class Economy {
 public:
  Economy(std::uint64_t seed, const std::string& folder)
      : seed_(seed),
        random_(seed, "economy"),
        timeline_(kStart),
        relays_(timeline_, draw_relays(random_), seed),
        keys_(crypto::SecretKey::generate(random_), crypto::Secret<32>(random_.bytes<32>())) {
    make_mint();
    make_engine();
    make_players(folder);
  }

  Report play() {
    engine_->start();
    for (auto& player : players_) player->start();
    plan_weather();
    plan_duels();
    run_until(kStart + kUntilCalm);
    if (!is_over()) {
      relays_.calm();
      engine_->calm();
      for (auto& player : players_) player->calm();
      run_until(kStart + kUntilEnd);
    }
    return audit();
  }

 private:
  void make_mint() {
    mint_ = std::make_shared<test::SimulatedGameMint>();
    mint_->now = timeline_.now_seconds();
    const std::uint64_t fee = random_.chance(30) ? 100 : 0;
    mint_->add_keyset("mana", fee);
    mint_->add_keyset("loot", fee);
    constexpr std::array<std::uint64_t, 3> kLootPrices{100, 200, 400};
    mint_->price_msat = {{"mana", 200}, {"loot", kLootPrices[random_.below(3)]}};
    mint_->engines = {keys_.pubkey()};
  }

  void make_engine() {
    match::Announcement announcement{.escrow_key = keys_.escrow(), .escrow_proof = keys_.escrow_proof()};
    announcement.rulebooks = {"duel/1"};
    constexpr std::array<std::uint32_t, 3> kRakes{0, 50'000, 100'000};
    announcement.offers.push_back({.mint = test::SimulatedMint::kUrl,
                                   .atomic = true,
                                   .stake_unit = "mana",
                                   .stake_price_msat = mint_->price_msat.at("mana"),
                                   .keysets = {mint_->active("mana")},
                                   .prize_unit = "loot",
                                   .prize_price_msat = mint_->price_msat.at("loot"),
                                   .min_stake = 1,
                                   .max_stake = 100'000,
                                   .rake_ppm = kRakes[random_.below(3)]});
    announcement.min_clocks = {.start_delay = Seconds{2},
                               .min_step = Seconds{30},
                               .step = Seconds{60},
                               .party = Seconds{300},
                               .funding = Seconds{60},
                               .give_back = Seconds{120},
                               .claim = Seconds{1800}};
    announcement.max_clocks = announcement.min_clocks;
    for (Relay& relay : relays_.relays()) announcement.relays.push_back(relay.habits().url);
    EngineSetting setting{
        .mint = test::SimulatedMint::kUrl, .announcement = announcement, .line = draw_line(random_)};
    if (random_.chance(50)) {
      setting.kills = static_cast<unsigned>(random_.between(1, 5));
      setting.steps_apart = static_cast<unsigned>(random_.between(10, 120));
    }
    // Longer than a step allows: none of it may be laid to the players' charge.
    if (random_.chance(25)) setting.longest_down = Millis{120'000};
    const bool liar =
        std::ranges::any_of(relays_.relays(), [](const Relay& each) { return each.habits().withholds > 0; });
    if (random_.chance(6)) setting.vanishes = random_.between(Millis{20'000}, Millis{150'000});
    if (random_.chance(4)) setting.forks = random_.between(Millis{1000}, Millis{60'000});
    setting.keeps_link = random_.chance(5);
    setting.loses_disk = !liar && !setting.forks && !setting.keeps_link && random_.chance(20);
    engine_ = std::make_unique<EngineProcess>(timeline_, relays_, mint_, keys_, setting, seed_);
  }

  void make_players(const std::string& folder) {
    const std::size_t number = random_.chance(20) ? 3 : 2;
    for (std::size_t i = 0; i < number; ++i) {
      PlayerSetting setting = draw_player(random_, std::array{"alice", "bob", "carol"}[i], folder);
      setting.engine = keys_.pubkey();
      std::filesystem::create_directories(setting.folder);
      players_.push_back(std::make_unique<PlayerProcess>(timeline_, relays_, mint_, setting, seed_));
      const cashu::Amount money = random_.between(2000, 4000);
      players_.back()->buy("mana", money);
      bought_.push_back(money);
    }
  }

  /// Relays that are gone for a while; now and then all of them.
  void plan_weather() {
    const std::uint64_t storms = random_.chance(60) ? 0 : random_.between(1, 6);
    for (std::uint64_t i = 0; i < storms; ++i) {
      const bool all = random_.chance(20);
      const Millis pause = random_.between(Millis{1000}, Millis{15'000});
      const std::size_t relay = random_.below(3);
      timeline_.after(random_.between(Millis{0}, Millis{240'000}), [this, all, pause, relay] {
        for (std::size_t each = 0; each < 3; ++each) {
          if (all || each == relay) relays_.stop(each, pause);
        }
      });
    }
  }

  void plan_duels() {
    invite(0, 1);
    if (random_.chance(25)) {
      timeline_.after(random_.between(Millis{0}, Millis{60'000}), [this] { invite(1, 0); });
    }
  }

  /// One challenges, the other accepts (and everybody else tries to) as soon as the challenge is known.
  void invite(std::size_t creator, std::size_t acceptor) {
    players_[creator]->challenge(40 * random_.between(1, 15), "loot");
    await_challenge(creator, acceptor);
  }
  void await_challenge(std::size_t creator, std::size_t acceptor) {
    timeline_.after(Millis{500}, [this, creator, acceptor] {
      const auto match = players_[creator]->challenged();
      if (!match) return await_challenge(creator, acceptor);
      players_[acceptor]->accept(*match);
      if (players_.size() > 2) players_[2]->accept(*match);
    });
  }

  bool is_over() {
    if (!engine_->is_idle() && !engine_->has_vanished()) return false;
    return std::ranges::all_of(players_, [](auto& player) { return player->is_finished(); });
  }
  void run_until(UnixMillis end) {
    while (true) {
      for (int i = 0; i < 200; ++i) {
        if (!timeline_.next(end)) return;
      }
      if (is_over()) return;
    }
  }

  Report audit() {
    Report out = Auditor(*mint_, *engine_, relays_, players_, bought_).run();
    std::string who;
    for (auto& player : players_) {
      const PlayerSetting& setting = player->setting();
      who += fmt::format("{}{} {}", who.empty() ? "" : ", ", setting.name, name_of(setting.character));
      if (setting.character != Character::honest) who += fmt::format(" at {}", setting.at_event);
      if (player->deaths() > 0) who += fmt::format(" (killed {}x)", player->deaths());
      out.diary.insert(out.diary.end(), player->diary().begin(), player->diary().end());
    }
    if (engine_->has_vanished()) who += "; the engine vanishes";
    if (!engine_->abandoned().empty()) who += "; the engine keeps its link";
    if (engine_->forked()) who += "; the engine forks " + to_hex(*engine_->forked()).substr(0, 8);
    out.summary = fmt::format("{}; engine killed {}x, adopted {} chains; {}", who, engine_->deaths(),
                              engine_->adoptions(), out.summary);
    std::ranges::sort(out.diary);
    return out;
  }

  const std::uint64_t seed_;
  SeededRandom random_;
  Timeline timeline_;
  RelayNetwork relays_;
  const match::EngineKeys keys_;
  std::shared_ptr<test::SimulatedGameMint> mint_;
  std::unique_ptr<EngineProcess> engine_;
  std::vector<std::unique_ptr<PlayerProcess>> players_;
  std::vector<cashu::Amount> bought_;
};

}  // namespace

Report play_seed(std::uint64_t seed, const std::string& folder) { return Economy(seed, folder).play(); }

}  // namespace manastr::simulation

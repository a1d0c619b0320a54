// duel-load: many duels at once through one engine, its relays and its mint, played by the reference client's
// own code. Prints how long the last claim waited for its published settlement, and whether all settled and
// money is conserved. Usage: duel-load --mint URL --engine HEX --relay URL... [--duels N] [--think LOW:HIGH
// seconds] [--seed N] [--json]
#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <queue>
#include <random>
#include <thread>

#include "common/mintclient/curl_transport.h"
#include "player/duelist.h"
#include "player/match_secrets.h"
#include "relay-client/relay_pool.h"

namespace {

using namespace manastr;

struct Options {
  std::string mint;
  std::vector<std::string> relays;
  crypto::XOnlyKey engine;
  std::size_t duels = 1000;
  double think_low = 5;
  double think_high = 15;
  std::uint64_t seed = 1;
  std::size_t threads = 24;
  cashu::Amount stake = 100;
  Seconds limit{600};
  bool json = false;
};

[[noreturn]] void fail(const std::string& message) {
  std::fprintf(stderr, "duel-load: %s\n", message.c_str());
  std::exit(1);
}

template <class T>
T need(Result<T> result, const char* what) {
  if (!result) fail(std::string(what) + ": " + result.error().message);
  return std::move(*result);
}

class RandomMoves final : public player::MoveChooser {
 public:
  std::optional<std::uint8_t> choose(const match::MatchId&, const match::Transcript::View&, std::size_t,
                                     unsigned, const std::vector<std::uint8_t>& free) override {
    return free[system_random().bytes<1>()[0] % free.size()];
  }
};

struct Player {
  crypto::SecretKey key = crypto::SecretKey::generate(system_random());
  crypto::Secret<64> seed{system_random().bytes<64>()};
  std::shared_ptr<mintclient::MintClient> mint;
  std::unique_ptr<player::Wallet> wallet;
  std::unique_ptr<player::MatchBook> book;
  std::unique_ptr<player::Duelist> duelist;
  RandomMoves moves;
  std::mutex mutex;  ///< one thread at a time in this player
  std::mutex inbox_mutex;
  std::vector<nostr::Event> inbox;  ///< receipts on their way to it
  Monotonic acts_from{};            ///< it thinks until then
  Monotonic heartbeat{};            ///< its next turn if nothing comes in
  std::mt19937_64 think;
  std::size_t thought = 0;  ///< steps already paid for with thinking
  std::optional<Monotonic> claimed;
  bool done = false;
};

/// Players that want a turn, by time; worker threads take them.
class Schedule {
 public:
  void at(Monotonic when, std::size_t player) {
    const std::lock_guard lock(mutex_);
    turns_.push({when, player});
    changed_.notify_one();
  }
  std::optional<std::size_t> next() {
    std::unique_lock lock(mutex_);
    for (;;) {
      if (closed_) return std::nullopt;
      if (turns_.empty()) {
        changed_.wait(lock);
        continue;
      }
      const auto [when, player] = turns_.top();
      if (when <= system_clock().monotonic()) {
        turns_.pop();
        return player;
      }
      changed_.wait_until(lock, when);
    }
  }
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

 private:
  using Turn = std::pair<Monotonic, std::size_t>;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::priority_queue<Turn, std::vector<Turn>, std::greater<>> turns_;
  bool closed_ = false;
};

Options read_options(int argc, char** argv) {
  Options out;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    const auto value = [&]() -> std::string {
      if (++i == argc) fail(name + " needs a value");
      return argv[i];
    };
    if (name == "--mint") {
      out.mint = value();
    } else if (name == "--relay") {
      out.relays.push_back(value());
    } else if (name == "--engine") {
      const auto key = crypto::XOnlyKey::from_hex(value());
      if (!key) fail("--engine takes 64 hex digits");
      out.engine = *key;
    } else if (name == "--duels") {
      out.duels = std::stoul(value());
    } else if (name == "--think") {
      if (std::sscanf(value().c_str(), "%lf:%lf", &out.think_low, &out.think_high) != 2)
        fail("--think takes LOW:HIGH");
    } else if (name == "--seed") {
      out.seed = std::stoull(value());
    } else if (name == "--limit") {
      out.limit = Seconds{std::stol(value())};
    } else if (name == "--json") {
      out.json = true;
    } else {
      fail("unknown option " + name);
    }
  }
  if (out.mint.empty() || out.relays.empty() || out.engine.bytes == ByteArray<32>{}) {
    fail("give --mint, --engine and at least one --relay");
  }
  return out;
}

/// Runs body(i) for 0..n-1 on `threads` threads.
void in_parallel(std::size_t n, std::size_t threads, const std::function<void(std::size_t)>& body) {
  std::atomic<std::size_t> next = 0;
  std::vector<std::jthread> pool;
  for (std::size_t t = 0; t < threads; ++t) {
    pool.emplace_back([&] {
      for (std::size_t i = next++; i < n; i = next++) body(i);
    });
  }
}

nostr::Event make_challenge(Player& creator, const Player& opponent, const Options& options,
                            const nostr::Event& announcement_event, const match::Announcement& announcement) {
  const match::Offer* offer = nullptr;
  for (const match::Offer& each : announcement.offers) {
    if (each.mint == options.mint && offer == nullptr) offer = &each;
  }
  if (offer == nullptr) fail("the engine makes no offer at " + options.mint);
  const UnixSeconds now = system_clock().now_seconds();
  match::Challenge out{system_random().bytes<32>(), {}, creator.key.public_key(), {}, {}};
  out.terms.engine = options.engine;
  out.terms.announcement = announcement_event.id;
  out.terms.mint = offer->mint;
  out.terms.keyset = need(creator.wallet->active_keyset(offer->stake_unit), "keyset").id;
  out.terms.stake_unit = offer->stake_unit;
  out.terms.stake = options.stake;
  out.terms.stake_price_msat = offer->stake_price_msat;
  out.terms.prize_unit = offer->prize_unit;
  out.terms.prize_price_msat = offer->prize_price_msat;
  out.terms.rake_ppm = offer->rake_ppm;
  out.terms.clocks = announcement.max_clocks;
  out.terms.relays = announcement.relays;
  out.terms.open_until = now + std::min<Seconds>(Seconds{3600}, announcement.max_open);
  out.terms.opponent = opponent.key.x_only();
  const player::MatchSecrets secrets(creator.seed, out.d);
  out.escrow_key = secrets.escrow().public_key();
  out.escrow_proof =
      match::prove_escrow(secrets.escrow(), match::EscrowRole::create, creator.key.x_only(), out.d);
  out.seed_commitment = secrets.seed_commitment(match::Commits::seed_create, creator.key.x_only());
  return nostr::sign(match::to_draft(out, now), creator.key, system_random().bytes<32>());
}

/// Takes what has come in; how long the player thinks about it, in seconds: once before each commitment.
double read_receipts(Player& one, const Options& options) {
  std::vector<nostr::Event> events;
  {
    const std::lock_guard lock(one.inbox_mutex);
    events.swap(one.inbox);
  }
  for (const nostr::Event& event : events) (void)one.duelist->receive(event);
  const auto& view = one.duelist->view();
  const std::size_t steps =
      view.commitments[0].size() + view.commitments[1].size() + view.moves[0].size() + view.moves[1].size();
  if (view.head.phase != match::Phase::commit || steps % 4 != 0 || one.thought > steps) return 0;
  one.thought = steps + 1;
  return std::uniform_real_distribution(options.think_low, options.think_high)(one.think);
}

double percentile(std::vector<double> values, double p) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1,
                         static_cast<std::size_t>(p * static_cast<double>(values.size())))];
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = read_options(argc, argv);
  relay::PoolOptions pool = relay::PoolOptions::for_loopback(options.relays);
  pool.events_per_second = 100'000;
  pool.inbox_messages = 8192;
  const auto courier = need(relay::RelayPool::start(std::move(pool)), "relays");
  if (!relay::wait_for_quorum(*courier, Millis{10'000})) fail("the relays do not answer");

  nostr::Filter offer;
  offer.kinds = {match::kEngine};
  offer.authors = {options.engine};
  offer.tags['d'] = {std::string(match::kAnnouncementD)};
  const auto offers = relay::fetch_and_wait(*courier, {offer}, Millis{5000}).events;
  if (offers.empty()) fail("the engine has announced nothing");
  const auto announcement = need(match::parse_announcement(offers.front()), "announcement");

  const auto transport = mintclient::make_curl_transport();
  std::vector<std::unique_ptr<Player>> players(options.duels * 2);
  std::seed_seq seeds{options.seed};
  std::vector<std::uint32_t> drawn(players.size());
  seeds.generate(drawn.begin(), drawn.end());
  std::fprintf(stderr, "buying mana for %zu players\n", players.size());
  in_parallel(players.size(), options.threads, [&](std::size_t i) {
    auto made = std::make_unique<Player>();
    made->think.seed(drawn[i]);
    made->mint = need(mintclient::MintClient::make(options.mint, transport), "mint");
    made->wallet = need(player::Wallet::open(":memory:", made->seed, made->mint, system_clock()), "wallet");
    made->book = need(player::MatchBook::open(":memory:"), "book");
    const auto quote = need(made->wallet->request_mint("mana", options.stake), "quote");
    for (;;) {
      const auto minted = made->wallet->mint_paid(quote.id);
      if (minted && minted->minted) break;
      if (!minted && minted.error().kind != ErrorKind::unavailable) fail("mint: " + minted.error().message);
      std::this_thread::sleep_for(Millis{50});  // NUT-04 is polled
    }
    players[i] = std::move(made);
  });

  Schedule schedule;
  std::unordered_map<match::MatchId, std::size_t, UniformBytesHash> duel_of;
  std::mutex figures;
  std::vector<double> settle_seconds;
  std::atomic<std::size_t> settled = 0;
  std::atomic<std::size_t> faults = 0;

  for (std::size_t d = 0; d < options.duels; ++d) {
    Player& creator = *players[2 * d];
    Player& acceptor = *players[2 * d + 1];
    const auto challenge = make_challenge(creator, acceptor, options, offers.front(), announcement);
    duel_of[challenge.id] = d;
    for (const auto role : {player::Role::creator, player::Role::acceptor}) {
      Player& one = role == player::Role::creator ? creator : acceptor;
      const player::MatchRecord record{challenge.id, role, options.engine, challenge, offers.front(), true,
                                       "",           {}};
      if (!one.book->add(record)) fail("match book");
      one.duelist =
          need(player::Duelist::resume(record, {one.key, one.seed, *one.wallet, *one.mint, *one.book,
                                                one.moves, system_clock(), system_random(),
                                                [&courier, &one](const match::Event& event) {
                                                  if (event.kind == match::kClaim && !one.claimed)
                                                    one.claimed = system_clock().monotonic();
                                                  return courier->publish({event, 0, false, {}});
                                                },
                                                [&, p = &one](const player::Happening& happening) {
                                                  if (happening.what == "settled" && p->claimed) {
                                                    const std::chrono::duration<double> took =
                                                        system_clock().monotonic() - *p->claimed;
                                                    const std::lock_guard lock(figures);
                                                    settle_seconds.push_back(took.count());
                                                  }
                                                }}),
               "duelist");
    }
  }

  const auto begun = system_clock().monotonic();
  nostr::Filter chain;
  chain.kinds = {match::kEngine};
  chain.authors = {options.engine};
  chain.since = system_clock().now_seconds() - Seconds{60};
  courier->subscribe({{chain},
                      [&](const nostr::Event& event, std::string_view) {
                        const auto id = match::match_of(event);
                        const auto found = id ? duel_of.find(*id) : duel_of.end();
                        if (found == duel_of.end()) return;
                        for (std::size_t side = 0; side < 2; ++side) {
                          const std::size_t index = 2 * found->second + side;
                          {
                            const std::lock_guard lock(players[index]->inbox_mutex);
                            players[index]->inbox.push_back(event);
                          }
                          schedule.at(system_clock().monotonic(), index);
                        }
                      },
                      {}});
  for (std::size_t i = 0; i < players.size(); ++i) schedule.at(begun, i);

  std::vector<std::jthread> workers;
  std::atomic<std::size_t> finished = 0;
  for (std::size_t t = 0; t < options.threads; ++t) {
    workers.emplace_back([&] {
      while (const auto index = schedule.next()) {
        Player& one = *players[*index];
        const std::lock_guard lock(one.mutex);
        if (one.done) continue;
        if (const double wait = read_receipts(one, options); wait > 0) {
          one.acts_from = system_clock().monotonic() + std::chrono::duration_cast<std::chrono::nanoseconds>(
                                                           std::chrono::duration<double>(wait));
          schedule.at(one.acts_from, *index);
        }
        if (system_clock().monotonic() < one.acts_from) continue;  // its turn is in the schedule
        const Status acted = one.duelist->act();
        if (!one.duelist->fault().empty()) {
          std::fprintf(stderr, "fault: %s\n", one.duelist->fault().c_str());
          ++faults;
          one.done = true;
        } else if (one.duelist->finished()) {
          one.done = true;
        } else {
          if (const Monotonic now = system_clock().monotonic(); now >= one.heartbeat || !acted) {
            one.heartbeat = now + (acted ? Seconds{3} : Seconds{1});
            schedule.at(one.heartbeat, *index);
          }
        }
        if (one.done && ++finished == players.size()) schedule.close();
      }
    });
  }
  std::jthread watchdog([&] {
    while (finished < players.size() && system_clock().monotonic() - begun < options.limit) {
      std::this_thread::sleep_for(Millis{200});
    }
    schedule.close();
  });
  workers.clear();
  watchdog.join();
  const std::chrono::duration<double> took = system_clock().monotonic() - begun;

  cashu::Amount loot = 0;
  cashu::Amount mana = 0;
  for (const auto& one : players) {
    for (const auto& balance : need(one->wallet->balances(), "balances")) {
      (balance.unit == "loot" ? loot : mana) += balance.available + balance.locked + balance.under_way;
    }
    settled += one->done;
  }
  const double p50 = percentile(settle_seconds, 0.50);
  const double p99 = percentile(settle_seconds, 0.99);
  const bool all = settled == players.size() && faults == 0;
  if (options.json) {
    fmt::print(
        "{{\"duels\":{},\"players_finished\":{},\"faults\":{},\"seconds\":{:.1f},\"settle_p50_s\":{:.3f},"
        "\"settle_p99_s\":{:.3f},\"mana\":{},\"loot\":{}}}\n",
        options.duels, settled.load(), faults.load(), took.count(), p50, p99, mana, loot);
  } else {
    fmt::print("{} duels in {:.1f} s ({:.1f}/s); {} of {} players finished, {} faults\n", options.duels,
               took.count(), static_cast<double>(options.duels) / took.count(), settled.load(),
               players.size(), faults.load());
    fmt::print("claim to published settlement: p50 {:.3f} s, p99 {:.3f} s\n", p50, p99);
    fmt::print("players hold {} mana and {} loot of {} mana bought\n", mana, loot,
               players.size() * options.stake);
  }
  return all ? 0 : 1;
}

// Two players' clients alone: the engine is its pure rules, called by the test, which decides what of it the
// players get to hear; the mint is simulated; one clock that the test moves. No process, thread or network.
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "common/match/lifecycle.h"
#include "player/duelist.h"
#include "player/match_secrets.h"
#include "tests/support/simulated_game_mint.h"
#include "tests/support/temporary_folder.h"
#include "tests/unit/player/wallet_fixture.h"

namespace manastr::player {

/// Counts on, so that nothing said twice is said in the same bytes by chance.
class CountingRandom final : public Random {
 public:
  void fill(std::span<Byte> out) override {
    for (Byte& each : out) each = 0;
    Bytes number;
    append_be64(number, ++count_);
    std::copy(number.begin(), number.end(), out.end() - 8);
  }

 private:
  std::uint64_t count_ = 0;
};

class DuelClock final : public Clock {
 public:
  explicit DuelClock(test::SimulatedMint& mint) : mint_(mint), now_(mint.now) {}
  UnixMillis now() const override { return now_; }
  Monotonic monotonic() const override { return Monotonic{now_.time_since_epoch()}; }
  void pass(Millis time) {
    now_ += time;
    mint_.now = now_seconds();
  }

 private:
  test::SimulatedMint& mint_;
  UnixMillis now_;
};

/// Thrown where a client dies.
struct Killed {};

/// The unit that is free, by the seat's taste of the moment: another one after a restart.
class Fickle final : public MoveChooser {
 public:
  std::optional<std::uint8_t> choose(const match::MatchId&, const match::Transcript::View&, std::size_t,
                                     unsigned, const std::vector<std::uint8_t>& free) override {
    return likes_last ? free.back() : free.front();
  }
  bool likes_last = false;
};

struct Seat {
  std::string name;
  crypto::SecretKey key;
  crypto::Secret<64> seed;
  Role role = Role::creator;
  std::shared_ptr<mintclient::MintClient> mint;
  std::unique_ptr<Wallet> wallet;
  std::unique_ptr<MatchBook> book;
  std::unique_ptr<Duelist> duelist;
  Fickle moves;
  std::vector<match::Event> said;       ///< published, in order
  std::vector<std::string> happenings;  ///< what it was told, by name
  std::size_t heard = 0;                ///< of the chain
  bool is_gone = false;
  std::optional<std::uint32_t> dies_saying;  ///< kind
  bool dies_heard = false;                   ///< after it was said, not before
  std::function<void(Seat&)> loses;          ///< its files, at its next death

  cashu::Amount has(const std::string& unit) { return must(wallet->balance(unit)).available; }
  cashu::Amount locked(const std::string& unit) { return must(wallet->balance(unit)).locked; }
  std::vector<match::Event> said_of(std::uint32_t kind) const {
    std::vector<match::Event> out;
    for (const match::Event& each : said) {
      const bool known = std::ranges::any_of(out, [&](const auto& other) { return other.id == each.id; });
      if (each.kind == kind && !known) out.push_back(each);
    }
    return out;
  }
  bool was_told(const std::string& what) const {
    return std::ranges::find(happenings, what) != happenings.end();
  }
};

class Duel : public ::testing::Test {
 protected:
  Duel() : Duel(0) {}
  explicit Duel(std::uint64_t fee_ppk) {
    mint->add_keyset("mana", fee_ppk);
    mint->add_keyset("loot");
    mint->price_msat = {{"mana", 200}, {"loot", 200}};
    mint->engines = {keys.pubkey()};
    announce();
    for (Seat* each : {&alice, &bob}) {
      each->mint = client();
      std::filesystem::create_directories(folder.path(each->name));
      open_files(*each);
      const auto quote = must(each->wallet->request_mint("mana", 1000));
      mint->pay(quote.id);
      EXPECT_TRUE(must(each->wallet->mint_paid(quote.id)).minted);
    }
    bob.role = Role::acceptor;
    challenge();
  }

  // --- the engine ---
  /// Whether the engine settles claims, and goes on at all.
  bool settles = true;
  bool is_deaf = false;
  /// What the mint is said to have answered about a stake; unspent if it does not say.
  std::function<std::optional<match::ProofState>()> says_of_stake = [] { return std::nullopt; };
  std::function<bool(const match::Receipt&)> withholds = [](const match::Receipt&) { return false; };

  void feed(const match::Input& input) {
    for (const match::Effect& effect : match::reduce(match, input, keys)) {
      if (const auto* ask = std::get_if<match::AskStates>(&effect)) questions.push_back(*ask);
      if (const auto* settle = std::get_if<match::Settle>(&effect)) orders.push_back(*settle);
    }
  }
  void serve() {
    if (is_deaf) return;
    if (const auto timer = match.next_timer(); timer && *timer <= clock.now())
      feed(match::TimerFired{clock.now()});
    for (const match::AskStates& each : std::exchange(questions, {})) {
      match::MintStates answer{clock.now(), each.request, {}};
      const auto said = says_of_stake();
      for (const crypto::PublicKey& y : each.ys) {
        answer.states.push_back(said                ? *said
                                : mint->is_spent(y) ? match::ProofState::spent
                                                    : match::ProofState::unspent);
      }
      feed(answer);
    }
    if (!settles) return;
    for (const match::Settle& each : std::exchange(orders, {})) {
      const gameapi::SettleRequest request{each.operation, each.announcement, each.verdict, each.claim,
                                           each.groups};
      const auto body = must(client()->post(gameapi::kSettlePath, gameapi::to_json(request).dump(), ""));
      const auto reply = must(gameapi::settle_response_from_json(must(json::parse(body))));
      feed(match::SettlementDone{clock.now(), each.operation, reply.signatures});
    }
  }

  // --- the players ---
  std::function<void(Seat&)> on_death = [](Seat&) {};

  void open_files(Seat& seat) {
    seat.wallet = must(Wallet::open(folder.path(seat.name) + "/wallet.db", seat.seed, seat.mint, clock));
    seat.book = must(MatchBook::open(folder.path(seat.name) + "/matches.db"));
  }
  void sit_down(Seat& seat, bool recovered = false) {
    const auto known = must(seat.book->record(opening.id));
    const MatchRecord record = known ? *known
                                     : MatchRecord{.id = opening.id,
                                                   .role = seat.role,
                                                   .engine = keys.pubkey(),
                                                   .challenge = opening,
                                                   .announcement = announcement,
                                                   .recovered = recovered};
    must(seat.book->add(record));
    seat.heard = 0;
    const auto publish = [this, &seat](const match::Event& event) -> Status {
      if (seat.dies_saying == event.kind && !seat.dies_heard) throw Killed{};
      seat.said.push_back(event);
      if (!is_deaf && match::check_envelope(event)) hear(event);
      if (seat.dies_saying == event.kind) throw Killed{};
      return {};
    };
    const auto tell = [&seat](const Happening& happening) { seat.happenings.push_back(happening.what); };
    seat.duelist = must(Duelist::resume(record, {seat.key, seat.seed, *seat.wallet, *seat.mint, *seat.book,
                                                 seat.moves, clock, random, publish, tell}));
  }
  /// As after a kill -9; the machine's owner is of another mind about the moves.
  void restart(Seat& seat) {
    seat.duelist.reset();
    seat.wallet.reset();
    seat.book.reset();
    seat.moves.likes_last = !seat.moves.likes_last;
    seat.dies_saying.reset();
    open_files(seat);
    EXPECT_TRUE(seat.wallet->resume());
    sit_down(seat);
  }
  /// Key and seed are all that is left; the match is found again by its chain.
  void lose_files(Seat& seat) {
    seat.duelist.reset();
    seat.wallet.reset();
    seat.book.reset();
    seat.dies_saying.reset();
    for (const auto& each : std::filesystem::directory_iterator(folder.path(seat.name)))
      std::filesystem::remove(each.path());
    open_files(seat);
    EXPECT_TRUE(seat.wallet->restore());
    sit_down(seat, true);
  }
  /// True if it died.
  bool act(Seat& seat) {
    if (seat.is_gone) return false;
    for (; seat.heard < match.chain().size(); ++seat.heard) {
      const match::Event& receipt = match.chain()[seat.heard];
      if (withholds(must(match::parse_receipt(receipt)))) break;
      EXPECT_TRUE(seat.duelist->receive(receipt));
    }
    try {
      const Status acted = seat.duelist->act();
      if (!acted) trouble.push_back(seat.name + ": " + acted.error().message);
    } catch (const Killed&) {
      return true;
    }
    return false;
  }
  /// A second of the whole table.
  void turn() {
    serve();
    for (Seat* each : {&alice, &bob}) {
      if (!act(*each)) continue;
      on_death(*each);
      if (each->loses) {
        std::exchange(each->loses, nullptr)(*each);
      } else {
        restart(*each);
      }
    }
    clock.pass(Millis{1000});
  }
  bool play_until(const std::function<bool()>& done, int turns = 600) {
    for (int i = 0; i < turns; ++i) {
      if (done()) return true;
      turn();
    }
    return done();
  }
  bool play_to(match::Phase phase, unsigned round = 0) {
    return play_until([&] {
      return match.opened() && must(match::parse_receipt(match.chain().back())).head.round >= round &&
             match.phase() == phase;
    });
  }
  bool play_to_the_end() {
    return play_until([this] { return alice.duelist->finished() && bob.duelist->finished(); });
  }
  /// Everything comes home; time until then passes at once.
  bool wait_for_locktime() {
    const UnixSeconds locktime = *alice.duelist->view().locktime;
    clock.pass(locktime + Seconds{1} - clock.now());
    return play_to_the_end();
  }
  Seat& winner() {
    const auto& verdict = alice.duelist->view().verdict;
    return *verdict->winner == alice.key.x_only() ? alice : bob;
  }
  Seat& loser() { return &winner() == &alice ? bob : alice; }
  std::string result(Seat& seat) { return must(seat.book->record(opening.id))->result; }
  /// A receipt of the engine, changed and signed by it all the same.
  match::Event forged(const match::Event& receipt, const std::function<void(match::Receipt&)>& change) const {
    match::Receipt read = must(match::parse_receipt(receipt));
    change(read);
    return keys.sign(
        match::to_draft(read, alice.key.x_only(), bob.key.x_only(), keys.pubkey(), "ws://relay.test"));
  }

  static constexpr cashu::Amount kStake = 100;
  static constexpr cashu::Amount kRake = 5;

  test::TemporaryFolder folder;
  std::shared_ptr<test::SimulatedGameMint> mint = std::make_shared<test::SimulatedGameMint>();
  DuelClock clock{*mint};
  CountingRandom random;
  const match::EngineKeys keys{key_of(99), crypto::Secret<32>(ByteArray<32>{7})};
  match::Match match;
  std::vector<match::AskStates> questions;
  std::vector<match::Settle> orders;
  match::Event announcement;
  match::Event opening;
  Seat alice{.name = "alice", .key = key_of(41), .seed = seed_of(1)};
  Seat bob{.name = "bob", .key = key_of(42), .seed = seed_of(2)};
  std::vector<std::string> trouble;  ///< errors of act()

 private:
  std::shared_ptr<mintclient::MintClient> client() {
    return must(mintclient::MintClient::make(test::SimulatedMint::kUrl, mint));
  }
  void hear(const match::Event& event) {
    if (event.kind != match::kChallenge) return feed(match::PartyInput{clock.now(), event});
    if (!match.opened())
      feed(match::Opening{clock.now(), event, announcement, mint->keyset(mint->active("mana")), 12});
  }
  void announce() {
    match::Announcement offer{.escrow_key = keys.escrow(), .escrow_proof = keys.escrow_proof()};
    offer.rulebooks = {"duel/1"};
    offer.offers.push_back({.mint = test::SimulatedMint::kUrl,
                            .atomic = true,
                            .stake_unit = "mana",
                            .stake_price_msat = 200,
                            .keysets = {mint->active("mana")},
                            .prize_unit = "loot",
                            .prize_price_msat = 200,
                            .min_stake = 1,
                            .max_stake = 1000,
                            .rake_ppm = 50'000});
    offer.min_clocks.claim = Seconds{3600};
    offer.max_clocks = offer.min_clocks;
    offer.relays = {"ws://relay.test"};
    announcement = keys.sign(match::announcement_draft(offer, clock.now_seconds()));
  }
  void challenge() {
    match::Challenge out{
        .d = crypto::sha256(as_bytes("d")), .terms = {}, .escrow_key = alice.key.public_key()};
    out.terms = {.engine = keys.pubkey(),
                 .announcement = announcement.id,
                 .mint = test::SimulatedMint::kUrl,
                 .keyset = mint->active("mana"),
                 .stake_unit = "mana",
                 .stake = kStake,
                 .stake_price_msat = 200,
                 .prize_unit = "loot",
                 .prize_price_msat = 200,
                 .rake_ppm = 50'000,
                 .relays = {"ws://relay.test"},
                 .open_until = clock.now_seconds() + Seconds{3600}};
    out.terms.clocks.claim = Seconds{3600};
    const MatchSecrets secrets(alice.seed, out.d);
    out.escrow_key = secrets.escrow().public_key();
    out.escrow_proof =
        match::prove_escrow(secrets.escrow(), match::EscrowRole::create, alice.key.x_only(), out.d);
    out.seed_commitment = secrets.seed_commitment(match::Commits::seed_create, alice.key.x_only());
    opening = nostr::sign(match::to_draft(out, clock.now_seconds()), alice.key, random.bytes<32>());
    sit_down(alice);
    sit_down(bob);
  }
};

}  // namespace manastr::player

// Two players of the reference client at one table, over the relays of an Economy: whole duels in a test, in
// which each side may be silent, say something else, or stop. What a side publishes goes through its `say`
// hook.
#pragma once
#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <mutex>
#include <optional>

#include "common/mintclient/curl_transport.h"
#include "player/duelist.h"
#include "player/match_secrets.h"
#include "relay-client/relay_pool.h"
#include "tests/integration/economy.h"
#include "tests/support/skewed_clock.h"

namespace manastr::test {

/// The first unit that is free, unless a test has a plan.
class Moves final : public player::MoveChooser {
 public:
  using Plan =
      std::function<std::uint8_t(const match::Transcript::View& view, std::size_t me, unsigned round)>;
  Plan plan;
  std::optional<std::uint8_t> choose(const match::MatchId&, const match::Transcript::View& view,
                                     std::size_t me, unsigned round,
                                     const std::vector<std::uint8_t>& free) override {
    return plan ? plan(view, me, round) : free.front();
  }
};

/// One player: key, wallet in memory, duelist.
struct Side {
  crypto::SecretKey key = crypto::SecretKey::generate(system_random());
  crypto::Secret<64> seed{system_random().bytes<64>()};
  std::shared_ptr<mintclient::MintClient> mint;
  std::unique_ptr<player::Wallet> wallet;
  std::unique_ptr<player::MatchBook> book;
  std::unique_ptr<player::Duelist> duelist;
  Moves moves;
  std::unique_ptr<SkewedClock> clock;
  /// What is really published for an event of the client: itself, another one, or nothing.
  std::function<std::optional<nostr::Event>(const nostr::Event&)> say = [](const nostr::Event& e) {
    return e;
  };

  crypto::XOnlyKey pubkey() const { return key.x_only(); }
  cashu::Amount has(const std::string& unit) const { return wallet->balance(unit).value().available; }
  nostr::Event sign(const nostr::Draft& draft) const {
    return nostr::sign(draft, key, system_random().bytes<32>());
  }
};

/// Body of a GET answered 200; nullopt otherwise.
inline std::optional<std::string> http_get(const std::string& url) {
  static const auto transport = mintclient::make_curl_transport();
  std::promise<std::optional<std::string>> answer;
  transport->send(
      {.method = "GET", .url = url, .body = "", .authorization = "", .timeout = kPatience},
      [&](Result<mintclient::HttpReply> reply) {
        answer.set_value(reply && reply->status == 200 ? std::optional(reply->body) : std::nullopt);
      });
  return answer.get_future().get();
}

class DuelTable {
 public:
  /// `skews`: how far the clocks of the two machines are off.
  explicit DuelTable(Economy& set, match::Clocks clocks = quick(), cashu::Amount stake = 100,
                     std::array<Millis, 2> skews = {})
      : set_(set), clocks_(clocks), stake_(stake) {
    for (std::size_t i = 0; i < 2; ++i)
      sides[i].clock = std::make_unique<SkewedClock>(system_clock(), skews[i]);
    courier_ = relay::RelayPool::start(relay::PoolOptions::for_loopback(set.relay_urls())).value();
    if (!relay::wait_for_quorum(*courier_, kPatience)) throw std::runtime_error("the relays do not answer");
    for (Side& side : sides) {
      side.mint = mintclient::MintClient::make(set.mint_url(), transport_).value();
      side.wallet = player::Wallet::open(":memory:", side.seed, side.mint, *side.clock).value();
      side.book = player::MatchBook::open(":memory:").value();
      buy(side, "mana", stake);
    }
    announcement_event_ = newest_announcement();
    announcement_ = match::parse_announcement(announcement_event_).value();
  }
  ~DuelTable() { courier_.reset(); }

  static match::Clocks quick() {
    return {.start_delay = Seconds{0},
            .min_step = Seconds{2},
            .step = Seconds{20},
            .party = Seconds{60},
            .funding = Seconds{20},
            .give_back = Seconds{60},
            .claim = Seconds{86'400}};
  }
  /// Steps so short that silence shows within the test.
  static match::Clocks hasty() {
    match::Clocks out = quick();
    out.step = out.min_step = Seconds{2};
    out.funding = Seconds{2};
    return out;
  }
  /// Steps short enough to wait for a forfeit, stakes at leisure.
  static match::Clocks brisk() {
    match::Clocks out = quick();
    out.step = out.min_step = Seconds{3};
    return out;
  }
  /// Lines of [announcement] that allow these clocks.
  static std::string allowance() {
    return "min_step_seconds = 1\ngrace_seconds = 0\nmin_allowance_seconds = 10\n";
  }

  std::array<Side, 2> sides;  ///< creator, acceptor
  Side& creator() { return sides[0]; }
  Side& acceptor() { return sides[1]; }
  relay::Courier& courier() { return *courier_; }
  const match::MatchId& match() const { return challenge_.id; }
  const nostr::Event& challenge_event() const { return challenge_; }
  const match::Announcement& announcement() const { return *announcement_; }
  const crypto::XOnlyKey& engine_key() const { return engine_key_; }
  match::Terms& terms() { return terms_; }

  void buy(Side& side, const std::string& unit, cashu::Amount amount) {
    const auto quote = side.wallet->request_mint(unit, amount).value();
    if (!eventually([&] {
          const auto minted = side.wallet->mint_paid(quote.id);
          return minted && minted->minted;
        })) {
      throw std::runtime_error("the mint does not give mana");
    }
  }

  /// Makes the terms and the challenge, and listens to what the engine says of it. `with` may change the
  /// terms.
  void challenge(const std::function<void(match::Terms&)>& with = {}) {
    const match::Offer& offer = announcement_->offers.front();
    match::Challenge out{system_random().bytes<32>(), {}, creator().key.public_key(), {}, {}};
    terms_ = match::Terms{.engine = engine_key_,
                          .announcement = announcement_event_.id,
                          .mint = offer.mint,
                          .keyset = creator().wallet->active_keyset(offer.stake_unit).value().id,
                          .stake_unit = offer.stake_unit,
                          .stake = stake_,
                          .stake_price_msat = offer.stake_price_msat,
                          .prize_unit = offer.prize_unit,
                          .prize_price_msat = offer.prize_price_msat,
                          .rake_ppm = offer.rake_ppm,
                          .clocks = clocks_,
                          .relays = announcement_->relays,
                          .open_until = system_clock().now_seconds() + Seconds{600}};
    if (with) with(terms_);
    out.terms = terms_;
    const player::MatchSecrets secrets(creator().seed, out.d);
    out.escrow_key = secrets.escrow().public_key();
    out.escrow_proof =
        match::prove_escrow(secrets.escrow(), match::EscrowRole::create, creator().pubkey(), out.d);
    out.seed_commitment = secrets.seed_commitment(match::Commits::seed_create, creator().pubkey());
    challenge_ = creator().sign(match::to_draft(out, creator().clock->now_seconds()));
    nostr::Filter chain;
    chain.kinds = {std::uint32_t{match::kEngine}};
    chain.authors = {engine_key_};
    chain.tags = {{'e', {to_hex(challenge_.id)}}};
    courier_->subscribe({.filters = {chain},
                         .on_event =
                             [this](const nostr::Event& event, std::string_view) {
                               const std::lock_guard lock(mutex_);
                               arrived_.push_back(event);
                             },
                         .on_caught_up = {}});
  }
  /// Makes the challenge; both sides sit down.
  void sit_down(const std::function<void(match::Terms&)>& with = {}) {
    challenge(with);
    for (std::size_t i = 0; i < 2; ++i) {
      Side& side = sides[i];
      const player::MatchRecord record{challenge_.id,
                                       i == 0 ? player::Role::creator : player::Role::acceptor,
                                       engine_key_,
                                       challenge_,
                                       announcement_event_,
                                       true,
                                       "",
                                       {}};
      if (!side.book->add(record)) throw std::runtime_error("match book");
      side.duelist =
          player::Duelist::resume(record, {side.key, side.seed, *side.wallet, *side.mint, *side.book,
                                           side.moves, *side.clock, system_random(),
                                           [this, &side](const nostr::Event& event) -> Status {
                                             if (const auto said = side.say(event)) {
                                               return courier_->publish({.event = *said, .on_progress = {}});
                                             }
                                             return {};
                                           },
                                           [](const player::Happening&) {}})
              .value();
    }
  }

  /// Lets both clients act until `done`; false if that takes longer than `limit`.
  bool play_until(const std::function<bool()>& done, Millis limit = kPatience) {
    return eventually(
        [&] {
          deliver();
          for (Side& side : sides) {
            if (side.duelist) (void)side.duelist->act();
          }
          return done();
        },
        limit);
  }
  bool play_until_finished(Millis limit = kPatience) {
    return play_until([&] { return creator().duelist->finished() && acceptor().duelist->finished(); }, limit);
  }
  const match::Transcript::View& view() { return creator().duelist->view(); }
  /// Receipts and rejections seen so far, as they came.
  std::vector<nostr::Event> seen() {
    const std::lock_guard lock(mutex_);
    return seen_;
  }
  /// Reasons of the rejections seen so far.
  std::vector<std::string> rejections() {
    std::vector<std::string> out;
    for (const nostr::Event& each : seen()) {
      if (const auto rejection = match::parse_rejection(each)) out.push_back(rejection->reason);
    }
    return out;
  }
  /// The whole chain by HTTP.
  std::vector<nostr::Event> transcript() {
    std::vector<nostr::Event> out;
    const auto body = http_get(set_.engine_url() + "/matches/" + to_hex(match()) + "/transcript");
    if (!body) return out;
    const auto value = json::parse(*body, {.bytes = 4 << 20}).value();
    for (const json::Value& each : *value.if_array()) out.push_back(nostr::event_from_json(each).value());
    return out;
  }

 private:
  void deliver() {
    std::vector<nostr::Event> events;
    {
      const std::lock_guard lock(mutex_);
      events.swap(arrived_);
      seen_.insert(seen_.end(), events.begin(), events.end());
    }
    for (const nostr::Event& event : events) {
      for (Side& side : sides) {
        if (side.duelist) (void)side.duelist->receive(event);
      }
    }
  }
  nostr::Event newest_announcement() {
    nostr::Filter filter;
    filter.kinds = {std::uint32_t{match::kEngine}};
    filter.authors = {engine_key_};
    filter.tags = {{'d', {std::string(match::kAnnouncementD)}}};
    std::optional<nostr::Event> out;
    eventually([&] {
      const auto found = relay::fetch_and_wait(*courier_, {filter}, kPatience);
      for (const nostr::Event& each : found.events) {
        if (!out || each.created_at > out->created_at) out = each;
      }
      return out.has_value();
    });
    if (!out) throw std::runtime_error("the engine has announced nothing");
    return *out;
  }

  Economy& set_;
  const crypto::XOnlyKey engine_key_ = *crypto::XOnlyKey::from_hex(set_.engine_pubkey());
  match::Clocks clocks_;
  cashu::Amount stake_;
  std::shared_ptr<mintclient::Transport> transport_ = mintclient::make_curl_transport();
  std::unique_ptr<relay::RelayPool> courier_;
  nostr::Event announcement_event_;
  std::optional<match::Announcement> announcement_;
  match::Terms terms_;
  nostr::Event challenge_;
  std::mutex mutex_;  // guards what follows
  std::vector<nostr::Event> arrived_;
  std::vector<nostr::Event> seen_;
};

}  // namespace manastr::test

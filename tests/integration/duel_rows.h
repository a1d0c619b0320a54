// What an engine and a mint must survive (docs/protocol.md): one row, one test, by name, in
// engine_rows_*.cpp. Each row changes what one side says, or what a relay or the mint does, at one step, and
// states what must be seen; whatever it is, the match ends and all money is where it belongs.
#pragma once
#include <algorithm>

#include "common/json/reader.h"
#include "common/match/referee.h"
#include "common/match/settlement.h"
#include "common/nostr/nip44.h"
#include "tests/integration/duel_table.h"

namespace manastr::test {

inline constexpr cashu::Amount kStake = 100;
inline constexpr cashu::Amount kPrize = 195;

using Which = std::function<bool(const nostr::Event&)>;
using Bend = std::function<nostr::Event(const nostr::Event&)>;

inline Which of_kind(std::uint32_t kind) {
  return [kind](const nostr::Event& event) { return event.kind == kind; };
}
inline bool is(const nostr::Event& event, std::uint32_t kind, unsigned round) {
  return event.kind == kind && match::parse_slot(kind, event.d())->first == round;
}
inline Which of_round(std::uint32_t kind, unsigned round) {
  return [kind, round](const nostr::Event& event) { return is(event, kind, round); };
}

inline json::Value& member(json::Object& object, std::string_view name) {
  const auto found = std::ranges::find(object, name, &json::Member::first);
  if (found == object.end()) throw std::runtime_error("no member " + std::string(name));
  return found->second;
}

/// The same event with another content, signed by its author. Older by a second unless the caller says
/// otherwise: relays keep the newer event of an address, and the true one is to reach the engine later.
inline nostr::Event rewrite(const Side& side, const nostr::Event& event,
                            const std::function<void(json::Object&)>& change, Seconds later = Seconds{-1}) {
  const auto content = json::parse(event.content).value();
  json::Object members = *content.if_object();
  change(members);
  return side.sign(
      {event.created_at + later, event.kind, event.tags, json::Value(std::move(members)).dump()});
}

/// Everything but the second event's time as in `event`.
inline nostr::Event said_again(const Side& side, const nostr::Event& event, Seconds later) {
  return side.sign({event.created_at + later, event.kind, event.tags, event.content});
}

/// An acceptance by `side`, in order but for what the caller changes, pointing where `like` points.
inline nostr::Event acceptance_of(const Side& side, const nostr::Event& like, const match::MatchId& match,
                                  const Hash32& terms) {
  const player::MatchSecrets secrets(side.seed, match);
  json::Value content;
  content.set("terms_hash", to_hex(terms))
      .set("escrow_key", secrets.escrow().public_key().hex())
      .set("escrow_proof",
           to_hex(match::prove_escrow(secrets.escrow(), match::EscrowRole::accept, side.pubkey(), match)))
      .set("seed_commitment", to_hex(secrets.seed_commitment(match::Commits::seed_accept, side.pubkey())));
  return side.sign({like.created_at, like.kind, like.tags, content.dump()});
}

/// Proofs of these amounts and secrets, signed by the mint and with its DLEQ proofs, bought for the purpose.
inline std::vector<cashu::Proof> buy_proofs(
    Side& side, const cashu::Unit& unit, const std::vector<std::pair<cashu::Amount, std::string>>& wanted) {
  const cashu::KeysetId id = side.wallet->active_keyset(unit).value().id;
  const cashu::Keyset keyset = side.mint->keys(id).value();
  cashu::Amount sum = 0;
  std::vector<cashu::BlindedMessage> outputs;
  std::vector<crypto::SecretKey> blinds;
  for (const auto& [amount, secret] : wanted) {
    sum += amount;
    blinds.push_back(crypto::SecretKey::generate(system_random()));
    outputs.push_back({amount, id, crypto::blind(crypto::hash_to_curve(as_bytes(secret)), blinds.back())});
  }
  const auto quote =
      side.mint->mint_quote({.unit = unit, .amount = sum, .description = "", .pubkey = {}}).value();
  if (!eventually(
          [&] { return side.mint->mint_quote_state(quote.id)->state == mintclient::QuoteState::paid; })) {
    throw std::runtime_error("the quote is not paid");
  }
  const auto signatures = side.mint->mint(quote.id, outputs, "").value();
  std::vector<cashu::Proof> out;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto c = crypto::unblind(signatures[i].c_blinded, blinds[i], keyset.keys.at(wanted[i].first));
    out.push_back({wanted[i].first, id, wanted[i].second, c->bytes(), std::nullopt,
                   cashu::ProofDleq{*signatures[i].dleq, blinds[i].reveal()}});
  }
  return out;
}

class DuelRows : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    set_ = std::make_unique<Economy>(Economy::Options{.announcement = DuelTable::allowance()});
  }
  static void TearDownTestSuite() { set_.reset(); }
  static inline std::unique_ptr<Economy> set_;

  static void publish(DuelTable& table, const nostr::Event& event) {
    ASSERT_TRUE(table.courier().publish({.event = event, .on_progress = {}}));
  }
  static bool rejected(DuelTable& table, std::string_view reason) {
    return std::ranges::any_of(table.rejections(),
                               [&](const std::string& each) { return each.contains(reason); });
  }
  static bool play_until_rejected(DuelTable& table, std::string_view reason) {
    return table.play_until([&] { return rejected(table, reason); }, Millis{15'000});
  }
  /// For the first of its events that is `which`, `side` says bend(event) instead, which is rejected with
  /// these words; then it says the true one.
  static void say_wrong_first(DuelTable& table, Side& side, const Which& which, const Bend& bend,
                              std::string_view words) {
    auto kept = std::make_shared<std::optional<nostr::Event>>();
    side.say = [=](const nostr::Event& event) -> std::optional<nostr::Event> {
      if (*kept || !which(event)) return event;
      *kept = event;
      return bend(event);
    };
    table.sit_down();
    ASSERT_TRUE(play_until_rejected(table, words)) << (*kept ? "not rejected" : "never said");
    publish(table, **kept);
  }
  static void expect_played_out(DuelTable& table) {
    ASSERT_TRUE(table.play_until_finished());
    const auto judgement = match::judge(table.transcript());
    EXPECT_TRUE(judgement.in_order()) << judgement.faults.front();
    EXPECT_TRUE(judgement.duel.has_value()) << "not played out";
    expect_conserved(table);
  }
  static void expect_forfeit_of_acceptor(DuelTable& table) {
    ASSERT_TRUE(table.play_until([&] { return table.creator().has("loot") == kPrize; }, Millis{15'000}));
    EXPECT_EQ(table.view().verdict->winner, table.creator().pubkey());
    const auto judgement = match::judge(table.transcript());
    EXPECT_TRUE(judgement.in_order()) << judgement.faults.front();
  }
  static void expect_conserved(DuelTable& table) {
    cashu::Amount loot = 0;
    cashu::Amount mana = 0;
    for (const Side& side : table.sides) {
      loot += side.has("loot");
      mana += side.has("mana");
    }
    EXPECT_TRUE(loot == kPrize || mana == 2 * kStake) << loot << " loot, " << mana << " mana";
  }
  /// A figure of the engine's; 0 while it does not answer.
  static double metric(Economy& set, const std::string& name) {
    const std::string text = http_get(set.engine_url() + "/metrics").value_or("");
    const std::size_t at = text.find("\n" + name + " ");
    return at == std::string::npos ? 0.0 : std::stod(text.substr(at + name.size() + 2));
  }
  /// The bodies of one kind in a chain.
  template <class Body>
  static std::vector<Body> bodies(const std::vector<nostr::Event>& chain) {
    std::vector<Body> out;
    for (const nostr::Event& each : chain) {
      const auto receipt = match::parse_receipt(each);
      if (const auto* body = receipt ? std::get_if<Body>(&receipt->body) : nullptr) out.push_back(*body);
    }
    return out;
  }
};

}  // namespace manastr::test

// Rooms: player
// Rows "Settlement" of what must be survived, at the engine: claims that are wrong, outputs that are taken, a
// mint whose answers are lost. What the mint itself must refuse is in mint_settlement_test.cpp.
#include "common/game/duel.h"
#include "tests/integration/duel_rows.h"
#include "tests/integration/mint_door.h"

namespace manastr::test {
namespace {

using match::Outcome;
using match::Phase;
using mintclient::HttpReply;

struct SettlementRows : DuelRows {
  static const match::Payout& payout_of(DuelTable& table, const Side& side) {
    for (const match::Payout& each : table.view().verdict->payouts) {
      if (each.claimant == side.pubkey()) return each;
    }
    throw std::runtime_error("the verdict pays this side nothing");
  }
  /// A claim with other outputs, sealed, hashed and signed by its author as a true one.
  static nostr::Event claim_with(DuelTable& table, const Side& side, const nostr::Event& claim,
                                 const std::function<void(std::vector<match::Outputs>&)>& change) {
    const auto parsed = match::parse_party_event(claim).value();
    match::Claim content = std::get<match::Claim>(parsed.content);
    const auto key = nostr::conversation_key(side.key, table.engine_key()).value();
    match::SealedClaim sealed =
        match::parse_sealed_claim(nostr::nip44_decrypt(key, content.sealed).value()).value();
    change(sealed.groups);
    const bool created = side.pubkey() == table.creator().pubkey();
    const player::MatchSecrets secrets(
        side.seed, created ? *array_from_hex<32>(table.challenge_event().d()) : table.match());
    const match::Payout& payout = payout_of(table, side);
    for (std::size_t g = 0; g < sealed.groups.size(); ++g) {
      const std::size_t owner = payout.groups[g].owner == table.creator().pubkey() ? 0 : 1;
      sealed.signatures[g] = crypto::sign_schnorr(
          secrets.escrow(), match::group_message(table.view().stakes[owner].proofs, sealed.groups[g]), {});
    }
    content.outputs_hash = match::outputs_hash(sealed.groups);
    content.sealed =
        nostr::nip44_encrypt(key, match::dump_sealed_claim(sealed), system_random().bytes<32>()).value();
    nostr::Draft draft = match::to_draft(content, {}, claim.created_at - Seconds{1});
    draft.tags = claim.tags;
    return side.sign(draft);
  }
  /// The first claim of either side is kept back, and what `instead` makes of it said.
  static std::shared_ptr<std::optional<nostr::Event>> claim_wrong_first(
      DuelTable& table, const std::function<nostr::Event(Side&, const nostr::Event&)>& instead) {
    auto kept = std::make_shared<std::optional<nostr::Event>>();
    for (Side& side : table.sides) {
      side.say = [=, &side](const nostr::Event& event) -> std::optional<nostr::Event> {
        if (event.kind != match::kClaim || *kept) return event;
        *kept = event;
        return instead(side, event);
      };
    }
    return kept;
  }
};

TEST_F(SettlementRows, ClaimOfAWrongOutcome) {
  DuelTable table(*set_);
  const auto kept = claim_wrong_first(table, [&](Side& side, const nostr::Event& event) {
    return rewrite(side, event, [](json::Object& content) {
      const bool win = *member(content, "outcome").if_string() == "win";
      member(content, "outcome") = std::string(win ? "draw" : "win");
    });
  });
  table.sit_down();
  ASSERT_TRUE(play_until_rejected(table, "the verdict is another"));
  publish(table, **kept);
  expect_played_out(table);
}

TEST_F(SettlementRows, ClaimsThatDisagree) {
  // Both say that they have won; only the verdict counts.
  DuelTable table(*set_, DuelTable::brisk());
  table.creator().say = [&](const nostr::Event& event) -> std::optional<nostr::Event> {
    if (is(event, match::kCommitment, 2)) return std::nullopt;  // and so has lost
    return event;
  };
  table.acceptor().say = [&](const nostr::Event& event) -> std::optional<nostr::Event> {
    if (event.kind == match::kClaim) publish(table, said_again(table.creator(), event, Seconds{0}));
    return event;
  };
  table.sit_down();
  ASSERT_TRUE(play_until_rejected(table, "the verdict is another"));
  ASSERT_TRUE(table.play_until_finished());
  EXPECT_EQ(table.acceptor().has("loot"), kPrize);
  const auto judgement = match::judge(table.transcript());
  EXPECT_TRUE(judgement.in_order()) << judgement.faults.front();
  EXPECT_EQ(judgement.winner, table.acceptor().pubkey());
}

struct BadOutputs {
  std::string name;
  std::string words;  ///< of the engine's rejection; "" where the mint refuses
  std::function<void(const Economy&, const Side&, std::vector<match::Outputs>&)> bend;
};
struct OutputRows : SettlementRows, testing::WithParamInterface<BadOutputs> {};

TEST_P(OutputRows, AreRefusedAndRightOnesPaid) {
  DuelTable table(*set_);
  const auto kept = claim_wrong_first(table, [&](Side& side, const nostr::Event& event) {
    return claim_with(table, side, event, [&](auto& groups) { GetParam().bend(*set_, side, groups); });
  });
  table.sit_down();
  if (GetParam().words.empty()) {  // the mint says no, and the client claims again of itself
    ASSERT_TRUE(table.play_until([&] { return !table.view().refusals.empty(); }, Millis{15'000}));
  } else {
    ASSERT_TRUE(play_until_rejected(table, GetParam().words));
    publish(table, **kept);
  }
  expect_played_out(table);
}

INSTANTIATE_TEST_SUITE_P(
    Outputs, OutputRows,
    testing::Values(BadOutputs{"WithAWrongSum", "must sum to",
                               [](const Economy&, const Side&, auto& groups) { groups.back().pop_back(); }},
                    BadOutputs{"WithADuplicate", "stands twice",
                               [](const Economy&, const Side&, auto& groups) {
                                 auto& outputs = groups.back();
                                 outputs[1].b_blinded = outputs[0].b_blinded;
                               }},
                    BadOutputs{"WithoutTheRake", "rake",
                               [](const Economy&, const Side&, auto& groups) {
                                 for (auto& output : groups.front())
                                   output.b_blinded =
                                       crypto::SecretKey::generate(system_random()).public_key();
                               }},
                    BadOutputs{"OfAnUnknownKeyset", "",
                               [](const Economy&, const Side&, auto& groups) {
                                 const auto none =
                                     cashu::KeysetId::from_hex("00" + std::string(14, 'a')).value();
                                 for (auto& outputs : groups) {
                                   for (auto& output : outputs) output.id = none;
                                 }
                               }},
                    BadOutputs{"OfAnotherUnit", "",
                               [](const Economy&, const Side& side, auto& groups) {
                                 const auto other = side.wallet->active_keyset("sat").value().id;
                                 for (auto& outputs : groups) {
                                   for (auto& output : outputs) output.id = other;
                                 }
                               }}),
    [](const auto& row) { return row.param.name; });

TEST_F(SettlementRows, SomeoneElseHasTheWinnersOutputSignedFirst) {
  DuelTable table(*set_);
  for (Side& side : table.sides) table.buy(side, "sat", 8);
  bool once = false;
  for (Side& side : table.sides) {
    side.say = [&](const nostr::Event& event) -> std::optional<nostr::Event> {
      if (event.kind == match::kClaim && !once) {
        once = true;
        const match::Payout& payout = payout_of(table, side);
        const auto outputs =
            side.wallet
                ->prepare(to_hex(table.match()) + ":prize:1:0", payout.groups[0].unit, payout.groups[0].pay)
                .value();
        const auto token = side.wallet->send("sat", 1).value();
        const auto keyset = side.wallet->active_keyset("sat").value();
        const auto swapped = side.mint->swap(
            token.proofs, {{.amount = 1, .id = keyset.id, .b_blinded = outputs.front().b_blinded}});
        EXPECT_TRUE(swapped.has_value()) << swapped.error().message;
      }
      return event;
    };
  }
  table.sit_down();
  ASSERT_TRUE(table.play_until([&] { return !table.view().refusals.empty(); })) << set_->engine().log();
  EXPECT_EQ(table.view().refusals.front().code, int{cashu::kOutputsAlreadySigned});
  expect_played_out(table);
}

TEST_F(SettlementRows, MintAnswersLost) {
  std::atomic<int> settled = 0;
  std::atomic<int> asked = 0;
  std::unique_ptr<MintDoor> door;
  Economy own({.announcement = DuelTable::allowance(), .door = [&](const std::string& url) {
                 door = std::make_unique<MintDoor>(
                     url, MintDoor::Script{{}, [&](const MintDoor::Exchange& exchange, HttpReply& reply) {
                                             const bool lost =
                                                 (exchange.path == "/game-engine/settle" && settled++ < 2) ||
                                                 (exchange.path == "/v1/checkstate" && asked++ < 1);
                                             if (lost) reply = {504, "{}"};
                                           }});
                 return door->url();
               }});
  DuelTable table(own);
  table.sit_down();
  expect_played_out(table);
  ASSERT_TRUE(table.play_until([&] { return table.view().head.phase == Phase::closed; }));
  EXPECT_GE(settled, 3);
  EXPECT_GE(asked, 2);
}

TEST_F(SettlementRows, WinnerFinishesWithoutTheEngine) {
  // The engine's way to the mint is gone after the verdict; the claimant has its signature, and that is
  // enough.
  std::atomic<bool> cut = true;
  std::unique_ptr<MintDoor> door;
  Economy own({.announcement = DuelTable::allowance(), .door = [&](const std::string& url) {
                 const auto refuse = [&](const MintDoor::Exchange& exchange) -> std::optional<HttpReply> {
                   if (exchange.path != "/game-engine/settle" || !cut) return std::nullopt;
                   return HttpReply{503, "{}"};
                 };
                 door = std::make_unique<MintDoor>(url, MintDoor::Script{refuse, {}});
                 return door->url();
               }});
  DuelTable table(own);
  table.sit_down();
  ASSERT_TRUE(table.play_until([&] { return !table.view().accepted_claims.empty(); }));
  EXPECT_EQ(table.creator().has("loot") + table.acceptor().has("loot"), 0U);
  ASSERT_TRUE(table.play_until([&] {
    for (Side& side : table.sides) side.clock->advance(Seconds{6});
    return table.creator().has("loot") + table.acceptor().has("loot") == kPrize ||
           table.creator().has("mana") + table.acceptor().has("mana") == 2 * kStake;
  }));
  EXPECT_TRUE(table.view().settled.empty());
  // What the engine asks then is the same, and is answered the same.
  cut = false;
  ASSERT_TRUE(table.play_until([&] { return table.view().head.phase == Phase::closed; }));
  const auto judgement = match::judge(table.transcript());
  EXPECT_TRUE(judgement.in_order()) << judgement.faults.front();
  EXPECT_TRUE(judgement.settled);
  expect_conserved(table);
}

/// Moves of both with which a duel of these armies is a draw, if there are any.
std::optional<std::array<game::Moves, 2>> draw_of(const std::array<game::Army, 2>& armies) {
  std::vector<game::Moves> orders;
  for (std::uint8_t a = 0; a < game::kUnits; ++a) {
    for (std::uint8_t b = 0; b < game::kUnits; ++b) {
      for (std::uint8_t c = 0; c < game::kUnits; ++c) {
        if (game::forced_unit({a, b, c})) orders.push_back({a, b, c});
      }
    }
  }
  for (const game::Moves& creator : orders) {
    for (const game::Moves& acceptor : orders) {
      if (!game::play_duel(armies[0], creator, armies[1], acceptor)->winner) return {{creator, acceptor}};
    }
  }
  return std::nullopt;
}

TEST_F(SettlementRows, Draw) {
  // Most pairs of armies have no draw in them: duels are played until two that do have met.
  for (int duel = 0; duel < 40; ++duel) {
    DuelTable table(*set_);
    std::optional<std::array<game::Moves, 2>> draw;
    for (Side& side : table.sides) {
      side.moves.plan = [&](const match::Transcript::View& view, std::size_t me, unsigned round) {
        if (!draw) draw = draw_of(*view.armies);
        return draw ? (*draw)[me][round - 1] : static_cast<std::uint8_t>(round - 1);
      };
    }
    table.sit_down();
    ASSERT_TRUE(table.play_until([&] { return table.view().armies.has_value(); }));
    draw = draw_of(*table.view().armies);
    if (!draw) continue;
    expect_played_out(table);
    EXPECT_EQ(table.view().verdict->outcome, Outcome::draw);
    for (const Side& side : table.sides) {
      EXPECT_EQ(side.has("mana"), kStake) << "to each its own, without rake";
      EXPECT_EQ(side.has("loot"), 0U);
    }
    return;
  }
  FAIL() << "no draw among forty pairs of armies";
}

}  // namespace
}  // namespace manastr::test

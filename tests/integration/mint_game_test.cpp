// The game endpoints of the mint: who may call them, burn and loot within a match's credit, and the
// settlement by a verdict. Rooms: common/mintclient common/gameapi
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "common/gameapi/requests.h"
#include "common/json/reader.h"
#include "common/match/commitment.h"
#include "common/match/engine_keys.h"
#include "common/match/referee.h"
#include "common/nostr/nip44.h"
#include "common/nostr/nip98.h"
#include "mint_house.h"

namespace manastr::test {
namespace {

using gameapi::kBurnManaPath;
using gameapi::kMintLootPath;
using gameapi::kSettlePath;
using gameapi::kSpentStatusPath;
using mintclient::HttpReply;

crypto::SecretKey fresh_key() { return crypto::SecretKey::generate(system_random()); }
Hash32 fresh_hash() { return system_random().bytes<32>(); }

std::string engine_toml(const crypto::XOnlyKey& key, const std::string& permissions, bool active = true) {
  return fmt::format(
      "[[authorized_game_engines]]\nname = \"test\"\nnostr_pubkey_hex = \"{}\"\nactive = {}\n"
      "[authorized_game_engines.permissions]\n{}\n",
      key.hex(), active, permissions);
}
constexpr const char* kAll =
    "can_burn_mana = true\ncan_mint_loot = true\ncan_query_spent_status = true\nmax_tokens_per_request = "
    "10000";

class MintGame : public testing::Test {
 protected:
  MintGame()
      : nostr_(fresh_key()),
        mint_({.toml = "", .auth = engine_toml(nostr_.x_only(), kAll), .environment = {}}) {}

  std::string header(std::string_view path, const std::string& body, const crypto::SecretKey& key) {
    return nostr::authorization_header(key, mint_.url() + std::string(path), "POST", body,
                                       system_clock().now_seconds(), system_random());
  }
  HttpReply call(std::string_view path, const std::string& body) {
    return mint_.post(std::string(path), body, header(path, body, nostr_));
  }
  HttpReply call_as(const crypto::SecretKey& key, std::string_view path, const std::string& body) {
    return mint_.post(std::string(path), body, header(path, body, key));
  }
  std::string burn_body(const std::vector<cashu::Proof>& inputs, const Hash32& match,
                        const Hash32& operation = fresh_hash()) {
    return gameapi::to_json(gameapi::BurnManaRequest{operation, match, inputs}).dump();
  }
  std::string loot_body(const std::vector<Draft>& outputs, const Hash32& match,
                        const Hash32& operation = fresh_hash()) {
    gameapi::MintLootRequest request{operation, match, {}};
    for (const Draft& each : outputs) request.outputs.push_back(each.message);
    return gameapi::to_json(request).dump();
  }
  std::string status_body(const std::vector<cashu::Proof>& proofs) {
    gameapi::SpentStatusRequest request;
    for (const auto& proof : proofs) request.ys.push_back(proof.y());
    return gameapi::to_json(request).dump();
  }
  void replace_auth(const std::string& text) {
    const std::string path = mint_.folder() + "/game-engine-auth.toml";
    std::ofstream(path + ".new") << text;
    std::filesystem::rename(path + ".new", path);
  }

  crypto::SecretKey nostr_;
  MintHouse mint_;
};

TEST_F(MintGame, AuthorizationIsCheckedAndUsedUp) {
  const std::string body = status_body(mint_.buy("mana", std::vector<cashu::Amount>{1}));
  const std::string path(kSpentStatusPath);
  EXPECT_EQ(mint_.post(path, body).status, 401);
  EXPECT_EQ(mint_.post(path, body, "Bearer x").status, 401);
  EXPECT_EQ(mint_.post(path, body, header(kBurnManaPath, body, nostr_)).status, 401) << "another path";
  EXPECT_EQ(mint_.post(path, body + " ", header(path, body, nostr_)).status, 401) << "another body";
  EXPECT_EQ(call_as(fresh_key(), path, body).status, 403);
  const std::string good = header(path, body, nostr_);
  EXPECT_EQ(mint_.post(path, body, good).status, 200);
  EXPECT_EQ(mint_.post(path, body, good).status, 401) << "an event is used once";
  mint_.restart();
  EXPECT_EQ(mint_.post(path, body, good).status, 401) << "also across a restart";
}

TEST_F(MintGame, TheAuthFileIsFollowed) {
  const std::string body = status_body(mint_.buy("mana", std::vector<cashu::Amount>{1}));
  ASSERT_EQ(call(kSpentStatusPath, body).status, 200);
  replace_auth(engine_toml(nostr_.x_only(), "can_burn_mana = true"));
  EXPECT_TRUE(eventually([&] { return call(kSpentStatusPath, body).status == 403; }))
      << "the permission is gone";
  replace_auth(engine_toml(nostr_.x_only(), kAll, false));
  EXPECT_TRUE(eventually([&] { return call(kBurnManaPath, "{}").status == 403; })) << "inactive";
  replace_auth("this is no TOML");
  replace_auth(engine_toml(nostr_.x_only(), std::string(kAll) + "\nrequests_per_minute = 60"));
  EXPECT_TRUE(eventually([&] { return call(kSpentStatusPath, body).status == 200; }));
  bool limited = false;
  for (int i = 0; i < 20 && !limited; ++i) limited = call(kSpentStatusPath, body).status == 429;
  EXPECT_TRUE(limited);
}

TEST_F(MintGame, LootIsMintedOnlyAgainstWhatWasBurned) {
  const Hash32 match = fresh_hash();
  const auto mana = mint_.buy("mana", std::vector<cashu::Amount>{64, 32, 4});
  const auto loot = mint_.drafts("loot", {64, 32});
  const std::string first = loot_body(loot, match);
  EXPECT_EQ(MintHouse::code_of(call(kMintLootPath, first)), gameapi::kNoBurnCredit);

  const std::string burn = burn_body(mana, match);
  const HttpReply burned = call(kBurnManaPath, burn);
  ASSERT_EQ(burned.status, 200) << burned.body;
  EXPECT_EQ(member(burned.body, "burned"), "100");
  EXPECT_EQ(member(burned.body, "credit_msat"), "20000");
  EXPECT_EQ(call(kBurnManaPath, burn).body, burned.body) << "a retry, under a fresh authorization";
  EXPECT_EQ(MintHouse::code_of(call(kBurnManaPath, burn_body(mana, match))), 11001);

  EXPECT_EQ(MintHouse::code_of(call(kMintLootPath, loot_body(mint_.drafts("loot", {64}), fresh_hash()))),
            gameapi::kNoBurnCredit)
      << "credit of another match";
  EXPECT_EQ(MintHouse::code_of(call(kMintLootPath, loot_body(mint_.drafts("mana", {64}), match))), 20003);
  const HttpReply minted = call(kMintLootPath, first);
  ASSERT_EQ(minted.status, 200) << minted.body;
  EXPECT_EQ(member(minted.body, "credit_msat"), "800");
  EXPECT_EQ(MintHouse::code_of(call(kMintLootPath, loot_body(mint_.drafts("loot", {8}), match))),
            gameapi::kNoBurnCredit);
  mint_.restart();
  EXPECT_EQ(call(kMintLootPath, first).body, minted.body) << "a retry after a restart";

  const auto held = mint_.unblind(minted.body, loot, "loot");
  const HttpReply status = call(kSpentStatusPath, status_body({mana[0], held[0]}));
  EXPECT_NE(status.body.find("SPENT\",\"match\":\"" + to_hex(match)), std::string::npos) << status.body;
  EXPECT_NE(status.body.find("UNSPENT\",\"match\":null"), std::string::npos) << status.body;
  EXPECT_EQ(mint_.unspent(held) * 200 + 800, static_cast<std::uint64_t>(mint_.book_msat()));
}

TEST_F(MintGame, RequestsAboveTheEnginesLimitAreRefused) {
  const auto mana = mint_.buy("mana", std::vector<cashu::Amount>{4, 4});
  replace_auth(engine_toml(nostr_.x_only(), "can_burn_mana = true\nmax_tokens_per_request = 7"));
  ASSERT_TRUE(eventually([&] { return call(kSpentStatusPath, status_body(mana)).status == 403; }))
      << "reloaded";
  EXPECT_EQ(MintHouse::code_of(call(kBurnManaPath, burn_body(mana, fresh_hash()))), 11006);
  EXPECT_EQ(call(kBurnManaPath, burn_body({mana[0]}, fresh_hash())).status, 200);
}

TEST_F(MintGame, AnOperationIdStandsForOneRequest) {
  const Hash32 operation = fresh_hash();
  const auto mana = mint_.buy("mana", std::vector<cashu::Amount>{4, 4});
  ASSERT_EQ(call(kBurnManaPath, burn_body({mana[0]}, fresh_hash(), operation)).status, 200);
  EXPECT_EQ(call(kBurnManaPath, burn_body({mana[1]}, fresh_hash(), operation)).status, 400);
  EXPECT_EQ(mint_.unspent(mana), 4U);
}

// --- settlement
// -----------------------------------------------------------------------------------------------------------

/// A match as the mint sees it: stakes at the mint, a verdict, the winner's claim.
class Settled : public MintGame {
 protected:
  static constexpr cashu::Amount kStake = 100;

  Settled() : keys_(nostr_, crypto::Secret<32>(fresh_hash())), match_(fresh_hash()) {
    using match::Clocks;
    match::Announcement offer{.escrow_key = keys_.escrow()};
    offer.escrow_proof = keys_.escrow_proof();
    offer.rulebooks = {"duel/1"};
    offer.offers.push_back(
        {mint_.url(), true, "mana", 200, {mint_.keyset("mana").id}, "loot", 200, 1, 100'000, 50'000});
    offer.min_clocks =
        Clocks{Seconds{0}, Seconds{1}, Seconds{1}, Seconds{1}, Seconds{1}, Seconds{0}, Seconds{60}};
    offer.max_clocks = Clocks{Seconds{60},   Seconds{600},   Seconds{3600}, Seconds{86400},
                              Seconds{3600}, Seconds{86400}, Seconds{86400}};
    offer.relays = {"ws://relay1"};
    announcement_ = keys_.sign(match::announcement_draft(offer, now()));
    terms_.engine = keys_.pubkey();
    terms_.announcement = announcement_.id;
    terms_.mint = mint_.url();
    terms_.keyset = mint_.keyset("mana").id;
    terms_.stake_unit = "mana";
    terms_.stake = kStake;
    terms_.stake_price_msat = terms_.prize_price_msat = 200;
    terms_.prize_unit = "loot";
    terms_.rake_ppm = 50'000;
    terms_.relays = {"ws://relay1"};
    terms_.open_until = now() + Seconds{3600};
    for (std::size_t i = 0; i < 2; ++i) stakes_[i].proofs = mint_.buy("mana", stake_drafts(i));
  }

  struct Seat {
    crypto::SecretKey nostr = fresh_key();
    crypto::SecretKey escrow = fresh_key();
  };
  UnixSeconds now() const { return system_clock().now_seconds(); }
  match::Lock lock(std::size_t owner) const {
    return {seats_[0].escrow.public_key(),
            seats_[1].escrow.public_key(),
            keys_.escrow(),
            seats_[owner].escrow.public_key(),
            locktime_,
            match_};
  }
  std::vector<Draft> stake_drafts(std::size_t owner) {
    std::vector<Draft> out;
    for (const cashu::Amount amount : cashu::split_amount(kStake)) {
      out.push_back(mint_.draft("mana", amount, match::stake_secret(lock(owner), fresh_hash())));
    }
    return out;
  }

  nostr::Event verdict(match::Outcome outcome) {
    match::VerdictReceipt body{
        .terms = terms_,
        .parties = {seats_[0].nostr.x_only(), seats_[1].nostr.x_only()},
        .escrow_keys = {seats_[0].escrow.public_key(), seats_[1].escrow.public_key(), keys_.escrow()},
        .locktime = locktime_};
    body.outcome = outcome;
    body.reason = "as the test wants it";
    if (outcome == match::Outcome::win) body.winner = body.parties[0];
    const std::array<match::Party, 2> parties{match::Party{body.parties[0], body.escrow_keys[0]},
                                              match::Party{body.parties[1], body.escrow_keys[1]}};
    auto payouts =
        match::plan_payouts(terms_, parties, stakes_, outcome,
                            outcome == match::Outcome::win ? std::optional<std::size_t>(0) : std::nullopt);
    if (!payouts) throw std::runtime_error(payouts.error().message);
    body.payouts = payouts_ = *std::move(payouts);
    if (outcome == match::Outcome::win) body.rake = *keys_.seal(body.parties[0], "[]");
    match::Receipt receipt{{match_, 20, fresh_hash(), system_clock().now(), match::Phase::claims, 0, {}, {}},
                           body};
    return keys_.sign(
        match::to_draft(receipt, body.parties[0], body.parties[1], keys_.pubkey(), "ws://relay1"));
  }

  /// The outputs that a payout asks for: the claimant's, and the rake's behind them.
  std::vector<std::vector<Draft>> outputs_for(const match::Payout& payout) {
    std::vector<std::vector<Draft>> out;
    for (const match::Group& group : payout.groups) {
      auto amounts = cashu::split_amount(group.pay);
      for (const cashu::Amount amount : cashu::split_amount(group.rake)) amounts.push_back(amount);
      out.push_back(mint_.drafts(group.unit, amounts));
    }
    return out;
  }
  static std::vector<match::Outputs> messages(const std::vector<std::vector<Draft>>& groups) {
    std::vector<match::Outputs> out;
    for (const auto& group : groups) {
      out.emplace_back();
      for (const Draft& each : group) out.back().push_back(each.message);
    }
    return out;
  }

  nostr::Event claim(std::size_t seat, match::Outcome outcome, const std::vector<match::Outputs>& groups) {
    match::Claim content{
        .attempt = 1, .outcome = outcome, .outputs_hash = match::outputs_hash(groups), .sealed = {}};
    content.sealed = *nostr::nip44_encrypt(*nostr::conversation_key(seats_[seat].nostr, keys_.pubkey()),
                                           "sealed", fresh_hash());
    const match::Pointers to{match_,         seats_[0].nostr.x_only(),          fresh_hash(),
                             keys_.pubkey(), {seats_[1 - seat].nostr.x_only()}, ""};
    return nostr::sign(match::to_draft(content, to, now()), seats_[seat].nostr, {});
  }

  /// Which keys sign a group: by default the claimant's and the engine's.
  struct Signers {
    bool claimant = true;
    bool engine = true;
  };
  gameapi::SettleRequest request(std::size_t seat, const nostr::Event& verdict_event,
                                 const nostr::Event& claim_event,
                                 const std::vector<match::Outputs>& outputs) {
    return request(seat, verdict_event, claim_event, outputs, Signers{});
  }
  gameapi::SettleRequest request(std::size_t seat, const nostr::Event& verdict_event,
                                 const nostr::Event& claim_event, const std::vector<match::Outputs>& outputs,
                                 Signers signers) {
    gameapi::SettleRequest out;
    out.announcement = announcement_;
    out.verdict = verdict_event;
    out.claim = claim_event;
    const match::Payout& payout = payout_of(seat);
    for (std::size_t i = 0; i < payout.groups.size(); ++i) {
      const std::size_t owner = payout.groups[i].owner == seats_[0].nostr.x_only() ? 0 : 1;
      match::SignedGroup group{stakes_[owner].proofs, outputs.at(i)};
      const Hash32 message = match::group_message(group.inputs, group.outputs);
      std::vector<crypto::Signature> signatures;
      if (signers.claimant) signatures.push_back(crypto::sign_schnorr(seats_[seat].escrow, message, {}));
      if (signers.engine) signatures.push_back(keys_.sign_escrow(message));
      group.inputs.front().witness = cashu::p2pk_witness(signatures);
      out.groups.push_back(std::move(group));
    }
    out.operation = match::settlement_key(payout, outputs);
    return out;
  }
  const match::Payout& payout_of(std::size_t seat) const {
    for (const match::Payout& payout : payouts_) {
      if (payout.claimant == seats_[seat].nostr.x_only()) return payout;
    }
    throw std::runtime_error("the verdict pays this seat nothing");
  }
  HttpReply settle(const gameapi::SettleRequest& request) {
    return mint_.post(std::string(kSettlePath), gameapi::to_json(request).dump());
  }
  /// {"signatures":[[...],[...]]} as proofs.
  std::vector<cashu::Proof> unblind_groups(const std::string& body,
                                           const std::vector<std::vector<Draft>>& groups) {
    const json::Value reply = *json::parse(body);
    std::vector<cashu::Proof> out;
    for (std::size_t i = 0; i < groups.size(); ++i) {
      json::Value wrapped;
      wrapped.set("signatures", reply.find("signatures")->if_array()->at(i));
      const std::string unit = groups[i].front().message.id == mint_.keyset("loot").id ? "loot" : "mana";
      const auto proofs = mint_.unblind(wrapped.dump(), groups[i], unit);
      out.insert(out.end(), proofs.begin(), proofs.end());
    }
    return out;
  }
  std::vector<cashu::Proof> all_stakes() const {
    auto out = stakes_[0].proofs;
    out.insert(out.end(), stakes_[1].proofs.begin(), stakes_[1].proofs.end());
    return out;
  }

  match::EngineKeys keys_;
  match::MatchId match_;
  std::array<Seat, 2> seats_;
  UnixSeconds locktime_ = system_clock().now_seconds() + Seconds{7200};
  match::Terms terms_;
  nostr::Event announcement_;
  std::array<match::Stake, 2> stakes_;
  std::vector<match::Payout> payouts_;
};

TEST_F(Settled, TheWinnerGetsBothStakesAsLootOnceAndTheEvidenceIsServed) {
  const auto word = verdict(match::Outcome::win);
  const auto outputs = outputs_for(payout_of(0));
  const auto asked = request(0, word, claim(0, match::Outcome::win, messages(outputs)), messages(outputs));
  EXPECT_EQ(mint_.get(std::string(gameapi::kVerdictsPath) + to_hex(match_)).status, 404);
  const HttpReply reply = settle(asked);
  ASSERT_EQ(reply.status, 200) << reply.body;
  const auto loot = unblind_groups(reply.body, outputs);
  EXPECT_EQ(mint_.unspent(all_stakes()), 0U);
  EXPECT_EQ(mint_.unspent(loot), 2 * kStake);
  EXPECT_EQ(mint_.unspent(loot) * 200, static_cast<std::uint64_t>(mint_.book_msat()));
  EXPECT_EQ(settle(asked).body, reply.body) << "a retry";
  mint_.restart();
  EXPECT_EQ(settle(asked).body, reply.body) << "a retry after a restart";

  const HttpReply evidence = mint_.get(std::string(gameapi::kVerdictsPath) + to_hex(match_));
  const auto read = gameapi::verdicts_response_from_json(*json::parse(evidence.body));
  ASSERT_TRUE(read) << evidence.body;
  EXPECT_EQ(read->verdict, asked.verdict);
  EXPECT_EQ(read->announcement, asked.announcement);
  ASSERT_EQ(read->claims.size(), 1U);
  EXPECT_EQ(read->claims[0], asked.claim);
  EXPECT_EQ(MintHouse::code_of(mint_.post("/v1/mint/quote/bolt11", R"({"unit":"loot","amount":1})")), 20003);
}

TEST_F(Settled, AMatchProofIsSpentByASettlementAlone) {
  const std::vector<cashu::Proof>& stake = stakes_[0].proofs;
  std::vector<cashu::Proof> inputs = stake;
  const auto outputs = mint_.drafts("mana", cashu::split_amount(kStake));
  const Hash32 message = match::group_message(inputs, messages({outputs})[0]);
  inputs[0].witness = cashu::p2pk_witness({crypto::sign_schnorr(seats_[0].escrow, message, {}),
                                           crypto::sign_schnorr(seats_[1].escrow, message, {})});
  EXPECT_EQ(MintHouse::code_of(mint_.post("/v1/swap", swap_body(inputs, outputs))), gameapi::kMatchLocked);
  EXPECT_EQ(MintHouse::code_of(call(kBurnManaPath, burn_body(inputs, match_))), gameapi::kMatchLocked);
  const std::string quote =
      member(mint_
                 .post("/v1/melt/quote/bolt11",
                       R"({"unit":"mana","request":")" + MintHouse::foreign_invoice(5) + "\"}")
                 .body,
             "quote");
  EXPECT_EQ(MintHouse::code_of(mint_.post("/v1/melt/bolt11", melt_body(quote, inputs))),
            gameapi::kMatchLocked);
  EXPECT_EQ(mint_.unspent(all_stakes()), 2 * kStake);
}

TEST_F(Settled, TheftsAreRefused) {
  const auto word = verdict(match::Outcome::win);
  const auto outputs = outputs_for(payout_of(0));
  const auto claimed = claim(0, match::Outcome::win, messages(outputs));
  const auto good = request(0, word, claimed, messages(outputs));
  const auto code = [&](const gameapi::SettleRequest& asked) { return MintHouse::code_of(settle(asked)); };

  EXPECT_EQ(code(request(0, word, claimed, messages(outputs), {.claimant = false, .engine = true})), 10001)
      << "the engine alone";
  EXPECT_EQ(code(request(0, word, claimed, messages(outputs), {.claimant = true, .engine = false})), 10001)
      << "the winner alone";
  EXPECT_EQ(code(request(0, word, claimed, messages(outputs_for(payout_of(0))))), gameapi::kVerdictInvalid)
      << "outputs that were not claimed";
  EXPECT_EQ(code(request(0, word, claim(1, match::Outcome::win, messages(outputs)), messages(outputs))),
            gameapi::kVerdictInvalid)
      << "a claim of the loser";
  auto forged = good;
  forged.verdict.content += " ";
  EXPECT_EQ(code(forged), gameapi::kVerdictInvalid) << "a verdict that the engine did not sign";
  auto other_operation = good;
  other_operation.operation = fresh_hash();
  EXPECT_EQ(code(other_operation), gameapi::kVerdictInvalid);
  const match::EngineKeys stranger(fresh_key(), crypto::Secret<32>(fresh_hash()));
  auto foreign = good;
  foreign.verdict = stranger.sign({word.created_at, word.kind, word.tags, word.content});
  EXPECT_EQ(code(foreign), gameapi::kVerdictInvalid) << "an engine that the mint does not know";

  auto changed_keyset = outputs;
  changed_keyset[0] = mint_.drafts("mana", {64, 32, 4});
  EXPECT_NE(settle(request(0, word, claim(0, match::Outcome::win, messages(changed_keyset)),
                           messages(changed_keyset)))
                .status,
            200)
      << "another unit than the verdict's";
  EXPECT_EQ(mint_.unspent(all_stakes()), 2 * kStake) << "nothing was spent by any of these";
  EXPECT_EQ(settle(good).status, 200);
}

TEST_F(Settled, AllGroupsAreExecutedOrNone) {
  const auto word = verdict(match::Outcome::win);
  const auto outputs = outputs_for(payout_of(0));
  const auto asked = request(0, word, claim(0, match::Outcome::win, messages(outputs)), messages(outputs));
  // Someone else has an output of the last group signed first.
  const auto mana = mint_.buy("mana", std::vector<cashu::Amount>{64, 32, 4});
  const Hash32 elsewhere = fresh_hash();
  ASSERT_EQ(call(kBurnManaPath, burn_body(mana, elsewhere)).status, 200);
  ASSERT_EQ(call(kMintLootPath, loot_body({outputs.back().back()}, elsewhere)).status, 200);
  EXPECT_EQ(MintHouse::code_of(settle(asked)), 11003);
  EXPECT_EQ(mint_.unspent(all_stakes()), 2 * kStake);
  // A fresh claim goes through.
  const auto fresh = outputs_for(payout_of(0));
  EXPECT_EQ(settle(request(0, word, claim(0, match::Outcome::win, messages(fresh)), messages(fresh))).status,
            200);
}

TEST_F(Settled, ADrawSendsEachStakeHomeAndASecondVerdictIsRefused) {
  const auto word = verdict(match::Outcome::draw);
  std::vector<cashu::Proof> home;
  for (const std::size_t seat : {0U, 1U}) {
    const auto outputs = outputs_for(payout_of(seat));
    const HttpReply reply =
        settle(request(seat, word, claim(seat, match::Outcome::draw, messages(outputs)), messages(outputs)));
    ASSERT_EQ(reply.status, 200) << reply.body;
    const auto proofs = unblind_groups(reply.body, outputs);
    home.insert(home.end(), proofs.begin(), proofs.end());
    if (seat == 0) {
      const auto other = verdict(match::Outcome::win);
      const auto stolen = outputs_for(payout_of(0));
      EXPECT_NE(
          settle(request(0, other, claim(0, match::Outcome::win, messages(stolen)), messages(stolen))).status,
          200);
      payouts_.clear();
      ASSERT_NO_THROW(verdict(match::Outcome::draw));  // the payouts of the first word again
    }
  }
  EXPECT_EQ(mint_.unspent(home), 2 * kStake);
  EXPECT_EQ(home.front().id, mint_.keyset("mana").id) << "refunds stay in the stake's unit";
  EXPECT_EQ(mint_.unspent(home) * 200, static_cast<std::uint64_t>(mint_.book_msat()));
}

TEST_F(Settled, SixtyFourIdenticalSettlementsGetEqualReplies) {
  const auto word = verdict(match::Outcome::win);
  const auto outputs = outputs_for(payout_of(0));
  const auto asked = request(0, word, claim(0, match::Outcome::win, messages(outputs)), messages(outputs));
  const auto replies = mint_.post_at_once(std::string(kSettlePath),
                                          std::vector<std::string>(64, gameapi::to_json(asked).dump()));
  for (const HttpReply& reply : replies) {
    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(reply.body, replies.front().body);
  }
}

class Expired : public Settled {
 protected:
  Expired() {
    locktime_ = now() - Seconds{1};
    stakes_[0].proofs = mint_.buy("mana", stake_drafts(0));
  }
};

TEST_F(Expired, AfterTheLocktimeTheOwnerTakesTheStakeBackWithoutTheEngine) {
  auto inputs = stakes_[0].proofs;
  const auto outputs = mint_.drafts("mana", cashu::split_amount(kStake));
  inputs[0].witness = cashu::p2pk_witness(
      {crypto::sign_schnorr(seats_[0].escrow, match::group_message(inputs, messages({outputs})[0]), {})});
  const HttpReply reply = mint_.post("/v1/swap", swap_body(inputs, outputs));
  EXPECT_EQ(reply.status, 200) << reply.body;
}

}  // namespace
}  // namespace manastr::test

// Settlements at the mint: by a verdict alone, all groups or none, once; and every way to a stake that is
// none. Rooms: common/mintclient common/gameapi
// Databases: both
#include "tests/integration/mint_match.h"

namespace manastr::test {
namespace {

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

/// A settlement, or another way to a stake, that somebody tries who must not have it.
struct Theft {
  std::string name;
  int code;
  std::function<HttpReply(Settled&)> attempt;
};
struct TheftRows : Settled, testing::WithParamInterface<Theft> {};

TEST_P(TheftRows, IsRefusedAndTheStakesAreStillThere) {
  const HttpReply reply = GetParam().attempt(*this);
  EXPECT_EQ(MintHouse::code_of(reply), GetParam().code) << reply.body;
  EXPECT_EQ(mint_.unspent(all_stakes()), 2 * kStake);
  EXPECT_EQ(mint_.get(std::string(gameapi::kVerdictsPath) + to_hex(match_)).status, 404);
  // What is right still goes through.
  const auto word = verdict(match::Outcome::win);
  const auto outputs = outputs_for(payout_of(0));
  EXPECT_EQ(
      settle(request(0, word, claim(0, match::Outcome::win, messages(outputs)), messages(outputs))).status,
      200);
}

/// The right settlement of a win by the first seat, changed before or after the claim is signed.
struct Steps {
  std::function<void(Settled&, std::vector<match::Outputs>&)> before_claim = {};
  std::function<void(Settled&, std::vector<match::Outputs>&)> after_claim = {};
  std::function<void(Settled&, gameapi::SettleRequest&)> before_sending = {};
  Settled::Signers signers = {};
  std::size_t claimant = 0;
  match::Outcome claimed = match::Outcome::win;
};
std::function<HttpReply(Settled&)> settlement(Steps steps) {
  return [steps = std::move(steps)](Settled& t) {
    const auto word = t.verdict(match::Outcome::win);
    auto outputs = Settled::messages(t.outputs_for(t.payout_of(0)));
    if (steps.before_claim) steps.before_claim(t, outputs);
    const auto claimed = t.claim(steps.claimant, steps.claimed, outputs);
    if (steps.after_claim) steps.after_claim(t, outputs);
    auto request = t.request(0, word, claimed, outputs, steps.signers);
    if (steps.before_sending) steps.before_sending(t, request);
    return t.settle(request);
  };
}
/// By a swap under these keys, without a settlement.
std::function<HttpReply(Settled&)> swap_of(std::size_t owner, bool by_engine,
                                           std::vector<std::size_t> seats) {
  return [=](Settled& t) {
    auto inputs = t.stakes_[owner].proofs;
    const auto outputs = t.mint_.drafts("mana", cashu::split_amount(Settled::kStake));
    const Hash32 message = match::group_message(inputs, Settled::messages({outputs})[0]);
    std::vector<crypto::Signature> signatures;
    if (by_engine) signatures.push_back(t.keys_.sign_escrow(message));
    for (const std::size_t seat : seats)
      signatures.push_back(crypto::sign_schnorr(t.seats_[seat].escrow, message, {}));
    inputs[0].witness = cashu::p2pk_witness(signatures);
    return t.mint_.post("/v1/swap", swap_body(inputs, outputs));
  };
}
void set_ids(std::vector<match::Outputs>& groups, const cashu::KeysetId& id) {
  for (auto& outputs : groups) {
    for (auto& output : outputs) output.id = id;
  }
}

const std::vector<Theft> kThefts{
    Theft{"EngineAlone", 10001, settlement({.signers = {.claimant = false, .engine = true}})},
    Theft{"WinnerAlone", 10001, settlement({.signers = {.claimant = true, .engine = false}})},
    Theft{"EngineWithOnePartysKeyWithoutAVerdict", gameapi::kMatchLocked, swap_of(1, true, {0})},
    Theft{"BothPartiesWithoutASettlement", gameapi::kMatchLocked, swap_of(1, false, {0, 1})},
    Theft{"VerdictThatTheEngineDidNotSign", gameapi::kVerdictInvalid,
          settlement({.before_sending = [](Settled&, auto& asked) { asked.verdict.content += " "; }})},
    Theft{"AnnouncementOfAnotherEscrowKey", gameapi::kVerdictInvalid,
          settlement({.before_sending =
                          [](Settled& t, auto& asked) {
                            const match::EngineKeys other(t.nostr_, crypto::Secret<32>(fresh_hash()));
                            auto offer = match::parse_announcement(asked.announcement).value();
                            offer.escrow_key = other.escrow();
                            offer.escrow_proof = other.escrow_proof();
                            asked.announcement = other.sign(match::announcement_draft(offer, t.now()));
                          }})},
    Theft{"ClaimOfTheLoser", gameapi::kVerdictInvalid, settlement({.claimant = 1})},
    Theft{"ClaimOfAWrongOutcome", gameapi::kVerdictInvalid, settlement({.claimed = match::Outcome::draw})},
    Theft{"OutputsThatWereNotClaimed", gameapi::kVerdictInvalid,
          settlement({.after_claim =
                          [](Settled& t, auto& outputs) {
                            outputs = Settled::messages(t.outputs_for(t.payout_of(0)));
                          }})},
    Theft{"KeysetIdChangedAfterTheClaim", gameapi::kVerdictInvalid,
          settlement({.after_claim = [](Settled& t,
                                        auto& outputs) { set_ids(outputs, t.mint_.keyset("mana").id); }})},
    Theft{"OutputsOfAnotherUnit", int{cashu::kUnitMismatch},
          settlement({.before_claim = [](Settled& t,
                                         auto& outputs) { set_ids(outputs, t.mint_.keyset("mana").id); }})},
    Theft{"OutputsOfAnUnknownKeyset", int{cashu::kKeysetUnknown},
          settlement({.before_claim =
                          [](Settled&, auto& outputs) {
                            set_ids(outputs, cashu::KeysetId::from_hex("00" + std::string(14, 'a')).value());
                          }})},
    Theft{"OutputsWithAWrongSum", int{cashu::kNotBalanced},
          settlement({.before_claim =
                          [](Settled& t, auto& outputs) {
                            outputs.front().push_back(t.mint_.draft("loot", 64).message);
                          }})},
    Theft{"DuplicateOutput", int{cashu::kDuplicateOutputs},
          settlement({.before_claim =
                          [](Settled&, auto& outputs) {
                            outputs.front().at(1).b_blinded = outputs.front().at(0).b_blinded;
                          }})},
    Theft{"InputsOfAnotherStake", gameapi::kVerdictInvalid,
          settlement({.before_sending =
                          [](Settled& t, auto& asked) {
                            for (Draft& each : t.stake_drafts(0)) {
                              asked.groups.back().inputs.front() =
                                  t.mint_.buy("mana", std::vector<Draft>{each}).front();
                            }
                          }})},
    Theft{"OperationOfOtherOutputs", gameapi::kVerdictInvalid,
          settlement({.before_sending = [](Settled&, auto& asked) { asked.operation = fresh_hash(); }})}};
INSTANTIATE_TEST_SUITE_P(Settlement, TheftRows, testing::ValuesIn(kThefts),
                         [](const auto& theft) { return theft.param.name; });

TEST_F(Settled, AVerdictOfAnEngineThatMayNotSettleIsRefused) {
  const auto word = verdict(match::Outcome::win);
  const auto outputs = outputs_for(payout_of(0));
  const auto asked = request(0, word, claim(0, match::Outcome::win, messages(outputs)), messages(outputs));
  const std::string body = status_body(all_stakes());
  const auto known_as = [&](const std::string& auth, int status) {
    replace_auth(auth);
    return eventually([&] { return call(kSpentStatusPath, body).status == status; });
  };
  const crypto::XOnlyKey own = nostr_.x_only();
  const std::string burns_only = "can_burn_mana = true\nmax_tokens_per_request = 10000";
  for (const auto& [what, auth] : {std::pair{"unknown", engine_toml(fresh_key().x_only(), kAll)},
                                   std::pair{"inactive", engine_toml(own, kAll, false)},
                                   std::pair{"without can_mint_loot", engine_toml(own, burns_only)}}) {
    ASSERT_TRUE(known_as(auth, 403)) << what;
    EXPECT_EQ(MintHouse::code_of(settle(asked)), gameapi::kVerdictInvalid) << what;
    ASSERT_TRUE(known_as(engine_toml(own, kAll), 200));
  }
  EXPECT_EQ(mint_.unspent(all_stakes()), 2 * kStake);
  EXPECT_EQ(settle(asked).status, 200);
}

TEST_F(Settled, EngineWithOnePartysKeyTakesTheOtherStakeWithAFalseVerdict) {
  // Nothing at the mint tells that the verdict is false: it is stored and served, signed, for anyone to
  // refute.
  const auto word = verdict(match::Outcome::win);
  const auto outputs = outputs_for(payout_of(0));
  const auto asked = request(0, word, claim(0, match::Outcome::win, messages(outputs)), messages(outputs));
  ASSERT_EQ(settle(asked).status, 200);
  const HttpReply evidence = mint_.get(std::string(gameapi::kVerdictsPath) + to_hex(match_));
  const auto read = gameapi::verdicts_response_from_json(*json::parse(evidence.body));
  ASSERT_TRUE(read) << evidence.body;
  EXPECT_TRUE(nostr::verify(read->verdict));
  EXPECT_EQ(read->verdict.pubkey, keys_.pubkey());
  const auto receipt = match::parse_receipt(read->verdict);
  EXPECT_EQ(std::get<match::VerdictReceipt>(receipt->body).winner, seats_[0].nostr.x_only());
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
      // Nor does the same outcome count in another verdict, though the stake that it pays is still there.
      const auto twin = verdict(match::Outcome::draw);
      const auto mine = outputs_for(payout_of(1));
      EXPECT_EQ(MintHouse::code_of(
                    settle(request(1, twin, claim(1, match::Outcome::draw, messages(mine)), messages(mine)))),
                gameapi::kVerdictInvalid);
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

struct Expired : Settled {
  Expired() {
    locktime_ = now() - Seconds{1};
    for (std::size_t i = 0; i < 2; ++i) stakes_[i].proofs = mint_.buy("mana", stake_drafts(i));
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

TEST_F(Expired, OneGroupExecutedByHandBeforehandIsDoneWithoutPayingTwice) {
  const auto word = verdict(match::Outcome::draw);
  const auto outputs = outputs_for(payout_of(0));
  const auto asked = request(0, word, claim(0, match::Outcome::draw, messages(outputs)), messages(outputs));
  const HttpReply by_hand = mint_.post("/v1/swap", swap_body(asked.groups[0].inputs, outputs[0]));
  ASSERT_EQ(by_hand.status, 200) << by_hand.body;
  const HttpReply settled = settle(asked);
  ASSERT_EQ(settled.status, 200) << settled.body;
  const auto home = unblind_groups(settled.body, outputs);
  EXPECT_EQ(inputs_json(home), inputs_json(mint_.unblind(by_hand.body, outputs[0], "mana")))
      << "the same signatures";
  EXPECT_EQ(mint_.unspent(home) + mint_.unspent(stakes_[1].proofs), 2 * kStake);
  // With other outputs there is nothing left to pay.
  const auto more = outputs_for(payout_of(0));
  EXPECT_EQ(MintHouse::code_of(
                settle(request(0, word, claim(0, match::Outcome::draw, messages(more)), messages(more)))),
            11001);
}

}  // namespace
}  // namespace manastr::test

#include "mint/pipeline/funds.h"

#include <gtest/gtest.h>

#include "common/cashu/conditions.h"
#include "common/gameapi/requests.h"
#include "common/match/escrow.h"

namespace manastr::mint {
namespace {

const UnixSeconds kNow = unix_seconds(1'000);

class FundsTest : public testing::Test {
 protected:
  FundsTest() {
    Configuration configuration;
    configuration.currencies.emplace_back().unit = "mana";
    auto assembled = KeysetRing::assemble(crypto::Secret<64>(ByteArray<64>{1}), {}, configuration);
    EXPECT_TRUE(assembled) << assembled.error().message;
    ring_ = std::move(assembled->ring);
  }
  Inputs inputs(const std::string& secret) {
    const crypto::SecretKey& key = ring_->active("mana")->denomination(1)->secret;
    cashu::Proof proof;
    proof.amount = 1;
    proof.id = ring_->active("mana")->id();
    proof.secret = secret;
    proof.c = crypto::sign_blinded(key, key.public_key(), crypto::hash_to_curve(as_bytes(secret)))
                  .c_blinded.bytes();
    auto out = check_inputs({proof}, *ring_, kNow);
    EXPECT_TRUE(out) << out.error().message;
    return *std::move(out);
  }
  std::shared_ptr<const KeysetRing> ring_;
  crypto::SecretKey owner_ = *crypto::SecretKey::parse(ByteArray<32>{7});
};

TEST_F(FundsTest, WhiteSpaceBeforeALockDoesNotOpenIt) {
  const std::string lock = R"(["P2PK",{"nonce":"00","data":")" + owner_.public_key().hex() + "\"}]";
  for (const std::string before : {"", " ", "\n", "\t \r"}) {
    const Inputs locked = inputs(before + lock);
    const Status unlocked = check_locks(locked, {}, "", kNow);
    ASSERT_FALSE(unlocked) << "before: '" << before << "'";
    EXPECT_EQ(unlocked.error().code, cashu::kProofInvalid);
  }
  EXPECT_TRUE(check_locks(inputs("a plain secret"), {}, "", kNow));
}

TEST_F(FundsTest, AStakeIsForASettlementAloneUntilItsLocktime) {
  const auto key = [](Byte which) { return crypto::SecretKey::parse(ByteArray<32>{which})->public_key(); };
  const match::Lock lock{key(1), key(2), key(3), key(1), kNow + Seconds{10}, {}};
  const Inputs stake = inputs(match::stake_secret(lock, {}));
  EXPECT_EQ(check_stakes(stake, kNow).error().code, gameapi::kMatchLocked);
  EXPECT_EQ(check_stakes(inputs("\n" + match::stake_secret(lock, {})), kNow).error().code,
            gameapi::kMatchLocked);
  EXPECT_TRUE(check_stakes(stake, kNow + Seconds{10}));
  EXPECT_TRUE(check_stakes(inputs("a plain secret"), kNow));
}

}  // namespace
}  // namespace manastr::mint

// What a request may do with a keyset at each moment of its life, under a clock that jumps: inputs, outputs
// and blank outputs, and what a ring that is too old does about it.
#include <gtest/gtest.h>

#include "mint/pipeline/funds.h"
#include "mint/pipeline/render.h"
#include "mint/pipeline/with_ring.h"

namespace manastr::mint {
namespace {

const UnixSeconds kNow = unix_seconds(1'700'000'000);
const UnixSeconds kOverlapEnds = kNow + Seconds{3'600};
const UnixSeconds kExpiry = kNow + Seconds{90 * 86'400};

class KeysetLifeTest : public testing::Test {
 protected:
  KeysetLifeTest() : keysets_(ring(KeysetState::signing)) {}
  std::shared_ptr<const KeysetRing> ring(KeysetState state, bool with_successor = false) {
    CurrencyConfiguration mana;
    mana.name = mana.unit = "mana";
    KeysetRecord old{.number = 1, .unit = "mana", .state = state, .final_expiry = kExpiry};
    if (state == KeysetState::overlap) old.overlap_until = kOverlapEnds;
    std::vector<KeysetRecord> records{old};
    if (with_successor) records.push_back({.number = 2, .unit = "mana", .position = 2});
    auto made = KeysetRing::make(derivations_, std::move(records), {mana}, 2);
    EXPECT_TRUE(made) << made.error().message;
    return *std::move(made);
  }
  /// 0, or why proofs of keyset 1 are refused then.
  static int spending(const KeysetRing& in, UnixSeconds at) {
    cashu::Proof proof;
    proof.amount = 1;
    proof.id = in.by_number(1)->id();
    proof.secret = "a secret";
    const auto checked = check_inputs({proof}, in, at);
    return checked ? 0 : checked.error().code;
  }
  static int signing(const KeysetRing& in, UnixSeconds at, bool blank = false) {
    const cashu::BlindedMessage message{1, in.by_number(1)->id(), crypto::hash_to_curve(as_bytes("a point"))};
    const auto checked = check_outputs({message}, in, at, blank);
    if (!checked) return checked.error().code;
    return checked->unusable ? checked->unusable->code : 0;
  }

  Derivations derivations_{crypto::Secret<64>(ByteArray<64>{1})};
  Keysets keysets_;
};

TEST_F(KeysetLifeTest, SignsUntilItsOverlapEndsAndIsTakenUntilItExpires) {
  const auto overlapping = ring(KeysetState::overlap, true);
  for (const bool blank : {false, true}) {
    EXPECT_EQ(signing(*overlapping, kOverlapEnds - Seconds{1}, blank), 0);
    EXPECT_EQ(signing(*overlapping, kOverlapEnds, blank), cashu::kKeysetInactive);
    EXPECT_EQ(signing(*overlapping, kExpiry, blank), cashu::kKeysetExpired);
  }
  EXPECT_EQ(spending(*overlapping, kExpiry - Seconds{1}), 0);
  EXPECT_EQ(spending(*overlapping, kExpiry), cashu::kKeysetExpired);
  EXPECT_EQ(spending(*overlapping, kOverlapEnds), 0) << "a clock set back: it is not marked yet";
  EXPECT_EQ(signing(*ring(KeysetState::verifying, true), kNow), cashu::kKeysetInactive);
}

TEST_F(KeysetLifeTest, OncePrunedItIsExpiredWhateverTheClockSays) {
  const auto pruned = ring(KeysetState::pruned, true);
  EXPECT_EQ(spending(*pruned, kNow), cashu::kKeysetExpired);
  EXPECT_EQ(signing(*pruned, kNow), cashu::kKeysetExpired);
}

TEST_F(KeysetLifeTest, KeysetsThatAreNoMoneyAreUnknown) {
  const KeysetRecord auth{.number = 1, .unit = std::string(kAuthUnit), .denominations = 1};
  const auto made = KeysetRing::make(derivations_, {auth}, {}, 2);
  ASSERT_TRUE(made);
  EXPECT_EQ(spending(**made, kNow), cashu::kKeysetUnknown);
  EXPECT_EQ(signing(**made, kNow), cashu::kKeysetUnknown);
}

/// Another mint has made a keyset.
class News final : public KeysetSource {
 public:
  News(Keysets& keysets, std::shared_ptr<const KeysetRing> ring)
      : keysets_(&keysets), ring_(std::move(ring)) {
    keysets.asks(this);
  }
  Result<const KeysetRing*> look() override {
    ++looks;
    if (silent) return unavailable("not now");
    if (ring_) keysets_->publish(std::exchange(ring_, nullptr));
    return keysets_->now();
  }
  int looks = 0;
  bool silent = false;

 private:
  Keysets* keysets_;
  std::shared_ptr<const KeysetRing> ring_;
};

TEST_F(KeysetLifeTest, ARequestThatNamesAnUnknownKeysetIsReadAgainAfterALook) {
  const auto newer = ring(KeysetState::overlap, true);
  const cashu::KeysetId fresh = newer->by_number(2)->id();
  News news(keysets_, newer);
  Parts parts;
  parts.keysets = &keysets_;
  const auto find = [&](const cashu::KeysetId& id) {
    const KeysetRing* used = nullptr;
    return with_ring(parts, used, [&](const KeysetRing& in_force) -> Result<std::uint32_t> {
      const SigningKeyset* keyset = in_force.find(id);
      if (keyset == nullptr) return refused(cashu::kKeysetUnknown, "unknown");
      return keyset->number();
    });
  };
  EXPECT_EQ(find(newer->by_number(1)->id()).value(), 1U);
  EXPECT_EQ(news.looks, 0) << "what is known costs nothing";
  news.silent = true;
  EXPECT_EQ(find(fresh).error().kind, ErrorKind::unavailable) << "not 12001, for that may be wrong";
  news.silent = false;
  EXPECT_EQ(find(fresh).value(), 2U);
  const int looks = news.looks;
  EXPECT_EQ(find(*cashu::KeysetId::from_hex("00aaaaaaaaaaaaaa")).error().code, cashu::kKeysetUnknown);
  EXPECT_EQ(news.looks, looks + 1);
}

TEST_F(KeysetLifeTest, ASignatureThatAnotherMintMadeIsShownWithItsKeyset) {
  const auto newer = ring(KeysetState::overlap, true);
  const std::string fresh = newer->by_number(2)->id_hex();
  News news(keysets_, newer);
  StoredSignature signature;
  signature.keyset = 2;
  signature.amount = 4;
  news.silent = true;
  EXPECT_FALSE(signatures_body(std::vector{signature}, keysets_));
  news.silent = false;
  const auto body = signatures_body(std::vector{signature}, keysets_);
  ASSERT_TRUE(body) << body.error().message;
  EXPECT_NE(body->find(fresh), std::string::npos) << *body;
  signature.keyset = 9;
  EXPECT_FALSE(signatures_body(std::vector{signature}, keysets_));
}

}  // namespace
}  // namespace manastr::mint

#include "mint/keysets/signing_keyset.h"

#include <gtest/gtest.h>

#include "mint/keysets/keyset_ring.h"

namespace manastr::mint {
namespace {

crypto::Secret<64> seed() {
  return *crypto::mnemonic_seed(
      "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about");
}

Configuration configuration(std::vector<CurrencyConfiguration> currencies) {
  Configuration out;
  out.currencies = std::move(currencies);
  return out;
}
CurrencyConfiguration currency(const std::string& unit, std::uint64_t fee = 0) {
  CurrencyConfiguration out;
  out.name = out.unit = unit;
  out.input_fee_ppk = fee;
  return out;
}

TEST(UnitIndex, IsThatOfOtherMints) {  // so that a mint can move here with its mnemonic
  EXPECT_EQ(unit_index("sat"), 1967237907U);
  EXPECT_EQ(unit_index("msat"), 142929756U);
  EXPECT_EQ(unit_index("usd"), 577560378U);
  EXPECT_EQ(unit_index("eur"), 1473545324U);
  EXPECT_EQ(unit_index("auth"), 1222349093U);
  EXPECT_EQ(unit_index("mana"), 2080821064U);
  EXPECT_EQ(unit_index("loot"), 1952105353U);
}

TEST(SigningKeyset, SignsWhatItsPublishedKeysVerify) {
  const auto master = crypto::ExtendedKey::master(seed().reveal());
  KeysetRecord record;
  record.number = 1;
  record.unit = "mana";
  for (const int version : {1, 2}) {
    const SigningKeyset keyset(record, derive_own_keys(master, record), version);
    EXPECT_TRUE(cashu::id_matches(keyset.published({})));
    EXPECT_EQ(keyset.id().bytes().size(), version == 1 ? 8U : 33U);
    ASSERT_NE(keyset.denomination(8), nullptr);
    EXPECT_EQ(keyset.denomination(8)->key, keyset.published({}).keys.at(8));
    EXPECT_EQ(keyset.denomination(8)->secret.public_key(), keyset.denomination(8)->key);
  }
}

TEST(SigningKeyset, SignsNothingWhileItIsHeld) {
  const auto master = crypto::ExtendedKey::master(seed().reveal());
  KeysetRecord record;
  record.unit = "sat";
  record.state = KeysetState::overlap;
  record.overlap_until = unix_seconds(100);
  EXPECT_TRUE(SigningKeyset(record, derive_own_keys(master, record), 2).signs(unix_seconds(99)));
  EXPECT_FALSE(SigningKeyset(record, derive_own_keys(master, record), 2).signs(unix_seconds(100)));
  record.held = true;
  EXPECT_FALSE(SigningKeyset(record, derive_own_keys(master, record), 2).signs(unix_seconds(99)));
}

TEST(SigningKeyset, HasPowersOfTwoAlone) {
  KeysetRecord record;
  record.unit = "sat";
  record.denominations = 4;
  const SigningKeyset keyset(record, derive_own_keys(crypto::ExtendedKey::master(seed().reveal()), record),
                             2);
  for (const cashu::Amount amount : {1U, 2U, 4U, 8U}) EXPECT_NE(keyset.denomination(amount), nullptr);
  for (const cashu::Amount amount : {0U, 3U, 5U, 16U}) EXPECT_EQ(keyset.denomination(amount), nullptr);
  EXPECT_EQ(keyset.denomination(cashu::Amount{1} << 63), nullptr);
}

TEST(KeysetRing, AChangedFeeMeansANewKeyset) {
  const auto first = KeysetRing::assemble(seed(), {}, configuration({currency("sat"), currency("mana")}));
  ASSERT_TRUE(first);
  const auto same =
      KeysetRing::assemble(seed(), first->records, configuration({currency("sat"), currency("mana")}));
  ASSERT_TRUE(same);
  EXPECT_EQ(same->ring->active("sat")->id(), first->ring->active("sat")->id());
  EXPECT_EQ(same->records.size(), 2U);

  const auto dearer =
      KeysetRing::assemble(seed(), first->records, configuration({currency("sat", 100), currency("mana")}));
  ASSERT_TRUE(dearer);
  EXPECT_EQ(dearer->records.size(), 3U);
  EXPECT_NE(dearer->ring->active("sat")->id(), first->ring->active("sat")->id());
  const SigningKeyset* old = dearer->ring->find(first->ring->active("sat")->id());
  ASSERT_NE(old, nullptr);
  EXPECT_FALSE(old->active());
  EXPECT_EQ(old->input_fee_ppk(), 0U) << "its fee is what it was";
  EXPECT_EQ(dearer->ring->active("mana")->id(), first->ring->active("mana")->id());
}

TEST(KeysetRing, TheIndexOfTheConfigurationRotates) {
  const auto first = KeysetRing::assemble(seed(), {}, configuration({currency("sat")}));
  auto raised = currency("sat");
  raised.keyset_index = 3;
  const auto later = KeysetRing::assemble(seed(), first->records, configuration({raised}));
  ASSERT_TRUE(later);
  EXPECT_EQ(later->ring->active("sat")->record().position, 4U);
}

TEST(KeysetRing, AUnitThatIsNoLongerConfiguredIsStillVerified) {
  const auto first = KeysetRing::assemble(seed(), {}, configuration({currency("sat"), currency("mana")}));
  const auto later = KeysetRing::assemble(seed(), first->records, configuration({currency("sat")}));
  ASSERT_TRUE(later);
  EXPECT_EQ(later->ring->active("mana"), nullptr);
  EXPECT_NE(later->ring->find(first->ring->active("mana")->id()), nullptr);
}

TEST(KeysetRing, AnotherMnemonicIsRefused) {
  const auto first = KeysetRing::assemble(seed(), {}, configuration({currency("sat")}));
  crypto::Secret<64> other = seed();
  other.reveal_mutable()[0] ^= 1;
  EXPECT_FALSE(KeysetRing::assemble(other, first->records, configuration({currency("sat")})));
}

}  // namespace
}  // namespace manastr::mint

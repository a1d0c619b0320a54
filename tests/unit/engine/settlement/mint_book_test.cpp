#include "engine/settlement/mint_book.h"

#include <gtest/gtest.h>

#include "tests/support/simulated_mint.h"

namespace manastr::engine {
namespace {

constexpr const char* kPrimary = "http://one.example";
constexpr const char* kBackup = "http://two.example";

/// Two doors, perhaps to the same mint.
class Doors final : public mintclient::Transport {
 public:
  Doors(test::SimulatedMint& primary, test::SimulatedMint& backup) : primary_(&primary), backup_(&backup) {}

  void send(mintclient::HttpRequest request, mintclient::OnReply on_reply) override {
    const bool first = request.url.starts_with(kPrimary);
    EXPECT_TRUE(first || request.url.starts_with(kBackup)) << request.url;
    if (first && primary_is_away) return on_reply(unavailable("connection refused"));
    request.url.replace(0, std::string_view(first ? kPrimary : kBackup).size(), test::SimulatedMint::kUrl);
    (first ? primary_ : backup_)->send(std::move(request), std::move(on_reply));
  }

  bool primary_is_away = false;

 private:
  test::SimulatedMint* primary_;
  test::SimulatedMint* backup_;
};

std::vector<std::string> urls(const std::vector<std::shared_ptr<mintclient::MintClient>>& doors) {
  std::vector<std::string> out;
  for (const auto& each : doors) out.emplace_back(each->mint_url());
  return out;
}

std::unique_ptr<MintBook> book(std::shared_ptr<Doors> doors) {
  return MintBook::make({.primary_url = kPrimary, .backup_url = kBackup, .units = {"mana"}}, std::move(doors))
      .value();
}

TEST(MintBook, ABackupWithTheSameKeysetsIsAnotherDoorToTheSameMint) {
  test::SimulatedMint mint;
  const cashu::KeysetId id = mint.add_keyset("mana");
  const auto doors = std::make_shared<Doors>(mint, mint);
  const auto mints = book(doors);
  ASSERT_TRUE(mints->refresh());
  ASSERT_EQ(mints->mints().size(), 1U);
  EXPECT_EQ(urls(mints->doors(kPrimary)), (std::vector<std::string>{kPrimary, kBackup}));
  EXPECT_EQ(urls(mints->doors(kBackup)), (std::vector<std::string>{kBackup, kPrimary}));
  EXPECT_TRUE(mints->keyset(kBackup, id));

  doors->primary_is_away = true;
  EXPECT_FALSE(mints->refresh()) << "the error is the primary's";
  EXPECT_TRUE(mints->keyset(kPrimary, id)) << "what was known stays";
  const auto second = mints->doors(kPrimary).back()->keysets();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->front().id, id);
}

TEST(MintBook, ABackupWithOtherKeysetsIsAMintOfItsOwn) {
  test::SimulatedMint one, two;
  one.add_keyset("loot");  // keysets are named by their number
  const cashu::KeysetId first = one.add_keyset("mana");
  const cashu::KeysetId other = two.add_keyset("mana");
  ASSERT_NE(first, other);
  const auto mints = book(std::make_shared<Doors>(one, two));
  ASSERT_TRUE(mints->refresh());
  ASSERT_EQ(mints->mints().size(), 2U);
  EXPECT_EQ(urls(mints->doors(kPrimary)), std::vector<std::string>{kPrimary});
  EXPECT_EQ(urls(mints->doors(kBackup)), std::vector<std::string>{kBackup});
  EXPECT_TRUE(mints->keyset(kBackup, other));
  EXPECT_FALSE(mints->keyset(kPrimary, other));
}

}  // namespace
}  // namespace manastr::engine

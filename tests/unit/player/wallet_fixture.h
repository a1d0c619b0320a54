// A wallet file and a simulated mint, for the wallet's tests.
#pragma once
#include <gtest/gtest.h>

#include "player/wallet.h"
#include "tests/support/simulated_mint.h"
#include "tests/support/temporary_folder.h"

namespace manastr::player {

using cashu::Amount;
using test::SimulatedMint;
using Fault = SimulatedMint::Fault;

class MintClock : public Clock {
 public:
  explicit MintClock(const SimulatedMint& mint) : mint_(mint) {}
  UnixMillis now() const override { return mint_.now; }
  Monotonic monotonic() const override { return {}; }

 private:
  const SimulatedMint& mint_;
};

inline crypto::Secret<64> seed_of(Byte n) {
  ByteArray<64> bytes{};
  bytes[0] = n;
  return crypto::Secret<64>(bytes);
}

inline crypto::SecretKey key_of(Byte n) {
  ByteArray<32> scalar{};
  scalar[31] = n;
  return crypto::SecretKey::parse(scalar).value();
}

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return *std::move(result);
}
inline void must(Status status) {
  if (!status) throw std::runtime_error(status.error().message);
}

class WalletTest : public ::testing::Test {
 protected:
  void SetUp() override { mint->add_keyset("mana"); }
  std::unique_ptr<Wallet> open(const std::string& name = "wallet.db", Byte seed = 1) {
    auto client = must(mintclient::MintClient::make(SimulatedMint::kUrl, mint));
    return must(Wallet::open(folder.path(name), seed_of(seed), client, clock));
  }
  static void fund(SimulatedMint& at, Wallet& wallet, Amount amount, const std::string& unit = "mana") {
    const auto quote = must(wallet.request_mint(unit, amount));
    at.pay(quote.id);
    EXPECT_TRUE(must(wallet.mint_paid(quote.id)).minted);
  }
  void fund(Wallet& wallet, Amount amount, const std::string& unit = "mana") {
    fund(*mint, wallet, amount, unit);
  }
  static Amount all_of(Wallet& wallet) {
    Amount sum = 0;
    for (const Balance& one : must(wallet.balances())) sum += one.available + one.under_way + one.locked;
    return sum;
  }
  /// 2 of 3 keys, refund to key 1 after the locktime, as for a match.
  Lock stake_lock(UnixSeconds locktime) const {
    return {key_of(1).public_key().hex(),
            {{"pubkeys", key_of(2).public_key().hex(), key_of(3).public_key().hex()},
             {"n_sigs", "2"},
             {"locktime", std::to_string(count(locktime))},
             {"refund", key_of(1).public_key().hex()},
             {"sigflag", "SIG_ALL"},
             {"match", std::string(64, 'a')}}};
  }

  test::TemporaryFolder folder;
  std::shared_ptr<SimulatedMint> mint = std::make_shared<SimulatedMint>();
  MintClock clock{*mint};
};

}  // namespace manastr::player

// Every request of every operation is lost once on its way there, once on its way back, and refused once by a
// failing mint; then the wallet is opened anew as after kill -9. Whatever the place: nothing is lost and
// nothing stays under way.
#include <functional>

#include "tests/unit/player/wallet_fixture.h"

namespace manastr::player {
namespace {

struct Action {
  const char* name;
  std::function<void(Wallet&, SimulatedMint&)> run;  ///< may fail: the faults are meant to
  Amount leaves;                                     ///< what it takes out of the wallet when it succeeds
};

std::vector<crypto::Signature> sign_one(const Hash32& hash) {
  return {crypto::sign_schnorr(key_of(1), hash, {})};
}

class WalletFaults : public WalletTest, public ::testing::WithParamInterface<bool> {};

const std::vector<Action>& actions() {
  static const std::vector<Action> kActions = {
      {"mint",
       [](Wallet& wallet, SimulatedMint& mint) {
         const auto quote = wallet.request_mint("mana", 21);
         if (!quote) return;
         mint.pay(quote->id);
         (void)wallet.mint_paid(quote->id);
       },
       0},
      {"lock",
       [](Wallet& wallet, SimulatedMint& mint) {
         (void)wallet.lock("stake", "mana", 100,
                           {key_of(1).public_key().hex(),
                            {{"locktime", std::to_string(count(mint.now) - 10)},
                             {"refund", key_of(1).public_key().hex()},
                             {"sigflag", "SIG_ALL"}}});
       },
       0},
      {"take back", [](Wallet& wallet, SimulatedMint&) { (void)wallet.take_back("stake", sign_one); }, 0},
      {"melt",
       [](Wallet& wallet, SimulatedMint&) {
         const auto quote = wallet.request_melt("lnbc60", "mana");
         if (quote) (void)wallet.melt(*quote);
       },
       60},
      {"prize",
       [](Wallet& wallet, SimulatedMint& mint) {
         const auto outputs = wallet.prepare("prize", "mana", 9);
         if (!outputs) return;
         mint.issue(*outputs);
         (void)wallet.fetch("prize");
       },
       0},
      {"send", [](Wallet& wallet, SimulatedMint&) { (void)wallet.send("mana", 33); }, 0},
  };
  return kActions;
}

TEST_P(WalletFaults, NothingIsLostAndNothingStaysUnderWay) {
  int cases = 0;
  for (const Fault what : {Fault::lose_request, Fault::lose_reply, Fault::fail}) {
    for (std::size_t action = 0; action < actions().size(); ++action) {
      for (int nth = 1;; ++nth) {
        SCOPED_TRACE(std::string(actions()[action].name) + ", fault " +
                     std::to_string(static_cast<int>(what)) + " at request " + std::to_string(nth));
        auto at = std::make_shared<SimulatedMint>();
        at->durable_replies = GetParam();
        at->add_keyset("mana", 100);
        const MintClock time(*at);
        const std::string file = folder.path(std::to_string(++cases) + ".db");
        const auto open_it = [&] {
          return must(Wallet::open(file, seed_of(1),
                                   must(mintclient::MintClient::make(SimulatedMint::kUrl, at)), time));
        };
        auto wallet = open_it();
        fund(*at, *wallet, 1000);
        for (std::size_t before = 1; before < action; ++before) actions()[before].run(*wallet, *at);
        int seen = 0;
        at->fault = [&](const std::string&) { return ++seen == nth ? what : Fault::none; };
        actions()[action].run(*wallet, *at);
        const bool hit = seen >= nth;
        wallet.reset();  // as kill -9: all that is left is the file
        at->fault = [](const std::string&) { return Fault::none; };
        wallet = open_it();
        EXPECT_TRUE(must(wallet->resume()).open.empty());
        Amount sent = 0;
        for (const auto& token : must(wallet->sent())) sent += cashu::sum_amounts(token.proofs).value();
        EXPECT_EQ(all_of(*wallet) + sent, at->outstanding());
        for (const Balance& balance : must(wallet->balances())) EXPECT_EQ(balance.under_way, 0U);
        // And it goes on: the same action again, now or still done.
        actions()[action].run(*wallet, *at);
        EXPECT_TRUE(must(wallet->resume()).open.empty());
        sent = 0;
        for (const auto& token : must(wallet->sent())) sent += cashu::sum_amounts(token.proofs).value();
        EXPECT_EQ(all_of(*wallet) + sent, at->outstanding());
        if (!hit || HasFailure()) break;
        ASSERT_LT(nth, 30);
      }
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(cases, 30);
}

INSTANTIATE_TEST_SUITE_P(MintWith, WalletFaults, ::testing::Bool(), [](const auto& which) {
  return which.param ? "DurableReplies" : "ForgetfulReplies";
});

}  // namespace
}  // namespace manastr::player

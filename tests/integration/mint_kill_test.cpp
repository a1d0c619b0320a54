// kill -9 of the mint at each step of its journal, with requests drawn from a seed: the same request sent
// again is answered as if nothing had happened, and the money is all there. MANASTR_SEED repeats a run.
// Rooms: common/mintclient
// Databases: both
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "mint_house.h"

namespace manastr::test {
namespace {

constexpr std::int64_t kSat = 1000;
constexpr std::int64_t kMana = 200;
constexpr std::int64_t kLot = 15;  // 1 + 2 + 4 + 8: three sat in mana

std::mt19937_64 seeded() {
  const char* text = std::getenv("MANASTR_SEED");
  const std::uint64_t seed = text != nullptr ? std::strtoull(text, nullptr, 10) : 20261121;
  std::printf("MANASTR_SEED=%llu\n", static_cast<unsigned long long>(seed));
  return std::mt19937_64(seed);
}

/// A player with mana and satoshis who never gives up: what got no answer is sent again, byte for byte.
class Customer {
 public:
  Customer(MintHouse& mint, std::mt19937_64 random) : mint_(mint), random_(random) {}

  void act() {
    switch (draw(4)) {
      case 0:
        buy("mana");
        break;
      case 1:
        buy("sat");
        break;
      case 2:
        swap(draw(2) == 0 ? "mana" : "sat");
        break;
      default:
        melt(draw(2) == 0 ? "mana" : "sat");
    }
  }

  /// Empty: what NUT-07 calls unspent is what was bought less what was melted, and so says the node's book.
  std::string unbalanced() {
    const auto held = static_cast<std::int64_t>(mint_.unspent(purses_["sat"])) * kSat +
                      static_cast<std::int64_t>(mint_.unspent(purses_["mana"])) * kMana;
    const lightning::FakeNodeBook book = mint_.book();
    // Of a quote whose reply was lost nobody knows the id: its invoice may be paid, and is never minted.
    const std::int64_t unminted = static_cast<std::int64_t>(book.received) - bought_;
    const bool ok = held == bought_ - melted_ &&
                    static_cast<std::int64_t>(book.sent + book.fees) == melted_ && unminted >= 0 &&
                    unminted <= lost_quotes_ * kLot * kSat;
    return ok ? ""
              : fmt::format(
                    "held {}, bought {}, melted {} msat; the node took {} and sent {}; {} quotes lost", held,
                    bought_, melted_, book.received, book.sent, lost_quotes_);
  }

 private:
  using Proofs = std::vector<cashu::Proof>;

  std::size_t draw(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_); }

  /// Until the mint has answered; it is started anew whenever it has died.
  mintclient::HttpReply insist(const std::string& path, const std::string& body) {
    mintclient::HttpReply reply;
    const bool answered = eventually([&] {
      revive();
      reply = mint_.post(path, body);
      return reply.status == 200 || reply.status == 400;
    });
    EXPECT_TRUE(answered) << path << ": " << reply.status << " " << reply.body;
    return reply;
  }
  std::string state_of(const std::string& path) {
    revive();
    return member(mint_.get(path).body, "state");
  }
  void revive() {
    if (!mint_.daemon().process().running()) mint_.restart();
  }

  void buy(const std::string& unit) {
    const std::vector<cashu::Amount> amounts{1, 2, 4, 8};
    mintclient::HttpReply quote;
    eventually([&] {
      revive();
      quote = mint_.post("/v1/mint/quote/bolt11", R"({"amount":15,"unit":")" + unit + "\"}");
      if (quote.status != 200) ++lost_quotes_;
      return quote.status == 200;
    });
    const std::string id = member(quote.body, "quote");
    ASSERT_TRUE(eventually([&] { return state_of("/v1/mint/quote/bolt11/" + id) == "PAID"; })) << quote.body;
    const auto outputs = mint_.drafts(unit, amounts);
    const auto reply = insist("/v1/mint/bolt11", mint_body(id, outputs));
    ASSERT_EQ(reply.status, 200) << reply.body;
    put(unit, mint_.unblind(reply.body, outputs, unit));
    bought_ += kLot * (unit == "sat" ? kSat : kMana);
  }

  void swap(const std::string& unit) {
    Proofs inputs = take(unit, 1 + draw(4));
    if (inputs.empty()) return;
    std::vector<cashu::Amount> amounts;
    for (const auto& proof : inputs) amounts.push_back(proof.amount);
    const auto outputs = mint_.drafts(unit, amounts);
    const auto reply = insist("/v1/swap", swap_body(inputs, outputs));
    ASSERT_EQ(reply.status, 200) << reply.body;
    put(unit, mint_.unblind(reply.body, outputs, unit));
  }

  void melt(const std::string& unit) {
    revive();
    const std::uint64_t sat = 1;
    const std::string request =
        R"({"unit":")" + unit + R"(","request":")" + MintHouse::foreign_invoice(sat) + "\"}";
    const auto quote = insist("/v1/melt/quote/bolt11", request);
    const std::string id = member(quote.body, "quote");
    ASSERT_FALSE(id.empty()) << quote.body;
    const cashu::Amount needed = unit == "sat" ? sat : sat * kSat / kMana;
    Proofs inputs;
    cashu::Amount sum = 0;
    while (sum < needed) {
      const Proofs more = take(unit, 1);
      if (more.empty()) return put(unit, inputs);
      sum += more.front().amount;
      inputs.push_back(more.front());
    }
    const auto blanks = mint_.drafts(unit, {1, 1, 1, 1, 1});
    const std::string body = melt_body(id, inputs, blanks);
    // PENDING until the mint has found out what became of the payment; UNPAID if it never left, then it is
    // sent again.
    mintclient::HttpReply reply;
    const bool paid = eventually([&] {
      reply = insist("/v1/melt/bolt11", body);
      return member(reply.body, "state") == "PAID";
    });
    ASSERT_TRUE(paid) << reply.body;
    melted_ += static_cast<std::int64_t>(sat) * kSat;
    if (!member(reply.body, "change").empty()) put(unit, mint_.unblind(reply.body, blanks, unit));
  }

  Proofs take(const std::string& unit, std::size_t n) {
    Proofs& purse = purses_[unit];
    Proofs out;
    while (out.size() < n && !purse.empty()) {
      std::swap(purse[draw(purse.size())], purse.back());
      out.push_back(purse.back());
      purse.pop_back();
    }
    return out;
  }
  void put(const std::string& unit, const Proofs& proofs) {
    purses_[unit].insert(purses_[unit].end(), proofs.begin(), proofs.end());
  }

  MintHouse& mint_;
  std::mt19937_64 random_;
  std::map<std::string, Proofs> purses_;
  std::int64_t bought_ = 0;  // msat
  std::int64_t melted_ = 0;
  std::int64_t lost_quotes_ = 0;
};

class MintKilled : public testing::TestWithParam<const char*> {};

TEST_P(MintKilled, AnswersTheSameRequestAsIfNothingHadHappened) {
  constexpr int kKills = 8;
  constexpr int kActionsBetween = 4;
  auto random = seeded();
  MintHouse mint;
  Customer customer(mint, random);
  for (int i = 0; i < 4; ++i) customer.act();
  for (int kill = 0; kill < kKills; ++kill) {
    const int pass = std::uniform_int_distribution(1, 6)(random);
    const std::string point = std::string(GetParam()) + ":" + std::to_string(pass);
    SCOPED_TRACE("killed at " + point);
    mint.restart({{"MANASTR_FAILPOINT", point}});
    for (int i = 0; i < kActionsBetween; ++i) customer.act();
    if (HasFatalFailure()) return;
    EXPECT_EQ(mint.faults(), "") << "while it may be dead";
    mint.restart();
    ASSERT_TRUE(eventually([&] { return customer.unbalanced().empty(); })) << customer.unbalanced();
    EXPECT_EQ(mint.faults(), "");
  }
}

INSTANTIATE_TEST_SUITE_P(Steps, MintKilled,
                         testing::Values("mint.before-commit", "mint.after-commit", "mint.before-pay",
                                         "mint.after-pay"),
                         [](const auto& step) {
                           std::string name = step.param;
                           for (char& c : name) {
                             if (c == '.' || c == '-') c = '_';
                           }
                           return name;
                         });

}  // namespace
}  // namespace manastr::test

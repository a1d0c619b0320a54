// Two mints on one PostgreSQL: whatever both are asked at once happens once, and neither the death of one nor
// of the database changes a reply that was given. Rooms: common/mintclient
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <future>
#include <random>
#include <thread>

#include "common/mintclient/curl_transport.h"
#include "mint_house.h"
#include "tests/support/postgres_cluster.h"
#include "tests/support/websocket_client.h"

namespace manastr::test {
namespace {

using mintclient::HttpReply;

constexpr const char* kToml =
    "[keysets]\nmnemonic = \"abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon "
    "abandon about\"\nrotate_every_days = 30\n";

class MintReplicas : public testing::Test {
 protected:
  MintHouse::Options options() {
    return {.toml = kToml, .auth = "", .environment = {{"DATABASE_URL", database_}}};
  }
  std::vector<HttpReply> at_both(const std::string& path, const std::vector<std::string>& bodies) {
    return post_at_both(a_, b_, path, bodies);
  }
  static std::size_t successes(const std::vector<HttpReply>& replies) {
    return static_cast<std::size_t>(std::ranges::count(replies, 200, &HttpReply::status));
  }
  /// Both nodes' books.
  std::int64_t book_msat() const { return a_.book_msat() + b_.book_msat(); }

  PostgresCluster& cluster_ = PostgresCluster::instance();
  const std::string database_ = cluster_.make_database();
  MintHouse a_{options()};
  MintHouse b_{options()};
};

TEST_F(MintReplicas, SayThatNothingIsIssuedWhileTheDatabaseIsAway) {
  const auto issues = [&](const char* value) {
    return std::ranges::all_of(std::array{&a_, &b_}, [&](MintHouse* mint) {
      return mint->get("/v1/supply").body.find("\"issues\":" + std::string(value)) != std::string::npos;
    });
  };
  EXPECT_TRUE(issues("true"));
  cluster_.pause();
  EXPECT_TRUE(eventually([&] { return issues("false"); }));
  cluster_.resume();
  EXPECT_TRUE(eventually([&] { return issues("true"); }));
  b_.buy("sat", std::vector<cashu::Amount>{8});
}

TEST_F(MintReplicas, DoEverythingOnceThatBothAreAskedAtOnce) {
  constexpr std::size_t kClients = 32;
  constexpr int kRounds = 6;
  std::vector<cashu::Proof> held;
  for (int round = 0; round < kRounds; ++round) {
    SCOPED_TRACE(round);
    {  // one proof
      const auto proofs = a_.buy("sat", std::vector<cashu::Amount>{8});
      std::vector<std::vector<Draft>> outputs;
      std::vector<std::string> bodies;
      for (std::size_t i = 0; i < kClients; ++i) {
        outputs.push_back(a_.drafts("sat", {8}));
        bodies.push_back(swap_body(proofs, outputs.back()));
      }
      const auto replies = at_both("/v1/swap", bodies);
      EXPECT_EQ(successes(replies), 1U);
      for (std::size_t i = 0; i < kClients; ++i) {
        if (replies[i].status != 200) continue;
        const auto won = a_.unblind(replies[i].body, outputs[i], "sat");
        held.insert(held.end(), won.begin(), won.end());
      }
    }
    {  // one output
      const auto proofs = b_.buy("sat", std::vector<cashu::Amount>(kClients, 1));
      const auto outputs = a_.drafts("sat", {1});
      std::vector<std::string> bodies;
      for (const auto& each : proofs) bodies.push_back(swap_body({each}, outputs));
      const auto replies = at_both("/v1/swap", bodies);
      EXPECT_EQ(successes(replies), 1U);
      for (const HttpReply& reply : replies) {
        if (reply.status != 200) continue;
        const auto won = a_.unblind(reply.body, outputs, "sat");
        held.insert(held.end(), won.begin(), won.end());
      }
      held.insert(held.end(), proofs.begin(), proofs.end());
    }
    {  // one quote, paid at a's node
      const std::string quote = a_.paid_quote("sat", 4);
      std::vector<std::vector<Draft>> outputs;
      std::vector<std::string> bodies;
      for (std::size_t i = 0; i < kClients; ++i) {
        outputs.push_back(a_.drafts("sat", {4}));
        bodies.push_back(mint_body(quote, outputs.back()));
      }
      const auto replies = at_both("/v1/mint/bolt11", bodies);
      EXPECT_EQ(successes(replies), 1U);
      for (std::size_t i = 0; i < kClients; ++i) {
        if (replies[i].status != 200) continue;
        const auto won = a_.unblind(replies[i].body, outputs[i], "sat");
        held.insert(held.end(), won.begin(), won.end());
      }
    }
    {  // one request
      const auto proofs = b_.buy("sat", std::vector<cashu::Amount>{2, 2});
      const auto outputs = b_.drafts("sat", {4});
      const auto replies =
          at_both("/v1/swap", std::vector<std::string>(kClients, swap_body(proofs, outputs)));
      for (const HttpReply& reply : replies) {
        EXPECT_EQ(reply.status, 200) << reply.body;
        EXPECT_EQ(reply.body, replies.front().body);
      }
      const auto won = b_.unblind(replies.front().body, outputs, "sat");
      held.insert(held.end(), won.begin(), won.end());
    }
    {  // one invoice, for each client a quote of its own
      const std::string quote_body = R"({"unit":"sat","request":")" + MintHouse::foreign_invoice(2) + "\"}";
      const auto proofs = a_.buy("sat", std::vector<cashu::Amount>(8, 2));
      std::vector<std::string> bodies;
      for (const auto& each : proofs) {
        MintHouse& asked = bodies.size() % 2 == 0 ? a_ : b_;
        bodies.push_back(
            melt_body(member(asked.post("/v1/melt/quote/bolt11", quote_body).body, "quote"), {each}));
      }
      EXPECT_EQ(successes(at_both("/v1/melt/bolt11", bodies)), 1U);
      held.insert(held.end(), proofs.begin(), proofs.end());
    }
  }
  EXPECT_EQ(static_cast<std::int64_t>(a_.unspent(held)) * 1000, book_msat());
  EXPECT_EQ(a_.unspent(held), b_.unspent(held));
  EXPECT_EQ(a_.get("/health").status, 200);
  EXPECT_EQ(b_.get("/health").status, 200);
  EXPECT_EQ(a_.faults(), "");
}

TEST_F(MintReplicas, RotateOnceWhenBothSeeThatItIsTime) {
  const std::string old = a_.keyset("sat").id.hex();
  const std::string quote = a_.paid_quote("sat", 4);
  const auto prepared = a_.drafts("sat", {4});
  cluster_.execute(database_, "UPDATE mint.keysets SET created_at = 1700000000");
  for (MintHouse* mint : {&a_, &b_}) {
    ASSERT_TRUE(eventually([&] {
      mint->forget_keysets();
      return mint->keyset("sat").id.hex() != old;
    }));
  }
  EXPECT_EQ(a_.keyset("sat").id, b_.keyset("sat").id);
  const auto of_unit = [&](MintHouse& mint) {
    std::size_t found = 0;
    const std::string body = mint.get("/v1/keysets").body;
    for (std::size_t at = body.find("\"sat\""); at != std::string::npos; at = body.find("\"sat\"", at + 1))
      ++found;
    return found;
  };
  EXPECT_EQ(of_unit(a_), 2U);
  EXPECT_EQ(of_unit(b_), 2U);
  EXPECT_EQ(b_.post("/v1/mint/bolt11", mint_body(quote, prepared)).status, 200)
      << "within the overlap, at either";
}

TEST_F(MintReplicas, LookForAKeysetThatTheOtherHasJustMade) {
  b_.configure(std::string(kToml) +
               "[currencies.sat]\nkeyset_index = 1\n[currencies.mana]\n[currencies.loot]\n");
  const auto proofs = a_.buy("sat", std::vector<cashu::Amount>{4});
  b_.restart();
  b_.forget_keysets();
  const auto outputs = b_.drafts("sat", {4});
  const auto swapped = a_.post("/v1/swap", swap_body(proofs, outputs));
  ASSERT_EQ(swapped.status, 200) << swapped.body;
  a_.forget_keysets();
  EXPECT_EQ(a_.keyset("sat").id, b_.keyset("sat").id);
  EXPECT_EQ(b_.post("/v1/swap", swap_body(proofs, outputs)).body, swapped.body);
  const auto other = a_.drafts("sat", {4});
  std::string unknown = swap_body(a_.unblind(swapped.body, outputs, "sat"), other);
  const std::string id = a_.keyset("sat").id.hex();
  const std::size_t at = unknown.rfind(id);
  unknown.replace(at + 2, 4, id.substr(2, 4) == "0000" ? "1111" : "0000");
  EXPECT_EQ(MintHouse::code_of(a_.post("/v1/swap", unknown)), 12001);
}

TEST_F(MintReplicas, KnowWhatTheOtherHasSigned) {
  const std::string quote = a_.paid_quote("sat", 4);
  const auto outputs = a_.drafts("sat", {4});
  const std::string body = mint_body(quote, outputs);
  const auto signed_by_a = a_.post("/v1/mint/bolt11", body);
  ASSERT_EQ(signed_by_a.status, 200) << signed_by_a.body;
  EXPECT_EQ(b_.post("/v1/mint/bolt11", body).body, signed_by_a.body)
      << "the same reply, wherever it is asked";
  EXPECT_EQ(MintHouse::code_of(b_.post("/v1/mint/bolt11", mint_body(quote, a_.drafts("sat", {4})))), 20002);
}

TEST_F(MintReplicas, TellWhoWaitsAtOneWhatTheOtherHasDone) {
  constexpr std::size_t kRounds = 9;
  const auto proofs = a_.buy("sat", std::vector<cashu::Amount>(kRounds, 1));
  std::string filters;
  for (const cashu::Proof& each : proofs) filters += (filters.empty() ? "\"" : ",\"") + each.y().hex() + "\"";
  WebSocketClient client(b_.url() + "/v1/ws");
  client.send(
      R"({"jsonrpc":"2.0","method":"subscribe","id":1,"params":{"kind":"proof_state","subId":"s","filters":[)" +
      filters + "]}}");
  const auto until_said = [&](const std::string& what) {
    for (std::string text = client.text(); !text.empty(); text = client.text()) {
      if (text.find(what) != std::string::npos) return true;
    }
    return false;
  };
  EXPECT_TRUE(until_said("UNSPENT"));
  std::vector<std::chrono::milliseconds> took;
  for (std::size_t i = 0; i < kRounds; ++i) {
    if (i == kRounds - 1) cluster_.cut_connections(database_);
    const std::string body = swap_body({proofs[i]}, a_.drafts("sat", {1}));
    EXPECT_TRUE(eventually([&] { return a_.post("/v1/swap", body).status == 200; }));
    const auto from = std::chrono::steady_clock::now();
    EXPECT_TRUE(until_said(proofs[i].y().hex() + R"(","state":"SPENT")"));
    took.push_back(
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - from));
  }
  took.pop_back();  // with all connections cut it is found by looking
  std::ranges::sort(took);
  std::printf("heard after %lld ms (median), %lld ms at most\n",
              static_cast<long long>(took[took.size() / 2].count()),
              static_cast<long long>(took.back().count()));
  EXPECT_LT(took[took.size() / 2], std::chrono::milliseconds(700)) << "looking alone would take seconds";
}

/// What a client gets that asks each of two mints ten times as often as it may ask both. It leaves them half
/// of the processors: PostgreSQL, through which they tell each other, has to get its turn.
TEST(MintReplicasLimit, HoldsOverBothTogether) {
  constexpr double kPerSecond = 20, kBurst = 20;
  static constexpr std::chrono::milliseconds kEvery{5};
  const MintHouse::Options options{
      .toml = kToml,
      .auth = "",
      .environment = {{"DATABASE_URL", PostgresCluster::instance().make_database()}},
      .server = "requests_per_minute = 1200\nburst = 20\n"};
  MintHouse a(options), b(options);
  std::atomic<int> admitted = 0;
  const auto from = std::chrono::steady_clock::now();
  const auto seconds = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - from).count();
  };
  std::vector<std::thread> clients;
  for (MintHouse* mint : {&a, &b}) {
    clients.emplace_back([&admitted, &seconds, mint] {
      for (auto next = std::chrono::steady_clock::now(); seconds() < 6; next += kEvery) {
        std::this_thread::sleep_until(next);
        const int status = mint->get("/v1/keysets").status;
        EXPECT_TRUE(status == 200 || status == 429) << status;
        if (status == 200) ++admitted;
      }
    });
  }
  for (std::thread& each : clients) each.join();
  const double took = seconds();
  std::printf("%d requests in %.1f s\n", admitted.load(), took);
  // The limit, a burst of each, and what both let through before they first told each other: that takes a
  // crowded machine long. Each by itself they would let through twice the limit.
  EXPECT_LE(admitted, kPerSecond * took + 2 * kBurst + 4 * kPerSecond);
  EXPECT_GE(admitted, kPerSecond * took * 0.25);  // debts are paid back
}

TEST_F(MintReplicas, GiveNoReplyThatAnythingTakesBack) {
  constexpr std::size_t kClients = 6;
  constexpr std::size_t kSwaps = 60;  // of each
  const auto transport = mintclient::make_curl_transport({});
  const std::string urls[] = {a_.url(), b_.url()};
  const auto post = [&](const std::string& url, const std::string& body) {
    std::promise<HttpReply> promise;
    transport->send({"POST", url + "/v1/swap", body, "", Millis{20'000}},
                    [&](Result<HttpReply> got) { promise.set_value(got ? *std::move(got) : HttpReply{}); });
    return promise.get_future().get();
  };
  struct Swap {
    std::string body;
    std::vector<Draft> outputs;
    std::string reply;
  };
  std::vector<std::vector<Swap>> swaps(kClients);
  for (auto& list : swaps) {
    for (const cashu::Proof& proof : a_.buy("sat", std::vector<cashu::Amount>(kSwaps, 1))) {
      auto outputs = a_.drafts("sat", {1});
      std::string body = swap_body({proof}, outputs);
      list.push_back({std::move(body), std::move(outputs), ""});
    }
  }
  std::atomic<std::size_t> answered = 0;
  std::vector<std::thread> clients;
  for (std::size_t client = 0; client < kClients; ++client) {
    clients.emplace_back([&, client] {
      std::mt19937 random(static_cast<unsigned>(client));
      for (Swap& swap : swaps[client]) {
        const bool done = eventually(
            [&] {
              const HttpReply reply = post(urls[random() % 2], swap.body);
              if (reply.status == 400) {
                // Only what says that the same request is under way elsewhere.
                const int code = MintHouse::code_of(reply);
                EXPECT_TRUE(code == 11002 || code == 11004) << reply.body;
              }
              if (reply.status == 200) swap.reply = reply.body;
              return reply.status == 200;
            },
            std::chrono::seconds(90));
        EXPECT_TRUE(done);
        ++answered;
      }
    });
  }
  constexpr std::size_t kDisturbances = 6;
  for (std::size_t i = 1; i <= kDisturbances; ++i) {
    const std::size_t at = i * kClients * kSwaps / (kDisturbances + 1);
    EXPECT_TRUE(eventually([&] { return answered >= at; }, std::chrono::seconds(120)));
    switch (i % 3) {
      case 0:
        b_.restart();
        break;
      case 1:
        cluster_.cut_connections(database_);
        break;
      default:
        cluster_.crash();
        cluster_.await();
    }
  }
  for (std::thread& each : clients) each.join();

  std::vector<cashu::Proof> held;
  for (const auto& list : swaps) {
    for (const Swap& swap : list) {
      EXPECT_EQ(post(urls[0], swap.body).body, swap.reply);
      EXPECT_EQ(post(urls[1], swap.body).body, swap.reply);
      const auto won = a_.unblind(swap.reply, swap.outputs, "sat");
      held.insert(held.end(), won.begin(), won.end());
    }
  }
  EXPECT_EQ(a_.unspent(held), kClients * kSwaps);
  EXPECT_EQ(book_msat(), static_cast<std::int64_t>(kClients * kSwaps) * 1000);
  EXPECT_EQ(a_.get("/health").status, 200);
  EXPECT_EQ(b_.faults(), "");
}

}  // namespace
}  // namespace manastr::test

#include "mint/subscriptions/hub.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>

#include "common/base/random.h"
#include "common/json/reader.h"
#include "mint/ledger/sqlite_ledger.h"
#include "tests/support/temporary_folder.h"

namespace manastr::mint {
namespace {

Hash32 fresh_hash() { return system_random().bytes<32>(); }
PointBytes fresh_point() {
  PointBytes out = system_random().bytes<33>();
  out[0] = 2;
  return out;
}

/// What a client would get.
class Heard final : public Outlet {
 public:
  void send(std::string text) override {
    const std::lock_guard lock(mutex_);
    texts_.push_back(std::move(text));
    changed_.notify_all();
  }
  void close(std::uint16_t code, std::string) override {
    const std::lock_guard lock(mutex_);
    closed_ = code;
    changed_.notify_all();
  }
  json::Value next() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, std::chrono::seconds(20), [&] { return !texts_.empty(); })) return {};
    const std::string text = texts_.front();
    texts_.pop_front();
    return *json::parse(text);
  }
  std::uint16_t closed() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(20), [&] { return closed_ != 0; });
    return closed_;
  }
  bool silent() const {
    const std::lock_guard lock(mutex_);
    return texts_.empty();
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> texts_;
  std::uint16_t closed_ = 0;
};

class HubTest : public testing::Test {
 protected:
  HubTest() {
    Configuration configuration;
    CurrencyConfiguration sat;
    sat.name = sat.unit = "sat";
    sat.price_msat = 1'000;
    configuration.currencies = {sat};
    auto assembled = KeysetRing::assemble(
        *crypto::mnemonic_seed(
            "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"),
        {}, configuration);
    EXPECT_TRUE(assembled) << assembled.error().message;
    keysets_.emplace(assembled->ring);
    keyset_ = assembled->records.front().number;
    SqliteLedgerOptions options;
    options.file = folder_.path("ledger.sqlite");
    options.filter_log2_bits = 12;
    ledger_ = *open_sqlite_ledger(std::move(options));
    EXPECT_TRUE(ledger_->store_keysets(assembled->records));
    EXPECT_TRUE(ledger_->set_prices({{"sat", 1'000}}));
    open({});
  }

  void open(HubLimits limits) {
    hub_.reset();
    hub_ = std::make_unique<Hub>(*keysets_, *ledger_,
                                 Hub::Interest{[this](const MintQuote& quote) { unpaid_ = quote.id; },
                                               [this](const MeltQuote& quote) { pending_ = quote.id; }},
                                 limits);
  }
  void write(Write what) {
    const auto written = ledger_->write_now(std::move(what));
    ASSERT_TRUE(written) << written.error().message;
  }
  Issue issue(cashu::Amount amount) {
    return {
        fresh_point(), keyset_, amount, keysets_->now()->mint_key().bytes(), {fresh_hash(), fresh_hash()}};
  }
  MintQuote new_quote(cashu::Amount amount, Method method = Method::bolt11) {
    MintQuote quote;
    quote.method = method;
    quote.id = to_hex(fresh_hash());
    quote.node_key = fresh_hash();
    quote.request = "lnbcrt";
    quote.unit = "sat";
    quote.amount = amount;
    write(NewMintQuote{quote});
    return quote;
  }
  Spend minted(cashu::Amount amount) {
    const MintQuote quote = new_quote(amount);
    write(PaymentReceived{quote.id, quote.node_key, amount * 1'000, {}});
    write(MintWrite{fresh_hash(), {{quote.id, amount}}, {issue(amount)}, {}});
    return {fresh_point(), keyset_, amount, ""};
  }
  std::string new_melt(const Spend& proof) {
    MeltQuote quote;
    quote.id = to_hex(fresh_hash());
    quote.node_key = fresh_hash();
    quote.request = "lnbcrt";
    quote.unit = "sat";
    quote.amount = proof.amount;
    quote.invoice_msat = proof.amount * 1'000;
    quote.price_msat = 1'000;
    write(NewMeltQuote{quote});
    return quote.id;
  }

  /// A client that has asked for this.
  struct Client {
    std::shared_ptr<Heard> heard = std::make_shared<Heard>();
    std::shared_ptr<Hub::Session> session;
  };
  Client connect() {
    Client out;
    out.session = hub_->connect(out.heard);
    return out;
  }
  void say(Client& client, const std::string& method, const std::string& params) {
    hub_->received(client.session,
                   fmt::format(R"({{"jsonrpc":"2.0","method":"{}","params":{},"id":1}})", method, params));
  }
  void subscribe(Client& client, std::string_view kind, const std::string& filters,
                 const std::string& sub_id = "s") {
    say(client, "subscribe",
        fmt::format(R"({{"kind":"{}","subId":"{}","filters":[{}]}})", kind, sub_id, filters));
  }
  static std::string quoted(const std::string& text) { return "\"" + text + "\""; }
  static bool is_ok(const json::Value& reply) { return reply.find("result") != nullptr; }
  static int error_of(const json::Value& reply) {
    const json::Value* error = reply.find("error");
    return error == nullptr ? 0 : static_cast<int>(*error->find("code")->if_int64());
  }
  static std::string member(const json::Value& notification, const char* name) {
    const json::Value* params = notification.find("params");
    const json::Value* found = params == nullptr ? nullptr : params->find("payload")->find(name);
    if (found == nullptr) return "";
    return found->is_string() ? *found->if_string() : found->dump();
  }
  static std::string state(const json::Value& notification) { return member(notification, "state"); }

  const test::TemporaryFolder folder_;
  std::optional<Keysets> keysets_;
  std::uint32_t keyset_ = 0;
  std::unique_ptr<Ledger> ledger_;
  std::string unpaid_, pending_;
  std::unique_ptr<Hub> hub_;
};

TEST_F(HubTest, AProofIsUnspentThenPendingThenSpent) {
  const Spend proof = minted(8);
  Client client = connect();
  EXPECT_FALSE(hub_->wanted());
  subscribe(client, kProofStateTopic, quoted(to_hex(proof.y)));
  EXPECT_TRUE(is_ok(client.heard->next()));
  const json::Value first = client.heard->next();
  EXPECT_EQ(state(first), "UNSPENT");
  EXPECT_EQ(member(first, "Y"), to_hex(proof.y));
  EXPECT_EQ(member(first, "witness"), "null");
  EXPECT_EQ(*first.find("method"), json::Value("subscribe"));
  EXPECT_EQ(*first.find("params")->find("subId"), json::Value("s"));
  EXPECT_TRUE(hub_->wanted());
  write(SwapWrite{fresh_hash(), {proof}, {issue(8)}});
  EXPECT_EQ(state(client.heard->next()), "PENDING");
  EXPECT_EQ(state(client.heard->next()), "SPENT");
}

TEST_F(HubTest, AMeltLocksAndThenSpendsOrFreesItsProofs) {
  const Spend spent = minted(8);
  const Spend freed = minted(4);
  Client client = connect();
  subscribe(client, kProofStateTopic, quoted(to_hex(spent.y)) + "," + quoted(to_hex(freed.y)));
  for (int i = 0; i < 3; ++i) client.heard->next();
  const std::string paid = new_melt(spent);
  const std::string failed = new_melt(freed);
  write(BeginMelt{fresh_hash(), paid, {spent}, {}, 0});
  EXPECT_EQ(state(client.heard->next()), "PENDING");
  write(BeginMelt{fresh_hash(), failed, {freed}, {}, 0});
  EXPECT_EQ(state(client.heard->next()), "PENDING");
  write(FinishMelt{paid, std::nullopt, 8'000, {}});
  const json::Value end = client.heard->next();
  EXPECT_EQ(state(end), "SPENT");
  EXPECT_EQ(member(end, "Y"), to_hex(spent.y));
  write(ReleaseMelt{failed});
  EXPECT_EQ(state(client.heard->next()), "UNSPENT");
}

TEST_F(HubTest, AMintQuoteIsUnpaidThenPaidThenIssued) {
  const MintQuote quote = new_quote(8);
  Client client = connect();
  subscribe(client, mint_quote_topic(Method::bolt11), quoted(quote.id));
  EXPECT_TRUE(is_ok(client.heard->next()));
  EXPECT_EQ(state(client.heard->next()), "UNPAID");
  EXPECT_EQ(unpaid_, quote.id) << "the node is asked about it";
  write(PaymentReceived{quote.id, quote.node_key, 8'000, {}});
  EXPECT_EQ(state(client.heard->next()), "PAID");
  write(MintWrite{fresh_hash(), {{quote.id, 2}}, {issue(2)}, {}});
  EXPECT_EQ(member(client.heard->next(), "amount_issued"), "2");
  write(MintWrite{fresh_hash(), {{quote.id, 6}}, {issue(6)}, {}});
  EXPECT_EQ(state(client.heard->next()), "ISSUED");
}

TEST_F(HubTest, AnOffersQuoteIsToldOfWithEachPayment) {
  MintQuote quote = new_quote(0, Method::bolt12);
  Client client = connect();
  subscribe(client, mint_quote_topic(Method::bolt12), quoted(quote.id));
  EXPECT_TRUE(is_ok(client.heard->next()));
  EXPECT_EQ(member(client.heard->next(), "amount_paid"), "0");
  EXPECT_EQ(unpaid_, quote.id) << "the node is asked about it";
  write(PaymentReceived{quote.id, fresh_hash(), 8'000, {}});
  EXPECT_EQ(member(client.heard->next(), "amount_paid"), "8");
  write(PaymentReceived{quote.id, fresh_hash(), 8'000, {}});
  EXPECT_EQ(member(client.heard->next(), "amount_paid"), "16");
  write(MintWrite{fresh_hash(), {{quote.id, 2}}, {issue(2)}, {}});
  const json::Value issued = client.heard->next();
  EXPECT_EQ(member(issued, "amount_issued"), "2");
  EXPECT_EQ(member(issued, "method"), "bolt12");
  unpaid_.clear();
  subscribe(client, mint_quote_topic(Method::bolt12), quoted(quote.id), "again");
  EXPECT_TRUE(is_ok(client.heard->next()));
  EXPECT_EQ(unpaid_, quote.id) << "more may have been paid since";
}

TEST_F(HubTest, AMeltQuoteIsUnpaidThenPendingThenPaid) {
  const Spend proof = minted(8);
  const std::string quote = new_melt(proof);
  Client client = connect();
  subscribe(client, melt_quote_topic(Method::bolt11), quoted(quote));
  EXPECT_TRUE(is_ok(client.heard->next()));
  EXPECT_EQ(state(client.heard->next()), "UNPAID");
  write(BeginMelt{fresh_hash(), quote, {proof}, {}, 0});
  EXPECT_EQ(state(client.heard->next()), "PENDING");
  Client late = connect();
  subscribe(late, melt_quote_topic(Method::bolt11), quoted(quote));
  EXPECT_TRUE(is_ok(late.heard->next()));
  EXPECT_EQ(state(late.heard->next()), "PENDING");
  EXPECT_EQ(pending_, quote);
  write(FinishMelt{quote, fresh_hash(), 8'000, {}});
  EXPECT_EQ(state(client.heard->next()), "PAID");
  EXPECT_EQ(state(late.heard->next()), "PAID");
}

TEST_F(HubTest, WhoLeavesHearsNoMore) {
  const Spend proof = minted(8);
  Client gone = connect();
  Client done = connect();
  Client stays = connect();
  for (Client* each : {&gone, &done, &stays}) {
    subscribe(*each, kProofStateTopic, quoted(to_hex(proof.y)));
    EXPECT_TRUE(is_ok(each->heard->next()));
    EXPECT_EQ(state(each->heard->next()), "UNSPENT");
  }
  EXPECT_EQ(hub_->filters(), 3U);
  hub_->disconnected(gone.session);
  say(done, "unsubscribe", R"({"subId":"s"})");
  EXPECT_TRUE(is_ok(done.heard->next()));
  say(done, "unsubscribe", R"({"subId":"s"})");
  EXPECT_EQ(error_of(done.heard->next()), -32602);
  EXPECT_EQ(hub_->filters(), 1U);
  write(SwapWrite{fresh_hash(), {proof}, {issue(8)}});
  EXPECT_EQ(state(stays.heard->next()), "PENDING");
  EXPECT_EQ(state(stays.heard->next()), "SPENT");
  EXPECT_TRUE(gone.heard->silent());
  EXPECT_TRUE(done.heard->silent());
  hub_->disconnected(stays.session);
  Client last = connect();
  say(last, "unsubscribe", R"({"subId":"none"})");
  EXPECT_EQ(error_of(last.heard->next()), -32602);
  EXPECT_FALSE(hub_->wanted());
}

TEST_F(HubTest, RefusesWhatItDoesNotKnowAndKeepsNothingOfIt) {
  const MintQuote quote = new_quote(1);
  Client client = connect();
  const auto refused = [&](std::string_view kind, const std::string& filters) {
    subscribe(client, kind, filters);
    return error_of(client.heard->next());
  };
  EXPECT_EQ(refused(mint_quote_topic(Method::bolt11), quoted(quote.id) + ",\"nothing\""), -32602);
  EXPECT_EQ(refused(melt_quote_topic(Method::bolt11), "\"nothing\""), -32602);
  EXPECT_EQ(refused(kProofStateTopic, "\"02ab\""), -32602);
  EXPECT_EQ(refused(kProofStateTopic, quoted("05" + std::string(64, '0'))), -32602);
  EXPECT_EQ(hub_->filters(), 0U);
  subscribe(client, mint_quote_topic(Method::bolt11), quoted(quote.id));
  EXPECT_TRUE(is_ok(client.heard->next()));
  client.heard->next();
  EXPECT_EQ(refused(mint_quote_topic(Method::bolt11), quoted(quote.id)), -32602) << "the subId is in use";
}

TEST_F(HubTest, HoldsToItsBounds) {
  open({.subscriptions = 2, .filters = 3, .all_filters = 4, .messages = 32, .queue = 100});
  const auto ys = [](int n) {
    std::string out;
    for (int i = 0; i < n; ++i) out += (i > 0 ? "," : "") + quoted(to_hex(fresh_point()));
    return out;
  };
  Client client = connect();
  subscribe(client, kProofStateTopic, ys(4), "a");
  EXPECT_EQ(error_of(client.heard->next()), -32000) << "filters of a session";
  subscribe(client, kProofStateTopic, ys(1), "a");
  subscribe(client, kProofStateTopic, ys(1), "b");
  for (int i = 0; i < 4; ++i) client.heard->next();
  subscribe(client, kProofStateTopic, ys(1), "c");
  EXPECT_EQ(error_of(client.heard->next()), -32000) << "subscriptions of a session";
  Client other = connect();
  subscribe(other, kProofStateTopic, ys(3), "a");
  EXPECT_EQ(error_of(other.heard->next()), -32000) << "filters in all";
  EXPECT_EQ(hub_->filters(), 2U);
}

TEST_F(HubTest, ClosesWhoTalksWithoutListening) {
  open({.subscriptions = 1, .filters = 1, .all_filters = 1, .messages = 0, .queue = 100});
  Client client = connect();
  say(client, "unsubscribe", R"({"subId":"s"})");
  EXPECT_EQ(client.heard->closed(), 1008);
}

TEST_F(HubTest, QueuesNoMoreBytesThanItMay) {
  open({.bytes = 500});
  Client client = connect();
  for (int i = 0; i < 20; ++i) {  // what was read counts no more
    say(client, "unsubscribe", R"({"subId":"s"})");
    EXPECT_EQ(error_of(client.heard->next()), -32602);
  }
  say(client, "unsubscribe", R"({"subId":")" + std::string(500, 's') + R"("})");
  EXPECT_EQ(client.heard->closed(), 1013);
  Client other = connect();
  say(other, "unsubscribe", R"({"subId":"s"})");
  EXPECT_EQ(error_of(other.heard->next()), -32602) << "others are heard";
}

TEST_F(HubTest, LooksAgainForWhatNobodyToldOf) {
  const Spend proof = minted(8);
  Client client = connect();
  subscribe(client, kProofStateTopic, quoted(to_hex(proof.y)));
  EXPECT_TRUE(is_ok(client.heard->next()));
  EXPECT_EQ(state(client.heard->next()), "UNSPENT");
  ledger_->listen(nullptr);  // as if another process had written it
  write(SwapWrite{fresh_hash(), {proof}, {issue(8)}});
  hub_->look_again();
  EXPECT_EQ(state(client.heard->next()), "PENDING");
  EXPECT_EQ(state(client.heard->next()), "SPENT");
}

TEST_F(HubTest, LooksByItselfWhereOthersWriteTheLedgerToo) {
  open({.look_every = Millis{5}});
  const Spend proof = minted(8);
  const MintQuote quote = new_quote(4);
  Client client = connect();
  subscribe(client, kProofStateTopic, quoted(to_hex(proof.y)));
  EXPECT_TRUE(is_ok(client.heard->next()));
  EXPECT_EQ(state(client.heard->next()), "UNSPENT");
  subscribe(client, mint_quote_topic(Method::bolt11), quoted(quote.id), "q");
  EXPECT_TRUE(is_ok(client.heard->next()));
  EXPECT_EQ(state(client.heard->next()), "UNPAID");
  ledger_->listen(nullptr);
  write(SwapWrite{fresh_hash(), {proof}, {issue(8)}});
  EXPECT_EQ(state(client.heard->next()), "PENDING");
  EXPECT_EQ(state(client.heard->next()), "SPENT");
  write(PaymentReceived{quote.id, quote.node_key, 4'000, {}});
  EXPECT_EQ(state(client.heard->next()), "PAID");
  hub_->disconnected(client.session);
}

TEST_F(HubTest, NobodyMissesAChangeThatRacesTheSubscription) {
  for (int i = 0; i < 50; ++i) {
    const Spend proof = minted(1);
    Client client = connect();
    std::thread spender([&] { write(SwapWrite{fresh_hash(), {proof}, {issue(1)}}); });
    subscribe(client, kProofStateTopic, quoted(to_hex(proof.y)));
    spender.join();
    EXPECT_TRUE(is_ok(client.heard->next()));
    std::string last;
    while (last != "SPENT") {
      last = state(client.heard->next());
      ASSERT_FALSE(last.empty());
    }
    hub_->disconnected(client.session);
  }
}

}  // namespace
}  // namespace manastr::mint

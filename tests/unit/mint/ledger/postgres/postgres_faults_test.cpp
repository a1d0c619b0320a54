// What a ledger in PostgreSQL says when its database fails: never what is not so.
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <map>
#include <mutex>
#include <thread>

#include "tests/support/eventually.h"
#include "tests/support/postgres_proxy.h"
#include "tests/unit/mint/ledger/fresh.h"
#include "tests/unit/mint/ledger/postgres/postgres_options.h"
#include "tests/unit/mint/ledger/scripted_life.h"

namespace manastr::mint::test {
namespace {

using manastr::test::eventually;
using manastr::test::PostgresProxy;

/// A ledger with mana in circulation: of proof(n), each worth 1, as many as asked for.
class Faults : public testing::Test {
 protected:
  void open(PostgresLedgerOptions options) {
    ledger_.reset();
    auto opened = open_postgres_ledger(std::move(options));
    ASSERT_TRUE(opened) << opened.error().message;
    ledger_ = *std::move(opened);
  }
  void prepare_money(unsigned proofs) {
    ASSERT_TRUE(prepare(*ledger_));
    MintQuote quote{.id = "q", .node_key = fresh_hash(), .request = "lnbc", .unit = "mana"};
    quote.amount = proofs;
    quote.invoice_msat = proofs * kManaMsat;
    ASSERT_TRUE(ledger_->write_now(NewMintQuote{quote}));
    ASSERT_TRUE(ledger_->write_now(PaymentReceived{quote.id, quote.node_key, quote.invoice_msat, {}}));
    std::vector<Issue> issues;
    for (unsigned n = 0; n < proofs; ++n) issues.push_back(output(10'000 + n, 1));
    ASSERT_TRUE(ledger_->write_now(MintWrite{fresh_hash(), {{"q", proofs}}, issues, {}}));
  }
  static SwapWrite swap_of(unsigned n) { return {hash_of(n), {proof(n, 1)}, {output(n, 1)}}; }
  ProofState::State state(unsigned n) {
    const PointBytes y = point('y', n);
    return ledger_->proof_states(std::span(&y, 1)).value()[0].state;
  }

  /// Swaps proofs one after the other, and disturbs after every so many; then everything that was said must
  /// be so.
  void swap_disturbed(unsigned swaps, unsigned disturb_after, const std::function<void()>& disturb) {
    std::mutex mutex;
    std::map<unsigned, Result<Written>> told;
    std::atomic<unsigned> next = 0;
    std::vector<std::thread> clients;
    for (int i = 0; i < 8; ++i) {
      clients.emplace_back([&] {
        for (unsigned n = next++; n < swaps; n = next++) {
          auto said = ledger_->write_now(swap_of(n));
          const std::lock_guard lock(mutex);
          told.emplace(n, std::move(said));
        }
      });
    }
    for (unsigned at = disturb_after; at < swaps; at += disturb_after) {
      while (next < at) std::this_thread::sleep_for(Millis{1});
      disturb();
    }
    for (std::thread& each : clients) each.join();
    unsigned done = 0;
    for (const auto& [n, said] : told) {
      if (said) {
        EXPECT_EQ(state(n), ProofState::State::spent) << n << " was said to be done";
        ++done;
      } else {
        EXPECT_EQ(said.error().kind, ErrorKind::unavailable) << said.error().message;
        EXPECT_EQ(state(n), ProofState::State::unspent) << n << " was said not to be done";
      }
    }
    EXPECT_GT(done, swaps / 2);
    EXPECT_TRUE(ledger_->health());
    EXPECT_EQ(ledger_->totals().units[0].redeemed, done);
    EXPECT_EQ(ledger_->totals().units[0].outstanding(), swaps);
  }

  PostgresCluster& cluster_ = PostgresCluster::instance();
  const std::string url_ = cluster_.make_database();
  std::unique_ptr<Ledger> ledger_;
};

TEST_F(Faults, ConnectionsAreCutUnderLoad) {
  constexpr unsigned kSwaps = 1'000;
  open(options_for(url_));
  prepare_money(kSwaps);
  swap_disturbed(kSwaps, 80, [&] { cluster_.cut_connections(url_); });
}

TEST_F(Faults, TheServerCrashesUnderLoad) {
  constexpr unsigned kSwaps = 600;
  open(options_for(url_));
  prepare_money(kSwaps);
  swap_disturbed(kSwaps, 200, [&] {
    cluster_.crash();
    cluster_.await();
  });
}

TEST_F(Faults, ALostAnswerToACommitIsFoundOut) {
  PostgresProxy proxy(cluster_.folder());
  open(options_for(url_.substr(0, url_.find("host=")) + "host=" + proxy.folder()));
  prepare_money(10);
  for (unsigned n = 0; n < 10; ++n) {
    const auto loss = n % 2 == 0 ? PostgresProxy::Loss::answer : PostgresProxy::Loss::request;
    proxy.lose(loss);
    const auto said = ledger_->write_now(swap_of(n));
    EXPECT_TRUE(proxy.lost());
    ASSERT_TRUE(said) << said.error().message;
    EXPECT_EQ(state(n), ProofState::State::spent);
    EXPECT_EQ(ledger_->totals().units[0].redeemed, n + 1) << "counted once";
  }
}

TEST_F(Faults, AwayForLongIsRefusedAndComesBack) {
  PostgresLedgerOptions options = options_for(url_);
  options.patience = Millis{300};
  open(std::move(options));
  prepare_money(2);
  cluster_.pause();
  const auto said = ledger_->write_now(swap_of(0));
  ASSERT_FALSE(said);
  EXPECT_EQ(said.error().kind, ErrorKind::unavailable);
  EXPECT_FALSE(ledger_->health());
  EXPECT_FALSE(ledger_->mint_quote("q"));
  cluster_.resume();
  EXPECT_TRUE(ledger_->write_now(swap_of(0)));
  EXPECT_TRUE(ledger_->write_now(swap_of(1)));
  EXPECT_TRUE(ledger_->health());
}

TEST_F(Faults, ThatWritesCantBeDoneIsKnownThoughNobodyWrites) {
  open(options_for(url_));
  prepare_money(1);
  EXPECT_TRUE(ledger_->health());
  cluster_.pause();
  EXPECT_TRUE(eventually([&] { return !ledger_->health(); }));
  EXPECT_EQ(ledger_->health().error().kind, ErrorKind::unavailable);
  cluster_.resume();
  EXPECT_TRUE(eventually([&] { return ledger_->health().has_value(); }));
  // As at a primary that has become a standby.
  const auto slash = url_.rfind('/', url_.find('?')) + 1;
  const std::string name = url_.substr(slash, url_.find('?') - slash);
  const auto read_only = [&](const std::string& value) {
    const std::string postgres = cluster_.url("postgres");
    cluster_.execute(postgres, "ALTER DATABASE " + name + " SET default_transaction_read_only = " + value);
    cluster_.execute(postgres,
                     "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + name + "'");
  };
  read_only("on");
  EXPECT_TRUE(eventually([&] { return !ledger_->health(); }));
  read_only("off");
  EXPECT_TRUE(eventually([&] { return ledger_->health().has_value(); }));
  EXPECT_TRUE(ledger_->write_now(swap_of(0)));
}

TEST_F(Faults, AFullDiskRefusesAndChangesNothing) {
  open(options_for(url_));
  prepare_money(2);
  cluster_.execute(url_,
                   "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS "
                   "$$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$; "
                   "CREATE TRIGGER full_disk BEFORE INSERT ON mint.signatures EXECUTE FUNCTION full_disk()");
  const auto said = ledger_->write_now(swap_of(0));
  ASSERT_FALSE(said);
  EXPECT_EQ(said.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(state(0), ProofState::State::unspent);
  ASSERT_FALSE(ledger_->health());
  EXPECT_EQ(ledger_->health().error().kind, ErrorKind::unavailable);
  cluster_.execute(url_, "DROP TRIGGER full_disk ON mint.signatures");
  EXPECT_TRUE(ledger_->write_now(swap_of(0)));
  EXPECT_TRUE(ledger_->health());
}

TEST_F(Faults, OneWriteThatTheDatabaseRefusesDoesNotTakeOthersAlong) {
  open(options_for(url_));
  prepare_money(20);
  cluster_.execute(url_, "ALTER TABLE mint.signatures ADD CHECK (operation IS NULL OR operation <> '\\x" +
                             to_hex(hash_of(7)) + "')");
  std::vector<std::future<Result<Written>>> replies;
  for (unsigned n = 0; n < 20; ++n) {
    auto reply = std::make_shared<std::promise<Result<Written>>>();
    replies.push_back(reply->get_future());
    ASSERT_TRUE(
        ledger_->write(swap_of(n), [reply](Result<Written> said) { reply->set_value(std::move(said)); }));
  }
  for (unsigned n = 0; n < 20; ++n) EXPECT_EQ(replies[n].get().has_value(), n != 7) << n;
  EXPECT_TRUE(ledger_->health());
}

}  // namespace
}  // namespace manastr::mint::test

// The business of a cdk-mintd and of a nutshell gets into a ledger of ours, from small databases of their
// schemas: what they signed is spent here, what was spent there is refused, and what doesn't fit leaves
// nothing behind. Real ones are in tests/interop.
// Rooms: mint/keysets common/storage lightning
// Databases: both
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "lightning/bolt11.h"
#include "old_mint.h"

namespace manastr::test {
namespace {

namespace fs = std::filesystem;

struct Said {
  int code = 0;
  std::string text;
};

class MintImport : public testing::TestWithParam<std::tuple<Kind, Place>> {
 protected:
  /// A mint that has its configuration, its mnemonic and its port, and no ledger; and one of the other kind.
  explicit MintImport(const std::map<std::string, std::string>& environment = {})
      : mint_({.toml = "", .auth = "", .environment = environment}) {
    mint_.daemon().process().kill();
    remove_ledger();
    std::string words = read_file(mint_.folder() + "/data/mnemonic");
    words.pop_back();
    old_ = std::make_unique<OldMint>(kind(), std::get<Place>(GetParam()), mint_.folder() + "/old.sqlite",
                                     kind() == Kind::cdk ? words : "TEST_PRIVATE_KEY of some length");
  }
  static Kind kind() { return std::get<Kind>(GetParam()); }
  void remove_ledger() {
    if (!mint_.environment().empty()) {
      PostgresCluster::instance().execute(mint_.environment().at("DATABASE_URL"), "DROP SCHEMA mint CASCADE");
    }
    for (const char* each : {"", "-wal", "-shm"}) fs::remove(mint_.folder() + "/data/mint.sqlite" + each);
  }
  Said run(std::vector<std::string> words, const std::string& seed = "") {
    const std::string said = mint_.folder() + "/said";
    fs::remove(said);
    words.insert(words.end(),
                 {"--config", mint_.folder() + "/mint.toml", "--data", mint_.folder() + "/data"});
    auto environment = mint_.environment();
    environment["OLD_SEED"] = seed.empty() ? old_->seed() : seed;
    environment["OLD_DATABASE"] = old_->database().url();
    Process process("manastr-mint", {words, environment, said});
    const int code = process.wait().value_or(-1);
    return {code, read_file(said)};
  }
  Said import_running(const std::string& seed = "", const std::vector<std::string>& more = {}) {
    const std::string source = old_->database().url().empty() ? old_->database().file() : "env:OLD_DATABASE";
    std::vector<std::string> words{"import", "--from", old_->name(),  "--source",
                                   source,   "--seed", "env:OLD_SEED"};
    words.insert(words.end(), more.begin(), more.end());
    return run(words, seed);
  }
  Said import(const std::string& seed = "", const std::vector<std::string>& more = {}) {
    old_->stop();
    return import_running(seed, more);
  }
  void start() {
    mint_.restart();
    mint_.forget_keysets();
  }
  mintclient::HttpReply swap(const OldMint::Coin& coin) {
    return mint_.post("/v1/swap", swap_body({coin.proof}, mint_.drafts("sat", {coin.proof.amount})));
  }
  bool has_ledger() {
    if (mint_.environment().empty()) return fs::exists(mint_.folder() + "/data/mint.sqlite");
    const auto connection = PostgresCluster::instance().connect(mint_.environment().at("DATABASE_URL"));
    return connection->ask({"any_mint", "SELECT count(*) FROM pg_namespace WHERE nspname = 'mint'"})
               ->integer(0, 0) > 0;
  }

  MintHouse mint_;
  std::unique_ptr<OldMint> old_;
};

const auto kSources =
    testing::Combine(testing::Values(Kind::cdk, Kind::nutshell), testing::Values(Place::file, Place::server));
std::string name_of(const testing::TestParamInfo<std::tuple<Kind, Place>>& each) {
  return std::string(std::get<Kind>(each.param) == Kind::cdk ? "Cdk" : "Nutshell") +
         (std::get<Place>(each.param) == Place::file ? "OnSqlite" : "OnPostgresql");
}
INSTANTIATE_TEST_SUITE_P(Sources, MintImport, kSources, &name_of);

TEST_P(MintImport, WhatItSignedIsSpentHereAndWhatItSpentIsRefused) {
  const auto kept = old_->issue(8);
  const auto spent = old_->issue(2);
  const auto fresh = old_->issue(2);
  old_->spend(spent);
  old_->mint_quote("issued", MintHouse::foreign_invoice(30), 30, 30);
  old_->mint_quote("open", MintHouse::foreign_invoice(5), 5, 0);
  old_->mint_quote("unpaid", MintHouse::foreign_invoice(7), 0, 0);
  // 16 paid 15, one came back.
  const std::string paid_invoice = MintHouse::foreign_invoice(15);
  const auto melted = old_->issue(16);
  old_->melt_quote("melt-paid", paid_invoice, 15, "PAID");
  old_->spend(melted, "melt-paid");
  const auto change = old_->issue(1, "melt-paid");
  // And one is on its way.
  const auto locked = old_->issue(4);
  const auto blank = old_->coin(1);
  old_->melt_quote("melt-pending", MintHouse::foreign_invoice(3), 3, "PENDING");
  old_->spend(locked, "melt-pending", true);
  old_->reserve(blank, "melt-pending");
  old_->sum_up();

  const Said said = import();
  ASSERT_EQ(said.code, 0) << said.text;
  const Said verified = run({"verify"});
  EXPECT_EQ(verified.code, 0) << verified.text;
  // 30 and 5 came in, 15 went out.
  EXPECT_NE(said.text.find("opening balance: 20000 msat"), std::string::npos) << said.text;
  EXPECT_NE(said.text.find("melt-pending"), std::string::npos) << said.text;
  start();

  EXPECT_EQ(MintHouse::code_of(swap(spent)), 11001);
  EXPECT_EQ(MintHouse::code_of(swap(melted)), 11001);
  EXPECT_EQ(MintHouse::code_of(swap(locked)), 11002);
  EXPECT_EQ(swap(kept).status, 200) << swap(kept).body;
  EXPECT_EQ(swap(change).status, 200);
  EXPECT_EQ(MintHouse::code_of(swap(kept)), 11001);

  const auto restored =
      mint_.post("/v1/restore", fmt::format(R"({{"outputs":[{{"amount":2,"id":"{}","B_":"{}"}}]}})",
                                            fresh.proof.id.hex(), fresh.b_blinded.hex()));
  EXPECT_NE(restored.body.find(fresh.c_blinded.hex()), std::string::npos) << restored.body;
  EXPECT_EQ(mint_.post("/v1/mint/bolt11", mint_body("open", mint_.drafts("sat", {4, 1}))).status, 200);
  EXPECT_EQ(MintHouse::code_of(mint_.post("/v1/mint/bolt11", mint_body("issued", mint_.drafts("sat", {2})))),
            20002);
  const auto again = mint_.get("/v1/melt/quote/bolt11/melt-paid");
  EXPECT_EQ(member(again.body, "state"), "PAID") << again.body;
  EXPECT_NE(again.body.find(change.c_blinded.hex()), std::string::npos) << again.body;
  const std::string quote =
      member(mint_.post("/v1/melt/quote/bolt11", R"({"unit":"sat","request":")" + paid_invoice + "\"}").body,
             "quote");
  EXPECT_EQ(MintHouse::code_of(mint_.post(
                "/v1/melt/bolt11", melt_body(quote, mint_.buy("sat", std::vector<cashu::Amount>{16})))),
            20006);

  // Only the operator ends what the old mint had begun.
  mint_.restart();
  EXPECT_EQ(member(mint_.get("/v1/melt/quote/bolt11/melt-pending").body, "state"), "PENDING");
  mint_.daemon().process().kill();
  const Said failed = run({"resolve-melt", "--quote", "melt-pending", "--failed"});
  ASSERT_EQ(failed.code, 0) << failed.text;
  EXPECT_EQ(run({"resolve-melt", "--quote", "melt-paid", "--failed"}).code, 1);
  start();
  EXPECT_EQ(swap(locked).status, 200);
}

TEST_P(MintImport, WhatItEarnedIsStatedInTheOpeningBalanceAndInBackups) {
  const auto kept = old_->issue(8);
  const auto fee = old_->issue(2);
  old_->spend(fee);
  old_->mint_quote("issued", MintHouse::foreign_invoice(10), 10, 10);
  old_->sum_up();
  const Said said = import();
  ASSERT_EQ(said.code, 0) << said.text;
  EXPECT_NE(said.text.find("2000 msat were the source's earnings"), std::string::npos) << said.text;
  const Said verified = run({"verify"});
  EXPECT_EQ(verified.code, 0) << verified.text;
  ASSERT_EQ(run({"backup", "--to", mint_.folder() + "/backup"}).code, 0);
  const Said drill = run({"restore", "--from", mint_.folder() + "/backup", "--verify"});
  EXPECT_EQ(drill.code, 0) << drill.text;
  start();
  EXPECT_EQ(swap(kept).status, 200);
}

TEST_P(MintImport, AMeltThatWasPaidAfterAllGivesItsChange) {
  const auto locked = old_->issue(4);
  const auto blank = old_->coin(1);
  old_->mint_quote("issued", MintHouse::foreign_invoice(4), 4, 4);
  old_->melt_quote("melt-pending", MintHouse::foreign_invoice(3), 3, "PENDING");
  old_->spend(locked, "melt-pending", true);
  old_->reserve(blank, "melt-pending");
  old_->sum_up();
  ASSERT_EQ(import().code, 0);
  EXPECT_EQ(run({"resolve-melt", "--quote", "melt-pending", "--paid", "--paid-msat", "4001"}).code, 1);
  const Said paid = run({"resolve-melt", "--quote", "melt-pending", "--paid", "--paid-msat", "3000"});
  ASSERT_EQ(paid.code, 0) << paid.text;
  start();
  const auto quote = mint_.get("/v1/melt/quote/bolt11/melt-pending");
  EXPECT_EQ(member(quote.body, "state"), "PAID");
  EXPECT_NE(quote.body.find(blank.c_blinded.hex()), std::string::npos) << quote.body;
  EXPECT_EQ(MintHouse::code_of(swap(locked)), 11001);
}

TEST_P(MintImport, AnotherSeedIsRefusedAndLeavesNothing) {
  old_->issue(4);
  old_->mint_quote("issued", MintHouse::foreign_invoice(4), 4, 4);
  const Said said =
      import(kind() == Kind::cdk ? "a seed text of another mint, 32 bytes long" : "another seed");
  EXPECT_EQ(said.code, 1);
  EXPECT_NE(said.text.find("seed does not give the keys"), std::string::npos) << said.text;
  EXPECT_FALSE(has_ledger());
  EXPECT_FALSE(fs::exists(mint_.folder() + "/data/imported-seed"));
}

TEST_P(MintImport, SumsThatDoNotFitEndIt) {
  const auto kept = old_->issue(4);
  const auto spent = old_->issue(4);
  old_->spend(spent);
  old_->mint_quote("issued", MintHouse::foreign_invoice(8), 8, 8);
  old_->sum_up();
  old_->execute(kind() == Kind::cdk ? "DELETE FROM proof" : "DELETE FROM proofs_used");
  const Said said = import();
  EXPECT_EQ(said.code, 1);
  EXPECT_NE(said.text.find("is not whole"), std::string::npos) << said.text;
  EXPECT_FALSE(has_ledger());
}

TEST_P(MintImport, AMintThatHasItsDatabaseOpenIsNoticed) {
  old_->issue(4);
  old_->mint_quote("issued", MintHouse::foreign_invoice(4), 4, 4);
  old_->sum_up();
  std::unique_ptr<postgres::Connection> open;
  if (!old_->database().url().empty()) open = PostgresCluster::instance().connect(old_->database().url());
  const Said refused = import_running();
  EXPECT_EQ(refused.code, 1);
  EXPECT_NE(refused.text.find("is in use: stop the other mint first"), std::string::npos) << refused.text;
  EXPECT_FALSE(has_ledger());
  open.reset();
  const Said said = import();
  EXPECT_EQ(said.code, 0) << said.text;
}

TEST_P(MintImport, AProofThatTheKeysDidNotMakeEndsIt) {
  auto forged = old_->issue(4);
  forged.proof.secret += "x";
  old_->spend(forged);
  old_->mint_quote("issued", MintHouse::foreign_invoice(4), 4, 4);
  const Said said = import();
  EXPECT_EQ(said.code, 1);
  EXPECT_NE(said.text.find("was not signed"), std::string::npos) << said.text;
  EXPECT_FALSE(has_ledger());
}

TEST_P(MintImport, AShortfallIsTheOperatorsToState) {
  const auto kept = old_->issue(8);
  old_->mint_quote("issued", MintHouse::foreign_invoice(6), 6, 6);
  old_->sum_up();
  const Said refused = import();
  EXPECT_EQ(refused.code, 1);
  EXPECT_NE(refused.text.find("2000 msat less"), std::string::npos) << refused.text;
  EXPECT_FALSE(has_ledger());
  const Said taken = import("", {"--cover-shortfall"});
  ASSERT_EQ(taken.code, 0) << taken.text;
  start();
  EXPECT_EQ(swap(kept).status, 200);
}

TEST_P(MintImport, ALedgerThatIsThereIsNeverTouched) {
  old_->issue(4);
  old_->mint_quote("issued", MintHouse::foreign_invoice(4), 4, 4);
  old_->sum_up();
  ASSERT_EQ(import().code, 0);
  const Said said = import();
  EXPECT_EQ(said.code, 1);
  EXPECT_NE(said.text.find("already"), std::string::npos) << said.text;
}

/// Into PostgreSQL, where a test can hold an import up.
class MintImportMeanwhile : public MintImport {
 protected:
  MintImportMeanwhile() : MintImport({{"DATABASE_URL", PostgresCluster::instance().make_database()}}) {}
};
INSTANTIATE_TEST_SUITE_P(Sources, MintImportMeanwhile, kSources, &name_of);

TEST_P(MintImportMeanwhile, AMintThatWritesIsNoticed) {
  old_->issue(4);
  old_->mint_quote("issued", MintHouse::foreign_invoice(4), 4, 4);
  old_->sum_up();
  old_->stop();
  const auto holding = PostgresCluster::instance().connect(mint_.database_url());
  ASSERT_TRUE(holding->execute("BEGIN; CREATE SCHEMA mint"));
  Said said;
  std::thread importing([&] { said = import_running(); });
  const auto watching = PostgresCluster::instance().connect(PostgresCluster::instance().url("postgres"));
  EXPECT_TRUE(eventually([&] {
    return watching->ask({"held_up", "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"})
               ->integer(0, 0) > 0;
  })) << "it has read the other mint's keysets and waits for its own ledger";
  old_->issue(2);
  ASSERT_TRUE(holding->execute("ROLLBACK"));
  importing.join();
  EXPECT_EQ(said.code, 1);
  EXPECT_NE(said.text.find("stop the other mint first"), std::string::npos) << said.text;
  EXPECT_FALSE(has_ledger());
}

}  // namespace
}  // namespace manastr::test

// A backup is taken while wallets swap, and becomes a mint again: in an empty place, after everything in it
// was checked, and with what it can't know about held until the operator has spoken.
// Databases: both
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "mint_house.h"
#include "tests/support/postgres_cluster.h"

namespace manastr::test {
namespace {

namespace fs = std::filesystem;

struct Said {
  int code = 0;
  std::string text;
};

class MintBackup : public testing::Test {
 protected:
  /// `manastr-mint COMMAND` on the mint's own configuration and data.
  Said run(std::vector<std::string> words, const std::string& data = "") {
    const std::string said = mint_.folder() + "/said";
    fs::remove(said);
    words.insert(words.end(), {"--config", mint_.folder() + "/mint.toml", "--data",
                               data.empty() ? mint_.folder() + "/data" : data});
    Process process("manastr-mint", {words, mint_.environment(), said});
    const int code = process.wait().value_or(-1);
    return {code, read_file(said)};
  }
  std::string backup() const { return mint_.folder() + "/backup"; }
  bool is_postgres() const { return !mint_.environment().empty(); }
  /// The mint is stopped and its ledger gone; the mnemonic stays.
  void lose_ledger() {
    mint_.daemon().process().kill();
    if (is_postgres()) {
      PostgresCluster::instance().execute(mint_.environment().at("DATABASE_URL"), "DROP SCHEMA mint CASCADE");
      return;
    }
    for (const char* each : {"", "-wal", "-shm"}) fs::remove(mint_.folder() + "/data/mint.sqlite" + each);
  }
  mintclient::HttpReply swap(const std::vector<cashu::Proof>& proofs) {
    return mint_.post("/v1/swap", swap_body(proofs, mint_.drafts("sat", {proofs.front().amount})));
  }

  MintHouse mint_;
};

TEST_F(MintBackup, ABackupOfARunningMintIsWholeAndItsDrillSaysSo) {
  std::atomic<bool> stop = false;
  std::atomic<int> swaps = 0;
  auto purse = mint_.buy("sat", std::vector<cashu::Amount>{8});
  std::thread wallet([&] {
    while (!stop) {
      const auto outputs = mint_.drafts("sat", {8});
      const auto reply = mint_.post("/v1/swap", swap_body(purse, outputs));
      ASSERT_EQ(reply.status, 200) << reply.body;
      purse = mint_.unblind(reply.body, outputs, "sat");
      ++swaps;
    }
  });
  EXPECT_TRUE(eventually([&] { return swaps > 20; }));
  const Said taken = run({"backup", "--to", backup()});
  const int then = swaps;
  EXPECT_TRUE(eventually([&] { return swaps > then + 20; })) << "the mint goes on";
  stop = true;
  wallet.join();
  ASSERT_EQ(taken.code, 0) << taken.text;
  for (const std::string& each : {backup(), backup() + ".manifest.json"}) {
    struct stat info{};
    ASSERT_EQ(::stat(each.c_str(), &info), 0) << each;
    EXPECT_EQ(info.st_mode & 0777, 0600U) << each;
  }
  const Said drill = run({"restore", "--from", backup(), "--verify"});
  EXPECT_EQ(drill.code, 0) << drill.text;
  EXPECT_NE(drill.text.find("nothing is left of it"), std::string::npos) << drill.text;
  for (const auto& each : fs::directory_iterator(mint_.folder() + "/data"))
    EXPECT_EQ(each.path().filename().string().find("drill"), std::string::npos);
  EXPECT_EQ(swap(purse).status, 200) << "the mint was not touched";
}

TEST_F(MintBackup, ARestoredLedgerHoldsWhatItCannotKnowUntilTheOperatorConfirms) {
  const auto kept = mint_.buy("sat", std::vector<cashu::Amount>{4, 4});
  const auto spent = mint_.buy("sat", std::vector<cashu::Amount>{2});
  ASSERT_EQ(swap(spent).status, 200);
  const std::string quote = mint_.paid_quote("sat", 16);
  const std::string old_keyset = kept.front().id.hex();
  ASSERT_EQ(run({"backup", "--to", backup()}).code, 0);
  // What the backup will not know.
  ASSERT_EQ(swap({kept[1]}).status, 200);
  lose_ledger();

  const Said restored = run({"restore", "--from", backup()});
  ASSERT_EQ(restored.code, 0) << restored.text;
  EXPECT_NE(restored.text.find("confirm-restore"), std::string::npos);
  mint_.restart();
  mint_.forget_keysets();
  EXPECT_NE(mint_.keyset("sat").id.hex(), old_keyset) << "what is signed now is told apart";
  const auto refused = swap({kept[1]});
  EXPECT_EQ(refused.status, 503) << "spent after the backup: " << refused.body;
  EXPECT_EQ(swap({kept[0]}).status, 503);
  EXPECT_EQ(mint_.post("/v1/mint/bolt11", mint_body(quote, mint_.drafts("sat", {16}))).status, 503);
  const auto fresh = mint_.buy("sat", std::vector<cashu::Amount>{8});
  EXPECT_EQ(swap(fresh).status, 200) << "business goes on";

  mint_.daemon().process().kill();
  const Said confirmed = run({"confirm-restore"});
  ASSERT_EQ(confirmed.code, 0) << confirmed.text;
  EXPECT_NE(run({"confirm-restore"}).code, 0) << "there is nothing left to confirm";
  mint_.restart();
  mint_.forget_keysets();
  EXPECT_EQ(swap({kept[0]}).status, 200);
  EXPECT_EQ(MintHouse::code_of(swap(spent)), 11001);
  EXPECT_EQ(mint_.post("/v1/mint/bolt11", mint_body(quote, mint_.drafts("sat", {16}))).status, 200);
}

TEST_F(MintBackup, ARestoreThatBreaksOffIsNoLedgerAndCanBeMadeAgain) {
  const auto kept = mint_.buy("sat", std::vector<cashu::Amount>{4});
  ASSERT_EQ(run({"backup", "--to", backup()}).code, 0);
  lose_ledger();
  auto environment = mint_.environment();
  environment["MANASTR_FAILPOINT"] = "restore.before-hold";
  Process broken("manastr-mint", {{"restore", "--from", backup(), "--config", mint_.folder() + "/mint.toml",
                                   "--data", mint_.folder() + "/data"},
                                  environment,
                                  mint_.folder() + "/said"});
  ASSERT_NE(broken.wait().value_or(0), 0);
  const Said served = run({});
  EXPECT_EQ(served.code, 1) << "nothing of it is held yet";
  EXPECT_NE(served.text.find(is_postgres() ? "restore again" : "put the ledger's backup back"),
            std::string::npos)
      << served.text;
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"verify"}, {"migrate"}, {"backup", "--to", mint_.folder() + "/another"}}) {
    const Said said = run(words);
    EXPECT_EQ(said.code, 1) << words.front() << " took what is not held yet for a ledger";
    if (is_postgres()) {
      EXPECT_NE(said.text.find("restore again"), std::string::npos) << said.text;
    }
  }
  const Said restored = run({"restore", "--from", backup()});
  ASSERT_EQ(restored.code, 0) << restored.text;
  mint_.restart();
  mint_.forget_keysets();
  EXPECT_EQ(swap(kept).status, 503) << "held";
}

TEST_F(MintBackup, WhatARestoredMintSignedIsWorthNothingAfterAnotherRestore) {
  ASSERT_EQ(run({"backup", "--to", backup()}).code, 0);
  lose_ledger();
  ASSERT_EQ(run({"restore", "--from", backup()}).code, 0);
  mint_.restart();
  mint_.forget_keysets();
  auto lost = mint_.buy("sat", std::vector<cashu::Amount>{8});
  ASSERT_EQ(swap(lost).status, 200);
  const UnixSeconds then = system_clock().now_seconds();
  lose_ledger();
  ASSERT_TRUE(eventually([&] { return system_clock().now_seconds() > then; }));
  ASSERT_EQ(run({"restore", "--from", backup()}).code, 0);
  mint_.restart();
  mint_.forget_keysets();
  EXPECT_EQ(MintHouse::code_of(swap(lost)), cashu::kKeysetUnknown)
      << "it is spent, which the backup can't say";
  lost.front().id = mint_.keyset("sat").id;
  EXPECT_EQ(MintHouse::code_of(swap(lost)), cashu::kProofInvalid) << "nor are its keys the same";
}

TEST_F(MintBackup, AMintThatRunsThroughARestoreStopsThere) {
  const auto kept = mint_.buy("sat", std::vector<cashu::Amount>{4});
  ASSERT_EQ(run({"backup", "--to", backup()}).code, 0);
  if (!is_postgres()) {
    EXPECT_EQ(run({"restore", "--from", backup()}).code, 1) << "its folder is its own";
    return;
  }
  const std::string elsewhere = mint_.folder() + "/elsewhere";
  fs::create_directory(elsewhere);
  fs::copy_file(mint_.folder() + "/data/mnemonic", elsewhere + "/mnemonic");
  PostgresCluster::instance().execute(mint_.database_url(), "DROP SCHEMA mint CASCADE");
  const Said restored = run({"restore", "--from", backup()}, elsewhere);
  ASSERT_EQ(restored.code, 0) << restored.text;
  EXPECT_TRUE(eventually([&] {
    return mint_.get("/health").body.find("another process runs as replica") != std::string::npos;
  })) << mint_.get("/health").body;
  mint_.restart();
  mint_.forget_keysets();
  EXPECT_EQ(swap(kept).status, 503) << "held";
}

TEST_F(MintBackup, NothingIsWrittenOver) {
  ASSERT_EQ(run({"backup", "--to", backup()}).code, 0);
  const Said again = run({"backup", "--to", backup()});
  EXPECT_EQ(again.code, 1);
  EXPECT_NE(again.text.find("there already"), std::string::npos) << again.text;
  mint_.daemon().process().kill();
  const Said over = run({"restore", "--from", backup()});
  EXPECT_EQ(over.code, 1);
  EXPECT_NE(over.text.find("never touches a ledger"), std::string::npos) << over.text;
}

TEST_F(MintBackup, ADamagedBackupIsRefusedAndLeavesNothing) {
  mint_.buy("sat", std::vector<cashu::Amount>{4});
  ASSERT_EQ(run({"backup", "--to", backup()}).code, 0);
  {
    std::fstream file(backup(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(fs::file_size(backup()) / 2));
    file.write("\xff\xfe", 2);
  }
  lose_ledger();
  const Said restored = run({"restore", "--from", backup()});
  EXPECT_EQ(restored.code, 1);
  EXPECT_NE(restored.text.find("damaged"), std::string::npos) << restored.text;
  for (const auto& each : fs::directory_iterator(mint_.folder() + "/data"))
    EXPECT_EQ(each.path().filename().string().find("mint.sqlite"), std::string::npos) << each.path();
}

TEST_F(MintBackup, AnotherMnemonicIsRefused) {
  mint_.buy("sat", std::vector<cashu::Amount>{4});
  ASSERT_EQ(run({"backup", "--to", backup()}).code, 0);
  lose_ledger();
  const std::string other = mint_.folder() + "/other";
  fs::create_directory(other);
  const Said without = run({"restore", "--from", backup()}, other);
  EXPECT_EQ(without.code, 1);
  EXPECT_NE(without.text.find("mnemonic is missing"), std::string::npos) << without.text;
  std::ofstream(other + "/mnemonic")
      << "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about\n";
  fs::permissions(other + "/mnemonic", fs::perms::owner_read | fs::perms::owner_write);
  const Said restored = run({"restore", "--from", backup()}, other);
  EXPECT_EQ(restored.code, 1);
  EXPECT_NE(restored.text.find("mnemonic is not this ledger's"), std::string::npos) << restored.text;
  EXPECT_EQ(run({"restore", "--from", backup()}).code, 0) << "the place was left empty";
}

}  // namespace
}  // namespace manastr::test

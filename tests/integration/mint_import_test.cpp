// The business of a cdk-mintd and of a nutshell gets into a ledger of ours, from small databases of their
// schemas: what they signed is spent here, what was spent there is refused, and what doesn't fit leaves
// nothing behind. Real ones are in tests/interop.
// Rooms: mint/keysets common/storage lightning
// Databases: both
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "common/storage/database.h"
#include "lightning/bolt11.h"
#include "mint/keysets/foreign_keys.h"
#include "mint_house.h"
#include "tests/support/postgres_cluster.h"

namespace manastr::test {
namespace {

namespace fs = std::filesystem;

enum class Kind { cdk, nutshell };

constexpr const char* kCdkTables = R"sql(
CREATE TABLE keyset(id TEXT PRIMARY KEY, unit TEXT NOT NULL, active BOOL NOT NULL, valid_from INTEGER NOT NULL,
  valid_to INTEGER, derivation_path TEXT NOT NULL, derivation_path_index INTEGER, amounts TEXT, input_fee_ppk INTEGER);
CREATE TABLE proof(y BLOB PRIMARY KEY, amount INTEGER NOT NULL, keyset_id TEXT NOT NULL, secret TEXT NOT NULL,
  c BLOB NOT NULL, witness TEXT, state TEXT NOT NULL, quote_id TEXT);
CREATE TABLE blind_signature(blinded_message BLOB PRIMARY KEY, amount INTEGER NOT NULL, keyset_id TEXT NOT NULL, c BLOB,
  quote_id TEXT, order_index INTEGER);
CREATE TABLE mint_quote(id TEXT PRIMARY KEY, payment_method TEXT NOT NULL, request TEXT NOT NULL, request_lookup_id TEXT,
  unit TEXT NOT NULL, amount INTEGER, amount_paid INTEGER NOT NULL, amount_issued INTEGER NOT NULL, pubkey TEXT);
CREATE TABLE melt_quote(id TEXT PRIMARY KEY, payment_method TEXT NOT NULL, request TEXT NOT NULL, request_lookup_id TEXT,
  unit TEXT NOT NULL, amount INTEGER NOT NULL, fee_reserve INTEGER NOT NULL, state TEXT NOT NULL, payment_proof TEXT,
  created_time INTEGER NOT NULL);
CREATE TABLE keyset_amounts(keyset_id TEXT PRIMARY KEY, total_issued BIGINT NOT NULL, total_redeemed BIGINT NOT NULL);
)sql";
constexpr const char* kNutshellTables = R"sql(
CREATE TABLE keysets(id TEXT NOT NULL, derivation_path TEXT, active BOOL, version TEXT, unit TEXT, input_fee_ppk INTEGER,
  amounts TEXT, balance INTEGER NOT NULL DEFAULT 0, final_expiry INTEGER);
CREATE TABLE promises(amount INTEGER NOT NULL, id TEXT, b_ TEXT NOT NULL UNIQUE, c_ TEXT, melt_quote TEXT,
  order_index INTEGER DEFAULT 0);
CREATE TABLE proofs_used(amount INTEGER NOT NULL, id TEXT, c TEXT NOT NULL, secret TEXT NOT NULL, y TEXT UNIQUE,
  witness TEXT, melt_quote TEXT);
CREATE TABLE proofs_pending(amount INTEGER NOT NULL, id TEXT, c TEXT NOT NULL, secret TEXT NOT NULL, y TEXT UNIQUE,
  witness TEXT, melt_quote TEXT);
CREATE TABLE mint_quotes(quote TEXT NOT NULL UNIQUE, method TEXT NOT NULL, request TEXT NOT NULL, checking_id TEXT NOT NULL,
  unit TEXT NOT NULL, amount INTEGER NOT NULL, created_time TIMESTAMP, state TEXT, pubkey TEXT, amount_paid INTEGER,
  amount_issued INTEGER);
CREATE TABLE melt_quotes(quote TEXT NOT NULL UNIQUE, method TEXT NOT NULL, request TEXT NOT NULL, checking_id TEXT NOT NULL,
  unit TEXT NOT NULL, amount INTEGER NOT NULL, fee_reserve INTEGER, created_time TIMESTAMP, fee_paid INTEGER, proof TEXT,
  state TEXT);
)sql";

/// A mint of the other kind that has done some business: its keys, and the database that it left.
class OldMint {
 public:
  OldMint(Kind kind, std::string file, std::string seed)
      : kind_(kind), database_(open(file)), file_(std::move(file)), seed_(std::move(seed)) {
    record_.unit = "sat";
    record_.denominations = kind == Kind::cdk ? 32 : 64;
    record_.position = kind == Kind::cdk ? 1 : 0;
    path_ = kind == Kind::cdk ? fmt::format("129372'/{}'/1'", mint::unit_index("sat")) : "m/0'/0'/0'";
    const crypto::Secret<64> own = kind == Kind::cdk ? *crypto::mnemonic_seed(seed_) : crypto::Secret<64>();
    mint::Derivations derivations(own);
    mint::add_foreign_keys(derivations, own, crypto::SecretText(seed_));
    if (kind == Kind::nutshell) record_.derivation = "foreign-path:" + path_;
    keys_ = *derivations.keys(record_);
    cashu::Keys keys;
    for (std::size_t i = 0; i < keys_.size(); ++i) keys.emplace(cashu::Amount{1} << i, keys_[i].key);
    id_ = kind == Kind::cdk ? cashu::derive_keyset_id_v2(keys, "sat", 0, std::nullopt)
                            : cashu::derive_keyset_id_v1(keys);
    execute(kind == Kind::cdk ? kCdkTables : kNutshellTables);
    execute(
        kind == Kind::cdk
            ? fmt::format("INSERT INTO keyset VALUES('{}', 'sat', 1, 0, NULL, \"{}\", 1, NULL, 0)", id_.hex(),
                          path_)
            : fmt::format("INSERT INTO keysets VALUES('{}', \"{}\", 1, '0.19.2', 'sat', 0, '[]', 0, NULL)",
                          id_.hex(), path_));
  }

  struct Coin {
    cashu::Proof proof;
    crypto::PublicKey b_blinded;
    crypto::PublicKey c_blinded;
  };
  Coin coin(cashu::Amount amount) const {
    cashu::Proof proof;
    proof.amount = amount;
    proof.id = id_;
    proof.secret = to_hex(system_random().bytes<32>());
    const auto r = crypto::SecretKey::generate(system_random());
    const crypto::PublicKey b_blinded = crypto::blind(proof.y(), r);
    const mint::DenominationKey& key = keys_[static_cast<std::size_t>(std::countr_zero(amount))];
    const crypto::SignedBlind made = crypto::sign_blinded(key.secret, key.key, b_blinded);
    proof.c = crypto::unblind(made.c_blinded, r, key.key)->bytes();
    return {std::move(proof), b_blinded, made.c_blinded};
  }
  Coin issue(cashu::Amount amount, const std::string& quote = "") {
    Coin out = coin(amount);
    sign(out, quote, out.c_blinded.hex());
    issued_ += amount;
    return out;
  }
  void reserve(const Coin& blank, const std::string& melt) { sign(blank, melt, ""); }
  void spend(const Coin& coin, const std::string& melt = "", bool pending = false) {
    const cashu::Proof& proof = coin.proof;
    if (kind_ == Kind::cdk) {
      execute(fmt::format("INSERT INTO proof VALUES(x'{}', {}, '{}', '{}', x'{}', NULL, '{}', {})",
                          proof.y().hex(), proof.amount, id_.hex(), proof.secret, to_hex(proof.c),
                          pending ? "PENDING" : "SPENT", text(melt)));
    } else {
      execute(fmt::format("INSERT INTO {} VALUES({}, '{}', '{}', '{}', '{}', NULL, {})",
                          pending ? "proofs_pending" : "proofs_used", proof.amount, id_.hex(),
                          to_hex(proof.c), proof.secret, proof.y().hex(), text(melt)));
    }
    if (!pending) spent_ += proof.amount;
  }
  void mint_quote(const std::string& id, const std::string& invoice, cashu::Amount paid,
                  cashu::Amount issued) {
    const std::string state = paid == 0 ? "UNPAID" : issued == paid ? "ISSUED" : "PAID";
    execute(
        kind_ == Kind::cdk
            ? fmt::format("INSERT INTO mint_quote VALUES('{}', 'BOLT11', '{}', 'x', 'sat', {}, {}, {}, NULL)",
                          id, invoice, paid, paid, issued)
            : fmt::format("INSERT INTO mint_quotes VALUES('{}', 'bolt11', '{}', 'x', 'sat', {}, '2026-11-01 "
                          "10:00:00', "
                          "'{}', NULL, NULL, NULL)",
                          id, invoice, paid, state));
  }
  void melt_quote(const std::string& id, const std::string& invoice, cashu::Amount amount,
                  const std::string& state) {
    execute(kind_ == Kind::cdk
                ? fmt::format("INSERT INTO melt_quote VALUES('{}', 'bolt11', "
                              "'{{\"Bolt11\":{{\"bolt11\":\"{}\"}}}}', 'x', "
                              "'sat', {}, 1, '{}', NULL, 1700000000)",
                              id, invoice, amount, state)
                : fmt::format("INSERT INTO melt_quotes VALUES('{}', 'bolt11', '{}', 'x', 'sat', {}, 1, "
                              "'2026-11-01 10:00:00', {}, NULL, '{}')",
                              id, invoice, amount, state == "PAID" ? "0" : "NULL", state));
  }
  /// As the other mint sums up itself.
  void sum_up() {
    execute(kind_ == Kind::cdk
                ? fmt::format("INSERT INTO keyset_amounts VALUES('{}', {}, {})", id_.hex(), issued_, spent_)
                : fmt::format("UPDATE keysets SET balance = {}", issued_ - spent_));
  }
  void execute(const std::string& sql) {
    if (const Status done = database_.execute(sql); !done) throw std::runtime_error(done.error().message);
  }
  /// The mint is stopped; what it leaves is its file.
  void stop() { database_ = *storage::Database::open(":memory:"); }
  const std::string& file() const { return file_; }
  const std::string& seed() const { return seed_; }
  const char* name() const { return kind_ == Kind::cdk ? "cdk-mintd" : "nutshell"; }

 private:
  static storage::Database open(const std::string& file) { return *storage::Database::open(file); }
  static std::string text(const std::string& value) { return value.empty() ? "NULL" : "'" + value + "'"; }
  void sign(const Coin& coin, const std::string& quote, const std::string& c_blinded) {
    const std::string hex = coin.b_blinded.hex();
    if (kind_ == Kind::cdk) {
      execute(fmt::format("INSERT INTO blind_signature VALUES(x'{}', {}, '{}', {}, {}, 0)", hex,
                          coin.proof.amount, id_.hex(), c_blinded.empty() ? "NULL" : "x'" + c_blinded + "'",
                          text(quote)));
    } else {
      execute(fmt::format("INSERT INTO promises VALUES({}, '{}', '{}', {}, {}, 0)", coin.proof.amount,
                          id_.hex(), hex, text(c_blinded), quote.starts_with("melt") ? text(quote) : "NULL"));
    }
  }

  const Kind kind_;
  storage::Database database_;
  const std::string file_;
  const std::string seed_;
  std::string path_;
  mint::KeysetRecord record_;
  mint::DenominationKeys keys_;
  cashu::KeysetId id_;
  cashu::Amount issued_ = 0;
  cashu::Amount spent_ = 0;
};

struct Said {
  int code = 0;
  std::string text;
};

class MintImport : public testing::TestWithParam<Kind> {
 protected:
  /// A mint that has its configuration, its mnemonic and its port, and no ledger; and one of the other kind.
  MintImport() {
    mint_.daemon().process().kill();
    remove_ledger();
    std::string words = read_file(mint_.folder() + "/data/mnemonic");
    words.pop_back();
    old_ = std::make_unique<OldMint>(GetParam(), mint_.folder() + "/old.sqlite",
                                     GetParam() == Kind::cdk ? words : "TEST_PRIVATE_KEY of some length");
  }
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
    Process process("manastr-mint", {words, environment, said});
    const int code = process.wait().value_or(-1);
    return {code, read_file(said)};
  }
  Said import(const std::string& seed = "", std::vector<std::string> more = {}) {
    old_->stop();
    std::vector<std::string> words{"import",     "--from", old_->name(),  "--source",
                                   old_->file(), "--seed", "env:OLD_SEED"};
    words.insert(words.end(), more.begin(), more.end());
    return run(words, seed);
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

INSTANTIATE_TEST_SUITE_P(Kinds, MintImport, testing::Values(Kind::cdk, Kind::nutshell),
                         [](const auto& each) { return each.param == Kind::cdk ? "Cdk" : "Nutshell"; });

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
      import(GetParam() == Kind::cdk ? "a seed text of another mint, 32 bytes long" : "another seed");
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
  old_->execute(GetParam() == Kind::cdk ? "DELETE FROM proof" : "DELETE FROM proofs_used");
  const Said said = import();
  EXPECT_EQ(said.code, 1);
  EXPECT_NE(said.text.find("is not whole"), std::string::npos) << said.text;
  EXPECT_FALSE(has_ledger());
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

}  // namespace
}  // namespace manastr::test

// A small cdk-mintd or nutshell that has done some business: its keys, and the tables that it left in a
// SQLite file or in PostgreSQL (their columns as both have them there; types as on PostgreSQL, SQLite takes
// any). For tests of the import.
#pragma once
#include <fmt/format.h>

#include <optional>
#include <stdexcept>

#include "common/storage/database.h"
#include "mint/keysets/foreign_keys.h"
#include "mint_house.h"
#include "tests/support/postgres_cluster.h"

namespace manastr::test {

enum class Kind { cdk, nutshell };
enum class Place { file, server };

inline constexpr const char* kCdkTables = R"sql(
CREATE TABLE keyset(id TEXT PRIMARY KEY, unit TEXT NOT NULL, active BOOL NOT NULL, valid_from INTEGER NOT NULL,
  valid_to INTEGER, derivation_path TEXT NOT NULL, derivation_path_index INTEGER, amounts TEXT, input_fee_ppk INTEGER);
CREATE TABLE proof(y BYTEA PRIMARY KEY, amount INTEGER NOT NULL, keyset_id TEXT NOT NULL, secret TEXT NOT NULL,
  c BYTEA NOT NULL, witness TEXT, state TEXT NOT NULL, quote_id TEXT);
CREATE TABLE blind_signature(blinded_message BYTEA PRIMARY KEY, amount INTEGER NOT NULL, keyset_id TEXT NOT NULL, c BYTEA,
  quote_id TEXT, order_index INTEGER);
CREATE TABLE mint_quote(id TEXT PRIMARY KEY, payment_method TEXT NOT NULL, request TEXT NOT NULL, request_lookup_id TEXT,
  unit TEXT NOT NULL, amount INTEGER, amount_paid INTEGER NOT NULL, amount_issued INTEGER NOT NULL, pubkey TEXT);
CREATE TABLE melt_quote(id TEXT PRIMARY KEY, payment_method TEXT NOT NULL, request TEXT NOT NULL, request_lookup_id TEXT,
  unit TEXT NOT NULL, amount INTEGER NOT NULL, fee_reserve INTEGER NOT NULL, state TEXT NOT NULL, payment_proof TEXT,
  created_time INTEGER NOT NULL);
CREATE TABLE keyset_amounts(keyset_id TEXT PRIMARY KEY, total_issued BIGINT NOT NULL, total_redeemed BIGINT NOT NULL);
)sql";
inline constexpr const char* kNutshellTables = R"sql(
CREATE TABLE keysets(id TEXT NOT NULL, derivation_path TEXT, active BOOL, version TEXT, unit TEXT, input_fee_ppk INTEGER,
  amounts TEXT, balance INTEGER NOT NULL DEFAULT 0, final_expiry INTEGER);
CREATE TABLE promises(amount BIGINT NOT NULL, id TEXT, b_ TEXT NOT NULL UNIQUE, c_ TEXT, melt_quote TEXT,
  order_index INTEGER DEFAULT 0);
CREATE TABLE proofs_used(amount BIGINT NOT NULL, id TEXT, c TEXT NOT NULL, secret TEXT NOT NULL, y TEXT UNIQUE,
  witness TEXT, melt_quote TEXT);
CREATE TABLE proofs_pending(amount BIGINT NOT NULL, id TEXT, c TEXT NOT NULL, secret TEXT NOT NULL, y TEXT UNIQUE,
  witness TEXT, melt_quote TEXT);
CREATE TABLE mint_quotes(quote TEXT NOT NULL UNIQUE, method TEXT NOT NULL, request TEXT NOT NULL, checking_id TEXT NOT NULL,
  unit TEXT NOT NULL, amount BIGINT NOT NULL, created_time TIMESTAMP, state TEXT, pubkey TEXT, amount_paid BIGINT,
  amount_issued BIGINT);
CREATE TABLE melt_quotes(quote TEXT NOT NULL UNIQUE, method TEXT NOT NULL, request TEXT NOT NULL, checking_id TEXT NOT NULL,
  unit TEXT NOT NULL, amount BIGINT NOT NULL, fee_reserve BIGINT, created_time TIMESTAMP, fee_paid BIGINT, proof TEXT,
  state TEXT);
)sql";

/// A SQLite file or a database of its own on the test's server, as another program left it.
class OldDatabase {
 public:
  OldDatabase(Place place, std::string file) : file_(std::move(file)) {
    if (place == Place::server) {
      url_ = PostgresCluster::instance().make_database();
    } else {
      open_.emplace(*storage::Database::open(file_));
    }
  }
  void execute(const std::string& sql) {
    if (!url_.empty()) return PostgresCluster::instance().execute(url_, sql);
    // Once the mint is stopped it is opened for this alone, as a nutshell does.
    std::optional<storage::Database> once;
    if (!open_) once.emplace(*storage::Database::open(file_));
    if (const Status done = (open_ ? *open_ : *once).execute(sql); !done)
      throw std::runtime_error(done.error().message);
  }
  std::string bytes(const std::string& hex) const {
    return url_.empty() ? "x'" + hex + "'" : "'\\x" + hex + "'";
  }
  /// Nobody has it open any more.
  void close() {
    open_.reset();
    if (!url_.empty()) PostgresCluster::instance().await_connections(url_, 0);
  }
  const std::string& file() const { return file_; }
  /// "" for a file.
  const std::string& url() const { return url_; }

 private:
  const std::string file_;
  std::string url_;
  std::optional<storage::Database> open_;
};

/// A mint of the other kind that has done some business: its keys, and the database that it left.
class OldMint {
 public:
  OldMint(Kind kind, Place place, std::string file, std::string seed)
      : kind_(kind), database_(place, std::move(file)), seed_(std::move(seed)) {
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
    execute(kind == Kind::cdk
                ? fmt::format("INSERT INTO keyset VALUES('{}', 'sat', TRUE, 0, NULL, {}, 1, NULL, 0)",
                              id_.hex(), quoted(path_))
                : fmt::format("INSERT INTO keysets VALUES('{}', {}, TRUE, '0.19.2', 'sat', 0, '[]', 0, NULL)",
                              id_.hex(), quoted(path_)));
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
      execute(fmt::format("INSERT INTO proof VALUES({}, {}, '{}', '{}', {}, NULL, '{}', {})",
                          database_.bytes(proof.y().hex()), proof.amount, id_.hex(), proof.secret,
                          database_.bytes(to_hex(proof.c)), pending ? "PENDING" : "SPENT", text(melt)));
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
  void execute(const std::string& sql) { database_.execute(sql); }
  /// The mint is stopped; what it leaves is its database.
  void stop() { database_.close(); }
  const OldDatabase& database() const { return database_; }
  const std::string& seed() const { return seed_; }
  const char* name() const { return kind_ == Kind::cdk ? "cdk-mintd" : "nutshell"; }

 private:
  static std::string quoted(std::string text) {
    for (std::size_t at = text.find('\''); at != std::string::npos; at = text.find('\'', at + 2))
      text.insert(at, 1, '\'');
    return "'" + text + "'";
  }
  static std::string text(const std::string& value) { return value.empty() ? "NULL" : "'" + value + "'"; }
  void sign(const Coin& coin, const std::string& quote, const std::string& c_blinded) {
    const std::string hex = coin.b_blinded.hex();
    if (kind_ == Kind::cdk) {
      execute(fmt::format("INSERT INTO blind_signature VALUES({}, {}, '{}', {}, {}, 0)", database_.bytes(hex),
                          coin.proof.amount, id_.hex(),
                          c_blinded.empty() ? "NULL" : database_.bytes(c_blinded), text(quote)));
    } else {
      execute(fmt::format("INSERT INTO promises VALUES({}, '{}', '{}', {}, {}, 0)", coin.proof.amount,
                          id_.hex(), hex, text(c_blinded), quote.starts_with("melt") ? text(quote) : "NULL"));
    }
  }

  const Kind kind_;
  OldDatabase database_;
  const std::string seed_;
  std::string path_;
  mint::KeysetRecord record_;
  mint::DenominationKeys keys_;
  cashu::KeysetId id_;
  cashu::Amount issued_ = 0;
  cashu::Amount spent_ = 0;
};

}  // namespace manastr::test

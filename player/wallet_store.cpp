#include "player/wallet_store.h"

#include <algorithm>

#include "common/json/reader.h"
#include "common/storage/migrations.h"

namespace manastr::player {
namespace {

using cashu::KeysetId;
using cashu::Proof;
using crypto::PublicKey;
using storage::Query;

constexpr storage::Migration kMigrations[] = {{"the wallet's first form", R"sql(
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE keysets (
  id BLOB PRIMARY KEY, json TEXT NOT NULL,
  counter INTEGER NOT NULL DEFAULT 0  -- the next NUT-13 counter, never less than any that was used
) WITHOUT ROWID;
CREATE TABLE quotes (
  id TEXT PRIMARY KEY, request TEXT NOT NULL, unit TEXT NOT NULL, amount INTEGER NOT NULL, expiry INTEGER,
  key_index INTEGER NOT NULL, open INTEGER NOT NULL
);
CREATE TABLE operations (
  id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, state INTEGER NOT NULL, label TEXT NOT NULL, quote TEXT NOT NULL,
  unit TEXT NOT NULL, began INTEGER NOT NULL
);
CREATE INDEX operations_quote ON operations (quote) WHERE quote <> '';
CREATE INDEX operations_open ON operations (state) WHERE state = 0;
CREATE UNIQUE INDEX operations_label ON operations (kind, label) WHERE label <> '' AND state <> 2;
CREATE TABLE outputs (
  operation INTEGER NOT NULL REFERENCES operations (id), position INTEGER NOT NULL, amount INTEGER NOT NULL,
  keyset BLOB NOT NULL, b BLOB NOT NULL, secret TEXT NOT NULL, r BLOB NOT NULL, becomes INTEGER NOT NULL,
  PRIMARY KEY (operation, position)
) WITHOUT ROWID;
CREATE TABLE proofs (
  y BLOB NOT NULL UNIQUE, amount INTEGER NOT NULL, keyset BLOB NOT NULL, secret TEXT NOT NULL, c BLOB NOT NULL,
  e BLOB, s BLOB, r BLOB, witness TEXT, state INTEGER NOT NULL, label TEXT NOT NULL, made_by INTEGER NOT NULL,
  home INTEGER,            -- the state to go back to if input_of comes to nothing
  input_of INTEGER REFERENCES operations (id), input_position INTEGER
);
CREATE INDEX proofs_state ON proofs (state) WHERE state <> 3;
CREATE INDEX proofs_label ON proofs (label) WHERE label <> '';
CREATE INDEX proofs_input ON proofs (input_of) WHERE input_of IS NOT NULL;
CREATE INDEX proofs_made ON proofs (made_by);
)sql"}};

constexpr std::string_view kProofColumns =
    "SELECT amount, keyset, secret, c, e, s, r, witness, state FROM proofs WHERE ";

std::string proof_query(std::string_view condition) {
  return std::string(kProofColumns) + std::string(condition);
}

std::unexpected<Error> damaged(std::string_view what) {
  return broken("the wallet file is damaged: " + std::string(what) +
                "; restore the wallet from its mnemonic");
}

Result<KeysetId> read_keyset_id(const Query& query, int column) {
  const auto id = KeysetId::from_bytes(query.blob(column));
  if (!id) return damaged("a keyset id");
  return *id;
}

}  // namespace

std::vector<cashu::BlindedMessage> Operation::messages() const {
  std::vector<cashu::BlindedMessage> out;
  for (const PreparedOutput& output : outputs) out.push_back(output.message);
  return out;
}

Result<WalletStore> WalletStore::open(const std::string& path, const std::string& mint_url,
                                      const Hash32& seed_mark, const storage::OpenOptions& storage) {
  TRY(auto database, storage::Database::open(path, storage));
  TRY_STATUS(storage::migrate(database, storage::kPlayerWallet, kMigrations));
  TRY_STATUS(
      database.run("INSERT INTO meta VALUES ('mint_url', ?) ON CONFLICT DO NOTHING", as_bytes(mint_url)));
  TRY_STATUS(database.run("INSERT INTO meta VALUES ('seed', ?) ON CONFLICT DO NOTHING", seed_mark));
  {
    TRY(Query query, database.query("SELECT (SELECT value FROM meta WHERE name = 'mint_url'), "
                                    "(SELECT value FROM meta WHERE name = 'seed')"));
    TRY([[maybe_unused]] const bool row, query.next());
    if (as_text(query.blob(0)) != mint_url) {
      return invalid(path + " holds money of the mint " + std::string(as_text(query.blob(0))) +
                     "; use another file for " + mint_url);
    }
    if (!std::ranges::equal(query.blob(1), seed_mark)) {
      return invalid(path + " belongs to another mnemonic; use the key file that it was made with");
    }
  }
  return WalletStore(std::move(database));
}

Result<std::vector<cashu::Keyset>> WalletStore::keysets() {
  TRY(Query query, database_.query("SELECT json FROM keysets"));
  std::vector<cashu::Keyset> out;
  while (true) {
    TRY(const bool row, query.next());
    if (!row) return out;
    const auto value = json::parse(query.text(0));
    if (!value) return damaged("a keyset");
    auto keyset = cashu::keyset_from_json(*value);
    if (!keyset) return damaged("a keyset");
    out.push_back(*std::move(keyset));
  }
}

Status WalletStore::save_keyset(const cashu::Keyset& keyset) {
  return database_.run(
      "INSERT INTO keysets (id, json) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET json = excluded.json",
      keyset.id.bytes(), cashu::to_json(keyset).dump());
}

Result<std::uint64_t> WalletStore::counter(const KeysetId& id) {
  TRY(Query query, database_.query("SELECT counter FROM keysets WHERE id = ?", id.bytes()));
  TRY(const bool row, query.next());
  if (!row) return broken("the wallet has no keyset " + id.hex());
  return query.unsigned_integer(0);
}

Status WalletStore::set_counter(const KeysetId& id, std::uint64_t counter) {
  return database_.run("UPDATE keysets SET counter = ? WHERE id = ? AND counter < ?", counter, id.bytes(),
                       counter);
}

Result<std::uint64_t> WalletStore::next_quote_key() {
  TRY_STATUS(database_.run(
      "INSERT INTO meta VALUES ('quote_key', 0) ON CONFLICT (name) DO UPDATE SET value = value + 1"));
  TRY(Query query, database_.query("SELECT value FROM meta WHERE name = 'quote_key'"));
  TRY([[maybe_unused]] const bool row, query.next());
  return query.unsigned_integer(0);
}

Status WalletStore::add_quote(const StoredQuote& quote) {
  std::optional<std::int64_t> expiry;
  if (quote.expiry) expiry = count(*quote.expiry);
  return database_.run("INSERT INTO quotes VALUES (?, ?, ?, ?, ?, ?, 1) ON CONFLICT (id) DO NOTHING",
                       quote.id, quote.request, quote.unit, quote.amount, expiry, quote.key_index);
}

Result<std::optional<StoredQuote>> WalletStore::quote(const std::string& id) {
  TRY(Query query,
      database_.query("SELECT request, unit, amount, expiry, key_index, open FROM quotes WHERE id = ?", id));
  TRY(const bool row, query.next());
  if (!row) return std::nullopt;
  StoredQuote quote{
      id,           std::string(query.text(0)), std::string(query.text(1)), query.unsigned_integer(2),
      std::nullopt, query.unsigned_integer(4),  query.integer(5) != 0};
  if (!query.is_null(3)) quote.expiry = unix_seconds(query.integer(3));
  return quote;
}

Result<std::vector<StoredQuote>> WalletStore::open_quotes() {
  std::vector<std::string> ids;
  {
    TRY(Query query, database_.query("SELECT id FROM quotes WHERE open ORDER BY rowid"));
    while (true) {
      TRY(const bool row, query.next());
      if (!row) break;
      ids.emplace_back(query.text(0));
    }
  }
  std::vector<StoredQuote> out;
  for (const std::string& id : ids) {
    TRY(auto found, quote(id));
    if (found) out.push_back(*std::move(found));
  }
  return out;
}

Status WalletStore::close_quote(const std::string& id) {
  return database_.run("UPDATE quotes SET open = 0 WHERE id = ?", id);
}

Result<std::vector<StoredProof>> WalletStore::read_proofs(Query query) {
  std::vector<StoredProof> out;
  while (true) {
    TRY(const bool row, query.next());
    if (!row) return out;
    StoredProof stored;
    stored.proof.amount = query.unsigned_integer(0);
    TRY(stored.proof.id, read_keyset_id(query, 1));
    stored.proof.secret = query.text(2);
    TRY(stored.proof.c, query.array<33>(3));
    if (!query.is_null(4)) {
      cashu::ProofDleq dleq;
      TRY(dleq.dleq.e, query.array<32>(4));
      TRY(dleq.dleq.s, query.array<32>(5));
      TRY(dleq.r, query.array<32>(6));
      stored.proof.dleq = dleq;
    }
    if (!query.is_null(7)) stored.proof.witness = std::string(query.text(7));
    stored.state = static_cast<CoinState>(query.integer(8));
    out.push_back(std::move(stored));
  }
}

Result<std::vector<StoredProof>> WalletStore::proofs(std::initializer_list<CoinState> states) {
  std::vector<StoredProof> out;
  for (const CoinState state : states) {
    TRY(Query query, database_.query(proof_query("state = ? ORDER BY rowid"), static_cast<int>(state)));
    TRY(auto some, read_proofs(std::move(query)));
    std::ranges::move(some, std::back_inserter(out));
  }
  return out;
}

Result<std::vector<StoredProof>> WalletStore::labelled(const std::string& label) {
  TRY(Query query, database_.query(proof_query("label = ? ORDER BY rowid"), label));
  return read_proofs(std::move(query));
}

Result<bool> WalletStore::knows(const PublicKey& y) {
  TRY(Query query, database_.query("SELECT 1 FROM proofs WHERE y = ?", y.bytes()));
  return query.next();
}

Status WalletStore::add_proof(const Proof& proof, CoinState state, const std::string& label,
                              std::int64_t made_by) {
  std::optional<ByteArray<32>> e, s, r;
  if (proof.dleq) {
    e = proof.dleq->dleq.e;
    s = proof.dleq->dleq.s;
    r = proof.dleq->r;
  }
  return database_.run(
      "INSERT INTO proofs (y, amount, keyset, secret, c, e, s, r, witness, state, label, made_by) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (y) DO UPDATE SET state = excluded.state, "
      "label = excluded.label, made_by = excluded.made_by WHERE state = 0",
      proof.y().bytes(), proof.amount, proof.id.bytes(), proof.secret, proof.c, e, s, r, proof.witness,
      static_cast<int>(state), label, made_by);
}

Status WalletStore::set_state(const PublicKey& y, CoinState state) {
  return database_.run("UPDATE proofs SET state = ? WHERE y = ?", static_cast<int>(state), y.bytes());
}

Status WalletStore::add_operation(Operation& operation, UnixSeconds now) {
  TRY_STATUS(database_.run(
      "INSERT INTO operations (kind, state, label, quote, unit, began) VALUES (?, 0, ?, ?, ?, ?)",
      static_cast<int>(operation.kind), operation.label, operation.quote, operation.unit, count(now)));
  operation.id = database_.last_insert_rowid();
  for (std::size_t i = 0; i < operation.inputs.size(); ++i) {
    const Proof& input = operation.inputs[i];
    const PublicKey y = input.y();
    TRY(const bool known, knows(y));
    if (!known) TRY_STATUS(add_proof(input, CoinState::foreign, "", 0));
    TRY_STATUS(database_.run(
        "UPDATE proofs SET state = 1, home = state, input_of = ?, input_position = ?, witness = ? "
        "WHERE y = ? AND state IN (0, 2, 4, 5)",
        operation.id, static_cast<std::int64_t>(i), input.witness, y.bytes()));
    if (database_.changes() != 1)
      return refused(cashu::kProofsSpent, "this wallet has spent an input already");
  }
  for (std::size_t i = 0; i < operation.outputs.size(); ++i) {
    const PreparedOutput& output = operation.outputs[i];
    TRY_STATUS(database_.run("INSERT INTO outputs VALUES (?, ?, ?, ?, ?, ?, ?, ?)", operation.id,
                             static_cast<std::int64_t>(i), output.message.amount, output.message.id.bytes(),
                             output.message.b_blinded.bytes(), output.secret, output.r.reveal(),
                             static_cast<int>(output.becomes)));
  }
  return {};
}

Result<std::vector<PreparedOutput>> WalletStore::read_outputs(std::int64_t operation) {
  TRY(Query query,
      database_.query("SELECT amount, keyset, b, secret, r, becomes FROM outputs WHERE operation = ? "
                      "ORDER BY position",
                      operation));
  std::vector<PreparedOutput> out;
  while (true) {
    TRY(const bool row, query.next());
    if (!row) return out;
    TRY(const KeysetId id, read_keyset_id(query, 1));
    const auto b = PublicKey::parse(query.blob(2));
    const auto r = crypto::SecretKey::parse(query.blob(4));
    if (!b || !r) return damaged("a prepared output");
    out.push_back({{query.unsigned_integer(0), id, *b},
                   std::string(query.text(3)),
                   *r,
                   static_cast<CoinState>(query.integer(5))});
  }
}

Result<std::optional<Operation>> WalletStore::read_operation(Query query) {
  TRY(const bool row, query.next());
  if (!row) return std::nullopt;
  Operation out;
  out.id = query.integer(0);
  out.kind = static_cast<OperationKind>(query.integer(1));
  out.state = static_cast<OperationState>(query.integer(2));
  out.label = query.text(3);
  out.quote = query.text(4);
  out.unit = query.text(5);
  TRY(out.outputs, read_outputs(out.id));
  TRY(Query inputs, database_.query(proof_query("input_of = ? ORDER BY input_position"), out.id));
  TRY(auto stored, read_proofs(std::move(inputs)));
  for (auto& input : stored) out.inputs.push_back(std::move(input.proof));
  return out;
}

Result<std::optional<Operation>> WalletStore::operation(std::int64_t id) {
  TRY(Query query,
      database_.query("SELECT id, kind, state, label, quote, unit FROM operations WHERE id = ?", id));
  return read_operation(std::move(query));
}

Result<std::optional<Operation>> WalletStore::find_by_label(OperationKind kind, const std::string& label) {
  TRY(Query query, database_.query("SELECT id, kind, state, label, quote, unit FROM operations "
                                   "WHERE kind = ? AND label = ? AND label <> '' AND state <> 2",
                                   static_cast<int>(kind), label));
  return read_operation(std::move(query));
}

Result<std::optional<Operation>> WalletStore::find_by_quote(OperationKind kind, const std::string& quote) {
  TRY(Query query, database_.query("SELECT id, kind, state, label, quote, unit FROM operations "
                                   "WHERE kind = ? AND quote = ? AND state <> 2 ORDER BY id DESC LIMIT 1",
                                   static_cast<int>(kind), quote));
  return read_operation(std::move(query));
}

Result<std::vector<std::int64_t>> WalletStore::open_operations() {
  TRY(Query query, database_.query("SELECT id FROM operations WHERE state = 0 ORDER BY id"));
  std::vector<std::int64_t> out;
  while (true) {
    TRY(const bool row, query.next());
    if (!row) return out;
    out.push_back(query.integer(0));
  }
}

Status WalletStore::end_done(const Operation& operation) {
  TRY_STATUS(database_.run("UPDATE proofs SET state = 3 WHERE input_of = ?", operation.id));
  if (operation.kind != OperationKind::prepare) {  // those may be asked for again
    TRY_STATUS(database_.run("DELETE FROM outputs WHERE operation = ?", operation.id));
  }
  return database_.run("UPDATE operations SET state = 1 WHERE id = ?", operation.id);
}

Status WalletStore::end_undone(const Operation& operation, const std::vector<PublicKey>& spent) {
  for (const PublicKey& y : spent) {
    TRY_STATUS(database_.run("UPDATE proofs SET state = 3, input_of = NULL WHERE y = ? AND input_of = ?",
                             y.bytes(), operation.id));
  }
  TRY_STATUS(database_.run(
      "UPDATE proofs SET state = home, witness = NULL, input_of = NULL WHERE input_of = ?", operation.id));
  if (spent.empty()) TRY_STATUS(database_.run("DELETE FROM outputs WHERE operation = ?", operation.id));
  return database_.run("UPDATE operations SET state = 2 WHERE id = ?", operation.id);
}

Result<cashu::Amount> WalletStore::made_by(std::int64_t operation) { return sum_of("made_by", operation); }
Result<cashu::Amount> WalletStore::spent_by(std::int64_t operation) { return sum_of("input_of", operation); }

Result<cashu::Amount> WalletStore::sum_of(const std::string& column, std::int64_t operation) {
  TRY(Query query,
      database_.query("SELECT COALESCE(SUM(amount), 0) FROM proofs WHERE " + column + " = ?", operation));
  TRY([[maybe_unused]] const bool row, query.next());
  return query.unsigned_integer(0);
}

}  // namespace manastr::player

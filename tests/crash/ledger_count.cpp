#include "tests/crash/ledger_count.h"

#include <set>
#include <sstream>
#include <stdexcept>

#include "common/storage/database.h"
#include "tests/support/postgres_cluster.h"

namespace manastr::crash {
namespace {

using Row = std::pair<std::string, std::int64_t>;

/// Both databases speak these; "{}" is the schema.
constexpr const char* kIssued =
    "SELECT k.unit, CAST(coalesce(sum(s.amount), 0) AS bigint) FROM {}signatures s JOIN {}keysets k ON "
    "k.number = "
    "s.keyset WHERE s.c_ IS NOT NULL GROUP BY k.unit";
constexpr const char* kRedeemed =
    "SELECT k.unit, CAST(coalesce(sum(p.amount), 0) AS bigint) FROM {}proofs p JOIN {}keysets k ON k.number "
    "= p.keyset "
    "WHERE p.state = 1 GROUP BY k.unit";
constexpr const char* kPending = "SELECT '', count(*) FROM {}melt_quotes WHERE state = 1";
constexpr const char* kOverissued =
    "SELECT '', count(*) FROM {}mint_quotes WHERE amount_issued > amount_paid";
constexpr const char* kUnclaimed =
    "SELECT '', CAST(coalesce(sum((q.amount_paid - q.amount_issued) * p.msat), 0) AS bigint) FROM "
    "{}mint_quotes q JOIN "
    "{}prices p ON p.unit = q.unit";
constexpr const char* kCredit = "SELECT '', CAST(coalesce(sum(msat), 0) AS bigint) FROM {}match_credits";
constexpr const char* kReceived =
    "SELECT '', CAST(coalesce(sum(received_msat), 0) AS bigint) FROM {}mint_quotes";
constexpr const char* kPaidOut =
    "SELECT '', CAST(coalesce(sum(paid_msat), 0) AS bigint) FROM {}melt_quotes WHERE state = 2";
constexpr const char* kInvoices = "SELECT node_key, received_msat FROM {}mint_quotes";
// A melt is known by its number in SQLite, by its id in PostgreSQL.
constexpr const char* kOrphans =
    "SELECT '', (SELECT count(*) FROM {}proofs p WHERE p.state = 0 AND NOT EXISTS (SELECT 1 FROM "
    "{}melt_quotes q WHERE "
    "q.@ = p.melt AND q.state = 1)) + (SELECT count(*) FROM {}signatures s WHERE s.c_ IS NULL AND NOT EXISTS "
    "(SELECT 1 "
    "FROM {}melt_quotes q WHERE q.@ = s.melt AND q.state = 1))";

std::string spoken(std::string text, bool postgres) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '{' && text[i + 1] == '}') {
      if (postgres) out += "mint.";
      ++i;
    } else if (text[i] == '@') {
      out += postgres ? "id" : "number";
    } else {
      out += text[i];
    }
  }
  return out;
}

[[noreturn]] void unreadable(const std::string& why) {
  throw std::runtime_error("the ledger can't be counted: " + why);
}

std::vector<Row> ask_sqlite(storage::Database& database, const std::string& sql) {
  auto query = database.query(sql);
  if (!query) unreadable(query.error().message);
  std::vector<Row> out;
  for (;;) {
    const auto found = query->next();
    if (!found) unreadable(found.error().message);
    if (!*found) return out;
    const ByteView key = query->blob(0);
    out.emplace_back(std::string(as_text(key)), query->integer(1));
  }
}

std::vector<Row> ask_postgres(postgres::Connection& connection, const char* name, const std::string& sql) {
  const auto rows = connection.ask({name, sql.c_str()});
  if (!rows) unreadable(rows.error().message);
  std::vector<Row> out;
  for (std::size_t i = 0; i < rows->size(); ++i)
    out.emplace_back(std::string(rows->text(i, 0)), rows->integer(i, 1));
  return out;
}

storage::Database open_file(const std::string& path) {
  auto database = storage::Database::open(path, {.create = false, .read_only = true});
  if (!database) unreadable(database.error().message);
  return *std::move(database);
}

}  // namespace

LedgerCount count_ledger(const test::MintHouse& mint) {
  const bool postgres = !mint.database_url().empty();
  std::unique_ptr<postgres::Connection> connection;
  std::optional<storage::Database> file;
  if (postgres) {
    connection = test::PostgresCluster::instance().connect(mint.database_url());
  } else {
    file.emplace(open_file(mint.folder() + "/data/mint.sqlite"));
  }
  const auto ask = [&](const char* sql) {
    const std::string text = spoken(sql, postgres);
    return postgres ? ask_postgres(*connection, sql, text) : ask_sqlite(*file, text);
  };
  const auto number = [&](const char* sql) { return ask(sql).at(0).second; };
  LedgerCount out;
  for (const auto& [unit, amount] : ask(kIssued)) out.outstanding[unit] += amount;
  for (const auto& [unit, amount] : ask(kRedeemed)) out.outstanding[unit] -= amount;
  out.pending_melts = number(kPending);
  out.orphans = number(kOrphans);
  out.overissued = number(kOverissued);
  out.unclaimed_msat = number(kUnclaimed);
  out.credit_msat = number(kCredit);
  out.received_msat = number(kReceived);
  out.paid_out_msat = number(kPaidOut);
  storage::Database node = open_file(mint.folder() + "/data/fake-node.sqlite");
  std::map<std::string, std::int64_t> known;
  for (const auto& [hash, received] : ask(kInvoices)) known[hash] = received;
  for (const auto& [hash, amount] :
       ask_sqlite(node, "SELECT payment_hash, amount FROM invoices WHERE paid")) {
    const auto quote = known.find(hash);
    if (quote == known.end()) {
      out.unknown_invoices_msat += amount;
    } else if (quote->second != amount) {
      ++out.unheard_invoices;
    }
  }
  return out;
}

bool node_knows_payment(const test::MintHouse& mint, const Hash32& payment_hash) {
  storage::Database node = open_file(mint.folder() + "/data/fake-node.sqlite");
  return !ask_sqlite(node, "SELECT '', 1 FROM payments WHERE key = x'" + to_hex(payment_hash) + "'").empty();
}

double metric(test::MintHouse& mint, const std::string& name) {
  std::istringstream lines(mint.get("/metrics").body);
  std::optional<double> sum;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(name + "{") && !line.starts_with(name + " ")) continue;
    sum = sum.value_or(0) + std::stod(line.substr(line.rfind(' ') + 1));
  }
  if (!sum) throw std::runtime_error("the mint has no metric " + name);
  return *sum;
}

}  // namespace manastr::crash

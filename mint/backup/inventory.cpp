#include "mint/backup/inventory.h"

#include <charconv>

namespace manastr::mint {
namespace {

using postgres::Connection;
using postgres::Rows;
using postgres::Statement;
using storage::Database;
using storage::Query;

constexpr Millis kCountingTime{3'600'000};  // a large ledger takes minutes

constexpr Statement kVersion{"inventory_version", "SELECT version::int8 FROM mint.schema_version"};
// Counts the rows of all tables in one statement, whichever there are in this version.
constexpr Statement kRows{
    "inventory_rows",
    "SELECT relname::text, (xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM mint.%I', "
    "relname), false, true, '')))[1]::text FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace "
    "WHERE nspname = 'mint' AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY relname"};
constexpr Statement kKeysets{"inventory_keysets",
                             "SELECT number, encode(id, 'hex'), unit FROM mint.keysets ORDER BY number"};
constexpr Statement kSigned{
    "inventory_signed",
    "SELECT keyset, sum(amount)::text FROM mint.signatures WHERE c_ IS NOT NULL GROUP BY keyset"};
constexpr Statement kProofs{
    "inventory_proofs", "SELECT keyset, state, sum(amount)::text FROM mint.proofs GROUP BY keyset, state"};

Result<Wide> wide_from(std::string_view text) {
  Wide out = 0;
  for (const char digit : text) {
    if (digit < '0' || digit > '9') return invalid("a sum is no number");
    out = out * 10 + (digit - '0');
  }
  return out;
}

Result<KeysetInventory*> of(Inventory& inventory, std::int64_t number) {
  for (KeysetInventory& each : inventory.keysets) {
    if (each.number == static_cast<std::uint32_t>(number)) return &each;
  }
  return broken("the ledger has proofs or signatures of a keyset " + std::to_string(number) +
                " that it lacks");
}

Result<std::vector<std::string>> tables_of(Database& database) {
  TRY(Query row,
      database.query("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"));
  std::vector<std::string> out;
  for (;;) {
    TRY(const bool found, row.next());
    if (!found) return out;
    out.emplace_back(row.text(0));
  }
}

}  // namespace

Result<Inventory> inventory_of(Database& database) {
  Inventory out;
  {
    TRY(Query version, database.query("PRAGMA user_version"));
    TRY([[maybe_unused]] const bool found, version.next());
    out.schema = version.integer(0);
  }
  TRY(const std::vector<std::string> tables, tables_of(database));
  for (const std::string& table : tables) {
    TRY(Query row, database.query("SELECT count(*) FROM \"" + table + "\""));
    TRY([[maybe_unused]] const bool found, row.next());
    out.rows[table] = row.unsigned_integer(0);
  }
  {
    TRY(Query row, database.query("SELECT number, hex(id), unit FROM keysets ORDER BY number"));
    for (;;) {
      TRY(const bool found, row.next());
      if (!found) break;
      KeysetInventory& keyset = out.keysets.emplace_back();
      keyset.number = static_cast<std::uint32_t>(row.integer(0));
      for (const char digit : row.text(1)) keyset.id += static_cast<char>(digit | 0x20);
      keyset.unit = row.text(2);
    }
  }
  {
    TRY(Query row,
        database.query("SELECT keyset, sum(amount) FROM signatures WHERE c_ IS NOT NULL GROUP BY keyset"));
    for (;;) {
      TRY(const bool found, row.next());
      if (!found) break;
      TRY(KeysetInventory * keyset, of(out, row.integer(0)));
      keyset->signed_amount = row.integer(1);
    }
  }
  TRY(Query row, database.query("SELECT keyset, state, sum(amount) FROM proofs GROUP BY keyset, state"));
  for (;;) {
    TRY(const bool found, row.next());
    if (!found) return out;
    TRY(KeysetInventory * keyset, of(out, row.integer(0)));
    (row.integer(1) == 0 ? keyset->locked : keyset->spent) = row.integer(2);
  }
}

Result<Inventory> inventory_of(Connection& connection) {
  for (const Statement* each : {&kVersion, &kRows, &kKeysets, &kSigned, &kProofs}) connection.queue(*each);
  TRY(const std::vector<Rows> answers, connection.run(kCountingTime));
  Inventory out;
  out.schema = answers[0].integer(0, 0);
  for (std::size_t i = 0; i < answers[1].size(); ++i) {
    TRY(const Wide rows, wide_from(answers[1].text(i, 1)));
    out.rows[std::string(answers[1].text(i, 0))] = static_cast<std::uint64_t>(rows);
  }
  for (std::size_t i = 0; i < answers[2].size(); ++i) {
    KeysetInventory& keyset = out.keysets.emplace_back();
    keyset.number = static_cast<std::uint32_t>(answers[2].integer(i, 0));
    keyset.id = answers[2].text(i, 1);
    keyset.unit = answers[2].text(i, 2);
  }
  for (std::size_t i = 0; i < answers[3].size(); ++i) {
    TRY(KeysetInventory * keyset, of(out, answers[3].integer(i, 0)));
    TRY(keyset->signed_amount, wide_from(answers[3].text(i, 1)));
  }
  for (std::size_t i = 0; i < answers[4].size(); ++i) {
    TRY(KeysetInventory * keyset, of(out, answers[4].integer(i, 0)));
    TRY((answers[4].integer(i, 1) == 0 ? keyset->locked : keyset->spent), wide_from(answers[4].text(i, 2)));
  }
  return out;
}

json::Value to_json(const Inventory& inventory) {
  json::Value rows{json::Object{}};
  for (const auto& [table, count] : inventory.rows) rows.set(table, count);
  json::Array keysets;
  for (const KeysetInventory& each : inventory.keysets) {
    json::Value keyset;
    keyset.set("number", std::uint64_t{each.number}).set("id", each.id).set("unit", each.unit);
    // As text: a sum may be beyond what a JSON reader holds exactly.
    keyset.set("signed", to_text(each.signed_amount));
    keyset.set("spent", to_text(each.spent)).set("locked", to_text(each.locked));
    keysets.push_back(std::move(keyset));
  }
  json::Value out;
  out.set("schema", inventory.schema).set("rows", std::move(rows)).set("keysets", std::move(keysets));
  return out;
}

Result<Inventory> inventory_from_json(const json::Value& value) {
  Inventory out;
  TRY(out.schema, json::get_int64(value, "schema"));
  TRY(const json::Value* rows, json::get_object(value, "rows"));
  for (const auto& [table, count] : *rows->if_object()) {
    const auto number = count.if_uint64();
    if (!number) return invalid("rows." + table + ": expected a number");
    out.rows[table] = *number;
  }
  TRY(const json::Array* keysets, json::get_array(value, "keysets"));
  for (const json::Value& each : *keysets) {
    KeysetInventory& keyset = out.keysets.emplace_back();
    TRY(const std::uint64_t number, json::get_uint64(each, "number", "keysets[]"));
    keyset.number = static_cast<std::uint32_t>(number);
    TRY(keyset.id, json::get_string(each, "id", "keysets[]"));
    TRY(keyset.unit, json::get_string(each, "unit", "keysets[]"));
    const auto amount = [&](std::string_view name) -> Result<Wide> {
      TRY(const std::string text, json::get_string(each, name, "keysets[]"));
      return wide_from(text);
    };
    TRY(keyset.signed_amount, amount("signed"));
    TRY(keyset.spent, amount("spent"));
    TRY(keyset.locked, amount("locked"));
  }
  return out;
}

std::string difference(const Inventory& expected, const Inventory& found) {
  const auto differs = [](const std::string& what, const std::string& wanted, const std::string& has) {
    return what + " should be " + wanted + " and is " + has;
  };
  if (expected.schema != found.schema)
    return differs("the schema", std::to_string(expected.schema), std::to_string(found.schema));
  for (const auto& [table, count] : expected.rows) {
    const auto it = found.rows.find(table);
    const std::uint64_t has = it == found.rows.end() ? 0 : it->second;
    if (has != count)
      return differs("the number of rows of " + table, std::to_string(count), std::to_string(has));
  }
  if (expected.keysets.size() != found.keysets.size()) {
    return differs("the number of keysets", std::to_string(expected.keysets.size()),
                   std::to_string(found.keysets.size()));
  }
  for (std::size_t i = 0; i < expected.keysets.size(); ++i) {
    const KeysetInventory& a = expected.keysets[i];
    const KeysetInventory& b = found.keysets[i];
    if (a.id != b.id) return differs("keyset " + std::to_string(a.number), a.id, b.id);
    if (a.signed_amount != b.signed_amount)
      return differs("what was signed of " + a.id, to_text(a.signed_amount), to_text(b.signed_amount));
    if (a.spent != b.spent) return differs("what was spent of " + a.id, to_text(a.spent), to_text(b.spent));
    if (a.locked != b.locked)
      return differs("what is locked of " + a.id, to_text(a.locked), to_text(b.locked));
  }
  return expected == found ? "" : "it holds tables that the backup did not have";
}

}  // namespace manastr::mint

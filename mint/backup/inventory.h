// What a ledger holds, counted row by row: the rows of each table, and of each keyset what was signed, spent
// and locked. A backup's manifest says it, a restore compares.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "common/json/value.h"
#include "common/postgres/connection.h"
#include "common/storage/database.h"
#include "mint/ledger/money.h"

namespace manastr::mint {

struct KeysetInventory {
  std::uint32_t number = 0;
  std::string id;  ///< hex
  std::string unit;
  Wide signed_amount = 0;
  Wide spent = 0;
  Wide locked = 0;  ///< by melts under way
  bool operator==(const KeysetInventory&) const = default;
};

struct Inventory {
  std::int64_t schema = 0;
  std::map<std::string, std::uint64_t> rows;  ///< by table
  std::vector<KeysetInventory> keysets;       ///< by number
  bool operator==(const Inventory&) const = default;
};

Result<Inventory> inventory_of(storage::Database& database);
/// In the transaction that is open there.
Result<Inventory> inventory_of(postgres::Connection& connection);

json::Value to_json(const Inventory& inventory);
Result<Inventory> inventory_from_json(const json::Value& value);
/// "" or a sentence that names the first thing in which `found` is not what was `expected`.
std::string difference(const Inventory& expected, const Inventory& found);

}  // namespace manastr::mint

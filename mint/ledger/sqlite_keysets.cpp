#include "mint/ledger/sqlite_keysets.h"

namespace manastr::mint {

using storage::Database;
using storage::Query;

namespace {

std::optional<std::int64_t> in_seconds(const std::optional<UnixSeconds>& time) {
  return time ? std::optional(count(*time)) : std::nullopt;
}

}  // namespace

Result<std::vector<KeysetRecord>> read_keysets(Database& database) {
  TRY(Query row,
      database.query("SELECT number, id, unit, position, input_fee_ppk, denominations, state, overlap_until, "
                     "final_expiry, derivation, created_at, held FROM keysets ORDER BY number"));
  std::vector<KeysetRecord> out;
  for (;;) {
    TRY(const bool found, row.next());
    if (!found) return out;
    KeysetRecord record;
    record.number = static_cast<std::uint32_t>(row.integer(0));
    const auto id = cashu::KeysetId::from_bytes(row.blob(1));
    if (!id) return broken("the ledger's keyset " + std::to_string(record.number) + " has a malformed id");
    record.id = *id;
    record.unit = row.text(2);
    record.position = static_cast<std::uint32_t>(row.integer(3));
    record.input_fee_ppk = row.unsigned_integer(4);
    record.denominations = static_cast<std::uint32_t>(row.integer(5));
    record.state = static_cast<KeysetState>(row.integer(6));
    if (!row.is_null(7)) record.overlap_until = unix_seconds(row.integer(7));
    if (!row.is_null(8)) record.final_expiry = unix_seconds(row.integer(8));
    record.derivation = row.text(9);
    record.created_at = unix_seconds(row.integer(10));
    record.held = row.integer(11) != 0;
    out.push_back(std::move(record));
  }
}

Status write_keysets(Database& database, const std::vector<KeysetRecord>& records) {
  for (const KeysetRecord& record : records) {
    TRY_STATUS(database.run(
        "INSERT INTO keysets(number, id, unit, position, input_fee_ppk, denominations, state, overlap_until, "
        "final_expiry, derivation, created_at) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) "
        "ON CONFLICT(number) DO UPDATE SET state = ?7, overlap_until = ?8 WHERE state < 3",
        record.number, record.id.bytes(), record.unit, record.position, record.input_fee_ppk,
        record.denominations, static_cast<std::int64_t>(record.state), in_seconds(record.overlap_until),
        in_seconds(record.final_expiry), record.derivation, count(record.created_at)));
  }
  return {};
}

}  // namespace manastr::mint

#include "mint/ledger/postgres/keyset_rows.h"

namespace manastr::mint {

using postgres::Parameters;
using postgres::Rows;
using postgres::Statement;

namespace {

constexpr Statement kKeysets{
    "keysets",
    "SELECT number, id, unit, position, input_fee_ppk, denominations, state, overlap_until, final_expiry, "
    "derivation, created_at, held FROM mint.keysets ORDER BY number"};
constexpr Statement kStoreKeyset{
    "store_keyset",
    "INSERT INTO mint.keysets AS k(number, id, unit, position, input_fee_ppk, denominations, state, "
    "overlap_until, final_expiry, derivation, created_at) VALUES($1::int8, $2::bytea, $3::text, $4::int8, "
    "$5::int8, $6::int8, $7::int8, $8::int8, $9::int8, $10::text, $11::int8) ON CONFLICT (number) DO UPDATE "
    "SET state = CASE WHEN k.state < 3 THEN excluded.state ELSE k.state END, overlap_until = "
    "excluded.overlap_until WHERE k.id = excluded.id"};

}  // namespace

Result<std::vector<KeysetRecord>> read_keysets(postgres::Connection& connection) {
  TRY(const Rows rows, connection.ask(kKeysets));
  std::vector<KeysetRecord> out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    KeysetRecord record;
    record.number = static_cast<std::uint32_t>(rows.integer(i, 0));
    const auto id = cashu::KeysetId::from_bytes(rows.blob(i, 1));
    if (!id) return broken("the ledger's keyset " + std::to_string(record.number) + " has a malformed id");
    record.id = *id;
    record.unit = rows.text(i, 2);
    record.position = static_cast<std::uint32_t>(rows.integer(i, 3));
    record.input_fee_ppk = rows.unsigned_integer(i, 4);
    record.denominations = static_cast<std::uint32_t>(rows.integer(i, 5));
    record.state = static_cast<KeysetState>(rows.integer(i, 6));
    if (!rows.is_null(i, 7)) record.overlap_until = unix_seconds(rows.integer(i, 7));
    if (!rows.is_null(i, 8)) record.final_expiry = unix_seconds(rows.integer(i, 8));
    record.derivation = rows.text(i, 9);
    record.created_at = unix_seconds(rows.integer(i, 10));
    record.held = rows.integer(i, 11) != 0;
    out.push_back(std::move(record));
  }
  return out;
}

Status write_keysets(postgres::Connection& connection, const std::vector<KeysetRecord>& records) {
  for (const KeysetRecord& record : records) {
    Parameters row;
    row.add(std::int64_t{record.number})
        .add(record.id.bytes())
        .add(record.unit)
        .add(std::int64_t{record.position});
    row.add(static_cast<std::int64_t>(record.input_fee_ppk)).add(std::int64_t{record.denominations});
    row.add(static_cast<std::int64_t>(record.state));
    record.overlap_until ? row.add(count(*record.overlap_until)) : row.add_null();
    record.final_expiry ? row.add(count(*record.final_expiry)) : row.add_null();
    row.add(record.derivation).add(count(record.created_at));
    connection.queue(kStoreKeyset, row);
  }
  TRY(const std::vector<Rows> stored, connection.run());
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (stored[i].affected() == 1) continue;
    return invalid(
        "keyset " + std::to_string(records[i].number) +
        " of this database has other keys: the mints on one database need the same mnemonic, units "
        "and keyset settings");
  }
  return {};
}

}  // namespace manastr::mint

#include "mint/backup/manifest.h"

#include "common/crypto/hash.h"
#include "common/json/reader.h"
#include "common/storage/durable_file.h"

namespace manastr::mint {
namespace {

constexpr std::string_view kFormat = "manastr-mint backup 1";
constexpr std::size_t kMost = 16 << 20;

Result<Manifest> from_json(const json::Value& value) {
  Manifest out;
  TRY(const std::string format, json::get_string(value, "format"));
  if (format != kFormat) return invalid("its format is another version's: use that version of manastr-mint");
  TRY(const std::string database, json::get_string(value, "database"));
  out.postgresql = database == "postgresql";
  TRY(const std::int64_t taken_at, json::get_int64(value, "taken_at"));
  out.taken_at = unix_seconds(taken_at);
  TRY(out.bytes, json::get_uint64(value, "bytes"));
  TRY(out.sha256, json::get_string(value, "sha256"));
  TRY(const json::Value* ledger, json::get_object(value, "ledger"));
  TRY(out.inventory, inventory_from_json(*ledger));
  return out;
}

}  // namespace

std::string manifest_path(const std::string& backup) { return backup + ".manifest.json"; }

json::Value to_json(const Manifest& manifest) {
  json::Value out;
  out.set("format", kFormat).set("database", manifest.postgresql ? "postgresql" : "sqlite");
  out.set("taken_at", count(manifest.taken_at)).set("bytes", manifest.bytes).set("sha256", manifest.sha256);
  out.set("ledger", to_json(manifest.inventory));
  out.set("note", "the mint's mnemonic is not in this backup: it has its own place");
  return out;
}

Result<Manifest> read_manifest(const std::string& backup) {
  const std::string path = manifest_path(backup);
  TRY(const std::string text, storage::read_small_file(path, kMost));
  const auto value = json::parse(text, {.bytes = kMost, .values = 2'000'000});
  if (!value) return invalid(path + ": " + value.error().message);
  auto out = from_json(*value);
  if (!out) return invalid(path + ": " + out.error().message);
  return out;
}

Result<FileDigest> digest_of(const std::string& path) {
  FileDigest out;
  crypto::Sha256 hash;
  TRY_STATUS(storage::read_file(path, [&](ByteView piece) -> Status {
    out.bytes += piece.size();
    hash.update(piece);
    return {};
  }));
  out.sha256 = to_hex(hash.finish());
  return out;
}

}  // namespace manastr::mint

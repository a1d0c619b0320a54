#include "mint/import/import.h"

#include "common/storage/directory_lock.h"
#include "mint/import/business.h"
#include "mint/import/secrets.h"
#include "mint/import/target.h"

namespace manastr::mint {
namespace {

/// A path stands for itself; a URL has a password in it, and comes by reference.
Result<crypto::SecretText> place_of(const std::string& source) {
  if (source.starts_with("postgres"))
    return invalid(
        "--source: a URL is given by reference, \"env:NAME\" or \"file:PATH\", for others see a command "
        "line");
  if (source.starts_with("env:") || source.starts_with("file:")) return read_reference(source, "--source");
  return crypto::SecretText(source);
}

/// Units without a price can't be owed.
Status set_prices(SourceKeys& keys, const Configuration& configuration) {
  for (SourceKeys::Keyset& each : keys.all()) {
    for (const CurrencyConfiguration& currency : configuration.currencies) {
      if (currency.unit == each.record.unit) each.price = currency.price_msat;
    }
    if (each.price == 0) {
      return invalid("the source has the unit " + each.record.unit +
                     ", which this mint has not: add [currencies." + each.record.unit + "] with its price");
    }
  }
  return {};
}

Status prepare(Ledger& ledger, const SourceKeys& keys, const Configuration& configuration,
               const ImportOptions& options, UnixSeconds now) {
  std::vector<KeysetRecord> records;
  for (const SourceKeys::Keyset& each : keys.all()) records.push_back(each.record);
  TRY_STATUS(ledger.store_keysets(records));
  std::vector<Ledger::Price> prices;
  for (const CurrencyConfiguration& each : configuration.currencies)
    prices.push_back({each.unit, each.price_msat});
  TRY_STATUS(ledger.set_prices(prices));
  json::Value detail;
  detail.set("from", options.from);
  return ledger.add_origin({Origin::Kind::imported, now, detail.dump(), false});
}

}  // namespace

Result<ImportReport> import_mint(const Configuration& configuration, const std::string& directory,
                                 const ImportOptions& options, const Clock& clock) {
  const bool is_cdk = options.from == "cdk-mintd";
  if (!is_cdk && options.from != "nutshell") return invalid("--from is \"cdk-mintd\" or \"nutshell\"");
  TRY(const storage::DirectoryLock lock, storage::DirectoryLock::acquire(directory));
  TRY(crypto::SecretText seed, read_reference(options.seed, "--seed"));
  TRY(ImportSecrets secrets, ImportSecrets::choose(configuration, directory, std::move(seed), is_cdk));
  TRY(const crypto::SecretText place, place_of(options.source));
  TRY(const std::unique_ptr<SourceDatabase> database, SourceDatabase::open(place));
  TRY(const bool fits, database->has_table(is_cdk ? "blind_signature" : "promises"));
  if (!fits) return invalid("the source is no database of " + options.from);
  const std::unique_ptr<SourceMint> source =
      is_cdk ? read_cdk_mint(*database) : read_nutshell_mint(*database);

  Derivations derivations(secrets.own_seed());
  add_foreign_keys(derivations, secrets.own_seed(), secrets.source().text);
  TRY(const std::vector<SourceKeyset> keysets, source->keysets());
  TRY(SourceKeys keys, SourceKeys::match(keysets, secrets.source(), derivations, clock.now_seconds()));
  TRY_STATUS(set_prices(keys, configuration));

  TRY(const std::unique_ptr<ImportTarget> target, ImportTarget::open(configuration, directory));
  TRY_STATUS(prepare(target->ledger(), keys, configuration, options, clock.now_seconds()));
  ImportReport report;
  {
    Business business(*source, keys, target->ledger(), clock);
    TRY_STATUS(business.take_signatures());
    TRY_STATUS(business.take_mint_quotes());
    TRY_STATUS(business.take_melts());
    TRY_STATUS(business.take_spent_proofs());
    TRY_STATUS(business.close(options.cover_shortfall));
    report = std::move(business.report);
  }
  TRY_STATUS(database->end_unchanged());
  TRY_STATUS(secrets.store());
  TRY_STATUS(target->ledger().settle_origins(clock.now_seconds()));
  TRY_STATUS(target->finish());
  secrets.keep();
  return report;
}

}  // namespace manastr::mint

#include "mint/import/resolve.h"

#include <algorithm>
#include <filesystem>

#include "common/storage/directory_lock.h"
#include "mint/keysets/foreign_keys.h"
#include "mint/keysets/keyset_ring.h"
#include "mint/keysets/mnemonic_file.h"
#include "mint/ledger/postgres/postgres_ledger.h"
#include "mint/ledger/sqlite_ledger.h"
#include "mint/quotes/melt_change.h"

namespace manastr::mint {
namespace {

Result<std::unique_ptr<Ledger>> open(const Configuration& configuration, const std::string& directory) {
  if (configuration.database.is_postgresql()) {
    PostgresLedgerOptions options;
    options.url = crypto::SecretText(configuration.database.secret_text());
    options.replica = options.node = std::string(kForeignReplica);
    options.connections = 2;
    return open_postgres_ledger(std::move(options));
  }
  SqliteLedgerOptions options;
  options.file = configuration.sqlite_file(directory);
  std::error_code error;
  if (!std::filesystem::exists(options.file, error)) return invalid("there is no ledger " + options.file);
  return open_sqlite_ledger(std::move(options));
}

Result<std::vector<Issue>> change_of(Ledger& ledger, const Configuration& configuration,
                                     const std::string& directory, const MeltQuote& quote, Msat paid) {
  TRY(const std::vector<BlankOutput> blanks, ledger.blank_outputs(quote.id));
  if (blanks.empty()) return std::vector<Issue>{};
  TRY(const Mnemonic mnemonic,
      load_mnemonic(configuration.keysets.mnemonic, directory, false, system_random()));
  TRY(const crypto::Secret<64> seed, crypto::mnemonic_seed(mnemonic.words.reveal()));
  TRY(const Derivations derivations, all_derivations(seed, configuration, directory));
  TRY(std::vector<KeysetRecord> stored, ledger.keysets());
  TRY(const std::shared_ptr<const KeysetRing> ring,
      KeysetRing::make(derivations, std::move(stored), configuration.currencies,
                       configuration.keysets.id_version));
  std::vector<const SigningKeyset*> keysets;
  for (const BlankOutput& blank : blanks) {
    keysets.push_back(ring->by_number(blank.keyset));
    if (keysets.back() == nullptr) return broken("a melt's change is for a keyset that the mint lacks");
  }
  return sign_change(keysets, blanks, quote, paid);
}

}  // namespace

Status resolve_melt(const Configuration& configuration, const std::string& directory, const MeltEnd& end) {
  TRY(const storage::DirectoryLock lock, storage::DirectoryLock::acquire(directory));
  TRY(const std::unique_ptr<Ledger> ledger, open(configuration, directory));
  TRY(const std::optional<MeltQuote> quote, ledger->melt_quote(end.quote));
  if (!quote) return invalid("there is no melt quote " + end.quote);
  if (quote->state != MeltQuote::State::pending) return invalid("melt " + end.quote + " is not pending");
  // On PostgreSQL the replica of imports has the foreign ones, in SQLite the mint has all others.
  TRY(const std::vector<MeltQuote> listed, ledger->pending_melts());
  const bool is_listed =
      std::ranges::any_of(listed, [&](const MeltQuote& each) { return each.id == quote->id; });
  if (is_listed != configuration.database.is_postgresql())
    return invalid("melt " + end.quote +
                   " is one of this mint's own: it finds out by itself what became of it");
  if (!end.paid) {
    TRY([[maybe_unused]] const Written released, ledger->write_now(ReleaseMelt{end.quote, quote->attempt}));
    return {};
  }
  const auto held = static_cast<Msat>(
      value_of(quote->inputs - std::min(quote->inputs, quote->input_fee), quote->price_msat));
  FinishMelt write;
  write.quote = end.quote;
  write.preimage = end.preimage;
  write.paid = end.paid_msat.value_or(held);
  if (write.paid > held)
    return invalid("the payment can't have cost more than the " + std::to_string(held) + " msat held for it");
  TRY(write.change, change_of(*ledger, configuration, directory, *quote, write.paid));
  TRY([[maybe_unused]] const Written written, ledger->write_now(std::move(write)));
  return {};
}

}  // namespace manastr::mint

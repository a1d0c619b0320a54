#include <fstream>
#include <sstream>

#include "mint/audit/kept_checkpoint.h"
#include "mint/audit/postgres_view.h"
#include "mint/audit/sqlite_view.h"
#include "mint/audit/verify.h"
#include "mint/keysets/foreign_keys.h"
#include "mint/keysets/journal_key.h"
#include "mint/keysets/mnemonic_file.h"

namespace manastr::mint {
namespace {

Result<std::string> read_whole(const std::string& path) {
  constexpr std::size_t kMaxBytes = 4 << 20;
  std::ifstream file(path, std::ios::binary);
  std::string out(kMaxBytes + 1, '\0');
  file.read(out.data(), static_cast<std::streamsize>(out.size()));
  if (file.bad() || (!file.is_open())) return invalid(path + " can't be read");
  out.resize(static_cast<std::size_t>(file.gcount()));
  if (out.size() > kMaxBytes) return invalid(path + " is too large for a checkpoint");
  return out;
}

Result<SignedCheckpoint> kept(const std::string& path, const crypto::XOnlyKey& key) {
  TRY(const std::string text, read_whole(path));
  auto read = read_kept_checkpoint(text);
  if (!read) return invalid(path + ": " + read.error().message);
  if (const auto good = read_checkpoint(*read, key); !good)
    return invalid(path + ": " + good.error().message);
  return read;
}

}  // namespace

Result<bool> verify_mint(const Configuration& configuration, const std::string& directory,
                         const std::string& after_file, const TellCheck& tell) {
  TRY(const Mnemonic mnemonic,
      load_mnemonic(configuration.keysets.mnemonic, directory, false, system_random()));
  TRY(const crypto::Secret<64> seed, crypto::mnemonic_seed(mnemonic.words.reveal()));
  const crypto::XOnlyKey key = journal_key(seed).x_only();
  std::optional<SignedCheckpoint> after;
  if (!after_file.empty()) {
    TRY(after, kept(after_file, key));
  }
  TRY(const std::unique_ptr<LedgerView> view,
      configuration.database.is_postgresql()
          ? view_postgres_ledger(crypto::SecretText(configuration.database.secret_text()))
          : view_sqlite_ledger(configuration.sqlite_file(directory)));
  TRY(const Derivations derivations, all_derivations(seed, configuration, directory));
  return verify_ledger(*view, key, after, tell, &derivations);
}

}  // namespace manastr::mint

// Which secrets an import is given, and where they stay afterwards.
#pragma once
#include "mint/configuration/configuration.h"
#include "mint/import/source_keys.h"

namespace manastr::mint {

/// Of "env:NAME" or "file:PATH"; the white space around it is not part of it.
Result<crypto::SecretText> read_reference(const std::string& reference, const std::string& what);

class ImportSecrets {
 public:
  /// cdk-mintd's words become the mint's own mnemonic, which must be the same where there is one already.
  /// Any other seed is kept beside a mnemonic of ours.
  static Result<ImportSecrets> choose(const Configuration& configuration, const std::string& directory,
                                      crypto::SecretText seed, bool words_may_be_ours);
  const crypto::Secret<64>& own_seed() const { return own_seed_; }
  const SourceSeed& source() const { return source_; }
  /// Writes what has no file yet; what was written is gone again unless keep() is called.
  Status store();
  void keep() { written_.clear(); }
  ~ImportSecrets();
  ImportSecrets(ImportSecrets&& other) noexcept = default;
  ImportSecrets& operator=(ImportSecrets&&) = delete;

 private:
  ImportSecrets() = default;
  std::string directory_;
  crypto::Secret<64> own_seed_;
  crypto::SecretText own_words_;  // to be stored; "" if they have their place
  SourceSeed source_;
  bool seed_has_place_ = false;
  std::vector<std::string> written_;
};

}  // namespace manastr::mint

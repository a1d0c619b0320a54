// The mnemonic from which every key of the mint comes: from mint.toml (or what it refers to), else
// DIR/mnemonic.
#pragma once
#include <string>

#include "common/base/error.h"
#include "common/base/random.h"
#include "common/crypto/secret.h"

namespace manastr::mint {

struct Mnemonic {
  crypto::SecretText words;
  std::string made_file;  ///< path of the file that was made just now, and is to be backed up; else ""
};

/// `configured` if it isn't empty. Else DIR/mnemonic; made with 12 fresh words (0600, synced) if `may_make`:
/// a ledger that already has keysets must not get another mnemonic.
Result<Mnemonic> load_mnemonic(const crypto::SecretText& configured, const std::string& directory,
                               bool may_make, Random& random);

}  // namespace manastr::mint

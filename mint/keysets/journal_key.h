// The key that signs the journal's checkpoints: of the mint's mnemonic, and for nothing else.
#pragma once
#include "common/crypto/bip39.h"

namespace manastr::mint {

/// Path m/1835692654'/0' (the number is "mjrn" in ASCII).
crypto::SecretKey journal_key(const crypto::Secret<64>& seed);

}  // namespace manastr::mint

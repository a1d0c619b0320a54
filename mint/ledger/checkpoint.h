// A signed checkpoint: where each chain of the journal stands, and what all accounts come to there. Made by
// the ledgers about once a minute while something changes, published at /v1/supply; who keeps one catches a
// mint that rewrites its past (`manastr-mint verify --after`). docs/journal.md has the format.
#pragma once
#include "common/crypto/keys.h"
#include "mint/ledger/journal_entry.h"

namespace manastr::mint {

struct Checkpoint {
  struct Head {
    std::string chain;
    std::uint64_t sequence = 0;
    Hash32 digest{};  ///< of the entry with this sequence
    bool operator==(const Head&) const = default;
  };
  struct KeysetName {
    std::uint32_t number = 0;
    std::string id;  ///< hex
    cashu::Unit unit;
  };
  std::uint64_t number = 1;
  UnixSeconds time{};
  crypto::XOnlyKey key;
  Hash32 previous{};                ///< journal_digest() of the checkpoint before; zeros of the first
  std::vector<Head> heads;          ///< by chain
  std::vector<KeysetName> keysets;  ///< by number: what issued/NUMBER and redeemed/NUMBER are of
  Accounts balances;                ///< none of them 0

  std::string text() const;
  /// Reads what text() writes, and nothing else.
  static Result<Checkpoint> parse(std::string_view text);
};

struct SignedCheckpoint {
  std::string text;
  crypto::Signature signature{};  ///< BIP-340 over journal_digest(text)
  bool operator==(const SignedCheckpoint&) const = default;
};

/// `checkpoint.key` becomes the key's.
SignedCheckpoint sign_checkpoint(Checkpoint checkpoint, const crypto::SecretKey& key);
/// An error says what is wrong: another key, or a signature that isn't of this text.
Result<Checkpoint> read_checkpoint(const SignedCheckpoint& checkpoint, const crypto::XOnlyKey& key);

}  // namespace manastr::mint

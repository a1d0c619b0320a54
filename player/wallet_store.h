// The wallet's SQLite file: keysets with their counters, proofs, quotes, and the journal of operations. For
// wallet.cpp and its neighbours; it sends nothing and decides nothing. What belongs together is written in
// one transaction().
#pragma once
#include "common/cashu/types.h"
#include "common/crypto/secret.h"
#include "common/storage/database.h"

namespace manastr::player {

enum class CoinState : int {
  unspent = 0,
  under_way = 1,  ///< input of an open operation
  locked = 2,     ///< under a NUT-11 lock, for a match
  spent = 3,
  sent = 4,     ///< handed out as a token
  foreign = 5,  ///< of a token being received; never in a balance
};

enum class OperationKind : int { mint = 1, swap = 2, lock = 3, take_back = 4, melt = 5, prepare = 6 };
enum class OperationState : int { open = 0, done = 1, undone = 2 };

/// An output as prepared before its request: all that is needed to make a proof of the mint's signature.
struct PreparedOutput {
  cashu::BlindedMessage message;
  std::string secret;
  crypto::SecretKey r;
  CoinState becomes = CoinState::unspent;
};

struct Operation {
  std::int64_t id = 0;
  OperationKind kind = OperationKind::swap;
  OperationState state = OperationState::open;
  std::string label;
  std::string quote;
  cashu::Unit unit;
  std::vector<cashu::Proof> inputs;
  std::vector<PreparedOutput> outputs;
  std::vector<cashu::BlindedMessage> messages() const;
};

struct StoredProof {
  cashu::Proof proof;
  CoinState state = CoinState::unspent;
};

struct StoredQuote {
  std::string id;
  std::string request;
  cashu::Unit unit;
  cashu::Amount amount = 0;
  std::optional<UnixSeconds> expiry;
  std::uint64_t key_index = 0;
  bool open = true;
};

class WalletStore {
 public:
  /// `seed_mark` tells seeds apart without telling them.
  static Result<WalletStore> open(const std::string& path, const std::string& mint_url,
                                  const Hash32& seed_mark, const storage::OpenOptions& storage);
  Result<storage::Transaction> transaction() { return storage::Transaction::begin(database_); }

  Result<std::vector<cashu::Keyset>> keysets();
  /// Adds a keyset or updates its `active`.
  Status save_keyset(const cashu::Keyset& keyset);
  Result<std::uint64_t> counter(const cashu::KeysetId& id);
  Status set_counter(const cashu::KeysetId& id, std::uint64_t counter);

  Result<std::uint64_t> next_quote_key();
  Status add_quote(const StoredQuote& quote);
  Result<std::optional<StoredQuote>> quote(const std::string& id);
  Result<std::vector<StoredQuote>> open_quotes();
  Status close_quote(const std::string& id);

  /// Proofs in one of the states, in the order they came.
  Result<std::vector<StoredProof>> proofs(std::initializer_list<CoinState> states);
  Result<std::vector<StoredProof>> labelled(const std::string& label);
  Result<bool> knows(const crypto::PublicKey& y);
  /// A proof that is there already keeps its state, unless it was `unspent`.
  Status add_proof(const cashu::Proof& proof, CoinState state, const std::string& label,
                   std::int64_t made_by);
  Status set_state(const crypto::PublicKey& y, CoinState state);

  /// Writes the operation with its outputs and takes its inputs out of the balance; `id` is set. Inputs that
  /// are not in the file are added as `foreign`. Within a transaction.
  Status add_operation(Operation& operation, UnixSeconds now);
  Result<std::optional<Operation>> operation(std::int64_t id);
  /// Not undone; "" matches nothing.
  Result<std::optional<Operation>> find_by_label(OperationKind kind, const std::string& label);
  /// The latest that is not undone.
  Result<std::optional<Operation>> find_by_quote(OperationKind kind, const std::string& quote);
  Result<std::vector<std::int64_t>> open_operations();
  /// Inputs are spent, the operation is done, its outputs (now proofs) forgotten, but for those of prepare().
  /// Within a transaction.
  Status end_done(const Operation& operation);
  /// Inputs in `spent` are spent, the others back where they were. Outputs are forgotten if none was spent.
  Status end_undone(const Operation& operation, const std::vector<crypto::PublicKey>& spent);
  /// The sum of the proofs that the operation made.
  Result<cashu::Amount> made_by(std::int64_t operation);
  /// The sum of its inputs.
  Result<cashu::Amount> spent_by(std::int64_t operation);

 private:
  Result<cashu::Amount> sum_of(const std::string& column, std::int64_t operation);
  explicit WalletStore(storage::Database database) : database_(std::move(database)) {}
  Result<std::vector<StoredProof>> read_proofs(storage::Query query);
  Result<std::optional<Operation>> read_operation(storage::Query query);
  Result<std::vector<PreparedOutput>> read_outputs(std::int64_t operation);
  storage::Database database_;
};

}  // namespace manastr::player

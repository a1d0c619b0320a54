// The inside of Wallet, shared by wallet.cpp and the wallet_*.cpp beside it.
#pragma once
#include <limits>

#include "player/coin_selection.h"
#include "player/wallet.h"
#include "player/wallet_store.h"

namespace manastr::player {

inline constexpr std::size_t kMaxStakeProofs = 12;  ///< match-protocol section 4

/// An output to make: its secret is NUT-13's, or a NUT-10 condition with that as its nonce.
struct OutputPlan {
  cashu::Amount amount = 0;
  CoinState becomes = CoinState::unspent;
  const Lock* lock = nullptr;
};

struct OperationPlan {
  OperationKind kind = OperationKind::swap;
  std::string label;
  std::string quote;
  std::vector<cashu::Proof> inputs;
  std::vector<OutputPlan> outputs;
  bool inputs_chosen = true;  ///< from the balance, so that others could be chosen
  /// Fills in the witnesses of the inputs, once the outputs are known.
  std::function<void(Operation&)> sign;
};

/// Outputs for `amount` in the keyset's denominations, ascending.
Result<std::vector<OutputPlan>> plan_amount(cashu::Amount amount, const cashu::Keyset& keyset,
                                            CoinState becomes);
/// Small before large, whoever they are for: the order tells the mint nothing.
void sort_by_amount(std::vector<OutputPlan>& outputs);

struct Wallet::State {
  WalletStore store;
  crypto::Secret<64> seed;
  std::shared_ptr<mintclient::MintClient> client;
  const Clock& clock;
  std::map<cashu::KeysetId, cashu::Keyset> keysets;
  bool keysets_fresh = false;  ///< asked since the process started
  /// Inputs, outputs or Ys of one request at most (NUT-06, max_array_length); what the mint doesn't say is no
  /// limit.
  std::size_t most_at_once = std::numeric_limits<std::size_t>::max();

  // Keysets.
  Status refresh_keysets();
  Result<cashu::Keyset> fetch_keyset(const cashu::KeysetInfo& info);
  Result<const cashu::Keyset*> keyset(const cashu::KeysetId& id);
  Result<const cashu::Keyset*> active_keyset(const cashu::Unit& unit);

  // Choice of inputs.
  struct Selection {
    std::vector<cashu::Proof> proofs;
    cashu::Amount sum = 0;
    cashu::Amount fee = 0;
  };
  /// Unspent proofs of the unit worth at least `target` after their own fee.
  Result<Selection> select(const cashu::Unit& unit, cashu::Amount target);
  Result<cashu::Amount> fee_of(const std::vector<cashu::Proof>& inputs);
  /// Swaps small proofs for larger ones until `target` can be paid with the inputs of one request, or nothing
  /// is gained by it. Too little money is no error here.
  Status gather(const cashu::Unit& unit, cashu::Amount target);
  std::size_t most_stake_proofs() const { return std::min(kMaxStakeProofs, most_at_once); }

  // Operations: begin() journals, run() sends and ends. Both in wallet_operations.cpp.
  Result<Operation> begin(const OperationPlan& plan, const cashu::Keyset& keyset);
  /// Ends the operation, done (value) or undone (error `refused`), or leaves it open (`unavailable`).
  Status run(const Operation& operation);
  /// As run(); then, if the mint refused for a reason that the wallet can cure (keysets rotated, counters or
  /// proofs behind the mint's books), plans and runs once more.
  Result<Operation> perform(const cashu::Unit& unit,
                            const std::function<Result<OperationPlan>(const cashu::Keyset&)>& plan);
  Status run_swap(const Operation& operation);
  Status run_mint(const Operation& operation);
  Status run_melt(const Operation& operation);
  Status resolve_swap(const Operation& operation, const Error& refusal);
  Status resolve_mint(const Operation& operation, const Error& refusal);
  Status resolve_melt(const Operation& operation, const Error& refusal);
  Status settle_melt(const Operation& operation, const mintclient::MeltQuote& quote);
  /// What the mint signed of the outputs, matched with them by position; empty where nothing.
  Result<std::vector<std::optional<cashu::BlindSignature>>> signed_outputs(const Operation& operation);
  Result<std::vector<mintclient::ProofStatus>> states_of(const std::vector<cashu::Proof>& proofs);
  /// Verifies each signature, makes proofs and ends the operation. signatures[i] belongs to outputs[i]; fewer
  /// are allowed for a melt's change only.
  Status finish(const Operation& operation, const std::vector<cashu::BlindSignature>& signatures);
  /// Asks the mint about many prepare()d operations at once and finishes those that it has signed; how many.
  std::size_t fetch_prepared(const std::vector<Operation>& operations);
  Status undo(const Operation& operation, const std::vector<crypto::PublicKey>& spent = {});
  Result<cashu::Proof> unblind(const PreparedOutput& output, const cashu::BlindSignature& signature);

  Result<PreparedOutput> prepare_output(const OutputPlan& plan, const cashu::KeysetId& id,
                                        std::uint64_t counter) const;
  crypto::SecretKey quote_key(std::uint64_t index) const;

  // From the seed, in wallet_restore.cpp.
  Status restore_keyset(const cashu::Keyset& keyset, player::Restored& restored);
  Status forget_spent();
  /// What the mint signed of the outputs of one batch of counters, each with this lock (or none).
  struct Rediscovered {
    std::vector<cashu::Proof> proofs;  ///< with a valid DLEQ proof, not in the file
    std::uint64_t next_counter = 0;    ///< behind the last one signed; 0: none was
    std::size_t refused = 0;
  };
  Result<Rediscovered> rediscover(const cashu::Keyset& keyset, std::uint64_t first, const Lock* lock);
};

}  // namespace manastr::player

// The player's wallet: ecash of one mint in one SQLite file, every secret from one BIP-39 seed (NUT-13).
// Called by the player's commands and by its match client.
//
// Promises: kill -9 or a power cut at any instruction loses nothing. What a request needs (counters, secrets,
// outputs, reserved inputs, witnesses) is committed before the request is sent; resume() ends what was under
// way by sending the identical request again (a mint gives the identical reply) or, where that fails, by
// asking what the mint signed (NUT-09) and what it holds for spent (NUT-07). Every signature of the mint is
// checked by its DLEQ proof (NUT-12). Calls that take a `label` are idempotent by it: called again they go
// on, or return what the first call made.
//
// One thread at a time; calls block for the network. Errors: `unavailable` means the operation is still under
// way and resume() will end it; `refused` means it did not happen and the money is back in the balance (the
// NUT code says why); `invalid` means nothing was begun (too little money: cashu::kNotBalanced).
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/cashu/token.h"
#include "common/crypto/secret.h"
#include "common/mintclient/client.h"
#include "common/storage/database.h"

namespace manastr::player {

/// Money of one unit. What is under way or locked is still the player's until the mint says otherwise.
struct Balance {
  cashu::Unit unit;
  cashu::Amount available = 0;  ///< proofs that can be spent now
  cashu::Amount under_way = 0;  ///< inputs of operations that have not ended
  cashu::Amount locked = 0;     ///< stakes in matches
};

/// A NUT-11 lock: all proofs made for it have byte-identical data and tags (match-protocol section 4).
struct Lock {
  std::string data;                            ///< public key hex
  std::vector<std::vector<std::string>> tags;  ///< in the order in which they are to be written
  /// The only keyset that whoever asks for these proofs will take; any unless set.
  std::optional<cashu::KeysetId> keyset = {};
};

struct StakeCost {
  cashu::Amount stake = 0;
  cashu::Amount own_fee = 0;   ///< what the stake proofs carry for their own input fee
  cashu::Amount swap_fee = 0;  ///< what making them costs now
  std::size_t proofs = 0;
};

struct MintedQuote {
  mintclient::MintQuote quote;
  bool minted = false;  ///< the proofs are in the wallet
};

struct MeltResult {
  mintclient::QuoteState state = mintclient::QuoteState::unpaid;  ///< paid or pending
  cashu::Amount amount = 0;                                       ///< of the invoice
  cashu::Amount fee_paid = 0;                                     ///< Lightning and input fees, once paid
  std::string preimage;
};

struct Restored {
  std::size_t proofs = 0;   ///< unspent ones that were not in the file before
  std::size_t refused = 0;  ///< signatures without a valid DLEQ proof (a mint that lacks NUT-12, or cheats)
  std::vector<std::pair<cashu::Unit, cashu::Amount>> amounts;
};

struct Resumed {
  std::size_t finished = 0;
  std::size_t returned =
      0;  ///< operations that the mint had not executed and now refuses; their money is back
  std::vector<std::string> open;  ///< one line for each that is still under way, and why
};

class Wallet {
 public:
  /// Opens or makes the file (0600). A file that belongs to another mint or seed is refused. Nothing is sent.
  /// `storage` is for tests that lose power.
  static Result<std::unique_ptr<Wallet>> open(const std::string& path, const crypto::Secret<64>& seed,
                                              std::shared_ptr<mintclient::MintClient> client,
                                              const Clock& clock, const storage::OpenOptions& storage = {});
  ~Wallet();

  const std::string& mint_url() const;
  /// All units that the wallet has ever seen, by name.
  Result<std::vector<Balance>> balances();
  Result<Balance> balance(const cashu::Unit& unit);

  /// Ends what was under way when the process last stopped, and mints quotes that were paid meanwhile. Call
  /// it once after open(); later whenever a call answered `unavailable`. An error only if the file fails; a
  /// silent mint leaves operations `open`.
  Result<Resumed> resume();

  /// NUT-01/02: asks the mint for its keysets. The other calls do it when they need to.
  Status refresh_keysets();
  /// The keyset that new proofs of `unit` are made with: active, not expired, the cheapest.
  Result<cashu::Keyset> active_keyset(const cashu::Unit& unit);
  /// A keyset by id, with its keys, asked for if it isn't known yet.
  Result<cashu::Keyset> keyset(const cashu::KeysetId& id);

  // --- in and out by Lightning (NUT-04, 05, 08, 20, 23) ---
  /// A quote locked to a key of this wallet (NUT-20): only this seed can mint it. Pay quote.request, then
  /// mint_paid().
  Result<mintclient::MintQuote> request_mint(const cashu::Unit& unit, cashu::Amount amount);
  /// Asks for the quote's state and mints it if it is paid. Not paid yet: minted = false, no error.
  Result<MintedQuote> mint_paid(const std::string& quote_id);
  /// Quotes that are neither minted nor expired, oldest first.
  Result<std::vector<mintclient::MintQuote>> open_mint_quotes();
  /// What paying `invoice` from `unit` costs.
  Result<mintclient::MeltQuote> request_melt(const std::string& invoice, const cashu::Unit& unit);
  /// Pays. A state of `pending` is no error: the inputs stay under way, resume() asks again.
  Result<MeltResult> melt(const mintclient::MeltQuote& quote);

  // --- ecash by hand ---
  /// Proofs of exactly `amount`, as a token; they leave the balance at once.
  Result<cashu::Token> send(const cashu::Unit& unit, cashu::Amount amount);
  /// Tokens of send() that nobody has redeemed yet, as far as the wallet knows (restore() asks), by unit.
  Result<std::vector<cashu::Token>> sent();
  /// Swaps a token's proofs into this wallet; the amount received, fee deducted. Tokens of other mints are
  /// refused. One of more proofs than the mint takes at once is swapped in parts: after an error, those
  /// before it are in the balance.
  Result<cashu::Amount> receive(const cashu::Token& token);

  // --- stakes (match-protocol section 4) ---
  /// What lock() of this stake would cost now; `invalid` if the stake can't be paid with at most 12 proofs
  /// (or as many as the mint takes at once). Many small proofs are swapped for fewer if the mint would not
  /// take them at once, here and by melt(), send() and lock().
  Result<StakeCost> stake_cost(const cashu::Unit& unit, cashu::Amount stake);
  /// At most 12 proofs under `lock`, sum - their input fee = stake exactly. The secrets' nonces are derived
  /// from the seed. Code 12002 if the mint signs in another keyset than the lock's: nothing was locked.
  Result<std::vector<cashu::Proof>> lock(const std::string& label, const cashu::Unit& unit,
                                         cashu::Amount stake, const Lock& lock);
  /// For a wallet whose file was lost after lock(): finds the unspent proofs of one stake under `lock` again,
  /// by the seed (NUT-09, NUT-07), and puts them under `label`. Empty if the mint has signed none that the
  /// file doesn't know. What is under `label` already is returned.
  Result<std::vector<cashu::Proof>> find_locked(const std::string& label, const cashu::KeysetId& keyset,
                                                cashu::Amount stake, const Lock& lock);
  /// The proofs of lock(), also those spent since; empty if there was none of that label.
  Result<std::vector<cashu::Proof>> locked(const std::string& label);
  /// Spends the proofs of lock() into the balance, for a refund after the locktime: `sign` gets the SHA-256
  /// of the SIG_ALL message (of the secret, for SIG_INPUTS) and returns the signatures for the witness. The
  /// amount that came back; code 11001 if the stake was spent meanwhile.
  Result<cashu::Amount> take_back(const std::string& label,
                                  const std::function<std::vector<crypto::Signature>(const Hash32&)>& sign);
  /// Asks the mint (NUT-07) and forgets locked proofs that are spent; true if all are.
  Result<bool> check_locked(const std::string& label);

  // --- prizes and refunds that someone else's request brings ---
  /// Outputs for `amount` (split into powers of two) that the caller hands to a settlement. Kept until they
  /// are signed.
  Result<std::vector<cashu::BlindedMessage>> prepare(const std::string& label, const cashu::Unit& unit,
                                                     cashu::Amount amount);
  /// Takes the blind signatures over prepare()'s outputs, all of them, in order (from a 31006). Taking them
  /// twice is no error. The amount received.
  Result<cashu::Amount> take(const std::string& label, const std::vector<cashu::BlindSignature>& signatures);
  /// As take(), with what the mint says it signed (NUT-09). nullopt if it has not signed them (yet).
  Result<std::optional<cashu::Amount>> fetch(const std::string& label);

  /// Prepared outputs that will not be signed (an attempt that was replaced): resume() asks about them no
  /// more. If they are signed after all, restore() finds them.
  Status forget(const std::string& label);

  // --- from the seed alone (NUT-13, NUT-09) ---
  /// Over all keysets of the mint, in batches of 100 counters, until three batches in a row bring nothing.
  /// Also asks NUT-07 about every proof that the file holds for spendable. Safe at any time.
  Result<Restored> restore();

 private:
  struct State;
  explicit Wallet(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace manastr::player

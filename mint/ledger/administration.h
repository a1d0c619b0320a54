// What operators do to the ledger while the mint runs, and the log of it. Made by mint/admin; both ledgers
// carry it out in one transaction of its own, one call after the other whichever mint was asked: the event is
// used up, the call decided upon what the ledger holds at that moment, its effect and its line in the log
// written together.
#pragma once
#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "mint/keysets/signing_keyset.h"
#include "mint/keysets/unit_record.h"
#include "mint/ledger/records.h"

namespace manastr::mint {

/// A call that was signed by an admin's key, whether it may be done or not.
struct AdminCall {
  UnixMillis at{};
  std::string admin;      ///< name in the configuration
  Hash32 pubkey{};        ///< x-only
  std::string roles;      ///< "operator,treasurer"
  std::string action;     ///< "create", "audit", …
  std::string arguments;  ///< JSON
  Hash32 event{};         ///< NIP-98
  UnixSeconds event_until{};
  /// Idempotency key, and what it stands for: the same again gets the first answer. Absent: a call that
  /// changes nothing.
  std::optional<Hash32> key;
  Hash32 operation{};
};

/// How it ended: 200 and the answer's body, else a sentence and the code of docs/mint-api.md.
struct AdminOutcome {
  int status = 200;
  int code = 0;
  std::string text;
  bool repeated = false;  ///< done by an earlier call of the same key
};

/// A line of the log. Numbers count from 1 without a gap, and no line is ever changed.
struct AuditLine {
  std::uint64_t number = 0;
  AdminCall call;  ///< without event_until, key and operation
  int status = 0;
  std::string outcome;  ///< "done", "repeated", or why it was refused
};

/// What a call is decided upon.
struct AdminView {
  std::vector<UnitRecord> units;
  std::vector<KeysetRecord> keysets;  ///< ascending by number
  Totals totals;
};

struct PriceChange {
  cashu::Unit unit;
  std::uint64_t msat = 0;
  Seconds melt_quotes_live{};  ///< so long a melt quote keeps the price that it was made at
  /// Mint quotes under way are credited as they promised, and the rise is refused if the mint could then owe
  /// more than it has. False: where that can't be, those of the unit, and if that doesn't do, those of all,
  /// are worth what was paid at the price of then.
  bool keep_mint_quotes = true;
};

struct AdminEffect {
  std::optional<UnitRecord> unit;     ///< as it is from now on
  std::vector<KeysetRecord> keysets;  ///< those that are new or have changed
  std::optional<PriceChange> price;
  std::string answer;  ///< body, 200
};
/// An error of kind `invalid` or `refused` is logged as the call's outcome; any other means that nothing was
/// done and nothing is logged.
using AdminPlan = std::function<Result<AdminEffect>(const AdminView& view)>;

/// The rows of one database, within the transaction of one call. For the ledgers and decide().
class AdminRows {
 public:
  virtual ~AdminRows() = default;
  /// False: it was used before.
  virtual Result<bool> use_event(const Hash32& event, UnixSeconds now, UnixSeconds until) = 0;
  struct Answered {
    Hash32 operation{};
    std::string answer;
  };
  virtual Result<std::optional<Answered>> answered(const Hash32& key) = 0;
  virtual Result<AdminView> view() = 0;
  /// Refused before anything is written if a price can't be.
  virtual Status apply(const AdminEffect& effect, UnixSeconds now) = 0;
  /// `answer` if it was done now and has a key.
  virtual Status append(const AdminCall& call, const AdminOutcome& outcome, const std::string* answer) = 0;
};

/// The whole of a call but BEGIN and COMMIT. An error: the transaction is to be rolled back.
Result<AdminOutcome> decide(AdminRows& rows, const AdminCall& call, const AdminPlan& plan);

// --- prices

/// A row of the table of prices.
struct UnitPrice {
  cashu::Unit unit;
  std::uint64_t msat = 0;
  std::uint64_t promised_msat = 0;  ///< a higher one, at which melt quotes may still be about
  UnixSeconds promised_until{};
  UnixSeconds kept_since{};  ///< mint quotes made up to then are no promise any more
};

/// Unpaid mint quotes of a unit that are a promise.
struct OpenQuotes {
  cashu::Unit unit;
  Wide before = 0;       ///< what they will bring in less than they are worth at the price of now
  Wide after = 0;        ///< and after the change
  UnixSeconds latest{};  ///< when the last of them was made
};
/// Payments under way for melt quotes of one price.
struct PendingMelts {
  cashu::Unit unit;
  std::uint64_t price_msat = 0;
  Wide inputs = 0;
};
/// What was promised at former prices, of all units: a change of any price may not spend what it takes.
struct Promises {
  std::vector<OpenQuotes> mint_quotes;
  std::vector<PendingMelts> melts;
};
/// The rows that the change alters (its own, and those of units whose mint quotes are no promise any more),
/// or why it can't be made: the mint could owe more than it has. `totals` at the prices before.
Result<std::vector<UnitPrice>> changed_price(const Totals& totals, const std::vector<UnitPrice>& prices,
                                             const PriceChange& change, const Promises& promises,
                                             UnixSeconds now);
/// Those that fall before those that rise, so that what one frees another may use. `price_of(change)`:
/// before.
template <class Prices, class PriceOf>
Prices falls_first(Prices prices, PriceOf price_of) {
  std::ranges::stable_partition(prices, [&](const auto& each) { return each.msat <= price_of(each); });
  return prices;
}
/// A quote made at a price that has risen meanwhile must not be stored: it would promise what nobody set
/// aside.
Status check_price(const MintQuote& quote, std::uint64_t price_msat);
/// An invoice that was about to be paid at its expiry is known to be a little later.
inline constexpr Seconds kInvoiceGrace{60};

}  // namespace manastr::mint

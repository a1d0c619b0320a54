#include "mint/ledger/sqlite_writes.h"

#include <algorithm>
#include <limits>

#include "common/gameapi/requests.h"
#include "mint/ledger/administration.h"

namespace manastr::mint {
namespace {

using storage::Query;
constexpr std::int64_t kLocked = 0;

bool fits(Wide value) { return value >= 0 && value <= std::numeric_limits<std::int64_t>::max(); }

}  // namespace

Result<Written> SqliteWrites::apply(const Write& write) {
  const Wide before = books_->gap();
  violation_.clear();
  books_->suspect = false;
  TRY(Written written, std::visit([this](const auto& one) { return (*this)(one); }, write));
  const Wide after = books_->gap();
  if (ends_payment(write)) {
    // What a payment did to the outside can't be refused any more, and a promise is kept: it is written.
    if (after > 0 && after > before) books_->sums.overrun += std::min(after, after - before);
    return written;
  }
  if (after > 0 && after > before && !std::holds_alternative<TakeOver>(write)) {
    return broken("refused: the mint would owe " + to_text(after) +
                  " msat more than it has; its operator has been told");
  }
  if (books_->suspect) violation_ = books_->overdrawn();
  if (!violation_.empty()) return broken("the mint's ledger can't be written: its operator has to look");
  return written;
}

Status SqliteWrites::store_totals(const Sums& before, std::int64_t entry) {
  const Sums& now = books_->sums;
  const auto difference = [](Wide a, Wide b) { return static_cast<std::int64_t>(a - b); };
  for (std::size_t i = 0; i < now.keysets.size(); ++i) {
    const KeysetSums was = i < before.keysets.size() ? before.keysets[i] : KeysetSums{};
    const KeysetSums& is = now.keysets[i];
    if (is.issued == was.issued && is.redeemed == was.redeemed && is.expired == was.expired) continue;
    TRY_STATUS(database_->run(
        "INSERT INTO keyset_totals(keyset, entry, issued, redeemed, expired) VALUES(?1, ?2, ?3, ?4, ?5) "
        "ON CONFLICT(keyset, entry) DO UPDATE SET issued = issued + ?3, redeemed = redeemed + ?4, expired = "
        "expired + ?5",
        static_cast<std::int64_t>(i), entry, difference(is.issued, was.issued),
        difference(is.redeemed, was.redeemed), difference(is.expired, was.expired)));
  }
  for (std::size_t i = 0; i < now.units.size(); ++i) {
    const UnitSums was = i < before.units.size() ? before.units[i] : UnitSums{};
    const UnitSums& is = now.units[i];
    if (is.paid_for == was.paid_for && is.claimed == was.claimed) continue;
    TRY_STATUS(database_->run(
        "INSERT INTO unit_totals VALUES(?1, ?2, ?3, ?4) ON CONFLICT(unit, entry) DO UPDATE SET paid_for = "
        "paid_for + ?3, claimed = claimed + ?4",
        books_->unit_name(i), entry, difference(is.paid_for, was.paid_for),
        difference(is.claimed, was.claimed)));
  }
  if (now.received != before.received || now.paid_out != before.paid_out || now.credit != before.credit ||
      now.overrun != before.overrun) {
    TRY_STATUS(database_->run(
        "INSERT INTO money_totals VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT(entry) DO UPDATE SET received_msat "
        "= received_msat + ?2, paid_out_msat = paid_out_msat + ?3, credit_msat = credit_msat + ?4, "
        "overrun_msat = overrun_msat + ?5",
        entry, difference(now.received, before.received), difference(now.paid_out, before.paid_out),
        difference(now.credit, before.credit), difference(now.overrun, before.overrun)));
  }
  return {};
}

// --- rows
// -----------------------------------------------------------------------------------------------------------

Status SqliteWrites::must_not_be_pruned(std::uint32_t keyset) const {
  if (!books_->pruned(keyset)) return {};
  return refused(cashu::kKeysetExpired, "the keyset has expired");
}

Status SqliteWrites::must_be_new_proof(const PointBytes& y) {
  TRY(const auto number, proofs_->find(*database_, y));
  if (!number) return {};
  TRY(Query row, database_->query("SELECT state FROM proofs WHERE number = ?", *number));
  TRY(const bool found, row.next());
  if (found && row.integer(0) == kLocked) {
    return refused(cashu::kProofsPending,
                   "an input is locked by a payment under way: ask again when it is over");
  }
  return refused(cashu::kProofsSpent, "an input is already spent");
}

Status SqliteWrites::must_be_new_output(const PointBytes& b_blinded) {
  TRY(const auto number, outputs_->find(*database_, b_blinded));
  if (!number) return {};
  TRY(Query row, database_->query("SELECT c_ IS NULL FROM signatures WHERE number = ?", *number));
  TRY(const bool found, row.next());
  if (found && row.integer(0) != 0) {
    return refused(cashu::kOutputsPending, "an output is reserved by a payment under way: use fresh outputs");
  }
  return refused(cashu::kOutputsAlreadySigned,
                 "an output has been signed before: use fresh outputs, or restore it (NUT-09)");
}

Status SqliteWrites::spend(const std::vector<Spend>& spends, const match::MatchId* match) {
  if (spends.empty()) return {};
  TRY(Query insert, database_->query("INSERT INTO proofs(number, y, keyset, amount, state, witness, match) "
                                     "VALUES(?, ?, ?, ?, 1, ?, ?)"));
  for (const Spend& proof : spends) {
    TRY_STATUS(must_not_be_pruned(proof.keyset));
    TRY_STATUS(must_be_new_proof(proof.y));
    TRY(const std::int64_t number, proofs_->add(*database_, proof.y));
    insert.reset();
    insert.bind(1, number);
    insert.bind(2, proof.y);
    insert.bind(3, proof.keyset);
    insert.bind(4, proof.amount);
    if (proof.witness.empty()) {
      insert.bind(5, nullptr);
    } else {
      insert.bind(5, proof.witness);
    }
    if (match == nullptr) {
      insert.bind(6, nullptr);
    } else {
      insert.bind(6, *match);
    }
    TRY([[maybe_unused]] const bool row, insert.next());
    books_->redeem(proof.keyset, proof.amount);
  }
  return {};
}

Status SqliteWrites::lock(const std::vector<Spend>& spends, std::int64_t melt) {
  for (const Spend& proof : spends) {
    TRY_STATUS(must_not_be_pruned(proof.keyset));
    TRY_STATUS(must_be_new_proof(proof.y));
    TRY(const std::int64_t number, proofs_->add(*database_, proof.y));
    TRY_STATUS(database_->run(
        "INSERT INTO proofs(number, y, keyset, amount, state, melt, witness) VALUES(?, ?, ?, ?, 0, ?, ?)",
        number, proof.y, proof.keyset, proof.amount, melt,
        proof.witness.empty() ? std::nullopt : std::optional(proof.witness)));
    books_->lock(proof.keyset, proof.amount);
  }
  return {};
}

/// All of one unit.
Status SqliteWrites::check_caps(const std::vector<Issue>& issues) const {
  if (issues.empty()) return {};
  Wide more = 0;
  for (const Issue& output : issues) more += output.amount;
  return books_->check_cap(books_->unit_of_keyset(issues.front().keyset), more);
}

Status SqliteWrites::issue(const std::vector<Issue>& issues, const Hash32& operation) {
  if (issues.empty()) return {};
  TRY(Query insert,
      database_->query("INSERT INTO signatures(number, b_, keyset, amount, c_, e, s, operation) "
                       "VALUES(?, ?, ?, ?, ?, ?, ?, ?)"));
  for (const Issue& output : issues) {
    TRY_STATUS(must_not_be_pruned(output.keyset));
    TRY_STATUS(must_be_new_output(output.b_blinded));
    TRY(const std::int64_t number, outputs_->add(*database_, output.b_blinded));
    insert.reset();
    insert.bind(1, number);
    insert.bind(2, output.b_blinded);
    insert.bind(3, output.keyset);
    insert.bind(4, output.amount);
    insert.bind(5, output.c_blinded);
    insert.bind(6, output.dleq.e);
    insert.bind(7, output.dleq.s);
    insert.bind(8, operation);
    TRY([[maybe_unused]] const bool row, insert.next());
    books_->issue(output.keyset, output.amount);
  }
  return {};
}

Status SqliteWrites::reserve(const BlankOutput& blank, std::int64_t melt, std::size_t position) {
  TRY_STATUS(must_not_be_pruned(blank.keyset));
  TRY_STATUS(must_be_new_output(blank.b_blinded));
  TRY(const std::int64_t number, outputs_->add(*database_, blank.b_blinded));
  return database_->run(
      "INSERT INTO signatures(number, b_, keyset, amount, melt, position) VALUES(?, ?, ?, 0, ?, ?)", number,
      blank.b_blinded, blank.keyset, melt, static_cast<std::uint64_t>(position));
}

// --- swap and mint
// ----------------------------------------------------------------------------------------------------

Result<Written> SqliteWrites::operator()(const SwapWrite& write) {
  TRY_STATUS(use(write.token));
  TRY_STATUS(spend(write.spends, nullptr));
  TRY_STATUS(issue(write.issues, write.operation));
  return Written{};
}

Result<Written> SqliteWrites::operator()(const NewMintQuote& write) {
  TRY_STATUS(use(write.token));
  const MintQuote& quote = write.quote;
  TRY_STATUS(check_price(quote, books_->price(books_->unit(quote.unit))));
  TRY_STATUS(database_->run(
      "INSERT INTO mint_quotes(id, method, node_key, request, unit, amount, amount_paid, "
      "amount_issued, received_msat, invoice_msat, pubkey, created_at, expires_at, updated_at) "
      "VALUES(?, ?, ?, ?, ?, ?, 0, 0, 0, ?, ?, ?, ?, ?)",
      quote.id, static_cast<int>(quote.method), quote.node_key, quote.request, quote.unit, quote.amount,
      quote.invoice_msat, quote.pubkey ? std::optional(quote.pubkey->bytes()) : std::nullopt,
      count(quote.created_at), count(quote.expires_at), count(quote.updated_at)));
  return Written{};
}

Result<Written> SqliteWrites::operator()(const PaymentReceived& write) {
  std::size_t unit = 0;
  cashu::Amount credited = 0;
  {
    TRY(Query row,
        database_->query(
            "SELECT q.unit, q.amount, q.method, q.invoice_msat, q.created_at > ifnull(p.kept_since, 0) AND "
            "q.expires_at >= ? FROM mint_quotes q LEFT JOIN prices p USING(unit) WHERE q.id = ?",
            count(write.at - kInvoiceGrace), write.quote));
    TRY(const bool found, row.next());
    if (!found) return Written{};
    unit = books_->unit(row.text(0));
    const std::uint64_t price = std::max<std::uint64_t>(books_->price(unit), 1);
    credited = write.received / price;
    if (static_cast<Method>(row.integer(2)) == Method::bolt11) {
      // As it was promised; else what was paid is worth now.
      const cashu::Amount amount = row.unsigned_integer(1);
      const bool promised =
          row.integer(4) != 0 && row.unsigned_integer(3) > 0 && write.received >= row.unsigned_integer(3);
      credited = promised ? amount : std::min(amount, credited);
    }
  }
  TRY_STATUS(database_->run("INSERT INTO receipts VALUES(?, ?, ?, ?, ?) ON CONFLICT(payment_hash) DO NOTHING",
                            write.payment_hash, write.quote, write.received, credited, count(write.at)));
  if (database_->changes() == 0) return Written{};
  TRY_STATUS(database_->run(
      "UPDATE mint_quotes SET amount_paid = amount_paid + ?, received_msat = received_msat + ?, "
      "updated_at = ? WHERE id = ?",
      credited, write.received, count(write.at), write.quote));
  books_->sums.received += write.received;
  books_->sums.units[unit].paid_for += credited;
  return Written{};
}

Status SqliteWrites::claim(const MintWrite::Part& part, UnixSeconds at) {
  std::uint64_t paid = 0;
  std::uint64_t issued = 0;
  std::size_t unit = 0;
  {
    TRY(Query row, database_->query("SELECT amount_paid, amount_issued, unit FROM mint_quotes WHERE id = ?",
                                    part.quote));
    TRY(const bool found, row.next());
    if (!found) return invalid("the mint knows no such quote: ask for a new one");
    paid = row.unsigned_integer(0);
    issued = row.unsigned_integer(1);
    unit = books_->unit(row.text(2));
  }
  if (paid == 0) return refused(cashu::kQuoteNotPaid, "the quote is not paid yet: pay its request first");
  if (issued >= paid) return refused(cashu::kAlreadyIssued, "the quote has been issued already");
  if (part.amount > paid - issued)
    return refused(cashu::kNotBalanced, "the outputs are worth more than the quote has left");
  TRY_STATUS(database_->run("UPDATE mint_quotes SET amount_issued = ?, updated_at = ? WHERE id = ?",
                            issued + part.amount, count(at), part.quote));
  books_->sums.units[unit].claimed += part.amount;
  return {};
}

Result<Written> SqliteWrites::operator()(const MintWrite& write) {
  TRY_STATUS(use(write.token));
  for (const MintWrite::Part& part : write.parts) TRY_STATUS(claim(part, write.at));
  TRY_STATUS(check_caps(write.issues));
  TRY_STATUS(issue(write.issues, write.operation));
  return Written{};
}

// --- melt
// ---------------------------------------------------------------------------------------------------------------

Result<Written> SqliteWrites::operator()(const NewMeltQuote& write) {
  TRY_STATUS(use(write.token));
  const MeltQuote& quote = write.quote;
  TRY_STATUS(database_->run(
      "INSERT INTO melt_quotes(id, method, node_key, request, unit, amount, fee_reserve, invoice_msat, "
      "names_amount, price_msat, state, created_at, expires_at, inputs, input_fee) "
      "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, 0, 0)",
      quote.id, static_cast<int>(quote.method), quote.node_key, quote.request, quote.unit, quote.amount,
      quote.fee_reserve, quote.invoice_msat, quote.names_amount, quote.price_msat, count(quote.created_at),
      count(quote.expires_at)));
  return Written{};
}

Result<Written> SqliteWrites::operator()(const BeginMelt& write) {
  std::int64_t number = 0;
  {
    TRY(Query row, database_->query(
                       // b.state > 0 lets the index melt_quotes_begun answer.
                       "SELECT number, state, (SELECT max(b.state) FROM melt_quotes b WHERE b.node_key = "
                       "a.node_key AND b.state > 0) FROM melt_quotes a WHERE a.id = ?",
                       write.quote));
    TRY(const bool found, row.next());
    if (!found) return invalid("the mint knows no such quote: ask for a new one");
    number = row.integer(0);
    if (row.integer(2) == 1)
      return refused(cashu::kQuotePending, "this invoice is being paid: ask for the quote's state");
    if (row.integer(2) == 2) return refused(cashu::kInvoiceAlreadyPaid, "this invoice has been paid already");
  }
  TRY_STATUS(use(write.token, write.quote));
  TRY_STATUS(lock(write.spends, number));
  for (std::size_t i = 0; i < write.blanks.size(); ++i) TRY_STATUS(reserve(write.blanks[i], number, i));
  Wide inputs = 0;
  for (const Spend& proof : write.spends) inputs += proof.amount;
  if (!fits(inputs))
    return refused(cashu::kAmountOutsideLimit, "the inputs are worth more than the mint can count");
  TRY_STATUS(database_->run(
      "UPDATE melt_quotes SET state = 1, inputs = ?, input_fee = ?, operation = ?, attempt = ? WHERE number "
      "= ?",
      static_cast<std::uint64_t>(inputs), write.input_fee, write.operation, write.attempt, number));
  return Written{};
}

Result<std::vector<std::pair<std::uint32_t, Wide>>> SqliteWrites::held(std::int64_t melt) {
  TRY(Query row, database_->query("SELECT keyset, amount FROM proofs WHERE melt = ? AND state = 0", melt));
  std::vector<std::pair<std::uint32_t, Wide>> out;
  for (;;) {
    TRY(const bool found, row.next());
    if (!found) return out;
    out.emplace_back(static_cast<std::uint32_t>(row.integer(0)), row.unsigned_integer(1));
  }
}

Result<Written> SqliteWrites::operator()(const FinishMelt& write) {
  std::int64_t number = 0;
  Hash32 operation{};
  {
    TRY(Query row,
        database_->query("SELECT number, state, operation FROM melt_quotes WHERE id = ?", write.quote));
    TRY(const bool found, row.next());
    if (!found) return broken("a payment was made for a quote that the ledger lacks");
    if (row.integer(1) == 2) return Written{};
    if (row.integer(1) != 1) return broken("a payment was made for a quote that was not begun");
    number = row.integer(0);
    TRY(operation, row.array<32>(2));
  }
  TRY(const auto inputs, held(number));
  for (const auto& [keyset, amount] : inputs) {
    books_->unlock(keyset, amount);
    books_->redeem(keyset, amount);
  }
  TRY_STATUS(database_->run("UPDATE proofs SET state = 1 WHERE melt = ? AND state = 0", number));
  for (const Issue& output : write.change) {
    TRY_STATUS(database_->run(
        "UPDATE signatures SET amount = ?, c_ = ?, e = ?, s = ?, operation = ? WHERE melt = ? AND b_ = ?",
        output.amount, output.c_blinded, output.dleq.e, output.dleq.s, operation, number, output.b_blinded));
    if (database_->changes() != 1)
      return broken("change was signed for an output that the ledger has not reserved");
    books_->issue(output.keyset, output.amount);
  }
  TRY_STATUS(database_->run("DELETE FROM signatures WHERE melt = ? AND c_ IS NULL", number));
  TRY_STATUS(database_->run("UPDATE melt_quotes SET state = 2, preimage = ?, paid_msat = ? WHERE number = ?",
                            write.preimage, write.paid, number));
  books_->sums.paid_out += write.paid;
  return Written{};
}

Result<Written> SqliteWrites::operator()(const ReleaseMelt& write) {
  std::int64_t number = 0;
  {
    TRY(Query row,
        database_->query("SELECT number FROM melt_quotes WHERE id = ? AND state = 1 AND attempt = ?",
                         write.quote, write.attempt));
    TRY(const bool found, row.next());
    if (!found) return Written{};
    number = row.integer(0);
  }
  TRY(const auto inputs, held(number));
  for (const auto& [keyset, amount] : inputs) books_->unlock(keyset, amount);
  TRY_STATUS(database_->run("DELETE FROM auth_tokens WHERE melt = ?", write.quote));
  TRY_STATUS(database_->run("DELETE FROM proofs WHERE melt = ? AND state = 0", number));
  TRY_STATUS(database_->run("DELETE FROM signatures WHERE melt = ? AND c_ IS NULL", number));
  TRY_STATUS(database_->run(
      "UPDATE melt_quotes SET state = 0, inputs = 0, input_fee = 0, operation = NULL WHERE number = ?",
      number));
  return Written{};
}

// --- keysets

Result<Written> SqliteWrites::operator()(const BookExpired& write) {
  TRY_STATUS(
      database_->run("INSERT INTO pruned VALUES(?, 0, 0, 0, 0, 0) ON CONFLICT DO NOTHING", write.keyset));
  std::int64_t outstanding = 0;
  {
    TRY(Query row, database_->query(
                       "UPDATE pruned SET done = 1 WHERE keyset = ? AND done = 0 RETURNING issued - redeemed",
                       write.keyset));
    TRY(const bool found, row.next());
    if (!found) return Written{};
    outstanding = row.integer(0);
    TRY([[maybe_unused]] const bool more, row.next());
  }
  if (outstanding < 0) return broken("more of a keyset was redeemed than issued");
  books_->expire(write.keyset, outstanding);
  return Written{};
}

// --- game operations
// ------------------------------------------------------------------------------------------------------

Result<Written> SqliteWrites::operator()(const UseAuthorization& write) {
  TRY_STATUS(database_->run("DELETE FROM authorizations WHERE until < ?", count(write.now)));
  TRY_STATUS(database_->run("INSERT INTO authorizations VALUES(?, ?) ON CONFLICT(event) DO NOTHING",
                            write.event, count(write.until)));
  if (database_->changes() == 0)
    return refused(0, "this authorization event was used before: sign a new one");
  return Written{};
}

Result<std::uint64_t> SqliteWrites::credit(const match::MatchId& match) {
  TRY(Query row, database_->query("SELECT msat FROM match_credits WHERE match = ?", match));
  TRY(const bool found, row.next());
  return found ? row.unsigned_integer(0) : 0;
}

Status SqliteWrites::use_key(const Hash32& key, const Hash32& operation, std::uint64_t credit_msat) {
  TRY_STATUS(database_->run("INSERT INTO operations VALUES(?, ?, ?) ON CONFLICT(key) DO NOTHING", key,
                            operation, credit_msat));
  if (database_->changes() == 0)
    return invalid("this operation id was used for another request: take a fresh one");
  return {};
}

Result<Written> SqliteWrites::operator()(const BurnWrite& write) {
  TRY(const std::uint64_t before, credit(write.match));
  const Wide worth = value_of(write.burned, write.price_msat);
  const Wide after = Wide{before} + worth;
  if (!fits(after))
    return refused(cashu::kAmountOutsideLimit, "the inputs are worth more than the mint can count");
  const auto left = static_cast<std::uint64_t>(after);
  TRY_STATUS(use_key(write.key, write.operation, left));
  TRY_STATUS(spend(write.spends, &write.match));
  TRY_STATUS(
      database_->run("INSERT INTO match_credits VALUES(?1, ?2) ON CONFLICT(match) DO UPDATE SET msat = ?2",
                     write.match, left));
  books_->sums.credit += worth;
  return Written{left};
}

Result<Written> SqliteWrites::operator()(const CreditedIssue& write) {
  TRY(const std::uint64_t before, credit(write.match));
  if (write.cost_msat > Wide{before}) {
    return refused(gameapi::kNoBurnCredit, "the match has burned " + std::to_string(before) +
                                               " msat that may still be minted, the outputs are worth " +
                                               to_text(write.cost_msat));
  }
  const auto left = static_cast<std::uint64_t>(Wide{before} - write.cost_msat);
  TRY_STATUS(use_key(write.key, write.operation, left));
  TRY_STATUS(check_caps(write.issues));
  TRY_STATUS(issue(write.issues, write.operation));
  TRY_STATUS(database_->run("UPDATE match_credits SET msat = ? WHERE match = ?", left, write.match));
  books_->sums.credit -= write.cost_msat;
  return Written{left};
}

Result<bool> SqliteWrites::group_done(const SettleGroup& group) {
  TRY(const auto number, outputs_->find(*database_, group.issues.front().b_blinded));
  if (!number) return false;
  TRY(Query row, database_->query("SELECT operation FROM signatures WHERE number = ?", *number));
  TRY(const bool found, row.next());
  return found && std::ranges::equal(row.blob(0), group.operation);
}

Result<Written> SqliteWrites::operator()(const SettleWrite& write) {
  TRY_STATUS(database_->run("INSERT INTO verdicts VALUES(?, ?, ?, ?) ON CONFLICT(match) DO NOTHING",
                            write.match, write.verdict_id, write.announcement, write.verdict));
  bool tells_something = database_->changes() != 0;
  if (!tells_something) {
    TRY(Query row, database_->query("SELECT verdict_id FROM verdicts WHERE match = ?", write.match));
    TRY([[maybe_unused]] const bool found, row.next());
    if (!std::ranges::equal(row.blob(0), write.verdict_id)) {
      return refused(gameapi::kVerdictInvalid,
                     "the match was settled by another verdict: see /game-engine/verdicts/");
    }
  }
  for (const SettleGroup& group : write.groups) {
    TRY(const bool done, group_done(group));
    if (done) continue;
    const bool conserves = !group.spends.empty() && books_->unit_of_keyset(group.spends.front().keyset) ==
                                                        books_->unit_of_keyset(group.issues.front().keyset);
    if (!conserves) TRY_STATUS(check_caps(group.issues));
    TRY_STATUS(spend(group.spends, &write.match));
    TRY_STATUS(issue(group.issues, group.operation));
    tells_something = true;
  }
  // A claim that settles nothing is no evidence, and its author could bury the rest under such.
  if (!tells_something) return Written{};
  TRY_STATUS(database_->run(
      "INSERT INTO claims(match, claim_id, claim) VALUES(?, ?, ?) ON CONFLICT(claim_id) DO NOTHING",
      write.match, write.claim_id, write.claim));
  return Written{};
}

// --- an import

Result<Written> SqliteWrites::operator()(const TakeOver& write) {
  TRY_STATUS(issue(write.issues, write.operation));
  TRY_STATUS(spend(write.spends, nullptr));
  for (const std::string& quote : write.foreign_melts)
    TRY_STATUS(database_->run("INSERT INTO foreign_melts VALUES(?)", quote));
  if (write.received_msat != 0 || write.paid_out_msat != 0) {
    TRY_STATUS(database_->run("INSERT INTO openings VALUES(?, ?, ?)", write.operation,
                              static_cast<std::int64_t>(write.received_msat),
                              static_cast<std::int64_t>(write.paid_out_msat)));
  }
  books_->sums.received += write.received_msat;
  books_->sums.paid_out += write.paid_out_msat;
  return Written{};
}

}  // namespace manastr::mint

#include "mint/ledger/postgres/batch_plan.h"

#include <algorithm>
#include <limits>

#include "common/gameapi/requests.h"
#include "mint/ledger/administration.h"
#include "mint/ledger/postgres/batch_statements.h"

namespace manastr::mint {
namespace {

using postgres::Parameters;
using postgres::Rows;

bool fits(Wide value) { return value >= 0 && value <= std::numeric_limits<std::int64_t>::max(); }

std::int64_t whole(std::uint64_t value) { return static_cast<std::int64_t>(value); }

std::unexpected<Error> expired() { return refused(cashu::kKeysetExpired, "the keyset has expired"); }

std::unexpected<Error> too_much(const char* what) {
  return refused(cashu::kAmountOutsideLimit, std::string(what) + " are worth more than the mint can count");
}

/// In the order in which they are locked.
std::vector<const MintWrite::Part*> sorted(const std::vector<MintWrite::Part>& parts) {
  std::vector<const MintWrite::Part*> out;
  out.reserve(parts.size());
  for (const MintWrite::Part& part : parts) out.push_back(&part);
  std::ranges::sort(out, {}, [](const MintWrite::Part* part) { return std::string_view(part->quote); });
  return out;
}

Error twice(const char* what) { return {ErrorKind::broken, 0, std::string(what) + " came twice"}; }

/// Gathers what a write touches.
struct Marks {
  std::vector<std::uint64_t> all;
  void mark(char kind, std::string_view what) {
    all.push_back(std::hash<std::string_view>{}(what) * 31 + static_cast<unsigned char>(kind));
  }
  void spends(const std::vector<Spend>& each) {
    for (const Spend& proof : each) mark('y', as_text(proof.y));
  }
  void issues(const std::vector<Issue>& each) {
    for (const Issue& output : each) mark('b', as_text(output.b_blinded));
  }
  void token(const std::optional<TokenSpend>& each) {
    if (each) mark('k', as_text(each->y));
  }
  void operator()(const SwapWrite& write) {
    token(write.token);
    spends(write.spends);
    issues(write.issues);
  }
  void operator()(const TakeOver& write) {
    spends(write.spends);
    issues(write.issues);
  }
  void operator()(const NewMintQuote& write) {
    token(write.token);
    mark('q', write.quote.id);
  }
  void operator()(const PaymentReceived& write) { mark('q', write.quote); }
  void operator()(const MintWrite& write) {
    token(write.token);
    for (const MintWrite::Part& part : write.parts) mark('q', part.quote);
    issues(write.issues);
  }
  void operator()(const NewMeltQuote& write) {
    token(write.token);
    mark('m', write.quote.id);
  }
  void operator()(const BeginMelt& write) {
    token(write.token);
    mark('m', write.quote);
    spends(write.spends);
    for (const BlankOutput& blank : write.blanks) mark('b', as_text(blank.b_blinded));
  }
  void operator()(const FinishMelt& write) {
    mark('m', write.quote);
    issues(write.change);
  }
  void operator()(const ReleaseMelt& write) { mark('m', write.quote); }
  void operator()(const UseAuthorization& write) { mark('a', as_text(write.event)); }
  void operator()(const BurnWrite& write) {
    mark('o', as_text(write.key));
    mark('t', as_text(write.match));
    spends(write.spends);
  }
  void operator()(const CreditedIssue& write) {
    mark('o', as_text(write.key));
    mark('t', as_text(write.match));
    issues(write.issues);
  }
  void operator()(const BookExpired& write) { mark('k', std::to_string(write.keyset)); }
  void operator()(const SettleWrite& write) {
    mark('t', as_text(write.match));
    for (const SettleGroup& group : write.groups) {
      spends(group.spends);
      issues(group.issues);
    }
  }
  void operator()(const UseToken& write) { mark('k', as_text(write.token.y)); }
  void operator()(const IssueTokens& write) {
    mark('s', as_text(write.subject));
    for (const Issue& output : write.issues) mark('n', as_text(output.b_blinded));
  }
};

}  // namespace

std::unexpected<Error> refused_proof(bool locked) {
  return locked ? refused(cashu::kProofsPending,
                          "an input is locked by a payment under way: ask again when it is over")
                : refused(cashu::kProofsSpent, "an input is already spent");
}

std::unexpected<Error> refused_output(bool reserved) {
  return reserved ? refused(cashu::kOutputsPending,
                            "an output is reserved by a payment under way: use fresh outputs")
                  : refused(cashu::kOutputsAlreadySigned,
                            "an output has been signed before: use fresh outputs, or restore it (NUT-09)");
}

void BatchPart::step(const postgres::Statement& statement, Parameters parameters,
                     std::optional<Error> on_miss) {
  steps.push_back({&statement, std::move(parameters), std::move(on_miss), false, job_});
}

void BatchPart::side_step(const postgres::Statement& statement, Parameters parameters) {
  steps.push_back({&statement, std::move(parameters), std::nullopt, true, job_});
}

Result<Written> BatchPart::plan() {
  TRY(Written written, std::visit([this](const auto& write) { return (*this)(write); }, job_->write));
  const Wide gap = tally.gap(*catalog_);
  if (gap <= 0) return written;
  if (std::holds_alternative<TakeOver>(job_->write)) return written;
  if (std::holds_alternative<PaymentReceived>(job_->write)) {
    promised = gap;
    return written;
  }
  if (!std::holds_alternative<FinishMelt>(job_->write)) {
    return broken("refused: by this the mint would owe " + to_text(gap) +
                  " msat more than it takes in; its operator has been told");
  }
  promised = std::min(gap, promised);
  tally.overrun = gap - promised;
  return written;
}

Status BatchPart::spend(const std::vector<Spend>& spends, const match::MatchId* match) {
  for (const Spend& proof : spends) {
    if (!fits(proof.amount)) return too_much("the inputs");
    if (catalog_->pruned(proof.keyset)) return expired();
    proofs.push_back({&proof, {}, match, job_});
    tally.redeem(proof.keyset, proof.amount);
  }
  return {};
}

Status BatchPart::issue(const std::vector<Issue>& issues, const Hash32& operation) {
  for (const Issue& output : issues) {
    if (!fits(output.amount)) return too_much("the outputs");
    if (catalog_->pruned(output.keyset)) return expired();
    outputs.push_back({&output.b_blinded, output.keyset, &output, &operation, {}, 0, job_});
    tally.issue(output.keyset, output.amount);
  }
  return {};
}

// --- swap and mint

Result<Written> BatchPart::operator()(const SwapWrite& write) {
  use(write.token);
  TRY_STATUS(spend(write.spends, nullptr));
  TRY_STATUS(issue(write.issues, write.operation));
  return Written{};
}

Result<Written> BatchPart::operator()(const NewMintQuote& write) {
  use(write.token);
  const MintQuote& quote = write.quote;
  if (const Status fair = check_price(quote, catalog_->price(catalog_->unit(quote.unit))); !fair)
    return std::unexpected(fair.error());
  Parameters row;
  row.add(quote.id).add(quote.node_key).add(quote.request).add(quote.unit).add(whole(quote.amount));
  row.add(whole(quote.invoice_msat));
  quote.pubkey ? row.add(quote.pubkey->bytes()) : row.add_null();
  row.add(count(quote.created_at)).add(count(quote.expires_at)).add(count(quote.updated_at));
  row.add(static_cast<std::int64_t>(quote.method));
  step(sql::kNewMintQuote, std::move(row), twice("a quote"));
  return Written{};
}

Result<Written> BatchPart::operator()(const PaymentReceived& write) {
  const Rows& quote = locked(0);
  if (quote.size() == 0 || quote.integer(0, 5) != 0) return Written{};
  const std::size_t unit = catalog_->unit(quote.text(0, 0));
  cashu::Amount credited = write.received / std::max<std::uint64_t>(catalog_->price(unit), 1);
  if (static_cast<Method>(quote.integer(0, 2)) == Method::bolt11) {
    // As it was promised; else what was paid is worth now.
    const cashu::Amount amount = quote.unsigned_integer(0, 1);
    const Msat asked = quote.unsigned_integer(0, 3);
    const bool in_full = asked > 0 && write.received >= asked && quote.integer(0, 4) != 0;
    credited = in_full ? amount : std::min(amount, credited);
  }
  // Credited by another mint meanwhile: the next batch sees it.
  step(sql::kReceipt, Parameters()
                          .add(write.payment_hash)
                          .add(write.quote)
                          .add(whole(write.received))
                          .add(whole(credited))
                          .add(count(write.at)));
  step(sql::kQuotePaid,
       Parameters().add(write.quote).add(whole(write.received)).add(whole(credited)).add(count(write.at)));
  tally.received += write.received;
  tally.pay_for(unit, credited);
  return Written{};
}

Result<Written> BatchPart::operator()(const MintWrite& write) {
  use(write.token);
  const std::vector<const MintWrite::Part*> parts = sorted(write.parts);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const MintWrite::Part& part = *parts[i];
    const Rows& quote = locked(i);
    if (quote.size() == 0) return invalid("the mint knows no such quote: ask for a new one");
    const std::uint64_t paid = quote.unsigned_integer(0, 0);
    const std::uint64_t issued = quote.unsigned_integer(0, 1);
    if (paid == 0) return refused(cashu::kQuoteNotPaid, "the quote is not paid yet: pay its request first");
    if (issued >= paid) return refused(cashu::kAlreadyIssued, "the quote has been issued already");
    if (part.amount > paid - issued)
      return refused(cashu::kNotBalanced, "the outputs are worth more than the quote has left");
    step(sql::kQuoteIssued,
         Parameters().add(part.quote).add(whole(issued + part.amount)).add(count(write.at)));
    tally.claim(catalog_->unit(quote.text(0, 2)), part.amount);
  }
  TRY_STATUS(issue(write.issues, write.operation));
  return Written{};
}

// --- melt

Result<Written> BatchPart::operator()(const NewMeltQuote& write) {
  use(write.token);
  const MeltQuote& quote = write.quote;
  Parameters row;
  row.add(quote.id).add(quote.node_key).add(quote.request).add(quote.unit).add(whole(quote.amount));
  row.add(whole(quote.fee_reserve)).add(whole(quote.invoice_msat)).add(std::int64_t{quote.names_amount});
  row.add(whole(quote.price_msat)).add(count(quote.created_at)).add(count(quote.expires_at));
  row.add(static_cast<std::int64_t>(quote.method));
  step(sql::kNewMeltQuote, std::move(row), twice("a quote"));
  return Written{};
}

Result<Written> BatchPart::operator()(const BeginMelt& write) {
  const Rows& quote = locked(0);
  if (quote.size() == 0) return invalid("the mint knows no such quote: ask for a new one");
  const std::int64_t state = std::max(quote.integer(0, 0), quote.integer(0, 1));
  if (state == 1)
    return refused(cashu::kQuotePending, "this invoice is being paid: ask for the quote's state");
  if (state == 2) return refused(cashu::kInvoiceAlreadyPaid, "this invoice has been paid already");
  Wide inputs = 0;
  for (const Spend& proof : write.spends) {
    if (catalog_->pruned(proof.keyset)) return expired();
    proofs.push_back({&proof, write.quote, nullptr, job_});
    inputs += proof.amount;
  }
  if (!fits(inputs)) return too_much("the inputs");
  for (std::size_t i = 0; i < write.blanks.size(); ++i) {
    outputs.push_back(
        {&write.blanks[i].b_blinded, write.blanks[i].keyset, nullptr, nullptr, write.quote, i, job_});
  }
  use(write.token, write.quote);
  // Begun through another quote meanwhile: the next batch sees how that stands.
  step(sql::kBeginPayment,
       Parameters().add(quote.blob(0, 2)).add(write.quote).add(holder_->replica).add(holder_->node));
  step(sql::kMeltBegun, Parameters()
                            .add(write.quote)
                            .add(static_cast<std::int64_t>(inputs))
                            .add(whole(write.input_fee))
                            .add(write.operation)
                            .add(whole(write.attempt)));
  return Written{};
}

Result<Written> BatchPart::operator()(const FinishMelt& write) {
  const Rows& quote = locked(0);
  if (quote.size() == 0) return broken("a payment was made for a quote that the ledger lacks");
  if (quote.integer(0, 0) == 2) return Written{};
  if (quote.integer(0, 0) != 1) return broken("a payment was made for a quote that was not begun");
  const Rows& inputs = locked(1);
  Wide given = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    given += inputs.unsigned_integer(i, 1);
    tally.redeem(static_cast<std::uint32_t>(inputs.integer(i, 0)), inputs.unsigned_integer(i, 1));
  }
  side_step(sql::kInputsSpent, Parameters().add(write.quote));
  for (const Issue& output : write.change) {
    Parameters row;
    row.add(output.b_blinded).add(write.quote).add(whole(output.amount)).add(output.c_blinded);
    row.add(output.dleq.e).add(output.dleq.s).add(quote.blob(0, 5));
    step(sql::kChangeSigned, std::move(row),
         Error{ErrorKind::broken, 0, "change was signed for an output that the ledger has not reserved"});
    tally.issue(output.keyset, output.amount);
  }
  side_step(sql::kDropBlanks, Parameters().add(write.quote));
  step(sql::kMeltPaid, Parameters().add(write.quote).add(write.preimage).add(whole(write.paid)));
  step(sql::kPaymentMade, Parameters().add(quote.blob(0, 2)));
  tally.paid_out += write.paid;
  const Wide fall = Wide{quote.unsigned_integer(0, 6)} - catalog_->price(catalog_->unit(quote.text(0, 3)));
  for (const Issue& output : write.change) given -= output.amount;
  promised = std::max(Wide{0}, fall) * std::max(Wide{0}, given);
  return Written{};
}

Result<Written> BatchPart::operator()(const ReleaseMelt& write) {
  side_step(sql::kReleaseMelt, Parameters().add(write.quote).add(whole(write.attempt)));
  side_step(sql::kReleaseToken, Parameters().add(write.quote));
  return Written{};
}

// --- game operations

Result<Written> BatchPart::operator()(const UseAuthorization& write) {
  step(sql::kUseAuthorization, Parameters().add(write.event).add(count(write.until)).add(count(write.now)),
       refused(0, "this authorization event was used before: sign a new one").error());
  return Written{};
}

Result<Written> BatchPart::operator()(const BurnWrite& write) {
  const std::uint64_t before = locked(1).unsigned_integer(0, 0);
  const Wide worth = value_of(write.burned, write.price_msat);
  const Wide after = Wide{before} + worth;
  if (!fits(after)) return too_much("the inputs");
  const auto left = static_cast<std::uint64_t>(after);
  step(sql::kUseKey, Parameters().add(write.key).add(write.operation).add(whole(left)),
       invalid("this operation id was used for another request: take a fresh one").error());
  TRY_STATUS(spend(write.spends, &write.match));
  step(sql::kSetCredit, Parameters().add(write.match).add(whole(left)));
  tally.credit += worth;
  return Written{left};
}

Result<Written> BatchPart::operator()(const CreditedIssue& write) {
  const std::uint64_t before = locked(0).size() == 0 ? 0 : locked(0).unsigned_integer(0, 0);
  if (write.cost_msat > Wide{before}) {
    return refused(gameapi::kNoBurnCredit, "the match has burned " + std::to_string(before) +
                                               " msat that may still be minted, the outputs are worth " +
                                               to_text(write.cost_msat));
  }
  const auto left = static_cast<std::uint64_t>(Wide{before} - write.cost_msat);
  step(sql::kUseKey, Parameters().add(write.key).add(write.operation).add(whole(left)),
       invalid("this operation id was used for another request: take a fresh one").error());
  TRY_STATUS(issue(write.issues, write.operation));
  step(sql::kSetCredit, Parameters().add(write.match).add(whole(left)));
  tally.credit -= write.cost_msat;
  return Written{left};
}

Result<Written> BatchPart::operator()(const SettleWrite& write) {
  const Rows& verdict = locked(0);
  bool tells_something = verdict.size() == 0;
  if (tells_something) {
    step(sql::kNewVerdict,
         Parameters().add(write.match).add(write.verdict_id).add(write.announcement).add(write.verdict));
  } else if (!std::ranges::equal(verdict.blob(0, 0), write.verdict_id)) {
    return refused(gameapi::kVerdictInvalid,
                   "the match was settled by another verdict: see /game-engine/verdicts/");
  }
  const Rows& done = locked(1);
  for (std::size_t i = 0; i < write.groups.size(); ++i) {
    const SettleGroup& group = write.groups[i];
    if (std::ranges::equal(done.blob(i, 0), group.operation)) continue;
    TRY_STATUS(spend(group.spends, &write.match));
    TRY_STATUS(issue(group.issues, group.operation));
    tells_something = true;
  }
  // A claim that settles nothing is no evidence, and its author could bury the rest under such.
  if (tells_something)
    side_step(sql::kNewClaim, Parameters().add(write.claim_id).add(write.match).add(write.claim));
  return Written{};
}

// --- keysets

Result<Written> BatchPart::operator()(const BookExpired& write) {
  const Rows& pruned = locked(0);
  if (pruned.size() == 0) return Written{};
  const std::int64_t outstanding = pruned.integer(0, 0);
  if (outstanding < 0) return broken("more of a keyset was redeemed than issued");
  step(sql::kExpiryBooked, Parameters().add(std::int64_t{write.keyset}));
  tally.expire(write.keyset, outstanding);
  return Written{};
}

// --- blind tokens: no money, so no tally knows of them

void BatchPart::use(const std::optional<TokenSpend>& token, std::string_view melt) {
  if (!token) return;
  Parameters row;
  row.add(token->y).add(std::int64_t{token->keyset});
  token->request ? row.add(*token->request) : row.add_null();
  melt.empty() ? row.add_null() : row.add(melt);
  step(sql::kUseToken, std::move(row), refused_token().error());
  steps.back().order = as_text(token->y);
}

Result<Written> BatchPart::operator()(const UseToken& write) {
  use(write.token);
  return Written{};
}

Result<Written> BatchPart::operator()(const IssueTokens& write) {
  if (write.most > 0) {
    step(sql::kCountTokens,
         Parameters()
             .add(write.subject)
             .add(write.hour)
             .add(whole(write.issues.size()))
             .add(whole(write.most)),
         refused_more_tokens().error());
    steps.back().order = as_text(write.subject);
  }
  using Element = postgres::Array::Element;
  std::vector<const Issue*> sorted_issues;
  for (const Issue& output : write.issues) sorted_issues.push_back(&output);
  std::ranges::sort(sorted_issues, {}, [](const Issue* each) { return each->b_blinded; });
  postgres::Array b(Element::bytea), keyset(Element::int8), c(Element::bytea), e(Element::bytea),
      s(Element::bytea), operation(Element::bytea);
  for (const Issue* output : sorted_issues) {
    b.add(ByteView(output->b_blinded));
    keyset.add(std::int64_t{output->keyset});
    c.add(ByteView(output->c_blinded));
    e.add(ByteView(output->dleq.e));
    s.add(ByteView(output->dleq.s));
    operation.add(ByteView(write.operation));
  }
  step(sql::kIssueTokens, Parameters().add(b).add(keyset).add(c).add(e).add(s).add(operation),
       refused(cashu::kOutputsAlreadySigned, "an output has been signed before: use fresh outputs").error());
  steps.back().order = "~" + std::string(as_text(sorted_issues.front()->b_blinded));
  return Written{};
}

// --- an import

/// Foreign melts need no mark here: they were begun by a replica that no mint is (kForeignReplica).
Result<Written> BatchPart::operator()(const TakeOver& write) {
  TRY_STATUS(spend(write.spends, nullptr));
  TRY_STATUS(issue(write.issues, write.operation));
  if (write.received_msat != 0 || write.paid_out_msat != 0) {
    step(sql::kOpening,
         Parameters()
             .add(write.operation)
             .add(static_cast<std::int64_t>(write.received_msat))
             .add(static_cast<std::int64_t>(write.paid_out_msat)),
         twice("an opening balance"));
  }
  tally.received += write.received_msat;
  tally.paid_out += write.paid_out_msat;
  return Written{};
}

// --- what is locked, and touched

std::size_t BatchPart::queue_locks(postgres::Connection& connection, const Write& write) {
  if (const auto* paid = std::get_if<PaymentReceived>(&write)) {
    connection.queue(
        sql::kPayableQuote,
        Parameters().add(paid->quote).add(paid->payment_hash).add(count(paid->at - kInvoiceGrace)));
    return 1;
  }
  if (const auto* mint = std::get_if<MintWrite>(&write)) {
    for (const MintWrite::Part* part : sorted(mint->parts))
      connection.queue(sql::kMintQuoteState, Parameters().add(part->quote));
    return mint->parts.size();
  }
  if (const auto* begin = std::get_if<BeginMelt>(&write)) {
    connection.queue(sql::kMeltQuoteState, Parameters().add(begin->quote));
    return 1;
  }
  if (const auto* finish = std::get_if<FinishMelt>(&write)) {
    connection.queue(sql::kMeltQuoteState, Parameters().add(finish->quote));
    connection.queue(sql::kLockedInputs, Parameters().add(finish->quote));
    return 2;
  }
  if (const auto* burn = std::get_if<BurnWrite>(&write)) {
    connection.queue(sql::kMakeCredit, Parameters().add(burn->match));
    connection.queue(sql::kCredit, Parameters().add(burn->match));
    return 2;
  }
  if (const auto* credited = std::get_if<CreditedIssue>(&write)) {
    connection.queue(sql::kCredit, Parameters().add(credited->match));
    return 1;
  }
  if (const auto* expired = std::get_if<BookExpired>(&write)) {
    connection.queue(sql::kOutstandingOf, Parameters().add(std::int64_t{expired->keyset}));
    return 1;
  }
  if (const auto* settle = std::get_if<SettleWrite>(&write)) {
    postgres::Array firsts(postgres::Array::Element::bytea);
    for (const SettleGroup& group : settle->groups) firsts.add(ByteView(group.issues.front().b_blinded));
    connection.queue(sql::kVerdictOf, Parameters().add(settle->match));
    connection.queue(sql::kOperationsOf, Parameters().add(firsts));
    return 2;
  }
  return 0;
}

std::string BatchPart::lock_order(const Write& write) {
  std::string out(1, static_cast<char>('a' + write.index()));
  if (const auto* paid = std::get_if<PaymentReceived>(&write)) out = 'c' + paid->quote;
  if (const auto* mint = std::get_if<MintWrite>(&write)) out = 'c' + sorted(mint->parts).front()->quote;
  if (const auto* begin = std::get_if<BeginMelt>(&write)) out = 'b' + begin->quote;
  if (const auto* finish = std::get_if<FinishMelt>(&write)) out = 'b' + finish->quote;
  if (const auto* release = std::get_if<ReleaseMelt>(&write)) out = 'b' + release->quote;
  if (const auto* burn = std::get_if<BurnWrite>(&write)) out = 'z' + std::string(as_text(burn->match));
  if (const auto* issue = std::get_if<CreditedIssue>(&write)) out = 'z' + std::string(as_text(issue->match));
  return out;
}

bool claim_footprint(const Write& write, Footprint& taken) {
  Marks marks;
  std::visit(marks, write);
  if (std::ranges::any_of(marks.all, [&](std::uint64_t each) { return taken.contains(each); })) return false;
  taken.insert(marks.all.begin(), marks.all.end());
  return true;
}

}  // namespace manastr::mint

#include "mint/ledger/postgres/batch.h"

#include <algorithm>
#include <unordered_map>

#include "common/base/failpoint.h"
#include "mint/ledger/postgres/auditor.h"
#include "mint/ledger/postgres/batch_plan.h"
#include "mint/ledger/postgres/batch_statements.h"

namespace manastr::mint {

using postgres::Array;
using postgres::Outcome;
using postgres::Parameters;
using postgres::Rows;

namespace {

using Element = Array::Element;

constexpr std::size_t kAny = ~std::size_t{0};  // rows

template <class Range, class Key>
Array keys_of(const Range& rows, Key key) {
  Array out(Element::bytea, rows.size());
  for (const auto& row : rows) out.add(ByteView(key(row)));
  return out;
}

bool is_plain(const BatchProof& row) {
  return row.melt.empty() && row.match == nullptr && row.spend->witness.empty();
}

/// kCommitRow found another process under this replica's name: a null where none may be.
bool is_fence(const postgres::Fault& fault) { return fault.sqlstate == "23502"; }

bool touches_prices(const Write& write) {
  return std::holds_alternative<NewMintQuote>(write) || std::holds_alternative<PaymentReceived>(write) ||
         std::holds_alternative<FinishMelt>(write) || std::holds_alternative<BurnWrite>(write) ||
         std::holds_alternative<CreditedIssue>(write) || std::holds_alternative<SettleWrite>(write);
}

}  // namespace

Batch::Batch(postgres::Connection& connection, Catalog& catalog, const Holder& holder, std::vector<Job*> jobs)
    : connection_(&connection), catalog_(&catalog), holder_(&holder), jobs_(std::move(jobs)) {}

void Batch::rollback() {
  if (connection_->usable() && connection_->in_transaction()) (void)connection_->ask(sql::kRollback);
}

Outcome<Batch::End> Batch::commit(const CommitId& id) {
  const auto failed = [&](const postgres::Fault& fault) -> Outcome<End> {
    if (!commit_sent_) rollback();
    if (is_fence(fault)) return End::fenced;
    return std::unexpected(fault);
  };
  connection_->queue(sql::kBegin);
  connection_->queue(sql::kDurably);
  if (auto locked = lock(); !locked) return failed(locked.error());
  std::vector<BatchPart> parts;
  for (std::size_t i = 0; i < jobs_.size(); ++i) {
    BatchPart part(*jobs_[i], locked_[i], *catalog_, *holder_);
    const Result<Written> planned = part.plan();
    const Status allowed = planned ? caps_.take(part.tally, *catalog_) : Status{};
    if (planned && allowed) {
      done_.emplace_back(jobs_[i], *planned);
      parts.push_back(std::move(part));
    } else {
      jobs_[i]->outcome = std::unexpected(planned ? allowed.error() : planned.error());
    }
  }
  if (done_.empty()) {
    if (auto begun = connection_->run(); !begun) return failed(begun.error());
    rollback();
    return End::shrunk;
  }
  Wide promised = 0;
  for (BatchPart& part : parts) {
    proofs_.insert(proofs_.end(), part.proofs.begin(), part.proofs.end());
    outputs_.insert(outputs_.end(), part.outputs.begin(), part.outputs.end());
    for (auto& step : part.steps) steps_.push_back(std::move(step));
    tally_.add(part.tally);
    promised += part.promised;
  }
  if (auto kept = keep_promises(promised); !kept) return failed(kept.error());
  if (std::ranges::any_of(steps_, [](const BatchStep& step) { return !step.order.empty(); }))
    std::ranges::stable_sort(steps_, {}, &BatchStep::order);
  const bool inside = refuse_repetitions();
  swaps_only_ =
      steps_.empty() &&
      std::ranges::all_of(
          done_, [](const auto& job) { return std::holds_alternative<SwapWrite>(job.first->write); }) &&
      std::ranges::all_of(proofs_, is_plain);
  if (!inside) {
    if (auto queued = queue_rows(id); !queued) return failed(queued.error());
  }
  if (inside || !swaps_only_) {
    auto clean = inside ? Outcome<bool>(false) : insert_rows();
    if (!clean) return failed(clean.error());
    if (!*clean) {
      if (inside) {
        if (auto begun = connection_->run(); !begun) return failed(begun.error());
      }
      rollback();
      if (auto found = find_conflicts(); !found) return failed(found.error());
      return End::shrunk;
    }
  }
  failpoint("mint.before-commit");
  connection_->queue(sql::kCommit);
  commit_sent_ = true;
  auto committed = connection_->run();
  if (!committed) {
    // The server spoke: it has not committed. (What it can't say any more is `lost`.)
    if (committed.error().failure != postgres::Failure::lost) commit_sent_ = false;
    if (!swaps_only_ || committed.error().failure != postgres::Failure::conflict ||
        is_fence(committed.error()))
      return failed(committed.error());
    rollback();
    if (auto found = find_conflicts(); !found) return failed(found.error());
    return End::shrunk;
  }
  if (committed->back().tag() != "COMMIT") {
    commit_sent_ = false;
    return failed({postgres::Failure::again, "", "the transaction was rolled back"});
  }
  return End::committed;
}

/// A price is changed only if what was promised at another one stays there to be paid; but payments that cost
/// more than was held for them may have used it, or ecash that was bought after a fall and melted at the
/// price before. Then what is missing is overrun, like their cost, and no sign of a theft.
Outcome<void> Batch::keep_promises(Wide promised) {
  if (promised <= 0) return {};
  if (auto held = connection_->ask(sql::kHoldPromises); !held) return std::unexpected(held.error());
  if (auto read = read_prices(*connection_, *catalog_); !read) return read;
  auto audited = audited_accounts(*connection_, holder_->replica);
  if (!audited) return std::unexpected(audited.error());
  Accounts all = std::move(audited->others);
  for (const auto& [account, amount] : audited->own) all[account] += amount;
  const Totals totals = totals_of(all, *catalog_);
  const Wide gap = totals.liabilities_msat() - totals.assets_msat() + tally_.gap(*catalog_);
  const Wide missing = gap - std::max(Wide{0}, amount_of(all, kOverrun) + tally_.overrun);
  tally_.overrun += std::clamp(missing, Wide{0}, promised);
  return {};
}

/// The same proof or output twice in one write; different writes have none in common.
bool Batch::refuse_repetitions() {
  std::ranges::sort(proofs_, {}, [](const BatchProof& row) { return row.spend->y; });
  std::ranges::sort(outputs_, {}, [](const BatchOutput& row) { return *row.b_blinded; });
  bool any = false;
  for (std::size_t i = 1; i < proofs_.size(); ++i) {
    if (proofs_[i].spend->y != proofs_[i - 1].spend->y) continue;
    proofs_[i].job->outcome = refused_proof(false);
    any = true;
  }
  for (std::size_t i = 1; i < outputs_.size(); ++i) {
    if (*outputs_[i].b_blinded != *outputs_[i - 1].b_blinded) continue;
    outputs_[i].job->outcome = refused_output(false);
    any = true;
  }
  return any;
}

Outcome<void> Batch::lock() {
  std::ranges::sort(jobs_, {}, [](const Job* job) { return BatchPart::lock_order(job->write); });
  std::vector<std::size_t> counts;
  std::size_t total = 0;
  const bool prices = std::ranges::any_of(jobs_, [](const Job* job) { return touches_prices(job->write); });
  if (prices) {
    connection_->queue(sql::kHoldPrices);
    connection_->queue(sql::kPrices);
  }
  std::vector<std::string_view> units;
  for (const Job* job : jobs_) Caps::add_units_of(job->write, *catalog_, units);
  const bool capped = Caps::queue_lock(*connection_, units);
  for (const Job* job : jobs_) {
    counts.push_back(BatchPart::queue_locks(*connection_, job->write));
    total += counts.back();
  }
  locked_.resize(jobs_.size());
  if (total == 0 && !prices && !capped) return {};
  auto rows = connection_->run();
  if (!rows) return std::unexpected(rows.error());
  auto next = rows->begin() + 2;  // BEGIN and its setting
  if (prices) {
    ++next;
    for (std::size_t i = 0; i < next->size(); ++i) {
      catalog_->set_price(next->text(i, 0), next->unsigned_integer(i, 1));
    }
    ++next;
  }
  auto caps = next;
  if (capped) ++next;
  for (std::size_t i = 0; i < jobs_.size(); ++i) {
    for (std::size_t n = 0; n < counts[i]; ++n) locked_[i].push_back(std::move(*next++));
  }
  return capped ? caps_.read(*connection_, *caps, holder_->replica, *catalog_) : Outcome<void>{};
}

/// The rows are sorted: two mints that insert the same ones wait for each other in one direction only.
Outcome<void> Batch::queue_rows(const CommitId& id) {
  const auto queue = [&](const postgres::Statement& statement, const Parameters& parameters,
                         std::size_t rows) {
    connection_->queue(statement, parameters);
    expected_.push_back(rows);
  };
  if (!proofs_.empty()) {
    const bool plain = std::ranges::all_of(proofs_, is_plain);
    const std::size_t n = proofs_.size();
    Array y(Element::bytea, n), keyset(Element::int8, n), amount(Element::int8, n), state(Element::int8),
        melt(Element::bytea), witness(Element::bytea), match(Element::bytea);
    for (const BatchProof& row : proofs_) {
      y.add(ByteView(row.spend->y));
      keyset.add(std::int64_t{row.spend->keyset});
      amount.add(static_cast<std::int64_t>(row.spend->amount));
      if (plain) continue;
      state.add(std::int64_t{row.melt.empty()});
      row.melt.empty() ? melt.add_null() : melt.add(row.melt);
      row.spend->witness.empty() ? witness.add_null() : witness.add(row.spend->witness);
      row.match == nullptr ? match.add_null() : match.add(ByteView(*row.match));
    }
    Parameters parameters;
    parameters.add(y).add(keyset).add(amount);
    if (!plain) parameters.add(state).add(melt).add(witness).add(match);
    queue(swaps_only_ ? sql::kSpendOrEnd : plain ? sql::kSpend : sql::kSpendFully, parameters, n);
  }
  const auto reserved =
      std::ranges::stable_partition(outputs_, [](const BatchOutput& row) { return row.issue != nullptr; });
  if (const auto n = static_cast<std::size_t>(reserved.begin() - outputs_.begin()); n > 0) {
    Array b(Element::bytea, n), keyset(Element::int8, n), amount(Element::int8, n), c(Element::bytea, n),
        e(Element::bytea, n), s(Element::bytea, n), operation(Element::bytea, n);
    for (std::size_t i = 0; i < n; ++i) {
      const BatchOutput& row = outputs_[i];
      b.add(ByteView(*row.b_blinded));
      keyset.add(std::int64_t{row.keyset});
      amount.add(static_cast<std::int64_t>(row.issue->amount));
      c.add(ByteView(row.issue->c_blinded));
      e.add(ByteView(row.issue->dleq.e));
      s.add(ByteView(row.issue->dleq.s));
      operation.add(ByteView(*row.operation));
    }
    queue(swaps_only_ ? sql::kIssueOrEnd : sql::kIssue,
          Parameters().add(b).add(keyset).add(amount).add(c).add(e).add(s).add(operation), n);
  }
  if (!reserved.empty()) {
    Array b(Element::bytea), keyset(Element::int8), melt(Element::bytea), position(Element::int8);
    for (const BatchOutput& row : reserved) {
      b.add(ByteView(*row.b_blinded));
      keyset.add(std::int64_t{row.keyset});
      melt.add(row.melt);
      position.add(static_cast<std::int64_t>(row.position));
    }
    queue(sql::kReserve, Parameters().add(b).add(keyset).add(melt).add(position), reserved.size());
  }
  for (const BatchStep& step : steps_) queue(*step.statement, step.parameters, step.may_miss ? kAny : 1);

  std::vector<std::pair<std::string, std::int64_t>> rows;
  if (!tally_.rows(*catalog_, rows))
    return std::unexpected(postgres::Fault{postgres::Failure::program, "", "a total beyond 63 bits"});
  Array accounts(Element::text), amounts(Element::int8);
  for (const auto& [account, amount] : rows) {
    accounts.add(account);
    amounts.add(amount);
  }
  queue(sql::kCommitRow,
        Parameters().add(id).add(holder_->replica).add(accounts).add(amounts).add(holder_->incarnation),
        kAny);
  return {};
}

/// True if every row went in.
Outcome<bool> Batch::insert_rows() {
  auto answers = connection_->run();
  if (!answers) return std::unexpected(answers.error());
  const std::size_t before = answers->size() - expected_.size();  // BEGIN, if nothing was locked
  const std::size_t first_step = expected_.size() - 1 - steps_.size();
  bool clean = true;
  for (std::size_t i = 0; i < expected_.size(); ++i) {
    if (expected_[i] == kAny || (*answers)[before + i].affected() == expected_[i]) continue;
    clean = false;
    if (i < first_step || i - first_step >= steps_.size()) continue;
    const BatchStep& step = steps_[i - first_step];
    if (step.on_miss) {
      step.job->outcome = std::unexpected(*step.on_miss);
    } else {
      deferred_.push_back(step.job);
    }
  }
  return clean;
}

/// Whose proofs and outputs were there already. Outside of the transaction: what another one held in it may
/// be free again, then there is no conflict any more.
Outcome<void> Batch::find_conflicts() {
  connection_->queue(sql::kSpentOf,
                     Parameters().add(keys_of(proofs_, [](const BatchProof& row) { return row.spend->y; })));
  connection_->queue(sql::kSignedOf, Parameters().add(keys_of(
                                         outputs_, [](const BatchOutput& row) { return *row.b_blinded; })));
  auto rows = connection_->run();
  if (!rows) return std::unexpected(rows.error());
  std::unordered_map<std::string_view, const BatchProof*> spends;
  for (const BatchProof& row : proofs_) spends.emplace(as_text(row.spend->y), &row);
  std::unordered_map<std::string_view, const BatchOutput*> issues;
  for (const BatchOutput& row : outputs_) issues.emplace(as_text(*row.b_blinded), &row);
  const auto blame = [&](Job* job, std::unexpected<Error> why) {
    if (job->outcome) return;
    // Another mint may have settled the same groups meanwhile: they are looked at again first.
    if (std::holds_alternative<SettleWrite>(job->write) && job->deferrals < 2) {
      deferred_.push_back(job);
    } else {
      job->outcome = std::move(why);
    }
  };
  const Rows& spent = rows->at(0);
  for (std::size_t i = 0; i < spent.size(); ++i) {
    const auto mine = spends.find(spent.text(i, 0));
    if (mine != spends.end()) blame(mine->second->job, refused_proof(spent.integer(i, 1) == 0));
  }
  const Rows& issued = rows->at(1);
  std::unordered_map<Job*, std::size_t> same;  // outputs that this very request has had signed already
  for (std::size_t i = 0; i < issued.size(); ++i) {
    const auto mine = issues.find(issued.text(i, 0));
    if (mine == issues.end()) continue;
    const BatchOutput& row = *mine->second;
    blame(row.job, refused_output(issued.integer(i, 1) != 0));
    if (row.operation != nullptr && std::ranges::equal(issued.blob(i, 2), *row.operation)) ++same[row.job];
  }
  for (const auto& [job, outputs] : same) {
    const auto* swap = std::get_if<SwapWrite>(&job->write);
    if (swap != nullptr && outputs == swap->issues.size()) job->outcome = Written{.repeated = true};
  }
  return {};
}

}  // namespace manastr::mint

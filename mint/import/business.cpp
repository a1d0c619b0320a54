#include "mint/import/business.h"

#include <algorithm>

#include "common/crypto/hash.h"

namespace manastr::mint {
namespace {

constexpr std::size_t kBatch = 4'096;
constexpr std::size_t kWrite = 512;  // rows

Hash32 operation_of(std::string_view what) { return crypto::tagged_hash("manastr/import", as_bytes(what)); }

std::string counted(std::size_t n, const char* one) {
  return std::to_string(n) + " " + one + (n == 1 ? "" : "s");
}

}  // namespace

Business::Business(SourceMint& source, SourceKeys& keys, Ledger& ledger, const Clock& clock)
    : source_(&source), keys_(&keys), ledger_(&ledger), now_(clock.now_seconds()), loader_(ledger) {}

Wide Business::price_of(const std::string& unit) const {
  for (const SourceKeys::Keyset& each : keys_->all()) {
    if (each.record.unit == unit) return each.price;
  }
  return 0;
}

// --- signatures

Status Business::read_melts() {
  TRY(std::vector<SourceMeltQuote> quotes, source_->melt_quotes());
  for (SourceMeltQuote& quote : quotes) {
    Melt melt;
    melt.pending = quote.state == SourceMeltQuote::State::pending;
    melt.quote = std::move(quote);
    melts_.emplace(melt.quote.id, std::move(melt));
  }
  return {};
}

Status Business::add_signatures(std::vector<SourceSignature>& batch) {
  TRY(std::vector<CheckedSignature> checked, check_signatures(batch, *keys_));
  batch.clear();
  TakeOver write;
  write.operation = operation_of("signatures");
  for (CheckedSignature& each : checked) {
    ++signatures_;
    sums_[each.issue.keyset].issued += each.issue.amount;
    const auto melt = melts_.find(each.quote);
    if (melt != melts_.end() && melt->second.quote.state == SourceMeltQuote::State::paid) {
      melt->second.change.push_back(std::move(each));
      continue;
    }
    write.issues.push_back(each.issue);
    if (write.issues.size() < kWrite) continue;
    TRY_STATUS(loader_.add(write));
    write.issues.clear();
  }
  return write.issues.empty() ? Status{} : loader_.add(std::move(write));
}

Status Business::take_signatures() {
  TRY_STATUS(read_melts());
  // All that was ever issued is owed until what was spent of it is taken over too: for so long it is covered.
  TRY(const auto stated, source_->sums());
  for (const auto& [id, sum] : stated) {
    const SourceKeys::Keyset* keyset = keys_->find(id);
    if (keyset != nullptr) float_ += sum.issued * keyset->price;
  }
  TakeOver cover;
  cover.operation = operation_of("cover");
  cover.received_msat = float_;
  TRY_STATUS(loader_.add(std::move(cover)));
  TRY_STATUS(loader_.flush());

  std::vector<SourceSignature> batch;
  TRY_STATUS(source_->each_signature([&](SourceSignature row) -> Status {
    if (row.c_blinded.empty()) {
      const auto melt = melts_.find(row.quote);
      const SourceKeys::Keyset* keyset = keys_->find(row.keyset);
      const auto b_blinded = crypto::PublicKey::parse(row.b_blinded);
      if (melt != melts_.end() && melt->second.pending && keyset != nullptr && b_blinded) {
        melt->second.blanks.emplace_back(row.order, BlankOutput{b_blinded->bytes(), keyset->record.number});
      } else {
        ++unsigned_outputs_;
      }
      return {};
    }
    batch.push_back(std::move(row));
    return batch.size() < kBatch ? Status{} : add_signatures(batch);
  }));
  TRY_STATUS(add_signatures(batch));
  return loader_.flush();
}

// --- proofs

/// Pending, and no melt knows why: a swap that never ended. It is locked by a quote of its own, which the
/// operator resolves like the others.
Status Business::add_orphan(const CheckedProof& proof) {
  ++orphans_;
  Melt melt;
  melt.quote.id = "pending-proof-" + to_hex(proof.spend.y).substr(0, 24);
  melt.quote.unit = keys_->by_number(proof.spend.keyset)->record.unit;
  melt.quote.amount = proof.spend.amount;
  melt.pending = true;
  melt.inputs.push_back(proof);
  report.left.push_back("proof " + to_hex(proof.spend.y) + " of " + std::to_string(proof.spend.amount) + " " +
                        melt.quote.unit + " was pending in no melt: held by quote " + melt.quote.id);
  melts_.emplace(melt.quote.id, std::move(melt));
  return {};
}

Status Business::add_proofs(std::vector<SourceProof>& batch) {
  TRY(std::vector<CheckedProof> checked, check_proofs(batch, *keys_));
  batch.clear();
  TakeOver write;
  write.operation = operation_of("proofs");
  for (CheckedProof& each : checked) {
    ++proofs_;
    if (each.how == CheckedProof::How::by_older_hash) ++older_;
    if (each.how == CheckedProof::How::by_y_alone) ++by_y_alone_;
    const auto melt = each.melt.empty() ? melts_.end() : melts_.find(each.melt);
    const bool of_melt = melt != melts_.end() && (each.pending || melt->second.begun());
    const bool paid = of_melt && melt->second.quote.state == SourceMeltQuote::State::paid;
    (each.pending && !paid ? sums_[each.spend.keyset].pending : sums_[each.spend.keyset].spent) +=
        each.spend.amount;
    if (of_melt && (paid || each.pending)) {
      melt->second.pending = melt->second.pending || !paid;
      melt->second.inputs.push_back(std::move(each));
    } else if (each.pending) {
      TRY_STATUS(add_orphan(each));
    } else {
      write.spends.push_back(std::move(each.spend));
      if (write.spends.size() < kWrite) continue;
      TRY_STATUS(loader_.add(write));
      write.spends.clear();
    }
  }
  return write.spends.empty() ? Status{} : loader_.add(std::move(write));
}

Status Business::take_spent_proofs() { return take_proofs(false); }

Status Business::take_proofs(bool of_melts) {
  std::vector<SourceProof> batch;
  TRY_STATUS(source_->each_proof([&](SourceProof row) -> Status {
    const bool is_of_melt = row.pending || (!row.melt.empty() && melts_.contains(row.melt));
    if (is_of_melt != of_melts) return {};
    batch.push_back(std::move(row));
    return batch.size() < kBatch ? Status{} : add_proofs(batch);
  }));
  TRY_STATUS(add_proofs(batch));
  return loader_.flush();
}

// --- sums

Status Business::check_sums() {
  TRY(const auto stated, source_->sums());
  std::map<std::uint32_t, SourceSum> by_number;
  for (const auto& [id, sum] : stated) {
    const SourceKeys::Keyset* keyset = keys_->find(id);
    if (keyset == nullptr) {
      if (sum.issued == 0) continue;
      return invalid("the source has signatures of a keyset " + id + " that it lacks");
    }
    SourceSum& all = by_number[keyset->record.number];
    all.issued += sum.issued;
    const auto add = [](std::optional<Wide>& to, const std::optional<Wide>& more) {
      if (more) to = to.value_or(0) + *more;
    };
    add(all.stated_issued, sum.stated_issued);
    add(all.stated_redeemed, sum.stated_redeemed);
    add(all.stated_balance, sum.stated_balance);
  }
  for (const SourceKeys::Keyset& each : keys_->all()) {
    const Sums& found = sums_[each.record.number];
    const SourceSum& said = by_number[each.record.number];
    const std::string name = "keyset " + each.record.id.hex() + " (" + each.record.unit + ")";
    const auto compare = [&](const char* what, Wide rows, const std::optional<Wide>& sum) -> Status {
      if (!sum || *sum == rows) return {};
      return invalid("of " + name + " the rows make " + to_text(rows) + " " + what +
                     ", the source's own sum says " + to_text(*sum) + ": its database is not whole");
    };
    TRY_STATUS(compare("issued", found.issued, said.issued));
    TRY_STATUS(compare("issued", found.issued, said.stated_issued));
    TRY_STATUS(compare("redeemed", found.spent, said.stated_redeemed));
    TRY_STATUS(compare("outstanding", found.issued - found.spent, said.stated_balance));
    if (found.spent + found.pending > found.issued) {
      return invalid("of " + name + " more was spent (" + to_text(found.spent + found.pending) +
                     ") than signed (" + to_text(found.issued) + "): the database is not whole");
    }
    report.taken.push_back(name + ": " + to_text(found.issued) + " issued, " + to_text(found.spent) +
                           " spent, " + to_text(found.pending) + " pending, " +
                           to_text(found.issued - found.spent) + " outstanding");
  }
  for (const UnitTotals& unit : ledger_->totals().units) {
    Wide issued = 0;
    Wide spent = 0;
    for (const SourceKeys::Keyset& each : keys_->all()) {
      if (each.record.unit != unit.unit) continue;
      issued += sums_[each.record.number].issued;
      spent += sums_[each.record.number].spent;
    }
    if (unit.issued != issued || unit.redeemed != spent)
      return broken("the ledger's totals of " + unit.unit + " are not what was put into it");
  }
  return {};
}

Status Business::close(bool cover_shortfall) {
  TRY_STATUS(check_sums());
  const Totals totals = ledger_->totals();
  const Wide assets = totals.assets_msat() - float_;
  const Wide gap = totals.liabilities_msat() - assets;
  if (gap > 0 && !cover_shortfall) {
    return invalid("by its own books the source took in " + to_text(gap) +
                   " msat less than its holders could ask for; if you have that money, say so with "
                   "--cover-shortfall");
  }
  TakeOver opening;
  opening.operation = operation_of("opening");
  opening.received_msat = std::max(gap, Wide{0}) - float_;
  opening.paid_out_msat = std::max(-gap, Wide{0});
  TRY_STATUS(loader_.add(std::move(opening)));
  TRY_STATUS(loader_.flush());
  const Totals opened = ledger_->totals();
  if (opened.liabilities_msat() != opened.assets_msat())
    return broken("the opening balance is not what is owed");

  report.taken.push_back(counted(signatures_, "signature") + " and " + counted(proofs_, "proof") +
                         ", each made sure of with the keys but for those below");
  report.taken.push_back("opening balance: " + to_text(opened.assets_msat()) +
                         " msat, which is what is owed; " +
                         (gap > 0 ? to_text(gap) + " msat of it are stated by the operator"
                                  : to_text(-gap) + " msat were the source's earnings, and are left out"));
  if (older_ > 0)
    report.left.push_back(
        counted(older_, "spent proof") +
        " of before NUT-00's present hash to the curve; unspent ones of that time are no longer taken");
  if (by_y_alone_ > 0)
    report.left.push_back(counted(by_y_alone_, "spent proof") +
                          " of which the source kept no secret or no C: known by Y alone");
  if (unsigned_outputs_ > 0)
    report.left.push_back(counted(unsigned_outputs_, "reserved output") +
                          " that was never signed: free again");
  return {};
}

}  // namespace manastr::mint

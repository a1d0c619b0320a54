#include "mint/audit/verify.h"

#include "mint/audit/journal_walk.h"
#include "mint/audit/signature_check.h"

namespace manastr::mint {
namespace {

std::string number(std::uint64_t n, std::string_view of) { return std::to_string(n) + " " + std::string(of); }

class Report {
 public:
  explicit Report(const TellCheck& tell) : tell_(&tell) {}
  void say(const std::string& what, const std::vector<std::string>& faults) {
    if (faults.empty()) (*tell_)(true, what);
    for (const std::string& fault : faults) (*tell_)(false, std::string(what).append(": ").append(fault));
    clean_ = clean_ && faults.empty();
  }
  bool clean() const { return clean_; }

 private:
  const TellCheck* tell_;
  bool clean_ = true;
};

std::vector<std::string> one(std::string fault) {
  if (fault.empty()) return {};
  return {std::move(fault)};
}

}  // namespace

Result<bool> verify_ledger(LedgerView& view, const crypto::XOnlyKey& key,
                           const std::optional<SignedCheckpoint>& after, const TellCheck& tell,
                           const Derivations* derivations) {
  Report report(tell);
  TRY(const Catalog catalog, view.catalog());
  TRY(const WalkedJournal journal, walk_journal(view, key, after));
  report.say("journal, " + number(journal.entries, "entries in ") +
                 number(journal.lengths.size(), "chain(s), each follows the one before it"),
             journal.chain_faults);
  report.say("checkpoints, " + number(journal.checkpoints, "signed ones, each fits the entries"),
             journal.checkpoint_faults);
  if (after) report.say("the checkpoint that was kept is the ledger's", one(journal.after_fault));

  TRY(const KeptTotals kept, view.kept(journal.lengths));
  std::vector<std::string> differences = kept.faults;
  std::map<std::string, Accounts> chains = journal.by_chain;
  for (const auto& [chain, accounts] : kept.entered) chains.try_emplace(chain);
  for (const auto& [chain, entries] : chains) {
    const auto totals = kept.entered.find(chain);
    compare_accounts(entries, "the journal of chain " + chain,
                     totals == kept.entered.end() ? Accounts{} : totals->second, "its totals", differences);
  }
  report.say("totals, as the mint keeps them, are those of the journal", differences);

  Accounts all = journal.balances;
  add_changes(all, kept.open);
  TRY(const CountedRows rows, view.count());
  Accounts counted = rows.accounts;
  counted.erase(std::string(kOverrun));
  Accounts balances = all;
  balances.erase(std::string(kOverrun));
  differences.clear();
  compare_accounts(balances, "the journal", counted, "the ledger's rows", differences);
  report.say("ledger, " + number(rows.spent, "spent proofs, ") + number(rows.signatures, "signatures, ") +
                 number(rows.mint_quotes, "mint quotes, ") + number(rows.melts, "paid melts") +
                 (rows.pruned_proofs + rows.pruned_signatures == 0
                      ? ""
                      : ", " + number(rows.pruned_proofs, "proofs and ") +
                            number(rows.pruned_signatures, "signatures pruned")) +
                 ", come to the journal's balances",
             differences);
  report.say(
      "quotes are issued up to what was paid, " + number(rows.locked, "locked proofs are of melts under way"),
      rows.faults);
  report.say("no keyset has more redeemed than issued, and the mint owes no more than it has",
             one(violation(all, catalog)));
  if (derivations != nullptr) {
    TRY(const CheckedSignatures checked, check_signatures(view, *derivations, rows.signatures));
    report.say(
        "signatures, " + number(checked.checked, "looked at, are what the mint's keys give") +
            (checked.without_keys == 0 ? ""
                                       : ", " + number(checked.without_keys, "are of keys from elsewhere")),
        checked.faults);
  }
  TRY(const std::vector<std::string> misplaced, view.misplaced_points());
  report.say("each proof and each output stands in one row, where it is looked for", misplaced);
  return report.clean();
}

}  // namespace manastr::mint

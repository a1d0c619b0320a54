// One transaction for many writes: rows that decide are locked and read, each write is planned against them,
// then all rows go in with a few statements. A write that turns out to be refused drops out and the others
// are done again; none of them aborts the batch. Used by the ledger's committing thread alone.
#pragma once
#include "mint/ledger/postgres/batch_plan.h"
#include "mint/ledger/postgres/caps.h"

namespace manastr::mint {

using CommitId = ByteArray<16>;

class Batch {
 public:
  /// `jobs` have no outcome and disjoint footprints. All must outlive this.
  Batch(postgres::Connection& connection, Catalog& catalog, const Holder& holder, std::vector<Job*> jobs);

  enum class End {
    committed,  ///< the jobs of done() have happened
    shrunk,     ///< some jobs got their outcome or must wait: try those that are left
    fenced,     ///< another process has become this replica: nothing happened, nor will
  };
  /// `id` names the commit for ever. A fault: nothing happened, unless commit_sent().
  postgres::Outcome<End> commit(const CommitId& id);
  /// The COMMIT is under way, with all else or after it: without an answer only the row of `id` can tell.
  bool commit_sent() const { return commit_sent_; }
  /// Nothing but plain swaps is in it.
  bool swaps_only() const { return swaps_only_; }
  /// Those in the transaction, with what to tell their callers; valid after commit() asked for COMMIT.
  const std::vector<std::pair<Job*, Written>>& done() const { return done_; }
  const Tally& tally() const { return tally_; }
  /// Jobs that met another transaction and wait for the next batch.
  const std::vector<Job*>& deferred() const { return deferred_; }

 private:
  postgres::Outcome<void> lock();
  postgres::Outcome<void> keep_promises(Wide promised);
  bool refuse_repetitions();
  postgres::Outcome<void> queue_rows(const CommitId& id);
  postgres::Outcome<bool> insert_rows();
  postgres::Outcome<void> find_conflicts();
  void rollback();

  postgres::Connection* connection_;
  Catalog* catalog_;
  const Holder* holder_;
  std::vector<Job*> jobs_;
  std::vector<std::vector<postgres::Rows>> locked_;  // of each job
  std::vector<BatchProof> proofs_;
  std::vector<BatchOutput> outputs_;
  std::vector<BatchStep> steps_;
  std::vector<std::size_t> expected_;  // rows that each of queue_rows() must touch
  bool swaps_only_ = false;            // sent with its COMMIT in one go: nothing in it needs a look before
  std::vector<std::pair<Job*, Written>> done_;
  std::vector<Job*> deferred_;
  Tally tally_;
  Caps caps_;
  bool commit_sent_ = false;
};

}  // namespace manastr::mint

#include "mint/audit/journal_walk.h"

#include <algorithm>

namespace manastr::mint {
namespace {

/// One chain on its way.
struct Chain {
  std::unique_ptr<Stream<StoredEntry>> stream;
  Checkpoint::Head head;
  UnixSeconds time{};
  Accounts sums;
  bool over = false;
};

class Walk {
 public:
  Walk(LedgerView& view, const crypto::XOnlyKey& key, const std::optional<SignedCheckpoint>& after)
      : view_(&view), key_(key), after_(after) {}

  Result<WalkedJournal> run() {
    TRY(const std::vector<std::string> names, view_->chains());
    for (const std::string& name : names) {
      Chain& chain = chains_[name];
      chain.head.chain = name;
      TRY(chain.stream, view_->entries(name));
    }
    if (after_) {
      TRY(const Checkpoint kept, Checkpoint::parse(after_->text));
      after_number_ = kept.number;
    }
    TRY(const auto checkpoints, view_->checkpoints());
    for (;;) {
      TRY(const auto stored, checkpoints->next());
      if (!stored) break;
      ++out_.checkpoints;
      TRY_STATUS(check(*stored));
      if (out_.checkpoint_faults.size() >= kMaxFaults) break;
    }
    if (after_ && out_.after_fault.empty() && !met_after_) {
      out_.after_fault = "the ledger has no checkpoint " + std::to_string(after_number_) +
                         ": it is older than the one that was kept, as a restored backup is; what was done "
                         "between the two is lost, and could be done again";
    }
    for (auto& [name, chain] : chains_) {
      while (!chain.over) TRY_STATUS(step(chain));
      out_.lengths[name] = chain.head.sequence;
      out_.by_chain[name] = std::move(chain.sums);
    }
    return std::move(out_);
  }

 private:
  /// One more entry; a chain that is broken ends there.
  Status step(Chain& chain) {
    TRY(const auto stored, chain.stream->next());
    if (!stored) {
      chain.over = true;
      return {};
    }
    const std::string where =
        "entry " + std::to_string(stored->sequence) + " of chain " + chain.head.chain + ": ";
    const auto fault = [&](const std::string& what) {
      note(out_.chain_faults, where + what);
      chain.over = true;
    };
    const auto entry = JournalEntry::parse(stored->text);
    if (!entry) {
      fault(entry.error().message);
    } else if (stored->sequence != chain.head.sequence + 1) {
      fault("the one before it is missing, entry " + std::to_string(chain.head.sequence + 1));
    } else if (entry->chain != chain.head.chain || entry->sequence != stored->sequence) {
      fault("it is another chain's or has another number, it says");
    } else if (entry->previous != chain.head.digest) {
      fault("it does not follow the entry before it, one of the two was altered");
    } else {
      chain.head.sequence = entry->sequence;
      chain.head.digest = journal_digest(stored->text);
      add_changes(chain.sums, entry->changes);
      add_changes(out_.balances, entry->changes);
      ++out_.entries;
    }
    return {};
  }

  Status check(const StoredCheckpoint& stored) {
    const std::string where = "checkpoint " + std::to_string(stored.number) + ": ";
    const auto fault = [&](const std::string& what) { note(out_.checkpoint_faults, where + what); };
    if (after_ && stored.number == after_number_) {
      met_after_ = true;
      if (stored.checkpoint.text != after_->text) {
        out_.after_fault = "checkpoint " + std::to_string(after_number_) +
                           " of the ledger is another one than was kept: the mint went on from an older "
                           "backup, or its past was rewritten";
      }
    }
    const std::uint64_t expected = last_number_ + 1;
    const Hash32 previous = std::exchange(last_digest_, journal_digest(stored.checkpoint.text));
    last_number_ = stored.number;
    const auto read = read_checkpoint(stored.checkpoint, key_);
    if (!read) {
      fault(read.error().message);
      return {};
    }
    if (stored.number != expected) {
      fault("the one before it is missing, checkpoint " + std::to_string(expected));
    } else if (read->number != stored.number) {
      fault("it says that it is checkpoint " + std::to_string(read->number));
    } else if (read->previous != previous) {
      fault("it does not follow the checkpoint before it, one of the two was altered");
    }
    for (const auto& [name, chain] : chains_) {
      if (chain.head.sequence > 0 &&
          std::ranges::find(read->heads, name, &Checkpoint::Head::chain) == read->heads.end())
        fault("it knows nothing of chain " + name + ", of which an earlier one does");
    }
    for (const Checkpoint::Head& head : read->heads) {
      const auto chain = chains_.find(head.chain);
      const std::uint64_t before = chain == chains_.end() ? 0 : chain->second.head.sequence;
      while (chain != chains_.end() && !chain->second.over && chain->second.head.sequence < head.sequence)
        TRY_STATUS(step(chain->second));
      const std::uint64_t reached = chain == chains_.end() ? 0 : chain->second.head.sequence;
      if (before > head.sequence) {
        fault("its entry " + std::to_string(head.sequence) + " of chain " + head.chain +
              " is before that of an earlier checkpoint");
      } else if (reached < head.sequence) {
        fault("it signs entry " + std::to_string(head.sequence) + " of chain " + head.chain +
              ", which is whole only up to entry " + std::to_string(reached));
      } else if (chain->second.head.digest != head.digest) {
        fault("its entry " + std::to_string(head.sequence) + " of chain " + head.chain +
              " was another one than is there");
      }
    }
    std::vector<std::string> differences;
    if (out_.chain_faults.empty() && out_.checkpoint_faults.empty())
      compare_accounts(read->balances, "it", out_.balances, "the entries up to it", differences);
    for (const std::string& each : differences) fault(each);
    return {};
  }

  LedgerView* view_;
  const crypto::XOnlyKey key_;
  const std::optional<SignedCheckpoint>& after_;
  std::uint64_t after_number_ = 0;
  bool met_after_ = false;
  std::map<std::string, Chain> chains_;
  std::uint64_t last_number_ = 0;
  Hash32 last_digest_{};
  WalkedJournal out_;
};

}  // namespace

Result<WalkedJournal> walk_journal(LedgerView& view, const crypto::XOnlyKey& key,
                                   const std::optional<SignedCheckpoint>& after) {
  return Walk(view, key, after).run();
}

void compare_accounts(const Accounts& a, std::string_view name_of_a, const Accounts& b,
                      std::string_view name_of_b, std::vector<std::string>& faults) {
  Accounts names = a;
  names.insert(b.begin(), b.end());
  for (const auto& [account, unused] : names) {
    const Wide in_a = amount_of(a, account);
    const Wide in_b = amount_of(b, account);
    if (in_a == in_b) continue;
    note(faults, account + " is " + to_text(in_a) + " in " + std::string(name_of_a) + " and " +
                     to_text(in_b) + " in " + std::string(name_of_b));
  }
}

}  // namespace manastr::mint

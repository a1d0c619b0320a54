#include "mint/ledger/journal_entry.h"

#include "common/crypto/hash.h"
#include "mint/ledger/journal_lines.h"

namespace manastr::mint {

std::string JournalEntry::text() const {
  std::string out = "manastr-journal 1\nchain " + chain + "\nsequence " + std::to_string(sequence) +
                    "\ntime " + std::to_string(count(time)) + "\nprevious " + to_hex(previous) + "\n";
  for (const auto& [account, amount] : changes)
    out += "change " + account + (amount > 0 ? " +" : " ") + to_text(amount) + "\n";
  return out;
}

Result<JournalEntry> JournalEntry::parse(std::string_view text) {
  if (text.size() > kMaxJournalText) return invalid("the entry is too long");
  JournalLines lines(text);
  const auto version = lines.take("manastr-journal", 1);
  if (!version) return invalid("it is no journal entry");
  if (version->front() != "1") return invalid("it is an entry of a newer version: use that");
  const auto chain = lines.take("chain", 1);
  const auto sequence = lines.take("sequence", 1);
  const auto time = lines.take("time", 1);
  const auto previous = lines.take("previous", 1);
  if (!chain || !sequence || !time || !previous) return invalid("a line of the entry's head is missing");
  JournalEntry out;
  out.chain = chain->front();
  const auto number = journal_number(sequence->front());
  const auto seconds = journal_number(time->front());
  const auto hash = journal_hash(previous->front());
  if (!number || !seconds || *seconds > 1'000'000'000'000 || !hash || !is_journal_name(out.chain))
    return invalid("a line of the entry's head is malformed");
  out.sequence = *number;
  out.time = unix_seconds(static_cast<std::int64_t>(*seconds));
  out.previous = *hash;
  while (!lines.done()) {
    const auto change = lines.take("change", 2);
    if (!change || !is_journal_name(change->front())) return invalid("a line of the entry is malformed");
    std::string_view amount = change->back();
    if (amount.starts_with('+')) amount.remove_prefix(1);
    const auto value = wide_from_text(amount);
    if (!value) return invalid("an amount of the entry is malformed");
    out.changes.emplace(change->front(), *value);
  }
  if (out.text() != text) return invalid("the entry's lines are not in their order and form");
  return out;
}

Hash32 journal_digest(std::string_view text) { return crypto::sha256(as_bytes(text)); }

void add_changes(Accounts& accounts, const Accounts& changes) {
  for (const auto& [account, amount] : changes) {
    const auto at = accounts.try_emplace(account, 0).first;
    at->second += amount;
    if (at->second == 0) accounts.erase(at);
  }
}

}  // namespace manastr::mint

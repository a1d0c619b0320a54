#include "mint/ledger/checkpoint.h"

#include <algorithm>

#include "mint/ledger/journal_lines.h"

namespace manastr::mint {

std::string Checkpoint::text() const {
  std::string out = "manastr-checkpoint 1\nnumber " + std::to_string(number) + "\ntime " +
                    std::to_string(count(time)) + "\nkey " + key.hex() + "\nprevious " + to_hex(previous) +
                    "\n";
  for (const Head& head : heads)
    out += "chain " + head.chain + " " + std::to_string(head.sequence) + " " + to_hex(head.digest) + "\n";
  for (const KeysetName& keyset : keysets)
    out += "keyset " + std::to_string(keyset.number) + " " + keyset.id + " " + keyset.unit + "\n";
  for (const auto& [account, amount] : balances) out += "balance " + account + " " + to_text(amount) + "\n";
  return out;
}

Result<Checkpoint> Checkpoint::parse(std::string_view text) {
  if (text.size() > kMaxJournalText) return invalid("the checkpoint is too long");
  JournalLines lines(text);
  const auto version = lines.take("manastr-checkpoint", 1);
  if (!version) return invalid("it is no checkpoint");
  if (version->front() != "1") return invalid("it is a checkpoint of a newer version: use that");
  const auto number = lines.take("number", 1);
  const auto time = lines.take("time", 1);
  const auto key = lines.take("key", 1);
  const auto previous = lines.take("previous", 1);
  if (!number || !time || !key || !previous) return invalid("a line of the checkpoint's head is missing");
  Checkpoint out;
  const auto counted = journal_number(number->front());
  const auto seconds = journal_number(time->front());
  const auto signer = crypto::XOnlyKey::from_hex(key->front());
  const auto hash = journal_hash(previous->front());
  if (!counted || !seconds || *seconds > 1'000'000'000'000 || !signer || !hash)
    return invalid("a line of the checkpoint's head is malformed");
  out.number = *counted;
  out.time = unix_seconds(static_cast<std::int64_t>(*seconds));
  out.key = *signer;
  out.previous = *hash;
  while (const auto head = lines.take("chain", 3)) {
    const auto sequence = journal_number((*head)[1]);
    const auto digest = journal_hash((*head)[2]);
    if (!is_journal_name((*head)[0]) || !sequence || !digest)
      return invalid("a chain of the checkpoint is malformed");
    out.heads.push_back({std::string((*head)[0]), *sequence, *digest});
  }
  while (const auto keyset = lines.take("keyset", 3)) {
    const auto which = journal_number((*keyset)[0]);
    if (!which || *which > 0xffff'ffff || !is_journal_name((*keyset)[1]) || !is_journal_name((*keyset)[2]))
      return invalid("a keyset of the checkpoint is malformed");
    out.keysets.push_back(
        {static_cast<std::uint32_t>(*which), std::string((*keyset)[1]), std::string((*keyset)[2])});
  }
  while (!lines.done()) {
    const auto balance = lines.take("balance", 2);
    if (!balance || !is_journal_name(balance->front()))
      return invalid("a line of the checkpoint is malformed");
    const auto value = wide_from_text(balance->back());
    if (!value) return invalid("a balance of the checkpoint is malformed");
    out.balances.emplace(balance->front(), *value);
  }
  const auto chains_ascend = std::ranges::adjacent_find(out.heads, std::greater_equal{}, &Head::chain);
  if (out.text() != text || chains_ascend != out.heads.end())
    return invalid("the checkpoint's lines are not in their order and form");
  return out;
}

SignedCheckpoint sign_checkpoint(Checkpoint checkpoint, const crypto::SecretKey& key) {
  checkpoint.key = key.x_only();
  SignedCheckpoint out{.text = checkpoint.text()};
  out.signature = crypto::sign_schnorr(key, journal_digest(out.text), {});
  return out;
}

Result<Checkpoint> read_checkpoint(const SignedCheckpoint& checkpoint, const crypto::XOnlyKey& key) {
  TRY(Checkpoint out, Checkpoint::parse(checkpoint.text));
  if (out.key != key)
    return invalid("it is signed with the key " + out.key.hex() + ", this mint's is " + key.hex());
  if (!crypto::verify_schnorr(key, journal_digest(checkpoint.text), checkpoint.signature))
    return invalid("its signature is not of its text");
  return out;
}

}  // namespace manastr::mint

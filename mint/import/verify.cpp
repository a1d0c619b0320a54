#include "mint/import/verify.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <mutex>
#include <thread>

#include "common/cashu/conditions.h"
#include "common/crypto/hash.h"

namespace manastr::mint {
namespace {

/// work(i) for each i below `count`, on all cores; the error of the first that failed.
template <class Work>
Status on_all_cores(std::size_t count, Work work) {
  constexpr std::size_t kPiece = 64;
  std::atomic<std::size_t> next = 0;
  std::atomic<bool> failed = false;
  std::mutex mutex;
  std::optional<Error> error;
  const auto run = [&] {
    for (std::size_t from; !failed && (from = next.fetch_add(kPiece)) < count;) {
      for (std::size_t i = from; i < std::min(from + kPiece, count); ++i) {
        if (const Status done = work(i); !done) {
          failed = true;
          const std::lock_guard lock(mutex);
          if (!error) error = done.error();
          return;
        }
      }
    }
  };
  std::vector<std::thread> threads;
  const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
  for (std::size_t i = 1; i < std::min(cores, count / kPiece + 1); ++i) threads.emplace_back(run);
  run();
  for (std::thread& each : threads) each.join();
  if (error) return std::unexpected(*std::move(error));
  return {};
}

Result<const DenominationKey*> key_of(const SourceKeys::Keyset* keyset, const std::string& id,
                                      std::uint64_t amount) {
  if (keyset == nullptr) return invalid("the source has rows of a keyset " + id + " that it lacks");
  const auto exponent = static_cast<std::size_t>(std::countr_zero(amount));
  if (!std::has_single_bit(amount) || exponent >= keyset->keys.size())
    return invalid("the source has a row of " + std::to_string(amount) + ", for which keyset " + id +
                   " has no key");
  return &keyset->keys[exponent];
}

/// NUT-00 before its domain separator: the secret's hash, hashed again until it is an x.
std::optional<crypto::PublicKey> older_hash_to_curve(ByteView secret) {
  constexpr int kTries = 1'000;
  Hash32 hash = crypto::sha256(secret);
  for (int i = 0; i < kTries; ++i) {
    ByteArray<33> point{2};
    std::ranges::copy(hash, point.begin() + 1);
    if (auto out = crypto::PublicKey::parse(point)) return out;
    hash = crypto::sha256(hash);
  }
  return std::nullopt;
}

Status check(const SourceSignature& row, const SourceKeys& keys, CheckedSignature& out) {
  const SourceKeys::Keyset* keyset = keys.find(row.keyset);
  TRY(const DenominationKey* key, key_of(keyset, row.keyset, row.amount));
  const auto b_blinded = crypto::PublicKey::parse(row.b_blinded);
  if (!b_blinded) return invalid("the source has a B_ that is no point");
  const crypto::SignedBlind made = crypto::sign_blinded(key->secret, key->key, *b_blinded);
  if (!std::ranges::equal(made.c_blinded.bytes(), row.c_blinded)) {
    return invalid("the signature of " + b_blinded->hex() + " was not made by the key of " +
                   std::to_string(row.amount) + " of keyset " + row.keyset);
  }
  out.issue = {b_blinded->bytes(), keyset->record.number, row.amount, made.c_blinded.bytes(), made.dleq};
  out.quote = row.quote;
  out.order = row.order;
  return {};
}

Status check(const SourceProof& row, const SourceKeys& keys, CheckedProof& out) {
  const SourceKeys::Keyset* keyset = keys.find(row.keyset);
  TRY(const DenominationKey* key, key_of(keyset, row.keyset, row.amount));
  out.spend.keyset = keyset->record.number;
  out.spend.amount = row.amount;
  out.melt = row.melt;
  out.pending = row.pending;
  if (row.secret.empty()) {
    const auto y = crypto::PublicKey::parse(row.y);
    if (!y) return invalid("the source has a Y that is no point");
    out.spend.y = y->bytes();
    out.how = CheckedProof::How::by_y_alone;
    return {};
  }
  const crypto::PublicKey y = crypto::hash_to_curve(as_bytes(row.secret));
  out.spend.y = y.bytes();
  if (!row.y.empty() && !std::ranges::equal(row.y, out.spend.y))
    return invalid("the source's Y " + to_hex(row.y) + " is not that of its secret");
  if (cashu::may_hold_condition(row.secret) && row.witness.size() <= cashu::kMaxWitnessBytes)
    out.spend.witness = row.witness;
  if (row.c.empty()) {  // nutshell keeps none of what was melted
    out.how = CheckedProof::How::by_y_alone;
    return {};
  }
  PointBytes c{};
  if (row.c.size() != c.size()) return invalid("the source has a C that is no point");
  std::ranges::copy(row.c, c.begin());
  if (crypto::verify_unblinded(key->secret, y, c)) return {};
  const auto older = older_hash_to_curve(as_bytes(row.secret));
  if (older && crypto::verify_unblinded(key->secret, *older, c)) {
    out.how = CheckedProof::How::by_older_hash;
    return {};
  }
  return invalid("the spent proof " + y.hex() + " was not signed by the key of " +
                 std::to_string(row.amount) + " of keyset " + row.keyset);
}

}  // namespace

Result<std::vector<CheckedSignature>> check_signatures(const std::vector<SourceSignature>& rows,
                                                       const SourceKeys& keys) {
  std::vector<CheckedSignature> out(rows.size());
  TRY_STATUS(on_all_cores(rows.size(), [&](std::size_t i) { return check(rows[i], keys, out[i]); }));
  return out;
}

Result<std::vector<CheckedProof>> check_proofs(const std::vector<SourceProof>& rows, const SourceKeys& keys) {
  std::vector<CheckedProof> out(rows.size());
  TRY_STATUS(on_all_cores(rows.size(), [&](std::size_t i) { return check(rows[i], keys, out[i]); }));
  return out;
}

}  // namespace manastr::mint

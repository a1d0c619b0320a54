#include "mint/ledger/postgres/books.h"

#include <cstring>

#include "common/base/random.h"
#include "mint/ledger/mixed.h"

namespace manastr::mint {

namespace {

std::uint64_t word_at(const Byte* from) {
  std::uint64_t out = 0;
  std::memcpy(&out, from, sizeof out);
  return out;
}

}  // namespace

PostgresBooks::Seen::Seen(unsigned filter_log2_bits)
    : salt_(word_at(system_random().bytes<8>().data())), filter_(filter_log2_bits) {}

/// Of eight bytes of the x coordinate.
std::uint64_t PostgresBooks::Seen::key_of(const PointBytes& point) const {
  return mixed(word_at(point.data() + 1) ^ salt_);
}

Catalog PostgresBooks::catalog() const {
  const std::lock_guard lock(mutex_);
  return catalog_;
}

void PostgresBooks::set_keysets(const std::vector<KeysetRecord>& records) {
  const std::lock_guard lock(mutex_);
  catalog_.set_keysets(records);
}

void PostgresBooks::adopt(const Catalog& from) {
  const std::lock_guard lock(mutex_);
  catalog_.adopt(from);
}

void PostgresBooks::remember(const Write& write) {
  const auto spends = [&](const std::vector<Spend>& each) {
    for (const Spend& proof : each) proofs.add(proof.y);
  };
  const auto issues = [&](const std::vector<Issue>& each) {
    for (const Issue& output : each) outputs.add(output.b_blinded);
  };
  if (const auto* swap = std::get_if<SwapWrite>(&write)) {
    spends(swap->spends);
    issues(swap->issues);
  } else if (const auto* taken = std::get_if<TakeOver>(&write)) {
    spends(taken->spends);
    issues(taken->issues);
  } else if (const auto* mint = std::get_if<MintWrite>(&write)) {
    issues(mint->issues);
  } else if (const auto* begin = std::get_if<BeginMelt>(&write)) {
    spends(begin->spends);
    for (const BlankOutput& blank : begin->blanks) outputs.add(blank.b_blinded);
  } else if (const auto* burn = std::get_if<BurnWrite>(&write)) {
    spends(burn->spends);
  } else if (const auto* credited = std::get_if<CreditedIssue>(&write)) {
    issues(credited->issues);
  } else if (const auto* settle = std::get_if<SettleWrite>(&write)) {
    for (const SettleGroup& group : settle->groups) {
      spends(group.spends);
      issues(group.issues);
    }
  }
}

void PostgresBooks::add_own(const Tally& tally, const Catalog& catalog) {
  std::vector<std::pair<std::string, std::int64_t>> rows;
  tally.rows(catalog, rows);
  const std::lock_guard lock(mutex_);
  for (const auto& [account, amount] : rows) own_[account] += amount;
}

void PostgresBooks::set_committing(bool now) {
  const std::lock_guard lock(mutex_);
  committing_ = now;
  ++generation_;
}

std::uint64_t PostgresBooks::generation() const {
  const std::lock_guard lock(mutex_);
  return generation_;
}

void PostgresBooks::audited(Accounts own, Accounts others, std::uint64_t generation) {
  const std::lock_guard lock(mutex_);
  others_ = std::move(others);
  if (!committing_ && generation == generation_) own_ = std::move(own);
}

Totals PostgresBooks::totals() const {
  const std::lock_guard lock(mutex_);
  Accounts sum = others_;
  for (const auto& [account, amount] : own_) sum[account] += amount;
  return totals_of(sum, catalog_);
}

void PostgresBooks::halt(std::string why) {
  const std::lock_guard lock(mutex_);
  if (halted_.empty()) halted_ = std::move(why);
}

void PostgresBooks::raise_alarm(const std::string& violation) {
  const std::lock_guard lock(mutex_);
  if (!alarm_.empty()) return;
  alarm_ = "the books don't add up: " + violation;
  if (halted_.empty()) halted_ = alarm_;
}

void PostgresBooks::set_standing(Standing standing) {
  const std::lock_guard lock(mutex_);
  standing_ = std::move(standing);
}

Standing PostgresBooks::standing() const {
  const std::lock_guard lock(mutex_);
  Standing out = standing_;
  out.alarm = alarm_;
  return out;
}

void PostgresBooks::halt_replaced(const std::string& replica) {
  halt("another process runs as replica \"" + replica + "\": each mint needs a data folder of its own");
}

void PostgresBooks::set_away(std::string why) {
  const std::lock_guard lock(mutex_);
  away_ = std::move(why);
  doubted_ = false;
}

void PostgresBooks::doubt() {
  const std::lock_guard lock(mutex_);
  doubted_ = true;
}

bool PostgresBooks::is_doubtful() const {
  const std::lock_guard lock(mutex_);
  return halted_.empty() && (doubted_ || !away_.empty());
}

bool PostgresBooks::halted() const {
  const std::lock_guard lock(mutex_);
  return !halted_.empty();
}

Status PostgresBooks::health() const {
  const std::lock_guard lock(mutex_);
  if (!halted_.empty()) return broken(halted_ + "; nothing is issued until a restart");
  if (!away_.empty()) return unavailable(away_);
  return {};
}

}  // namespace manastr::mint

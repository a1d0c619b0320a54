#include "player/coin_selection.h"

#include <algorithm>
#include <numeric>

namespace manastr::player {
namespace {

using cashu::Amount;
constexpr std::size_t kMaxPieces = 1000;
__extension__ typedef __int128 Int128;  // sums of 64-bit amounts and their differences, without care
constexpr std::uint64_t kMaxPpk = 1'000'000'000;  // no sane fee; keeps all sums below far from 2^64

/// The running value of a choice: what is left of it once its fee is paid.
class Purse {
 public:
  explicit Purse(std::span<const Coin> coins) : coins_(coins) {}
  void put(std::size_t index) {
    sum_ += coins_[index].amount;
    ppk_ += coins_[index].input_fee_ppk;
    chosen_.push_back(index);
  }
  /// Net value with `index` added; 128 bits, for it may be negative.
  Int128 net_with(std::size_t index) const {
    return net(sum_ + coins_[index].amount, ppk_ + coins_[index].input_fee_ppk);
  }
  Int128 net() const { return net(sum_, ppk_); }
  std::vector<std::size_t> take() { return std::move(chosen_); }
  std::size_t size() const { return chosen_.size(); }

 private:
  static Int128 net(Int128 sum, Int128 ppk) { return sum - (ppk + 999) / 1000; }
  std::span<const Coin> coins_;
  Int128 sum_ = 0;
  Int128 ppk_ = 0;
  std::vector<std::size_t> chosen_;
};

/// Drops small coins that a last, large one has made needless.
std::vector<std::size_t> without_surplus(std::span<const Coin> coins, std::vector<std::size_t> chosen,
                                         Int128 target) {
  std::ranges::sort(chosen, {}, [&](auto index) { return coins[index].amount; });
  for (std::size_t i = 0; i < chosen.size();) {
    Purse rest(coins);
    for (const std::size_t index : chosen) {
      if (index != chosen[i]) rest.put(index);
    }
    if (rest.net() >= target) {
      chosen = rest.take();
    } else {
      ++i;
    }
  }
  return chosen;
}

/// Largest first, skipping what would overshoot; then the smallest single coin that closes the gap.
std::optional<std::vector<std::size_t>> choose_close(std::span<const Coin> coins,
                                                     const std::vector<std::size_t>& order, Int128 target,
                                                     std::size_t most) {
  Purse purse(coins);
  std::vector<std::size_t> skipped;
  for (const std::size_t index : order) {
    if (purse.net() == target) break;
    if (purse.size() < most && purse.net_with(index) <= target && purse.net_with(index) > purse.net()) {
      purse.put(index);
    } else {
      skipped.push_back(index);
    }
  }
  if (purse.net() >= target && purse.size() > 0) return purse.take();
  for (auto index = skipped.rbegin(); index != skipped.rend(); ++index) {
    if (purse.size() == most) break;
    if (purse.net_with(*index) < target) continue;
    purse.put(*index);
    return without_surplus(coins, purse.take(), target);
  }
  return std::nullopt;
}

/// Largest first until it covers: finds a choice whenever there is one.
std::optional<std::vector<std::size_t>> choose_covering(std::span<const Coin> coins,
                                                        const std::vector<std::size_t>& order, Int128 target,
                                                        std::size_t most) {
  Purse purse(coins);
  for (const std::size_t index : order) {
    if (purse.size() == most) break;
    if (purse.net_with(index) <= purse.net()) continue;
    purse.put(index);
    if (purse.net() >= target) return purse.take();
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::vector<std::size_t>> select_coins(std::span<const Coin> coins, Amount target,
                                                     std::size_t most) {
  if (target == 0 || most == 0) return std::nullopt;
  std::vector<std::size_t> by_amount(coins.size());
  std::iota(by_amount.begin(), by_amount.end(), std::size_t{0});
  std::ranges::stable_sort(by_amount, [&](auto a, auto b) { return coins[a].amount > coins[b].amount; });
  std::vector<std::size_t> leaving_first = by_amount;
  std::ranges::stable_partition(leaving_first, [&](auto i) { return coins[i].leave_first; });
  if (auto chosen = choose_close(coins, leaving_first, target, most)) return chosen;
  if (auto chosen = choose_close(coins, by_amount, target, most)) return chosen;
  std::ranges::stable_sort(by_amount, [&](auto a, auto b) {
    const auto value = [&](auto i) { return Int128{coins[i].amount} * 1000 - coins[i].input_fee_ppk; };
    return value(a) > value(b);
  });
  return choose_covering(coins, by_amount, target, most);
}

std::optional<Amount> fee_of_coins(std::span<const Coin> coins, std::span<const std::size_t> chosen) {
  std::uint64_t ppk = 0;
  for (const std::size_t index : chosen) {
    const auto sum = cashu::add(ppk, coins[index].input_fee_ppk);
    if (!sum) return std::nullopt;
    ppk = *sum;
  }
  return cashu::fee_of_ppk_sum(ppk);
}

std::optional<std::vector<Amount>> denominate(Amount amount, const cashu::Keys& keys) {
  std::vector<Amount> pieces;
  for (auto key = keys.rbegin(); key != keys.rend() && amount > 0; ++key) {
    const Amount denomination = key->first;
    if (amount / denomination > kMaxPieces - pieces.size()) return std::nullopt;
    for (; amount >= denomination; amount -= denomination) pieces.push_back(denomination);
  }
  if (amount != 0) return std::nullopt;
  std::ranges::reverse(pieces);
  return pieces;
}

std::optional<std::vector<Amount>> stake_amounts(Amount stake, std::uint64_t input_fee_ppk,
                                                 const cashu::Keys& keys, std::size_t most) {
  if (stake == 0 || input_fee_ppk > kMaxPpk) return std::nullopt;
  for (std::size_t n = 1; n <= most; ++n) {
    const auto sum = cashu::add(stake, *cashu::fee_of_ppk_sum(n * input_fee_ppk));
    if (!sum) return std::nullopt;
    auto pieces = denominate(*sum, keys);
    if (!pieces || pieces->size() > n) continue;
    // Fewer pieces would carry a smaller fee than `sum` allows for: halve the largest until there are n.
    while (pieces->size() < n) {
      const auto largest = std::ranges::find_if(pieces->rbegin(), pieces->rend(), [&](Amount piece) {
        return piece % 2 == 0 && keys.contains(piece / 2);
      });
      if (largest == pieces->rend()) break;
      *largest /= 2;
      pieces->push_back(*largest);
      std::ranges::sort(*pieces);
    }
    if (pieces->size() == n) return pieces;
  }
  return std::nullopt;
}

}  // namespace manastr::player

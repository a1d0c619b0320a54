// Which proofs to spend and which amounts to make: pure functions, for the wallet alone.
#pragma once
#include <span>

#include "common/cashu/types.h"

namespace manastr::player {

/// A proof as selection sees it.
struct Coin {
  cashu::Amount amount = 0;
  std::uint64_t input_fee_ppk = 0;
  bool leave_first = false;  ///< of an inactive keyset: to be got rid of (NUT-02)
};

/// Indices of at most `most` coins whose sum covers `target` plus their own input fee; close to it, few
/// coins. nullopt if no such choice exists (nearly: a choice is found whenever the most valuable `most` coins
/// cover it).
std::optional<std::vector<std::size_t>> select_coins(std::span<const Coin> coins, cashu::Amount target,
                                                     std::size_t most);

/// The fee of these coins together (NUT-02). nullopt on overflow.
std::optional<cashu::Amount> fee_of_coins(std::span<const Coin> coins, std::span<const std::size_t> chosen);

/// `amount` in denominations of `keys`, ascending, as few as a greedy choice gives. nullopt if it can't be
/// composed or takes more than 1000 pieces.
std::optional<std::vector<cashu::Amount>> denominate(cashu::Amount amount, const cashu::Keys& keys);

/// Amounts of a stake's proofs: at most `most` of them, sum - ceil(n * ppk / 1000) = stake, as few as
/// possible, ascending. nullopt if there is no such set.
std::optional<std::vector<cashu::Amount>> stake_amounts(cashu::Amount stake, std::uint64_t input_fee_ppk,
                                                        const cashu::Keys& keys, std::size_t most = 12);

}  // namespace manastr::player

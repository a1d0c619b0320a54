// Whatever order, repetition or loss relays bring: the same verdict; and a journal replays to the same bytes.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "tests/unit/common/match/table.h"

namespace manastr::match {
namespace {

/// Both players as clients that look at the chain and say what is due; relays lose and repeat what they say.
class Courier {
 public:
  explicit Courier(const std::vector<std::uint8_t>& whims) : whims_(whims) {}
  std::uint8_t whim() { return whims_.empty() ? 255 : whims_[next_++ % whims_.size()]; }

  /// One player's next event, if the engine waits for it.
  std::optional<Event> due(Table& table, std::size_t seat) const {
    const Player& player = seat == 0 ? table.creator : table.acceptor;
    const auto& view = table.transcript.view();
    if (view.head.phase == Phase::open) return seat == 1 ? std::optional(table.acceptance()) : std::nullopt;
    const auto awaited = table.transcript.awaited(seat);
    if (!awaited) return std::nullopt;
    const Slot slot = *parse_slot(awaited->kind, awaited->d);
    if (awaited->kind == kCommitment) return table.move_commitment(player, slot.first);
    if (awaited->kind == kReveal)
      return slot.first == 0 ? table.seed_reveal(player) : table.move_reveal(player, slot.first);
    if (awaited->kind == kClaim) return table.claim(player, slot.first);
    Player& payer = seat == 0 ? table.creator : table.acceptor;
    payer.stake = table.make_stake(payer);
    return table.funding(payer, payer.stake, slot.first, slot.second, 1);
  }

  /// Plays the match to its end over bad relays, never longer than the players' clocks.
  void play(Table& table) {
    table.open();
    std::vector<Event> said;
    for (int step = 0; step < 400 && !table.match.ended(); ++step) {
      const std::uint8_t what = whim();
      if (table.asked) {
        table.answer_states();
      } else if (!table.settlements.empty()) {
        table.settle();
      } else if (what % 8 == 0 && !said.empty()) {
        table.send(said[whim() % said.size()]);  // an old event once more
      } else if (what % 8 == 1) {
        table.wait(Millis{whim() * 4});
        table.feed(TimerFired{table.now});
      } else if (what % 8 == 2) {
        table.feed(RelaysLost{table.now});
        table.wait(Millis{whim()});
        table.feed(RelaysRegained{table.now});
      } else if (what % 8 == 3) {
        const UnixMillis down = table.now;
        table.wait(Millis{whim() * 10});
        table.feed(Restarted{table.now, down});
      } else if (auto event = due(table, what / 8 % 2)) {
        said.push_back(*event);
        if (whim() % 4 != 0) table.send(*event);  // else lost, and said again later
      }
    }
  }

 private:
  const std::vector<std::uint8_t>& whims_;
  std::size_t next_ = 0;
};

RC_GTEST_PROP(AnyRelays, VerdictDependsOnWhatWasSaidAlone, (const std::vector<std::uint8_t>& whims)) {
  // A walk that never comes by a turn of each player would not end.
  std::vector<std::uint8_t> steps = whims;
  for (const std::uint8_t turn : {4, 5, 12, 15, 4, 13, 7, 14}) steps.push_back(turn);
  Table table;
  Courier(steps).play(table);
  RC_ASSERT(table.match.ended());
  RC_ASSERT(table.fault == "");
  const auto chain = table.match.chain();
  const Judgement judged = judge({chain.begin(), chain.end()}, table.mint.stake_keyset());
  RC_ASSERT(judged.in_order());
  RC_ASSERT(judged.settled);
  // What decides is the match seed and the moves, and those are what the players meant.
  const auto& view = table.transcript.view();
  RC_ASSERT(view.moves[0] == table.creator.plan);
  RC_ASSERT(view.moves[1] == table.acceptor.plan);
  RC_ASSERT(judged.duel.has_value());
  // Money: what the groups pay is what the stakes are worth.
  cashu::Amount paid = 0;
  for (const SettledReceipt& settled : view.settled) paid += *cashu::sum_amounts(settled.outputs);
  RC_ASSERT(paid == 2 * table.terms.stake);

  // The journal replays to the same bytes, also without the inputs that had no effects, and the chain gives
  // its back.
  Match whole;
  Match sparse;
  for (const Input& input : table.journal) {
    const Input decoded = *decode_input(encode(input));
    if (!reduce(whole, decoded, table.keys).empty()) reduce(sparse, decoded, table.keys);
  }
  RC_ASSERT(std::equal(whole.chain().begin(), whole.chain().end(), chain.begin(), chain.end()));
  RC_ASSERT(std::equal(sparse.chain().begin(), sparse.chain().end(), chain.begin(), chain.end()));
  RC_ASSERT(inputs_of_chain(chain, table.mint.stake_keyset(), table.keys).has_value());
}

RC_GTEST_PROP(AnyTerms, PayoutsConserveTheStakes, ()) {
  Terms terms;
  terms.stake_unit = "mana";
  terms.prize_unit = "loot";
  terms.stake = *rc::gen::inRange<std::uint64_t>(1, 1ULL << 40);
  terms.stake_price_msat = *rc::gen::inRange<std::uint64_t>(1, 2000);
  terms.prize_price_msat = *rc::gen::inRange<std::uint64_t>(1, 2000);
  terms.rake_ppm = *rc::gen::inRange<std::uint32_t>(0, 1'000'001);
  const auto split = split_stake(terms);
  if (!split) return;  // doesn't convert exactly, and so is refused
  RC_ASSERT((split->prize + split->rake) * terms.prize_price_msat == terms.stake * terms.stake_price_msat);
  RC_ASSERT(split->prize > 0U);
}

RC_GTEST_PROP(AnyStake, IsPaidWithItsFeeExactly, ()) {
  const auto stake = *rc::gen::inRange<std::uint64_t>(1, 1ULL << 40);
  const auto ppk = *rc::gen::inRange<std::uint64_t>(0, 3000);
  const auto amounts = stake_amounts(stake, ppk, 12);
  if (!amounts) return;
  RC_ASSERT(amounts->size() <= 12U);
  cashu::Amount sum = 0;
  for (const cashu::Amount amount : *amounts) {
    RC_ASSERT(std::has_single_bit(amount));
    sum += amount;
  }
  RC_ASSERT(sum - *cashu::fee_of_ppk_sum(amounts->size() * ppk) == stake);
}

RC_GTEST_PROP(AnySlot, ReadsWhatItWrites, ()) {
  Slot slot{
      Slot::Form::numbers, hash_of("m"), *rc::gen::inRange(0U, 200'000U), *rc::gen::inRange(0U, 20U), {}};
  for (const std::uint32_t kind : {31002U, 31003U, 31004U, 31005U, 31006U}) {
    if (kind != kFunding) slot.second = 0;
    const auto read = parse_slot(kind, slot_text(kind, slot));
    if (read) RC_ASSERT(*read == slot);
  }
}

}  // namespace
}  // namespace manastr::match

// One of the mint's customers while the mint is killed again and again: buys, swaps, melts, plays, cheats,
// and never gives up. One thread at a time.
#pragma once
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/crash/correspondence.h"
#include "tests/integration/mint_house.h"

namespace manastr::crash {

class Customer {
 public:
  Customer(test::MintHouse& mint, const crypto::SecretKey& engine, Counters& counters)
      : mint_(&mint), engine_(&engine), counters_(&counters), mail_(mint, engine, counters) {}

  void seed(std::seed_seq& sequence) { random_.seed(sequence); }
  /// One deed to its end, however often the mint dies meanwhile. Throws std::runtime_error with what was
  /// wrong.
  void act();
  /// Asks for all that was answered since the last call again, and for `older` of what was answered before:
  /// the same bytes; and how the mint says the proofs stand. Throws likewise.
  void verify(std::size_t older);

  /// What this customer has, and what its payments without end hold, by unit.
  std::map<std::string, cashu::Amount> held() const;
  std::size_t payments_without_end() const { return endless_.size(); }
  /// Of matches, burned and not minted: msat.
  std::uint64_t credit_msat() const { return credit_msat_; }

 private:
  using Proofs = std::vector<cashu::Proof>;
  struct Endless {
    std::string quote;
    Hash32 payment_hash{};
    std::string unit;
    Proofs proofs;
  };

  std::size_t draw(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_); }
  /// False: it was never sent, and its inputs are free again.
  bool still_under_way(const Endless& payment);

  std::string paid_quote(const std::string& unit, cashu::Amount amount);
  Proofs take(const std::string& unit, std::size_t n);
  /// Proofs worth this at least; buys if there is not enough.
  Proofs take_worth(const std::string& unit, cashu::Amount amount);
  void put(const std::string& unit, const Proofs& proofs);
  std::vector<cashu::Amount> split(cashu::Amount sum);

  void buy(const std::string& unit);
  void buy_batch(const std::string& unit);
  void swap(const std::string& unit);
  void swap_thrice(const std::string& unit);
  /// Of several that want the same, one got it: 200, and the others `refusal`.
  void keep_the_one(const std::string& unit, const std::vector<mintclient::HttpReply>& replies,
                    const std::vector<std::vector<test::Draft>>& outputs, int refusal,
                    const std::string& what);
  void rival_inputs(const std::string& unit);
  void rival_outputs(const std::string& unit);
  void rival_quote(const std::string& unit);
  void rival_melt(const std::string& unit);
  /// Its id, and inputs that are enough for it.
  std::pair<std::string, Proofs> melt_quote(const std::string& unit, const std::string& request);
  void melt(const std::string& unit);
  void play();
  void settle();
  /// True if the payment was made; its change is in the purse then.
  bool pay(const std::string& unit, const std::string& body, const std::string& quote,
           const std::vector<test::Draft>& blanks, bool async);

  test::MintHouse* mint_;
  const crypto::SecretKey* engine_;
  Counters* counters_;
  Correspondence mail_;
  std::mt19937_64 random_;
  std::map<std::string, Proofs> purses_;
  Proofs spent_;  ///< lately
  std::vector<Endless> endless_;
  std::uint64_t credit_msat_ = 0;
};

}  // namespace manastr::crash

// A fixed-size Bloom filter over points: spares the crypto workers a look into the database for proofs and
// outputs that were never seen, which is nearly all of them. "No" is certain; "maybe" means to look.
// Lock-free; never grows.
#pragma once
#include <cstddef>
#include <memory>

#include "mint/ledger/records.h"

namespace manastr::mint {

class SeenFilter {
 public:
  /// 2^log2_bits bits: at ten bits for each point in it, one "maybe" in a hundred is wrong.
  explicit SeenFilter(unsigned log2_bits);
  void add(const PointBytes& point);
  bool may_contain(const PointBytes& point) const;

 private:
  static constexpr unsigned kProbes = 6;
  std::size_t mask_;
  struct Free {
    void operator()(std::uint64_t* words) const;
  };
  std::unique_ptr<std::uint64_t[], Free> words_;  // of calloc, so that a small ledger touches few pages
};

}  // namespace manastr::mint

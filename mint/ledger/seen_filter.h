// A fixed-size Bloom filter over points, by the first 64 bits of their x coordinates: spares the crypto
// workers and the committer a look into the database for proofs and outputs that were never seen, which is
// nearly all of them. "No" is certain; "maybe" means to look. Lock-free; never grows.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

namespace manastr::mint {

class SeenFilter {
 public:
  /// 2^log2_bits bits: at ten bits for each key in it, one or two "maybe" in a hundred are wrong.
  explicit SeenFilter(unsigned log2_bits);
  /// By one thread at a time.
  void add(std::uint64_t key);
  /// From any thread.
  bool may_contain(std::uint64_t key) const;

 private:
  std::size_t block_mask_;
  struct Free {
    void operator()(std::uint64_t* words) const;
  };
  std::unique_ptr<std::uint64_t, Free> memory_;  // of calloc, so that a small ledger touches few pages
  std::uint64_t* words_;
};

}  // namespace manastr::mint

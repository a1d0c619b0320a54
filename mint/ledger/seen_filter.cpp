#include "mint/ledger/seen_filter.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>

#include "mint/ledger/mixed.h"

namespace manastr::mint {
namespace {

constexpr std::size_t kBlockWords = 8;
constexpr std::size_t kBlockBytes = kBlockWords * sizeof(std::uint64_t);
constexpr unsigned kProbes = 6;

/// All bits of a key are in one cache line: which, and where in it, 9 bits each.
struct Place {
  std::size_t first_word;
  std::uint64_t bits;
  Place(std::uint64_t hash, std::size_t block_mask)
      : first_word((hash & block_mask) * kBlockWords), bits(mixed(hash + 0x9e3779b97f4a7c15U)) {}
};

}  // namespace

void SeenFilter::Free::operator()(std::uint64_t* words) const { std::free(words); }

SeenFilter::SeenFilter(unsigned log2_bits)
    : block_mask_((std::size_t{1} << std::max(log2_bits, 9U) >> 9) - 1),
      memory_(
          static_cast<std::uint64_t*>(std::calloc((block_mask_ + 2) * kBlockWords, sizeof(std::uint64_t)))) {
  if (!memory_) throw std::bad_alloc();
  void* from = memory_.get();
  std::size_t room = (block_mask_ + 2) * kBlockBytes;
  words_ = static_cast<std::uint64_t*>(std::align(kBlockBytes, kBlockBytes, from, room));
}

void SeenFilter::add(std::uint64_t key) {
  Place place(mixed(key), block_mask_);
  for (unsigned i = 0; i < kProbes; ++i, place.bits >>= 9) {
    const std::atomic_ref word(words_[place.first_word + (place.bits >> 6 & 7)]);
    word.store(word.load(std::memory_order_relaxed) | std::uint64_t{1} << (place.bits & 63),
               std::memory_order_relaxed);
  }
}

bool SeenFilter::may_contain(std::uint64_t key) const {
  Place place(mixed(key), block_mask_);
  for (unsigned i = 0; i < kProbes; ++i, place.bits >>= 9) {
    const std::atomic_ref word(words_[place.first_word + (place.bits >> 6 & 7)]);
    if ((word.load(std::memory_order_relaxed) >> (place.bits & 63) & 1) == 0) return false;
  }
  return true;
}

}  // namespace manastr::mint

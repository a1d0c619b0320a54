#include "mint/ledger/seen_filter.h"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>

namespace manastr::mint {
namespace {

/// Two words of an x coordinate, mixed: a client can choose a few of its bits, and should not choose where
/// they fall.
struct Probe {
  std::uint64_t at;
  std::uint64_t step;
  explicit Probe(const PointBytes& point) {
    std::uint64_t a = 0;
    std::uint64_t b = 0;
    std::memcpy(&a, point.data() + 1, sizeof a);
    std::memcpy(&b, point.data() + 17, sizeof b);
    at = (a ^ point[0]) * 0x9e3779b97f4a7c15U;
    at ^= at >> 29;
    step = (b * 0xbf58476d1ce4e5b9U) | 1;
  }
};

}  // namespace

void SeenFilter::Free::operator()(std::uint64_t* words) const { std::free(words); }

SeenFilter::SeenFilter(unsigned log2_bits)
    : mask_((std::size_t{1} << log2_bits) - 1),
      words_(static_cast<std::uint64_t*>(std::calloc((mask_ + 1) / 64, sizeof(std::uint64_t)))) {
  if (!words_) throw std::bad_alloc();
}

void SeenFilter::add(const PointBytes& point) {
  Probe probe(point);
  for (unsigned i = 0; i < kProbes; ++i, probe.at += probe.step) {
    const std::size_t bit = (probe.at >> 17) & mask_;
    std::atomic_ref(words_[bit / 64]).fetch_or(std::uint64_t{1} << (bit % 64), std::memory_order_relaxed);
  }
}

bool SeenFilter::may_contain(const PointBytes& point) const {
  Probe probe(point);
  for (unsigned i = 0; i < kProbes; ++i, probe.at += probe.step) {
    const std::size_t bit = (probe.at >> 17) & mask_;
    if ((std::atomic_ref(words_[bit / 64]).load(std::memory_order_relaxed) >> (bit % 64) & 1) == 0)
      return false;
  }
  return true;
}

}  // namespace manastr::mint

#include "mint/ledger/seen_filter.h"

#include <gtest/gtest.h>

#include <random>

namespace manastr::mint {
namespace {

TEST(SeenFilter, NeverForgets) {
  SeenFilter filter(16);
  std::mt19937_64 random(1);
  std::vector<std::uint64_t> seen;
  for (int i = 0; i < 2'000; ++i) {
    seen.push_back(random());
    filter.add(seen.back());
  }
  for (const std::uint64_t key : seen) EXPECT_TRUE(filter.may_contain(key));
  int wrong = 0;
  for (int i = 0; i < 2'000; ++i) wrong += filter.may_contain(random()) ? 1 : 0;
  EXPECT_LT(wrong, 100) << "and is rarely wrong";
}

}  // namespace
}  // namespace manastr::mint

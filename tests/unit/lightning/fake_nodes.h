// What the tests of the fake node's invoices and of its offers have in common.
#pragma once
#include <gtest/gtest.h>

#include <condition_variable>
#include <map>
#include <mutex>

#include "lightning/fake_node.h"

namespace manastr::lightning {

inline constexpr Msat kMuch = 1'000'000'000;

inline std::unique_ptr<FakeNode> node(FakeNodeOptions options = {}) {
  if (options.file.empty()) options.file = ":memory:";
  auto out = FakeNode::open(std::move(options));
  EXPECT_TRUE(out) << out.error().message;
  return *std::move(out);
}
/// To it alone pays who pays it.
inline std::unique_ptr<FakeNode> patient_node() {
  FakeNodeOptions options;
  options.auto_pay = false;
  return node(options);
}

int code(const auto& result) { return result ? -1 : result.error().code; }

/// What a node tells of, to invoices and offers, by payment hash.
class Received {
 public:
  explicit Received(Node& from) : from_(from) {
    from_.on_invoice_paid([this](const Hash32& hash, Msat amount) { add(hash, amount); });
    from_.offers()->on_offer_paid(
        [this](const OfferPayment& payment) { add(payment.payment_hash, payment.amount); });
  }
  ~Received() {
    from_.on_invoice_paid({});
    from_.offers()->on_offer_paid({});
  }
  bool wait_for(const Hash32& hash) {
    return wait([&] { return amounts_.contains(hash); });
  }
  bool wait_for(std::size_t count) {
    return wait([&] { return amounts_.size() >= count; });
  }
  Msat of(const Hash32& hash) {
    const std::lock_guard lock(mutex_);
    return amounts_[hash];
  }

 private:
  void add(const Hash32& hash, Msat amount) {
    const std::lock_guard lock(mutex_);
    amounts_[hash] += amount;
    changed_.notify_all();
  }
  bool wait(auto condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds{20}, condition);
  }

  Node& from_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<Hash32, Msat> amounts_;
};

}  // namespace manastr::lightning

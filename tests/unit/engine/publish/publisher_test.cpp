#include "engine/publish/publisher.h"

#include <gtest/gtest.h>

#include <map>

namespace manastr::engine {
namespace {

/// Keeps what is published; the test answers for the relays.
class PaperCourier final : public relay::Courier {
 public:
  relay::SubscriptionId subscribe(relay::Subscription) override { return 0; }
  void unsubscribe(relay::SubscriptionId) override {}
  Status publish(relay::Publication publication) override {
    if (full) return unavailable("the outbox is full");
    order.push_back(publication.event.id);
    published[publication.event.id] = std::move(publication);
    return {};
  }
  void withdraw(const nostr::EventId&) override {}
  void fetch(relay::Fetch) override {}
  std::vector<std::string> seen_on(const nostr::EventId&) const override { return {}; }
  relay::CourierStatus status() const override { return {}; }
  void on_status(std::function<void(const relay::CourierStatus&)>) override {}

  void answer(const nostr::EventId& id, std::size_t accepted, std::size_t refused) {
    relay::PublishProgress progress{.id = id, .quorum = 2, .relays = {}};
    for (std::size_t i = 0; i < accepted; ++i)
      progress.relays.push_back({"a", relay::Delivery::accepted, ""});
    for (std::size_t i = 0; i < refused; ++i)
      progress.relays.push_back({"r", relay::Delivery::refused, "no"});
    while (progress.relays.size() < 3) progress.relays.push_back({"w", relay::Delivery::waiting, ""});
    published.at(id).on_progress(progress);
  }

  bool full = false;
  std::vector<nostr::EventId> order;
  std::map<nostr::EventId, relay::Publication> published;
};

class StoppedClock final : public Clock {
 public:
  UnixMillis now() const override { return unix_millis(1'800'000'000'000); }
  Monotonic monotonic() const override { return time; }
  Monotonic time{};
};

nostr::Event event_number(Byte number) {
  nostr::Event out;
  out.id.fill(number);
  return out;
}

struct PublisherTest : testing::Test {
  PaperCourier courier;
  StoppedClock clock;
  std::vector<nostr::EventId> acknowledged;
  Publisher publisher{courier,
                      clock,
                      [this](const nostr::EventId& id) { acknowledged.push_back(id); },
                      {.rejections_per_second = 1, .rejections_burst = 2}};
};

TEST_F(PublisherTest, AcknowledgesOnceAQuorumHasIt) {
  publisher.publish(event_number(1));
  courier.answer(event_number(1).id, 1, 0);
  EXPECT_TRUE(acknowledged.empty());
  EXPECT_EQ(publisher.figures().waiting, 1u);
  courier.answer(event_number(1).id, 2, 0);
  courier.answer(event_number(1).id, 3, 0);
  EXPECT_EQ(acknowledged, std::vector{event_number(1).id});
  EXPECT_EQ(publisher.figures().waiting, 0u);
}

TEST_F(PublisherTest, ARepeatedReceiptIsOneWhileItWaits) {
  publisher.publish(event_number(1));
  publisher.publish(event_number(1));
  EXPECT_EQ(courier.order.size(), 1u);
}

TEST_F(PublisherTest, AFullOutboxDelaysReceiptsAndLosesNone) {
  publisher.publish(event_number(1));
  courier.full = true;
  publisher.publish(event_number(2));
  publisher.publish(event_number(3));
  courier.full = false;
  courier.answer(event_number(1).id, 1, 0);
  EXPECT_EQ(courier.order, (std::vector{event_number(1).id, event_number(2).id, event_number(3).id}));
}

TEST_F(PublisherTest, CountsAReceiptThatNoQuorumWillTake) {
  publisher.publish(event_number(1));
  courier.answer(event_number(1).id, 0, 2);
  courier.answer(event_number(1).id, 0, 3);
  EXPECT_EQ(publisher.figures().refused, 1u);
  EXPECT_TRUE(acknowledged.empty());
}

TEST_F(PublisherTest, RejectionsAreLimitedInRate) {
  for (Byte i = 1; i <= 5; ++i) publisher.publish_rejection(event_number(i));
  EXPECT_EQ(courier.order.size(), 2u);
  EXPECT_EQ(publisher.figures().rejections_dropped, 3u);
  clock.time += std::chrono::seconds(1);
  publisher.publish_rejection(event_number(6));
  EXPECT_EQ(courier.order.size(), 3u);
}

}  // namespace
}  // namespace manastr::engine

#include "common/telemetry/metrics.h"

#include <gtest/gtest.h>

#include <limits>
#include <thread>

#include "common/telemetry/health.h"

namespace manastr::telemetry {
namespace {

TEST(Metrics, Exposition) {
  Metrics metrics;
  metrics.counter("swaps_total", "Swaps.\nAll of them.", {{"unit", "sat"}}).add(3);
  metrics.counter("swaps_total", "", {{"unit", "a\"b\\c\nd"}}).add();
  metrics.gauge("queue", "Queued.").set(2.5);
  metrics.gauge_from("asked", "Asked for.", [] { return 7.0; });
  auto& histogram = metrics.histogram("seconds", "Time.", {0.1, 1}, {{"stage", "commit"}});
  for (const double value : {0.05, 0.1, 0.5, 3.0}) histogram.observe(value);
  EXPECT_EQ(metrics.exposition(),
            "# HELP asked Asked for.\n# TYPE asked gauge\nasked 7\n"
            "# HELP queue Queued.\n# TYPE queue gauge\nqueue 2.5\n"
            "# HELP seconds Time.\n# TYPE seconds histogram\n"
            "seconds_bucket{stage=\"commit\",le=\"0.1\"} 2\n"
            "seconds_bucket{stage=\"commit\",le=\"1\"} 3\n"
            "seconds_bucket{stage=\"commit\",le=\"+Inf\"} 4\n"
            "seconds_sum{stage=\"commit\"} 3.65\n"
            "seconds_count{stage=\"commit\"} 4\n"
            "# HELP swaps_total Swaps.\\nAll of them.\n# TYPE swaps_total counter\n"
            "swaps_total{unit=\"a\\\"b\\\\c\\nd\"} 1\n"
            "swaps_total{unit=\"sat\"} 3\n");
}

TEST(Metrics, TheSameMetricTwiceIsOne) {
  Metrics metrics;
  EXPECT_EQ(&metrics.counter("a", "A.", {{"x", "1"}}), &metrics.counter("a", "A.", {{"x", "1"}}));
  EXPECT_NE(&metrics.counter("a", "A.", {{"x", "1"}}), &metrics.counter("a", "A.", {{"x", "2"}}));
}

TEST(Metrics, SeriesAreBounded) {
  Metrics metrics;
  for (std::size_t i = 0; i < 3 * Metrics::kMaxSeries; ++i) {
    metrics.counter("peers_total", "Peers.", {{"peer", std::to_string(i)}}).add();
  }
  EXPECT_EQ(metrics.counter("peers_total", "", {{"peer", "never seen"}}).value(), 2 * Metrics::kMaxSeries);
}

TEST(MetricsDeath, OneNameTwoKinds) {
  Metrics metrics;
  metrics.counter("a", "A.");
  EXPECT_DEATH(metrics.gauge("a", "A."), "");
}

TEST(Metrics, CountsFromManyThreads) {
  Metrics metrics;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      auto& counter = metrics.counter("n", "N.");
      auto& histogram = metrics.histogram("h", "H.", duration_bounds());
      for (int i = 0; i < 10'000; ++i) {
        counter.add();
        histogram.observe(0.001);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(metrics.counter("n", "").value(), 40'000u);
  EXPECT_EQ(metrics.histogram("h", "", {}).count(), 40'000u);
}

TEST(Histogram, Quantiles) {
  Histogram histogram({1, 2, 3});
  EXPECT_EQ(histogram.quantile_bound(0.5), 0);
  for (const double value : {0.5, 1.5, 1.6, 2.5}) histogram.observe(value);
  EXPECT_EQ(histogram.quantile_bound(0.25), 1);
  EXPECT_EQ(histogram.quantile_bound(0.75), 2);
  EXPECT_EQ(histogram.quantile_bound(1), 3);
  histogram.observe(9);
  EXPECT_EQ(histogram.quantile_bound(1), std::numeric_limits<double>::infinity());
}

TEST(Health, TheWorstCheckCounts) {
  HealthRegistry health;
  EXPECT_EQ(health.status(), HealthStatus::ok);
  health.add("ledger", [] { return Health{}; });
  health.add("lightning", [] { return Health{HealthStatus::degraded, "The node is \"away\"."}; });
  EXPECT_EQ(health.status(), HealthStatus::degraded);
  EXPECT_EQ(health.to_json(), R"({"status":"degraded","checks":{"ledger":{"status":"ok"},)"
                              R"("lightning":{"status":"degraded","detail":"The node is \"away\"."}}})");
  health.add("disk", [] { return Health{HealthStatus::failed, ""}; });
  EXPECT_EQ(health.status(), HealthStatus::failed);
}

}  // namespace
}  // namespace manastr::telemetry

// Counters, gauges and histograms with labels, shown as Prometheus text (version 0.0.4) at /metrics.
// Ask for a metric once and keep the reference (it lives as long as the Metrics); counting is one relaxed
// atomic then.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace manastr::telemetry {

using Labels = std::vector<std::pair<std::string, std::string>>;

class alignas(64) Counter {
 public:
  void add(std::uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_ = 0;
};

class alignas(64) Gauge {
 public:
  void set(double value) { value_.store(value, std::memory_order_relaxed); }
  void add(double n) { value_.fetch_add(n, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_ = 0;
};

class Histogram {
 public:
  /// Upper bounds, ascending; +Inf is added.
  explicit Histogram(std::vector<double> bounds);
  void observe(double value);
  std::uint64_t count() const;
  double sum() const { return sum_.load(std::memory_order_relaxed); }
  const std::vector<double>& bounds() const { return bounds_; }
  /// Observations in bucket `i` alone; i == bounds().size() is the one above all bounds.
  std::uint64_t in_bucket(std::size_t i) const { return buckets_[i].load(std::memory_order_relaxed); }
  /// Upper bound of the bucket in which the q-quantile (0 to 1) lies; +infinity above the last bound, 0 if
  /// empty.
  double quantile_bound(double q) const;

 private:
  std::vector<double> bounds_;
  std::unique_ptr<std::atomic<std::uint64_t>[]> buckets_;
  std::atomic<double> sum_ = 0;
};

/// 0.5 ms to 10 s, for durations in seconds.
std::vector<double> duration_bounds();

/// Thread-safe. Names and label names are the program's own constants ([a-z_][a-z0-9_]*); label values may be
/// anything, but of one metric at most kMaxSeries combinations are kept: those beyond share one series whose
/// label values are "other". A name asked for with two kinds is a broken program (aborts).
class Metrics {
 public:
  static constexpr std::size_t kMaxSeries = 1000;
  Metrics();
  ~Metrics();
  Counter& counter(std::string_view name, std::string_view help, const Labels& labels = {});
  Gauge& gauge(std::string_view name, std::string_view help, const Labels& labels = {});
  Histogram& histogram(std::string_view name, std::string_view help, const std::vector<double>& bounds,
                       const Labels& labels = {});
  /// A gauge whose value is asked for at each scrape; `read` must be callable from any thread until the
  /// Metrics ends.
  void gauge_from(std::string_view name, std::string_view help, std::function<double()> read,
                  const Labels& labels = {});
  std::string exposition() const;

 private:
  struct Family;
  Family& family(std::string_view name, std::string_view help, std::string_view kind);
  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Family>, std::less<>> families_;
};

}  // namespace manastr::telemetry

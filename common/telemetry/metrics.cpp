#include "common/telemetry/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace manastr::telemetry {
namespace {

void append_escaped(std::string& out, std::string_view text, bool quotes) {
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quotes) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
}

/// {a="1",b="2"} without the braces.
std::string label_text(const Labels& labels) {
  std::string out;
  for (const auto& [name, value] : labels) {
    if (!out.empty()) out += ',';
    out += name;
    out += "=\"";
    append_escaped(out, value, true);
    out += '"';
  }
  return out;
}

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", value);
}

void append_sample(std::string& out, std::string_view name, std::string_view suffix, std::string_view labels,
                   std::string_view extra, std::string_view value) {
  out += name;
  out += suffix;
  if (!labels.empty() || !extra.empty()) {
    out += '{';
    out += labels;
    if (!labels.empty() && !extra.empty()) out += ',';
    out += extra;
    out += '}';
  }
  out += ' ';
  out += value;
  out += '\n';
}

}  // namespace

Histogram::Histogram(std::vector<double> bounds)
    : bounds_(std::move(bounds)),
      buckets_(std::make_unique<std::atomic<std::uint64_t>[]>(bounds_.size() + 1)) {
  if (!std::ranges::is_sorted(bounds_)) std::abort();
}

void Histogram::observe(double value) {
  const auto at = std::ranges::lower_bound(bounds_, value) - bounds_.begin();
  buckets_[static_cast<std::size_t>(at)].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

std::uint64_t Histogram::count() const {
  std::uint64_t total = 0;
  for (std::size_t i = 0; i <= bounds_.size(); ++i) total += in_bucket(i);
  return total;
}

double Histogram::quantile_bound(double q) const {
  const std::uint64_t total = count();
  if (total == 0) return 0;
  const double wanted = q * static_cast<double>(total);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < bounds_.size(); ++i) {
    seen += in_bucket(i);
    if (seen != 0 && static_cast<double>(seen) >= wanted) return bounds_[i];
  }
  return std::numeric_limits<double>::infinity();
}

std::vector<double> duration_bounds() {
  return {0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10};
}

/// One metric name: its series by the text of their labels.
struct Metrics::Family {
  struct Series {
    Counter counter;
    Gauge gauge;
    std::function<double()> read;
    std::unique_ptr<Histogram> histogram;
  };
  std::string help;
  std::string kind;
  std::map<std::string, std::unique_ptr<Series>, std::less<>> series;

  Series& at(const Labels& labels) {
    std::string key = label_text(labels);
    auto found = series.find(key);
    if (found == series.end()) {
      if (series.size() >= kMaxSeries) {
        Labels other = labels;
        for (auto& label : other) label.second = "other";
        key = label_text(other);
      }
      found = series.try_emplace(key).first;
      if (!found->second) found->second = std::make_unique<Series>();
    }
    return *found->second;
  }
};

Metrics::Metrics() = default;
Metrics::~Metrics() = default;

Metrics::Family& Metrics::family(std::string_view name, std::string_view help, std::string_view kind) {
  auto found = families_.find(name);
  if (found == families_.end()) {
    found =
        families_.emplace(name, std::make_unique<Family>(Family{std::string(help), std::string(kind), {}}))
            .first;
  }
  if (found->second->kind != kind) std::abort();
  return *found->second;
}

Counter& Metrics::counter(std::string_view name, std::string_view help, const Labels& labels) {
  const std::lock_guard lock(mutex_);
  return family(name, help, "counter").at(labels).counter;
}

Gauge& Metrics::gauge(std::string_view name, std::string_view help, const Labels& labels) {
  const std::lock_guard lock(mutex_);
  return family(name, help, "gauge").at(labels).gauge;
}

Histogram& Metrics::histogram(std::string_view name, std::string_view help, const std::vector<double>& bounds,
                              const Labels& labels) {
  const std::lock_guard lock(mutex_);
  auto& series = family(name, help, "histogram").at(labels);
  if (!series.histogram) series.histogram = std::make_unique<Histogram>(bounds);
  return *series.histogram;
}

void Metrics::gauge_from(std::string_view name, std::string_view help, std::function<double()> read,
                         const Labels& labels) {
  const std::lock_guard lock(mutex_);
  family(name, help, "gauge").at(labels).read = std::move(read);
}

std::string Metrics::exposition() const {
  const std::lock_guard lock(mutex_);
  std::string out;
  for (const auto& [name, family] : families_) {
    out += "# HELP " + name + ' ';
    append_escaped(out, family->help, false);
    out += "\n# TYPE " + name + ' ' + family->kind + '\n';
    for (const auto& [labels, series] : family->series) {
      if (family->kind == "counter") {
        append_sample(out, name, "", labels, "", fmt::format("{}", series->counter.value()));
      } else if (family->kind == "gauge") {
        append_sample(out, name, "", labels, "",
                      number(series->read ? series->read() : series->gauge.value()));
      } else {
        const Histogram& histogram = *series->histogram;
        std::uint64_t below = 0;
        for (std::size_t i = 0; i <= histogram.bounds().size(); ++i) {
          below += histogram.in_bucket(i);
          const double bound =
              i < histogram.bounds().size() ? histogram.bounds()[i] : std::numeric_limits<double>::infinity();
          append_sample(out, name, "_bucket", labels, "le=\"" + number(bound) + '"',
                        fmt::format("{}", below));
        }
        append_sample(out, name, "_sum", labels, "", number(histogram.sum()));
        append_sample(out, name, "_count", labels, "", fmt::format("{}", below));
      }
    }
  }
  return out;
}

}  // namespace manastr::telemetry

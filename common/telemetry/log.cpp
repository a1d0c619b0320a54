#include "common/telemetry/log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "common/base/bytes.h"
#include "common/base/clock.h"
#include "common/json/writer.h"

namespace manastr::telemetry {
namespace {

constexpr std::string_view kNames[] = {"debug", "info", "warn", "error", "off"};
constexpr std::chrono::seconds kRepeatWindow{10};
constexpr std::size_t kMaxMessages = 1024;

struct Repeat {
  Monotonic window;
  unsigned written = 0;
  std::uint64_t suppressed = 0;
};

struct State {
  std::atomic<Level> level = Level::info;
  std::mutex mutex;
  LogOptions options;
  std::unordered_map<std::string, Repeat> repeats;
  spdlog::logger logger{"", std::make_shared<spdlog::sinks::stderr_sink_mt>()};
  State() {
    logger.set_pattern("%v");
    logger.flush_on(spdlog::level::trace);
    logger.set_level(spdlog::level::trace);
  }
};
State& state() {
  static State* const kept = new State;  // lines may be written while the process ends
  return *kept;
}

std::string& correlation() {
  thread_local std::string id;
  return id;
}

void append_json_text(std::string& out, std::string_view text) {
  if (is_utf8(text)) {
    json::append_string(out, text);
  } else {
    json::append_string(out, to_hex(as_bytes(text)));
  }
}
void append_plain_text(std::string& out, std::string_view text) {
  const bool plain = !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
    return c > ' ' && c < 0x7f && c != '"' && c != '=' && c != '\\';
  });
  if (plain) {
    out += text;
  } else {
    append_json_text(out, text);
  }
}
void append_value(std::string& out, const Field::Value& value, LogFormat format) {
  std::visit(
      [&](const auto& held) {
        using T = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<T, std::string_view>) {
          format == LogFormat::json ? append_json_text(out, held) : append_plain_text(out, held);
        } else if constexpr (std::is_same_v<T, double>) {
          if (std::isfinite(held)) {
            fmt::format_to(std::back_inserter(out), "{}", held);
          } else {
            out += "null";
          }
        } else {
          fmt::format_to(std::back_inserter(out), "{}", held);
        }
      },
      value);
}
void append_field(std::string& out, const Field& field, LogFormat format) {
  if (format == LogFormat::json) {
    out += ',';
    json::append_string(out, field.key);
    out += ':';
  } else {
    out += ' ';
    out += field.key;
    out += '=';
  }
  append_value(out, field.value, format);
}

/// How many were left out before this line, or nullopt if this one is left out too.
std::optional<std::uint64_t> pass_repeat_limit(State& s, std::string_view message) {
  if (s.options.repeats == 0) return 0;
  const Monotonic now = system_clock().monotonic();
  if (s.repeats.size() >= kMaxMessages) {
    std::erase_if(s.repeats, [&](const auto& entry) { return now - entry.second.window >= kRepeatWindow; });
    if (s.repeats.size() >= kMaxMessages)
      s.repeats.clear();  // messages that are no constants; better too many lines
  }
  Repeat& repeat = s.repeats.try_emplace(std::string(message), Repeat{now}).first->second;
  if (now - repeat.window >= kRepeatWindow) {
    repeat.window = now;
    repeat.written = 0;
  }
  if (repeat.written >= s.options.repeats) {
    ++repeat.suppressed;
    return std::nullopt;
  }
  ++repeat.written;
  return std::exchange(repeat.suppressed, 0);
}

}  // namespace

void configure_log(LogOptions options) {
  State& s = state();
  const std::lock_guard lock(s.mutex);
  s.level = options.level;
  s.options = std::move(options);
  s.repeats.clear();
}

bool level_from_text(std::string_view text, Level& out) {
  for (std::size_t i = 0; i < std::size(kNames); ++i) {
    if (kNames[i] == text) {
      out = static_cast<Level>(i);
      return true;
    }
  }
  return false;
}

bool log_enabled(Level level) { return level >= state().level.load(std::memory_order_relaxed); }

void log(Level level, std::string_view message, std::initializer_list<Field> fields) {
  if (level == Level::off || !log_enabled(level)) return;
  State& s = state();
  const std::lock_guard lock(s.mutex);
  const auto suppressed = pass_repeat_limit(s, message);
  if (!suppressed) return;
  s.logger.info("{}", format_log_line(s.options, count(system_clock().now()), level, message, fields,
                                      correlation(), *suppressed));
}

Correlation::Correlation(std::string_view id) : outer_(std::exchange(correlation(), std::string(id))) {}
Correlation::~Correlation() { correlation() = std::move(outer_); }

std::string format_log_line(const LogOptions& options, std::int64_t milliseconds, Level level,
                            std::string_view message, std::initializer_list<Field> fields,
                            std::string_view correlation_id, std::uint64_t suppressed) {
  std::string out;
  out.reserve(256);
  const auto time =
      fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(static_cast<std::time_t>(milliseconds / 1000)),
                  milliseconds % 1000);
  const std::string_view name = kNames[static_cast<std::size_t>(level)];
  const LogFormat format = options.format;
  if (format == LogFormat::json) {
    fmt::format_to(std::back_inserter(out), R"({{"time":"{}","level":"{}","message":)", time, name);
    append_json_text(out, message);
  } else {
    fmt::format_to(std::back_inserter(out), "{} {:5} ", time, name);
    for (const char c : message) out += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  }
  if (!options.service.empty()) append_field(out, {"service", options.service}, format);
  if (!correlation_id.empty()) append_field(out, {"correlation", correlation_id}, format);
  for (const Field& field : fields) append_field(out, field, format);
  if (suppressed != 0) append_field(out, {"suppressed", suppressed}, format);
  if (format == LogFormat::json) out += '}';
  return out;
}

}  // namespace manastr::telemetry

// Logs: one line per event on standard error, JSON or text, for every daemon. Thread-safe from the first
// instruction on. A message is a constant sentence; what varies goes into fields, so that lines can be
// counted and repeats limited. Secrets have no business here: crypto::Secret has no conversion to a field.
#pragma once
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace manastr::telemetry {

enum class Level : std::uint8_t { debug, info, warn, error, off };
enum class LogFormat : std::uint8_t { text, json };

struct LogOptions {
  Level level = Level::info;
  LogFormat format = LogFormat::text;
  std::string service;  ///< "mint", "engine": a field of every line if not empty
  /// The same message at most so often in ten seconds; the next one after that says how many were left out
  /// ("suppressed"). Errors count too. 0: no limit.
  unsigned repeats = 50;
};
/// Before threads log. Without it: text, info.
void configure_log(LogOptions options);
/// "debug", "info", "warn", "error", "off".
bool level_from_text(std::string_view text, Level& out);

struct Field {
  using Value = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;
  Field(std::string_view k, std::string_view v) : key(k), value(v) {}
  Field(std::string_view k, const char* v) : key(k), value(std::string_view(v)) {}
  Field(std::string_view k, const std::string& v) : key(k), value(std::string_view(v)) {}
  Field(std::string_view k, bool v) : key(k), value(v) {}
  Field(std::string_view k, std::signed_integral auto v) : key(k), value(std::int64_t{v}) {}
  Field(std::string_view k, std::unsigned_integral auto v) : key(k), value(std::uint64_t{v}) {}
  Field(std::string_view k, double v) : key(k), value(v) {}
  std::string_view key;
  Value value;
};

bool log_enabled(Level level);
void log(Level level, std::string_view message, std::initializer_list<Field> fields = {});
inline void log_debug(std::string_view message, std::initializer_list<Field> fields = {}) {
  if (log_enabled(Level::debug)) log(Level::debug, message, fields);
}
inline void log_info(std::string_view message, std::initializer_list<Field> fields = {}) {
  log(Level::info, message, fields);
}
inline void log_warn(std::string_view message, std::initializer_list<Field> fields = {}) {
  log(Level::warn, message, fields);
}
inline void log_error(std::string_view message, std::initializer_list<Field> fields = {}) {
  log(Level::error, message, fields);
}

/// While it lives, the lines of this thread carry "correlation": a match id, a quote id, a request id. Nests.
class Correlation {
 public:
  explicit Correlation(std::string_view id);
  ~Correlation();
  Correlation(const Correlation&) = delete;
  Correlation& operator=(const Correlation&) = delete;

 private:
  std::string outer_;
};

/// One line as log() would write it, without the newline; for tests.
std::string format_log_line(const LogOptions& options, std::int64_t unix_millis, Level level,
                            std::string_view message, std::initializer_list<Field> fields,
                            std::string_view correlation, std::uint64_t suppressed);

}  // namespace manastr::telemetry

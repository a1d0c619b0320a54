#include "common/daemon/logging.h"

namespace manastr::daemon {

Logging read_logging(config::Document& document) {
  config::Section section = document.section("logging");
  Logging out;
  const std::string level =
      section.choice({"level", "MANASTR_LOG"}, "info", {"trace", "debug", "info", "warn", "error"});
  // There is nothing below debug.
  telemetry::level_from_text(level == "trace" ? "debug" : level, out.level);
  if (section.choice("format", "text", {"text", "json"}) == "json") out.format = telemetry::LogFormat::json;
  return out;
}

void start_log(const Logging& logging, std::string_view service) {
  telemetry::configure_log(
      {.level = logging.level, .format = logging.format, .service = std::string(service)});
}

}  // namespace manastr::daemon

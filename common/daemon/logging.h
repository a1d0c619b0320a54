// [logging] of every daemon's configuration, and the log started from it.
#pragma once
#include <string>

#include "common/config/document.h"
#include "common/telemetry/log.h"

namespace manastr::daemon {

struct Logging {
  telemetry::Level level = telemetry::Level::info;
  telemetry::LogFormat format = telemetry::LogFormat::text;
  bool operator==(const Logging&) const = default;
};

/// level ("trace" and "debug" are the same, "info", "warn", "error"; MANASTR_LOG overrides) and format
/// ("text", "json").
Logging read_logging(config::Document& document);

/// Before threads log; `service` stands in every line.
void start_log(const Logging& logging, std::string_view service);

}  // namespace manastr::daemon

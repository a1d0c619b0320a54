// What the player prints: text for a person, or one JSON object a line for a program. Thread-safe.
#pragma once
#include <string>
#include <string_view>

#include "common/json/value.h"

namespace manastr::player {

class Report {
 public:
  explicit Report(bool json) : json_(json) {}
  bool json() const { return json_; }
  /// A result or an event: `text` for people, {"what": what, ...detail} for programs, on standard output.
  void say(std::string_view what, std::string_view text, const json::Value& detail = json::Object{}) const;
  /// A difficulty that is being dealt with, on standard error.
  void warn(std::string_view text) const;

 private:
  bool json_;
};

}  // namespace manastr::player

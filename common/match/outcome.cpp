#include "common/match/outcome.h"

#include <array>

namespace manastr::match {
namespace {
constexpr std::array<std::string_view, 4> kNames{"win", "draw", "void", "aborted"};
}

std::string_view outcome_name(Outcome outcome) { return kNames[static_cast<std::size_t>(outcome)]; }

std::optional<Outcome> outcome_from(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<Outcome>(i);
  }
  return std::nullopt;
}

}  // namespace manastr::match

// How a match can end. Under what names, docs/protocol.md, "Verdict".
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace manastr::match {

enum class Outcome : std::uint8_t {
  win,         ///< one party takes all stakes less the rake
  draw,        ///< each party's stake goes back
  void_match,  ///< the same, for want of a fair end: "void" on the wire
  aborted,     ///< the same, before all stakes were locked
};
std::string_view outcome_name(Outcome outcome);
std::optional<Outcome> outcome_from(std::string_view name);

}  // namespace manastr::match

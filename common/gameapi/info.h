// What a mint with the game endpoints says of them in GET /v1/info, under the member "game_engine": the mint
// writes it, engine and player read it (its absence means: a mint like any other, settled through NUT-03).
//   {"settle":true,"units":[{"unit":"mana","price_msat":200},{"unit":"loot","price_msat":200}]}
#pragma once
#include <map>

#include "common/cashu/types.h"

namespace manastr::gameapi {

inline constexpr std::string_view kInfoMember = "game_engine";

struct GameInfo {
  bool settle = false;                              ///< POST /game-engine/settle is there
  std::map<cashu::Unit, std::uint64_t> price_msat;  ///< of one of each unit, at least 1; at most 64 units
};

json::Value to_json(const GameInfo& info);
/// `value` is the member itself. Members that aren't known are passed over.
Result<GameInfo> game_info_from_json(const json::Value& value);

}  // namespace manastr::gameapi

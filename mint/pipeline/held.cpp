#include "mint/pipeline/parts.h"

namespace manastr::mint {

std::unexpected<Error> held() {
  return unavailable(
      "the mint was restored from a backup, and what was there before is held until its operator has made "
      "sure "
      "of it: keep this and try again later");
}

Status check_held(const Parts& parts, UnixSeconds created_at) {
  if (parts.held_before && created_at < *parts.held_before) return held();
  return {};
}

}  // namespace manastr::mint

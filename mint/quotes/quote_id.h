// Quote ids: UUID version 7 with 74 random bits (NUT-04). Who knows the id of an unlocked quote can mint it.
#pragma once
#include <string>

#include "common/base/clock.h"
#include "common/base/random.h"

namespace manastr::mint {

std::string make_quote_id(UnixMillis now, Random& random);

}  // namespace manastr::mint

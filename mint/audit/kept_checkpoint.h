// A checkpoint that someone kept, as /v1/supply showed it: for `manastr-mint verify --after`.
#pragma once
#include "mint/ledger/checkpoint.h"

namespace manastr::mint {

/// Of the JSON of a whole reply, or of its member `checkpoint`: {"text", "signature"}. The text is a
/// checkpoint's; whose signature it is, is not looked at. Fuzz target: tests/fuzz/checkpoint_fuzz.cpp.
Result<SignedCheckpoint> read_kept_checkpoint(std::string_view json);

}  // namespace manastr::mint

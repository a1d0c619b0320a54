// Points at which a test has the process die as by kill -9, to prove that a restart loses nothing. Called by
// the daemons and the player beside every journal step; costs one load unless the environment variable
// MANASTR_FAILPOINT is set.
#pragma once
#include <string_view>

namespace manastr {

/// Dies by SIGKILL if MANASTR_FAILPOINT is `name` (at the first pass) or `name:N` (at the N-th pass, N from
/// 1). Thread-safe. Names are of the form room.before-or-after-step, e.g. "engine.after-commit".
void failpoint(std::string_view name);

}  // namespace manastr

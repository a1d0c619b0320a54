// What may not fail in a simulation: the value, or an exception with the error's sentence, which fails the
// seed.
#pragma once
#include <stdexcept>

#include "common/base/error.h"

namespace manastr::simulation {

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return *std::move(result);
}

}  // namespace manastr::simulation

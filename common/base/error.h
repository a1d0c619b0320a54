// Errors as values. Every refusal in the product is an Error inside std::expected; exceptions are for broken
// programs.
#pragma once
#include <expected>
#include <string>
#include <utility>

namespace manastr {

/// Who is to act on an error, and so whether a retry can help.
enum class ErrorKind {
  invalid,      ///< the input is wrong; the same input stays wrong
  refused,      ///< the input is well-formed, state or policy refuses it (a NUT code says which)
  unavailable,  ///< nothing is known to have happened or not; the same request may be sent again
  broken,       ///< our own fault: a failed disk, an invariant that does not hold
};

/// A refusal. `code` is the NUT error code (cashubtc/nuts error_codes.md) where one exists, else 0.
/// `message` is one sentence that tells the caller what to do; it never holds a secret.
struct Error {
  ErrorKind kind = ErrorKind::invalid;
  int code = 0;
  std::string message;
};

template <class T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

inline std::unexpected<Error> invalid(std::string message, int code = 0) {
  return std::unexpected(Error{ErrorKind::invalid, code, std::move(message)});
}
inline std::unexpected<Error> refused(int code, std::string message) {
  return std::unexpected(Error{ErrorKind::refused, code, std::move(message)});
}
inline std::unexpected<Error> unavailable(std::string message) {
  return std::unexpected(Error{ErrorKind::unavailable, 0, std::move(message)});
}
inline std::unexpected<Error> broken(std::string message) {
  return std::unexpected(Error{ErrorKind::broken, 0, std::move(message)});
}

}  // namespace manastr

#define MANASTR_CONCAT_(a, b) a##b
#define MANASTR_CONCAT(a, b) MANASTR_CONCAT_(a, b)
/// TRY(auto x, f()): x is f()'s value, or the enclosing function returns f()'s error.
#define TRY(declaration, expression) TRY_(declaration, expression, MANASTR_CONCAT(try_result_, __LINE__))
#define TRY_(declaration, expression, result)                     \
  auto result = (expression);                                     \
  if (!result) return std::unexpected(std::move(result).error()); \
  declaration = *std::move(result)
/// TRY_STATUS(f()): go on if f() succeeded, or return its error.
#define TRY_STATUS(expression) TRY_STATUS_(expression, MANASTR_CONCAT(try_status_, __LINE__))
#define TRY_STATUS_(expression, result) \
  if (auto result = (expression); !result) return std::unexpected(std::move(result).error())

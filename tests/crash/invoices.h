// How the payments of a crash run go: what the fake node reads from an invoice's description
// (lightning/fake_node.h).
#pragma once
#include <fmt/format.h>

#include <string>

namespace manastr::crash {

struct Payment {
  enum class End { paid, failed, never } end = End::paid;
  std::string description;
};

inline constexpr std::size_t kPayments = 24;
/// `which` below kPayments; under way for `millis`, if it is one that takes its time.
inline Payment some_payment(std::size_t which, std::size_t millis) {
  const auto as = [&](const char* pay, const char* check, bool unreachable, bool slow) {
    return fmt::format(
        R"({{"pay_invoice_state":"{}","check_payment_state":"{}","pay_err":{},"check_err":false{}}})", pay,
        check, unreachable, slow ? fmt::format(R"(,"in_flight_ms":{})", millis) : "");
  };
  using End = Payment::End;
  switch (which) {
    case 0:
    case 1:
    case 2:
      return {End::failed, as("FAILED", "FAILED", false, false)};
    case 3:
      return {End::failed, as("PENDING", "FAILED", false, true)};
    case 4:
      return {End::failed, as("PAID", "FAILED", true, false)};
    case 5:
      return {End::paid, as("FAILED", "PAID", false, false)};
    case 6:
      return {End::paid, as("FAILED", "PAID", true, true)};
    case 7:
      return {End::paid, as("UNKNOWN", "PAID", false, true)};
    case 8:
      return {End::never, as("PENDING", "PENDING", false, false)};
    case 9:
    case 10:
    case 11:
    case 12:
      return {End::paid, as("PAID", "PAID", false, true)};
    default:
      return {End::paid, ""};
  }
}

}  // namespace manastr::crash

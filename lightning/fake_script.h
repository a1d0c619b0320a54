// How a fake payment shall go, told by the description of what is paid. The members and states are those that
// wallets' own test suites use (fake_node.h says what follows from them).
#pragma once
#include <optional>
#include <string_view>
#include <vector>

#include "lightning/lightning.h"

namespace manastr::lightning {

struct FakeScript {
  PaymentState pay = PaymentState::paid;
  PaymentState check = PaymentState::paid;
  bool pay_unreachable = false;
  bool check_unreachable = false;
  std::optional<Millis> in_flight;  ///< until its end is known; else the node's own delay
  std::optional<Msat> fee;          ///< else the node's own

  /// Whether the money leaves.
  PaymentState truth() const { return !pay_unreachable && pay == PaymentState::paid ? pay : check; }
  PaymentState answer_to_pay() const { return pay_unreachable ? PaymentState::unknown : pay; }
  PaymentState answer_to_lookup() const { return check_unreachable ? PaymentState::unknown : truth(); }
};

/// nullopt for any description that is no object with the four members of those suites. Own members, both
/// optional: "in_flight_ms" (at most 30 days) and "fee_msat".
std::optional<FakeScript> fake_script(std::string_view description);

/// With which amounts, in msat, an offer pays itself, if its description is an object that says so:
/// "auto_pay_msat", 1 to 100 of them. nullopt otherwise.
std::optional<std::vector<Msat>> scripted_payments(std::string_view description);

}  // namespace manastr::lightning

// How a fake payment shall go, told by the invoice's description. The members and states are those that
// wallets' own test suites use (fake_node.h says what follows from them).
#pragma once
#include <optional>
#include <string_view>

#include "lightning/lightning.h"

namespace manastr::lightning {

struct FakeScript {
  PaymentState pay = PaymentState::paid;
  PaymentState check = PaymentState::paid;
  bool pay_unreachable = false;
  bool check_unreachable = false;

  /// Whether the money leaves; final states alone.
  PaymentState truth() const { return !pay_unreachable && pay == PaymentState::paid ? pay : check; }
  PaymentState answer_to_pay() const {
    if (pay_unreachable) return PaymentState::unknown;
    return pay == PaymentState::failed && truth() != PaymentState::failed ? PaymentState::unknown : pay;
  }
  PaymentState answer_to_lookup() const { return check_unreachable ? PaymentState::unknown : truth(); }
};

/// nullopt for any description that is not exactly such an object.
std::optional<FakeScript> fake_script(std::string_view description);

}  // namespace manastr::lightning

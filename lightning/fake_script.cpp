#include "lightning/fake_script.h"

#include "common/json/reader.h"

namespace manastr::lightning {
namespace {

constexpr std::uint64_t kLongest = 30ULL * 24 * 60 * 60 * 1'000;
constexpr std::size_t kMostPayments = 100;

std::optional<PaymentState> state_of(const json::Value* value) {
  const std::string* name = value == nullptr ? nullptr : value->if_string();
  if (name == nullptr) return std::nullopt;
  if (*name == "PAID") return PaymentState::paid;
  if (*name == "FAILED" || *name == "UNPAID") return PaymentState::failed;
  if (*name == "PENDING") return PaymentState::pending;
  if (*name == "UNKNOWN") return PaymentState::unknown;
  return std::nullopt;
}

std::optional<json::Value> object_in(std::string_view description) {
  if (!description.starts_with('{')) return std::nullopt;
  json::Limits limits;
  limits.depth = 4;
  auto parsed = json::parse(description, limits);
  if (!parsed || !parsed->is_object()) return std::nullopt;
  return *std::move(parsed);
}

}  // namespace

std::optional<FakeScript> fake_script(std::string_view description) {
  const auto parsed = object_in(description);
  if (!parsed) return std::nullopt;
  const auto pay = state_of(parsed->find("pay_invoice_state"));
  const auto check = state_of(parsed->find("check_payment_state"));
  const json::Value* pay_err = parsed->find("pay_err");
  const json::Value* check_err = parsed->find("check_err");
  if (!pay || !check || pay_err == nullptr || check_err == nullptr || !pay_err->is_bool() ||
      !check_err->is_bool()) {
    return std::nullopt;
  }
  FakeScript out{*pay, *check, *pay_err->if_bool(), *check_err->if_bool(), std::nullopt, std::nullopt};
  if (const json::Value* in_flight = parsed->find("in_flight_ms")) {
    const auto millis = in_flight->if_uint64();
    if (!millis || *millis > kLongest) return std::nullopt;
    out.in_flight = Millis{*millis};
  }
  if (const json::Value* fee = parsed->find("fee_msat")) {
    out.fee = fee->if_uint64();
    if (!out.fee) return std::nullopt;
  }
  return out;
}

std::optional<std::vector<Msat>> scripted_payments(std::string_view description) {
  const auto parsed = object_in(description);
  const json::Value* amounts = parsed ? parsed->find("auto_pay_msat") : nullptr;
  const json::Array* list = amounts == nullptr ? nullptr : amounts->if_array();
  if (list == nullptr || list->empty() || list->size() > kMostPayments) return std::nullopt;
  std::vector<Msat> out;
  for (const json::Value& each : *list) {
    const auto amount = each.if_uint64();
    if (!amount || *amount == 0) return std::nullopt;
    out.push_back(*amount);
  }
  return out;
}

}  // namespace manastr::lightning

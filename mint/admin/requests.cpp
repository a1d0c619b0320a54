#include "mint/admin/requests.h"

#include <algorithm>
#include <limits>

#include "common/json/reader.h"

namespace manastr::mint {
namespace {

using json::Value;

constexpr std::uint64_t kMostAmount = std::uint64_t{1} << 62;
constexpr std::uint64_t kMostPrice = 100'000'000'000'000;
constexpr std::uint64_t kMillion = 1'000'000;
constexpr std::uint64_t kMostTime = 253'402'300'799;  // the year 9999
constexpr std::uint64_t kMostPrecision = 18;

/// The members of one body, each taken once; what is left at the end is unknown.
class Members {
 public:
  explicit Members(const Value& object) : object_(&object) {}

  const Value* take(std::string_view name) {
    known_.push_back(name);
    const Value* found = object_->find(name);
    return found == nullptr || found->is_null() ? nullptr : found;
  }
  /// least <= value <= most.
  Result<std::optional<std::uint64_t>> number(std::string_view name, std::uint64_t least,
                                              std::uint64_t most) {
    const Value* found = take(name);
    if (found == nullptr) return std::nullopt;
    const auto value = found->if_uint64();
    if (!value || *value < least || *value > most) {
      return invalid(std::string(name) + ": expected an integer from " + std::to_string(least) + " to " +
                     std::to_string(most));
    }
    return value;
  }
  Result<std::uint64_t> needed_number(std::string_view name, std::uint64_t least, std::uint64_t most) {
    TRY(const auto value, number(name, least, most));
    if (!value) return invalid(std::string(name) + ": is missing");
    return *value;
  }
  Result<std::optional<bool>> boolean(std::string_view name) {
    const Value* found = take(name);
    if (found == nullptr) return std::nullopt;
    const bool* value = found->if_bool();
    if (value == nullptr) return invalid(std::string(name) + ": expected true or false");
    return *value;
  }
  Result<std::optional<UnixSeconds>> time(std::string_view name) {
    TRY(const auto value, number(name, 1, kMostTime));
    return value ? std::optional(unix_seconds(static_cast<std::int64_t>(*value))) : std::nullopt;
  }
  Result<std::optional<std::vector<Issuer>>> issuers(std::string_view name) {
    const Value* found = take(name);
    if (found == nullptr) return std::nullopt;
    constexpr const char* kExpected = ": expected a list of \"lightning\" and \"engine\", each once";
    if (!found->is_array()) return invalid(std::string(name) + kExpected);
    std::vector<Issuer> out;
    for (const Value& each : *found->if_array()) {
      const bool engine = each == Value("engine");
      const Issuer issuer = engine ? Issuer::engine : Issuer::lightning;
      if ((!engine && !(each == Value("lightning"))) || std::ranges::find(out, issuer) != out.end())
        return invalid(std::string(name) + kExpected);
      out.push_back(issuer);
    }
    return out;
  }
  Status finish() const {
    for (const auto& [name, value] : *object_->if_object()) {
      if (std::ranges::find(known_, name) == known_.end())
        return invalid("this call knows no member " + Value(name).dump());
    }
    return {};
  }

 private:
  const Value* object_;
  std::vector<std::string_view> known_;
};

Result<CreateUnit> read_create(Members& body, const cashu::Unit& unit) {
  CreateUnit out;
  CurrencyConfiguration& terms = out.terms;
  terms.name = terms.unit = unit;
  terms.of_file = false;
  TRY(const auto precision, body.number("precision", 0, kMostPrecision));
  terms.precision = static_cast<std::uint8_t>(precision.value_or(0));
  TRY(const auto least, body.number("min_amount", 1, kMostAmount));
  TRY(const auto most, body.number("max_amount", 1, kMostAmount));
  terms.min_amount = least.value_or(terms.min_amount);
  terms.max_amount = most.value_or(terms.max_amount);
  TRY(const auto reserve, body.number("fee_reserve_ppm", 0, kMillion));
  terms.fee_reserve_ppm = static_cast<std::uint32_t>(reserve.value_or(0));
  TRY(terms.price_msat, body.needed_number("price_msat", 1, kMostPrice));
  TRY(const auto issuers, body.issuers("issued_by"));
  if (issuers) terms.issued_by = *issuers;
  TRY(const auto meltable, body.boolean("meltable"));
  terms.meltable = meltable.value_or(true);
  TRY(const auto fee, body.number("input_fee_ppk", 0, kMillion));
  terms.input_fee_ppk = fee.value_or(0);
  TRY(out.cap, body.number("cap", 0, kMostAmount));
  TRY(out.final_expiry, body.time("final_expiry"));
  return out;
}

Result<SetLimits> read_limits(Members& body) {
  SetLimits out;
  TRY(out.min_amount, body.number("min_amount", 1, kMostAmount));
  TRY(out.max_amount, body.number("max_amount", 1, kMostAmount));
  TRY(const auto reserve, body.number("fee_reserve_ppm", 0, kMillion));
  if (reserve) out.fee_reserve_ppm = static_cast<std::uint32_t>(*reserve);
  TRY(out.issued_by, body.issuers("issued_by"));
  TRY(out.meltable, body.boolean("meltable"));
  if (!out.min_amount && !out.max_amount && !out.fee_reserve_ppm && !out.issued_by && !out.meltable)
    return invalid(
        "expected at least one of min_amount, max_amount, fee_reserve_ppm, issued_by and meltable");
  return out;
}

Status read_change(std::string_view action, Members& body, AdminRequest& out) {
  if (action == "create") {
    TRY(out.change, read_create(body, out.unit));
  } else if (action == "price") {
    SetPrice change;
    TRY(change.msat, body.needed_number("price_msat", 1, kMostPrice));
    TRY(const auto keep, body.boolean("keep_quotes"));
    change.keep_quotes = keep.value_or(true);
    out.change = change;
  } else if (action == "cap") {
    SetCap change;
    TRY(change.cap, body.number("cap", 0, kMostAmount));
    out.change = change;
  } else if (action == "limits") {
    TRY(out.change, read_limits(body));
  } else if (action == "rotate") {
    RotateKeys change;
    TRY(change.input_fee_ppk, body.number("input_fee_ppk", 0, kMillion));
    out.change = change;
  } else if (action == "expire") {
    TRY(const auto time, body.time("final_expiry"));
    if (!time) return invalid("final_expiry: is missing; seconds since 1970");
    out.change = ExpireUnit{*time};
  } else {
    out.change = RetireUnit{};
  }
  return {};
}

}  // namespace

Result<AdminRequest> read_admin_request(std::string_view action, std::string_view unit,
                                        std::string_view body) {
  if (body.size() > kMaxAdminBody)
    return invalid("the body is longer than " + std::to_string(kMaxAdminBody) + " bytes");
  TRY(const Value value, json::parse(body));
  if (!value.is_object()) return invalid("expected a JSON object");
  Members members(value);
  AdminRequest out;
  const Value* operation = members.take("operation");
  const auto id = operation == nullptr || !operation->is_string()
                      ? std::nullopt
                      : array_from_hex<32>(*operation->if_string());
  if (!id) return invalid("operation: expected 64 lower-case hex digits, fresh for each new call");
  out.operation = *id;
  out.unit = unit;
  if (action == "create") {
    const Value* name = members.take("unit");
    if (name != nullptr && name->is_string()) out.unit = *name->if_string();
  }
  if (!cashu::is_unit(out.unit)) return invalid("unit: expected 1 to 32 of a-z, 0-9, _ and -");
  TRY_STATUS(read_change(action, members, out));
  if (action == "cap" && value.find("cap") == nullptr)
    return invalid("cap: is missing; a number, or null for none");
  TRY_STATUS(members.finish());
  out.canonical = value.dump();
  return out;
}

}  // namespace manastr::mint

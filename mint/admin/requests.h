// What operators ask for, read from the bodies of /admin/v1/*. A member that the call doesn't know is
// refused, for it may be a mistyped limit. Used by operations.cpp; fuzz target:
// tests/fuzz/admin_request_fuzz.cpp.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "mint/configuration/configuration.h"

namespace manastr::mint {

struct CreateUnit {
  CurrencyConfiguration terms;
  std::optional<cashu::Amount> cap;
  std::optional<UnixSeconds> final_expiry;
};
struct SetPrice {
  std::uint64_t msat = 0;
  bool keep_quotes = true;
};
struct SetCap {
  std::optional<cashu::Amount> cap;  ///< absent: none
};
/// What is absent stays as it is.
struct SetLimits {
  std::optional<cashu::Amount> min_amount;
  std::optional<cashu::Amount> max_amount;
  std::optional<std::uint32_t> fee_reserve_ppm;
  std::optional<std::vector<Issuer>> issued_by;
  std::optional<bool> meltable;
};
struct RotateKeys {
  std::optional<std::uint64_t> input_fee_ppk;
};
struct ExpireUnit {
  UnixSeconds final_expiry{};
};
struct RetireUnit {};

struct AdminRequest {
  Hash32 operation{};  ///< the caller's idempotency key
  cashu::Unit unit;
  std::variant<CreateUnit, SetPrice, SetCap, SetLimits, RotateKeys, ExpireUnit, RetireUnit> change;
  std::string canonical;  ///< the body as one line, for the log and for comparing
};

/// An action of POST /admin/v1/units…: its name, and the role that it needs.
struct AdminAction {
  std::string_view name;  ///< "create", "price", …
  Role role;
};
inline constexpr AdminAction kAdminActions[] = {
    {"create", Role::treasurer}, {"price", Role::treasurer}, {"cap", Role::treasurer},
    {"limits", Role::operate},   {"rotate", Role::operate},  {"expire", Role::operate},
    {"retire", Role::operate},
};
inline constexpr std::size_t kMaxAdminBody = 16 * 1024;

/// `action` is one of kAdminActions. Errors name the member at fault, in one sentence. `unit`: of the path;
/// for "create" it is in the body.
Result<AdminRequest> read_admin_request(std::string_view action, std::string_view unit,
                                        std::string_view body);

}  // namespace manastr::mint

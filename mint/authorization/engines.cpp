#include "mint/authorization/engines.h"

#include <algorithm>

#include "common/telemetry/log.h"

namespace manastr::mint {
namespace {

constexpr double kMinute = 60;
constexpr double kBurstSeconds = 10;

resilience::RateLimit limit_of(const AuthorizedEngine& engine) {
  const double per_second = static_cast<double>(engine.requests_per_minute) / kMinute;
  return {per_second, std::max(1.0, per_second * kBurstSeconds)};
}

std::optional<AuthorizedEngine> find_in(const Engines::Set& set, const crypto::XOnlyKey& key) {
  const auto it = std::ranges::find(set, key, &AuthorizedEngine::key);
  if (it == set.end() || !it->active) return std::nullopt;
  return *it;
}

}  // namespace

Engines::Engines(Set fixed, const Clock& clock) : fixed_(std::move(fixed)), limiter_({}, clock) {}

Result<std::unique_ptr<Engines>> Engines::start(const AuthorizationConfiguration& authorization, Set first,
                                                const Clock& clock) {
  std::unique_ptr<Engines> out(new Engines(first, clock));
  if (authorization.auth_config_file.empty() || !authorization.allow_runtime_updates) return out;
  const auto load = [authorization] { return load_engines(authorization); };
  const auto report = [file = authorization.auth_config_file](const Status& status) {
    if (status) {
      telemetry::log_info("the authorized engines were read anew", {{"file", file}});
    } else {
      telemetry::log_warn("the authorized engines stay as they were, for their file can't be used",
                          {{"file", file}, {"error", status.error().message}});
    }
  };
  TRY(out->followed_,
      config::Reloading<Set>::start(authorization.auth_config_file, std::move(first), load, report));
  return out;
}

std::optional<AuthorizedEngine> Engines::find(const crypto::XOnlyKey& key) const {
  return followed_ ? find_in(*followed_->current(), key) : find_in(fixed_, key);
}

std::optional<Millis> Engines::admit(const AuthorizedEngine& engine) {
  if (engine.requests_per_minute == 0) return std::nullopt;
  return limiter_.admit(engine.key.hex(), limit_of(engine));
}

void Engines::charge(const std::string& key_hex, double cost) {
  const auto key = crypto::XOnlyKey::from_hex(key_hex);
  const auto engine = key ? find(*key) : std::nullopt;
  if (engine && engine->requests_per_minute != 0) limiter_.charge(key_hex, limit_of(*engine), cost);
}

bool permits(const AuthorizedEngine& engine, Permission permission) {
  switch (permission) {
    case Permission::burn_mana:
      return engine.can_burn_mana;
    case Permission::mint_loot:
      return engine.can_mint_loot;
    case Permission::query_spent_status:
      return engine.can_query_spent_status;
  }
  return false;
}

std::string_view name_of(Permission permission) {
  switch (permission) {
    case Permission::burn_mana:
      return "can_burn_mana";
    case Permission::mint_loot:
      return "can_mint_loot";
    case Permission::query_spent_status:
      return "can_query_spent_status";
  }
  return "";
}

}  // namespace manastr::mint

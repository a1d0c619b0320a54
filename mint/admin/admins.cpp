#include "mint/admin/admins.h"

#include <algorithm>

#include "common/telemetry/log.h"

namespace manastr::mint {
namespace {

resilience::RateLimit limit_of(const AdminConfiguration& configuration) {
  constexpr double kMinute = 60;
  constexpr double kLeastBurst = 10;
  const double per_second = static_cast<double>(configuration.requests_per_minute) / kMinute;
  return {per_second, std::max(kLeastBurst, per_second * kLeastBurst)};
}

}  // namespace

Admins::Admins(const AdminConfiguration& configuration, Set fixed, const Clock& clock)
    : fixed_(std::move(fixed)), limiter_(limit_of(configuration), clock) {}

Result<std::unique_ptr<Admins>> Admins::start(const AdminConfiguration& configuration, Set first,
                                              const Clock& clock) {
  std::unique_ptr<Admins> out(new Admins(configuration, first, clock));
  if (configuration.admins_file.empty()) return out;
  const auto load = [configuration] { return load_admins(configuration); };
  const auto report = [file = configuration.admins_file](const Status& status) {
    if (status) {
      telemetry::log_info("the admins were read anew", {{"file", file}});
    } else {
      telemetry::log_warn("the admins stay as they were, for their file can't be used",
                          {{"file", file}, {"error", status.error().message}});
    }
  };
  TRY(out->followed_,
      config::Reloading<Set>::start(configuration.admins_file, std::move(first), load, report));
  return out;
}

bool Admins::empty() const { return followed_ ? followed_->current()->empty() : fixed_.empty(); }

std::optional<Admin> Admins::find(const crypto::XOnlyKey& key) const {
  const std::shared_ptr<const Set> current = followed_ ? followed_->current() : nullptr;
  const Set& set = current ? *current : fixed_;
  const auto it = std::ranges::find(set, key, &Admin::key);
  return it == set.end() ? std::nullopt : std::optional(*it);
}

std::optional<Millis> Admins::admit(const Admin& admin) { return limiter_.admit(admin.key.hex()); }

std::string roles_text(const Admin& admin) {
  std::string out;
  for (const Role role : admin.roles) out += (out.empty() ? "" : ",") + std::string(name_of(role));
  return out;
}

}  // namespace manastr::mint

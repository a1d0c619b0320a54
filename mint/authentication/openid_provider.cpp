#include "mint/authentication/openid_provider.h"

#include <algorithm>

#include "common/config/values.h"
#include "common/json/reader.h"
#include "common/telemetry/log.h"
#include "mint/configuration/configuration.h"

namespace manastr::mint {
namespace {

constexpr std::string_view kWellKnown = "/.well-known/openid-configuration";
constexpr std::size_t kMaxUrl = 2'048;

/// The issuer that a discovery URL is of, as configurations have URLs; the document must name the same
/// (section 4.3).
bool is_of(std::string_view discovery, std::string_view issuer) {
  const auto normal = config::normal_url(issuer, {"http", "https"});
  return normal && discovery == *normal + std::string(kWellKnown);
}

}  // namespace

bool is_trustworthy_url(std::string_view url) {
  if (url.size() > kMaxUrl) return false;
  const auto normal = config::normal_url(url.substr(0, url.find('?')), {"http", "https"});
  if (!normal) return false;
  if (normal->starts_with("https://")) return true;
  std::string_view host = std::string_view(*normal).substr(std::string_view("http://").size());
  host = host.substr(0, host.find('/'));
  const auto port = host.rfind(':');
  if (port != std::string_view::npos && host.find(']', port) == std::string_view::npos)
    host = host.substr(0, port);
  return is_loopback(host);
}

OpenIdProvider::OpenIdProvider(std::string discovery, Fetch fetch, Pace pace, const Clock& clock)
    : discovery_(std::move(discovery)), fetch_(std::move(fetch)), pace_(pace), clock_(&clock) {
  thread_ = std::thread([this] { run(); });
}

OpenIdProvider::~OpenIdProvider() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

std::shared_ptr<const ProviderKeys> OpenIdProvider::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

std::string OpenIdProvider::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

bool OpenIdProvider::look_again(std::move_only_function<void()> then) {
  const std::lock_guard lock(mutex_);
  const bool soon = looking_ || wanted_ || clock_->monotonic() >= not_before_;
  if (stopping_ || !soon || waiting_.size() >= pace_.waiting) return false;
  waiting_.push_back(std::move(then));
  if (!looking_) wanted_ = true;
  wake_.notify_all();
  return true;
}

Result<ProviderKeys> OpenIdProvider::load() const {
  TRY(const std::string text, fetch_(discovery_, stopping_));
  TRY(const json::Value document,
      json::parse(text, {.bytes = JwkSet::kMaxBytes, .depth = 8, .values = 10'000}));
  ProviderKeys out;
  TRY(out.issuer, json::get_string(document, "issuer"));
  TRY(const std::string jwks, json::get_string(document, "jwks_uri"));
  if (!is_of(discovery_, out.issuer)) {
    return invalid("the document at " + discovery_ +
                   " is of another issuer: openid_discovery must be the issuer's own URL");
  }
  if (!is_trustworthy_url(jwks)) return invalid("the provider's jwks_uri is not https");
  TRY(const std::string keys, fetch_(jwks, stopping_));
  TRY(out.keys, JwkSet::parse(keys));
  return out;
}

void OpenIdProvider::run() {
  Millis retry = pace_.retry;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (!wanted_) {
      const Millis rest = trouble_.empty() ? pace_.refresh : retry;
      wake_.wait_for(lock, rest, [&] { return wanted_ || stopping_; });
      wanted_ = true;
      continue;
    }
    looking_ = true;
    wanted_ = false;
    lock.unlock();
    auto loaded = load();
    lock.lock();
    looking_ = false;
    if (stopping_) break;
    if (loaded) {
      if (!trouble_.empty()) telemetry::log_info("the OpenID provider answers again");
      current_ = std::make_shared<const ProviderKeys>(*std::move(loaded));
      trouble_.clear();
      retry = pace_.retry;
      not_before_ = clock_->monotonic() + pace_.between;
    } else {
      if (trouble_.empty())
        telemetry::log_warn("the OpenID provider gives no keys", {{"error", loaded.error().message}});
      trouble_ = loaded.error().message;
      not_before_ = clock_->monotonic() + retry;
      retry = std::min(retry * 2, pace_.retry_at_most);
    }
    auto waiting = std::exchange(waiting_, {});
    lock.unlock();
    for (auto& each : waiting) each();
    lock.lock();
  }
  auto waiting = std::exchange(waiting_, {});
  lock.unlock();
  for (auto& each : waiting) each();
}

}  // namespace manastr::mint

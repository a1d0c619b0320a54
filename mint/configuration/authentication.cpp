#include "mint/configuration/authentication.h"

#include <algorithm>
#include <optional>

#include "mint/configuration/configuration.h"

namespace manastr::mint {
namespace {

using config::Section;

std::optional<ProtectedEndpoint> endpoint_of(std::string_view text) {
  const auto space = text.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  ProtectedEndpoint out{std::string(text.substr(0, space)), std::string(text.substr(space + 1))};
  const bool method = out.method == "GET" || out.method == "POST";
  const auto star = out.path.find('*');
  const bool path = out.path.starts_with("/v1/") &&
                    (star == std::string::npos || star + 1 == out.path.size()) &&
                    out.path.find_first_of("{} ?%") == std::string::npos;
  return method && path ? std::optional(std::move(out)) : std::nullopt;
}

std::vector<ProtectedEndpoint> read_endpoints(Section& section, const char* key) {
  std::vector<ProtectedEndpoint> out;
  for (const std::string& each : section.texts(key, {})) {
    auto endpoint = endpoint_of(each);
    if (!endpoint) {
      section.reject(
          key,
          "a list like [\"POST /v1/swap\", \"GET /v1/mint/*\"]: GET or POST and a path that starts with "
          "/v1/, or with * at its end the beginning of one; not \"" +
              each + "\"");
    } else if (endpoint->covers("GET", "/v1/info")) {
      section.reject(key, "endpoints without GET /v1/info, where wallets read how to authenticate");
    } else {
      out.push_back(*std::move(endpoint));
    }
  }
  return out;
}

std::string_view without_star(std::string_view path) {
  return path.ends_with('*') ? path.substr(0, path.size() - 1) : path;
}

/// Some path is of both.
bool overlap(const ProtectedEndpoint& a, const ProtectedEndpoint& b) {
  return a.covers(b.method, without_star(b.path)) || b.covers(a.method, without_star(a.path));
}

}  // namespace

bool ProtectedEndpoint::covers(std::string_view of_method, std::string_view of_path) const {
  if (of_method != method) return false;
  const std::string_view start = without_star(path);
  return start.size() < path.size() ? of_path.starts_with(start) : of_path == path;
}

AuthenticationConfiguration read_authentication(Section section) {
  AuthenticationConfiguration out;
  out.openid_discovery = section.url({"openid_discovery", "MINT_OPENID_DISCOVERY"}, "", {"http", "https"});
  out.openid_client_id = section.text("openid_client_id", "");
  out.openid_ca_file = section.path("openid_ca_file", "");
  out.audience = section.text("audience", "");
  out.bat_max_mint = section.integer("bat_max_mint", out.bat_max_mint, 1, 1'000);
  out.bat_max_hour = section.integer("bat_max_hour", out.bat_max_hour, 0, 1'000'000'000);
  out.keyset_index = static_cast<std::uint32_t>(section.integer("keyset_index", 0, 0, 2'000'000'000));
  out.clear = read_endpoints(section, "clear");
  out.blind = read_endpoints(section, "blind");
  if (!out.enabled()) {
    if (!out.clear.empty() || !out.blind.empty())
      section.reject_section("protects endpoints, and so needs openid_discovery");
    return out;
  }
  constexpr std::string_view kSuffix = "/.well-known/openid-configuration";
  const std::string_view url = out.openid_discovery;
  const std::string_view host =
      url.substr(url.find("//") + 2, url.find('/', url.find("//") + 2) - url.find("//") - 2);
  const auto port = host.ends_with(']') ? std::string_view::npos : host.rfind(':');
  if (!url.ends_with(kSuffix) || (!url.starts_with("https://") && !is_loopback(host.substr(0, port)))) {
    section.reject("openid_discovery",
                   "the provider's https://.../.well-known/openid-configuration (http is "
                   "for this machine alone)");
  }
  if (out.openid_client_id.empty())
    section.reject("openid_client_id", "the id under which the provider knows the mint's wallets");
  if (out.bat_max_hour != 0 && out.bat_max_hour < out.bat_max_mint)
    section.reject("bat_max_hour", "0, or at least bat_max_mint");
  for (const ProtectedEndpoint& blind : out.blind) {
    if (overlap(blind, {blind.method, "/v1/auth/*"}))
      section.reject("blind", "endpoints without those of /v1/auth/, from which the tokens come");
    for (const ProtectedEndpoint& clear : out.clear) {
      if (!overlap(blind, clear)) continue;
      section.reject("blind", "endpoints that `clear` has not: " + blind.method + " " + blind.path + " and " +
                                  clear.method + " " + clear.path + " share some");
    }
  }
  if (std::ranges::none_of(out.clear, [](const auto& each) { return each.covers("POST", kBlindMintPath); }))
    out.clear.push_back({"POST", std::string(kBlindMintPath)});
  return out;
}

}  // namespace manastr::mint

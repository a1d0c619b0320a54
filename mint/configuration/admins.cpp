#include <algorithm>
#include <filesystem>

#include "common/nostr/bech32.h"
#include "mint/configuration/configuration.h"

namespace manastr::mint {
namespace {

using config::Document;
using config::Section;

constexpr Role kRoles[] = {Role::viewer, Role::operate, Role::treasurer};

/// Hex as everywhere, or npub1….
std::optional<crypto::XOnlyKey> read_key(Section& section) {
  constexpr const char* kName = "nostr_pubkey";
  if (const std::string text = section.text(kName, ""); !text.starts_with("npub1"))
    return section.public_key(kName);
  else if (const auto key = nostr::from_npub(text))
    return *key;
  section.reject(kName, "a Nostr public key: npub1…, or 64 hex digits");
  return std::nullopt;
}

std::vector<Role> read_roles(Section& section) {
  std::vector<Role> out;
  for (const std::string& each : section.texts("roles", {})) {
    const auto role = std::ranges::find(kRoles, each, [](Role known) { return name_of(known); });
    if (role == std::end(kRoles)) {
      section.reject("roles",
                     "a list of \"viewer\", \"operator\" and \"treasurer\"; \"" + each + "\" is none");
    } else if (std::ranges::find(out, *role) != out.end()) {
      section.reject("roles", "each role once");
    } else {
      out.push_back(*role);
    }
  }
  if (out.empty()) section.reject("roles", "at least one of \"viewer\", \"operator\" and \"treasurer\"");
  return out;
}

Result<std::vector<Admin>> read_admins_file(const std::string& path) {
  TRY(Document document, Document::load(path));
  std::vector<Admin> out = read_admins(document.root().sections_of("admins"));
  TRY_STATUS(document.finish());
  return out;
}

}  // namespace

bool Admin::has(Role role) const { return std::ranges::find(roles, role) != roles.end(); }

std::string_view name_of(Role role) {
  switch (role) {
    case Role::viewer:
      return "viewer";
    case Role::operate:
      return "operator";
    case Role::treasurer:
      return "treasurer";
  }
  return "";
}

std::vector<Admin> read_admins(std::vector<Section> sections) {
  constexpr std::size_t kMaxName = 64;
  std::vector<Admin> out;
  for (Section& section : sections) {
    Admin admin;
    admin.name = section.required_text("name");
    if (admin.name.size() > kMaxName) section.reject("name", "at most 64 bytes");
    const auto key = read_key(section);
    admin.origin = section.origin("nostr_pubkey");
    admin.roles = read_roles(section);
    if (!key) continue;  // the error is kept by the section
    admin.key = *key;
    out.push_back(std::move(admin));
  }
  return out;
}

Result<std::vector<Admin>> load_admins(const AdminConfiguration& admin, std::vector<std::string>* warnings) {
  std::vector<Admin> out = admin.from_mint_toml;
  const std::string& file = admin.admins_file;
  std::error_code error;
  if (warnings != nullptr && !file.empty() && !std::filesystem::exists(file, error)) {
    warnings->push_back(file + ": there is no such file; " +
                        (out.empty() ? "nobody may call /admin/v1/"
                                     : "only the admins of the mint's own file may call /admin/v1/"));
  } else if (!file.empty()) {
    TRY(std::vector<Admin> more, read_admins_file(file));
    out.insert(out.end(), more.begin(), more.end());
  }
  for (std::size_t later = 1; later < out.size(); ++later) {
    for (std::size_t earlier = 0; earlier < later; ++earlier) {
      if (out[later].key != out[earlier].key) continue;
      return invalid(out[later].origin + ": nostr_pubkey is the key of " + out[earlier].origin +
                     ", expected each admin once");
    }
  }
  return out;
}

}  // namespace manastr::mint

#include <filesystem>

#include "mint/configuration/configuration.h"

namespace manastr::mint {
namespace {

using config::Document;
using config::Section;

/// Both spellings: what the file is for goes without saying, and what stood in mint.toml may be moved here as
/// it is.
Result<std::vector<AuthorizedEngine>> read_auth_file(const std::string& path) {
  TRY(Document document, Document::load(path));
  Section root = document.root();
  std::vector<Section> sections = root.sections_of("authorized_game_engines");
  for (Section& each : document.section("authorization").sections_of("authorized_game_engines")) {
    sections.push_back(std::move(each));
  }
  std::vector<AuthorizedEngine> out = read_engines(std::move(sections));
  TRY_STATUS(document.finish());
  return out;
}

}  // namespace

std::vector<AuthorizedEngine> read_engines(std::vector<Section> sections) {
  std::vector<AuthorizedEngine> out;
  for (Section& section : sections) {
    AuthorizedEngine engine;
    engine.name = section.text("name", "");
    const auto key = section.public_key("nostr_pubkey_hex");
    engine.origin = section.origin("nostr_pubkey_hex");
    engine.active = section.boolean("active", true);
    Section permissions = section.section("permissions");
    engine.can_burn_mana = permissions.boolean("can_burn_mana", false);
    engine.can_mint_loot = permissions.boolean("can_mint_loot", false);
    engine.can_query_spent_status = permissions.boolean("can_query_spent_status", false);
    engine.max_tokens_per_request = permissions.integer(
        "max_tokens_per_request", engine.max_tokens_per_request, 1, std::uint64_t{1} << 62);
    engine.requests_per_minute = permissions.integer("requests_per_minute", 0, 0, 1'000'000'000);
    if (!key) continue;  // the error is kept by the section
    engine.key = *key;
    out.push_back(std::move(engine));
  }
  return out;
}

Result<std::vector<AuthorizedEngine>> load_engines(const AuthorizationConfiguration& authorization,
                                                   std::vector<std::string>* warnings) {
  std::vector<AuthorizedEngine> out = authorization.from_mint_toml;
  const std::string& file = authorization.auth_config_file;
  std::error_code error;
  if (warnings != nullptr && !file.empty() && !std::filesystem::exists(file, error)) {
    warnings->push_back(file + ": there is no such file; " +
                        (out.empty() ? "no game engine is authorized"
                                     : "only the game engines of the mint's own file are authorized"));
  } else if (!file.empty()) {
    TRY(std::vector<AuthorizedEngine> more, read_auth_file(file));
    out.insert(out.end(), more.begin(), more.end());
  }
  for (std::size_t later = 1; later < out.size(); ++later) {
    for (std::size_t earlier = 0; earlier < later; ++earlier) {
      if (out[later].key != out[earlier].key) continue;
      return invalid(out[later].origin + ": nostr_pubkey_hex is the key of " + out[earlier].origin +
                     ", expected each engine once");
    }
  }
  return out;
}

}  // namespace manastr::mint

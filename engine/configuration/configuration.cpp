#include "engine/configuration/configuration.h"

#include <algorithm>
#include <filesystem>

namespace manastr::engine {
namespace {

using config::Document;
using config::Section;

constexpr Millis kSecond{1'000};
constexpr Millis kMinute{60'000};
constexpr Millis kHour{3'600'000};
constexpr Millis kYear = 365 * 24 * kHour;
constexpr std::uint64_t kMostAmount = std::uint64_t{1} << 62;

ServerConfiguration read_server(Section section) {
  ServerConfiguration out;
  out.host = section.text({"host", "ENGINE_HOST"}, out.host);
  if (out.host.empty())
    section.reject("host", "an address to listen on, such as \"127.0.0.1\" or \"0.0.0.0\"");
  out.port = static_cast<std::uint16_t>(section.integer({"port", "ENGINE_PORT"}, out.port, 0, 65'535));
  out.cors_origins = section.texts("cors_origins", out.cors_origins);
  out.public_url = section.url({"public_url", "ENGINE_PUBLIC_URL"}, "", {"http", "https"});
  out.data_dir = section.path("data_dir", "");
  return out;
}

NostrConfiguration read_nostr(Section section) {
  NostrConfiguration out;
  out.private_key = section.secret_key({"private_key", "NOSTR_PRIVATE_KEY"});
  out.relay_urls = section.urls({"relay_urls", "NOSTR_RELAY_URLS"}, {}, {"ws", "wss"});
  if (out.relay_urls.empty() || out.relay_urls.size() > 32) {
    section.reject({"relay_urls", "NOSTR_RELAY_URLS"}, "1 to 32 relays, such as [\"ws://127.0.0.1:8080\"]");
  }
  const std::vector<std::uint64_t> wanted(out.event_kinds.begin(), out.event_kinds.end());
  std::vector<std::uint64_t> kinds = section.integers("event_kinds", wanted, 0, 65'535);
  std::sort(kinds.begin(), kinds.end());
  if (kinds != wanted)
    section.reject("event_kinds", "31000 to 31005: a match needs all of them, and no other");
  out.quorum = section.integer("quorum", 0, 0, 32);
  if (out.quorum > out.relay_urls.size()) section.reject("quorum", "at most the number of relay_urls");
  return out;
}

MintConfiguration read_mint(Section section) {
  MintConfiguration out;
  out.primary_url = section.url({"primary_url", "MINT_URL"}, "", {"http", "https"});
  if (out.primary_url.empty() && !section.has({"primary_url", "MINT_URL"})) {
    section.reject({"primary_url", "MINT_URL"}, "the mint's URL, such as \"http://127.0.0.1:3333\"");
  }
  out.backup_url = section.url({"backup_url", "MINT_BACKUP_URL"}, "", {"http", "https"});
  out.retry_attempts =
      static_cast<std::uint32_t>(section.integer("retry_attempts", out.retry_attempts, 0, 100));
  out.timeout = section.duration("timeout_seconds", kSecond, out.timeout, kSecond, 600 * kSecond);
  return out;
}

ValidationConfiguration read_validation(Section section) {
  ValidationConfiguration out;
  out.max_concurrent_matches =
      section.integer("max_concurrent_matches", out.max_concurrent_matches, 1, 1'000'000);
  out.match_timeout =
      section.duration("match_timeout_minutes", kMinute, out.match_timeout, kSecond, 30 * 24 * kHour);
  out.commitment_reveal_timeout = section.duration("commitment_reveal_timeout_seconds", kSecond,
                                                   out.commitment_reveal_timeout, kSecond, 7 * 24 * kHour);
  return out;
}

AnnouncementConfiguration read_announcement(Section section) {
  AnnouncementConfiguration out;
  out.name = section.text("name", out.name);
  out.stake_units = section.texts("stake_units", out.stake_units);
  out.prize_units = section.texts("prize_units", out.prize_units);
  if (out.stake_units.empty()) section.reject("stake_units", "at least one unit");
  if (out.prize_units.empty()) section.reject("prize_units", "at least one unit");
  out.rake_ppm = static_cast<std::uint32_t>(section.integer("rake_ppm", out.rake_ppm, 0, 1'000'000));
  out.min_stake = section.integer("min_stake", out.min_stake, 1, kMostAmount);
  out.max_stake = section.integer("max_stake", out.max_stake, 1, kMostAmount);
  if (out.min_stake > out.max_stake) section.reject("min_stake", "at most max_stake");
  out.min_step = section.duration("min_step_seconds", kSecond, out.min_step, kSecond, 24 * kHour);
  out.grace = section.duration("grace_seconds", kSecond, out.grace, Millis{0}, kHour);
  out.min_allowance =
      section.duration("min_allowance_seconds", kSecond, out.min_allowance, kSecond, 7 * 24 * kHour);
  out.max_allowance =
      section.duration("max_allowance_seconds", kSecond, out.max_allowance, kSecond, 7 * 24 * kHour);
  if (out.min_allowance > out.max_allowance)
    section.reject("min_allowance_seconds", "at most max_allowance_seconds");
  out.funding_clock =
      section.duration("funding_clock_seconds", kSecond, out.funding_clock, kSecond, 24 * kHour);
  out.max_give_back =
      section.duration("max_give_back_seconds", kSecond, out.max_give_back, Millis{0}, 7 * 24 * kHour);
  out.min_claim_window =
      section.duration("min_claim_window_hours", kHour, out.min_claim_window, kSecond, kYear);
  out.max_open = section.duration("max_open_hours", kHour, out.max_open, kSecond, kYear);
  out.work_bits = static_cast<std::uint32_t>(section.integer("work_bits", out.work_bits, 0, 40));
  out.quitter_work_bits =
      static_cast<std::uint32_t>(section.integer("quitter_work_bits", out.quitter_work_bits, 0, 40));
  return out;
}

}  // namespace

Result<Configuration> load_configuration(const std::string& path, config::Environment environment) {
  TRY(Document document, Document::load(path, std::move(environment)));
  Configuration out;
  out.server = read_server(document.section("server"));
  out.nostr = read_nostr(document.section("nostr"));
  out.mint = read_mint(document.section("mint"));
  out.validation = read_validation(document.section("validation"));
  Section announcement = document.section("announcement");
  out.announcement = read_announcement(announcement);
  if (out.announcement.min_step > out.validation.commitment_reveal_timeout) {
    announcement.reject("min_step_seconds", "at most [validation] commitment_reveal_timeout_seconds");
  }
  out.escrow.link_secret = document.section("escrow").secret_key({"link_secret", "ENGINE_LINK_SECRET"});
  out.database = daemon::read_database_url(document);
  out.logging = daemon::read_logging(document);
  TRY_STATUS(document.finish());
  out.warnings = document.warnings();
  return out;
}

Status check_backends(const Configuration& configuration) {
  if (configuration.database.is_postgresql()) {
    return invalid("this build has no PostgreSQL; set [database] url to \"sqlite:FILE\"");
  }
  return {};
}

}  // namespace manastr::engine

#include "common/daemon/database_url.h"

#include <filesystem>

namespace manastr::daemon {

bool DatabaseUrl::is_postgresql() const {
  return url_.starts_with("postgresql://") || url_.starts_with("postgres://");
}

std::string DatabaseUrl::sqlite_file(const std::string& data_dir, std::string_view fallback) const {
  std::string_view file = url_;
  if (file.starts_with("sqlite:")) file.remove_prefix(7);
  if (file.starts_with("//")) file.remove_prefix(2);
  if (file.empty()) file = fallback;
  return (std::filesystem::path(data_dir) / file).string();
}

DatabaseUrl read_database_url(config::Document& document) {
  const config::Key key{"url", "DATABASE_URL"};
  config::Section section = document.section("database");
  DatabaseUrl out{std::string(section.secret(key).reveal())};
  const std::string& url = out.secret_text();
  if (!url.empty() && !url.starts_with("sqlite:") && !out.is_postgresql()) {
    section.reject_section(
        section.origin(key) +
        ": url is something else, expected \"sqlite:FILE\" or \"postgresql://user:password@host/name\"");
  }
  return out;
}

}  // namespace manastr::daemon

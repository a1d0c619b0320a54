// [database] url of mint and engine: where the ledger or the journal lives.
#pragma once
#include <string>
#include <string_view>

#include "common/config/document.h"

namespace manastr::daemon {

class DatabaseUrl {
 public:
  DatabaseUrl() = default;
  explicit DatabaseUrl(std::string url) : url_(std::move(url)) {}

  bool is_postgresql() const;
  /// The file of "sqlite:FILE", relative to `data_dir`; `fallback` where the configuration names none.
  std::string sqlite_file(const std::string& data_dir, std::string_view fallback) const;
  /// Whole; it may hold a password and has no business in a log.
  const std::string& secret_text() const { return url_; }

 private:
  std::string url_;
};

/// url (DATABASE_URL overrides; "env:NAME" and "file:PATH" refer to it): "sqlite:FILE", "postgresql://…" or
/// absent. Anything else is rejected without being repeated.
DatabaseUrl read_database_url(config::Document& document);

}  // namespace manastr::daemon

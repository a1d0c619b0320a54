// A TOML file read with typed getters that know where each value came from. Used by every daemon's
// configuration. Promises: all errors of a file are reported together, each naming file:line (or the
// environment variable), the key, what was found and what is expected; a key that nothing asked for is an
// error with the nearest known name; secrets are never repeated in an error. Files above 1 MiB are refused.
//
//   TRY(Document document, Document::load(path));
//   Section server = document.section("server");
//   out.port = server.integer("port", out.port, 0, 65535);
//   out.url = server.text({"url", "DATABASE_URL"}, out.url);
//   TRY_STATUS(document.finish());
#pragma once
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/crypto/keys.h"
#include "common/crypto/secret.h"

namespace manastr::config {

/// Value of an environment variable, nullopt if it is not set (an empty one counts as not set).
using Environment = std::function<std::optional<std::string>(const char* name)>;
Environment process_environment();

/// A key, and the environment variable that overrides it if there is one. List values are comma-separated
/// there.
struct Key {
  std::string_view name;
  const char* variable = nullptr;
  Key(const char* key_name) : name(key_name) {}  // NOLINT: section.text("host", ...) is how it reads best
  Key(const char* key_name, const char* environment_variable)
      : name(key_name), variable(environment_variable) {}
};

class Section;

class Document {
 public:
  /// The error says why there is nothing to read (no file, no permission, syntax at file:line:column).
  static Result<Document> load(const std::string& path, Environment environment = process_environment());
  /// `name` stands for the path in errors; relative paths are relative to its folder.
  static Result<Document> parse(std::string_view text, const std::string& name,
                                Environment environment = process_environment());
  Document(Document&&) noexcept;
  Document& operator=(Document&&) noexcept;
  ~Document();

  /// The keys above the first [section].
  Section root();
  /// [name]; absent reads as empty.
  Section section(std::string_view name);
  /// Whether the errors so far are none, and every key of the file was asked for. The message has one line
  /// per error.
  Status finish();
  /// Lines for the log: what works but is unwise.
  const std::vector<std::string>& warnings() const;
  void warn(std::string line);
  const std::string& path() const;

  struct State;

 private:
  explicit Document(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// One table. Getters return `fallback` where the key is absent or wrong; the error is kept for finish().
class Section {
 public:
  bool present() const;  ///< the table stands in the file
  bool has(Key key) const;

  std::string text(Key key, std::string_view fallback);
  std::string required_text(Key key);
  /// One of `choices`.
  std::string choice(Key key, std::string_view fallback, std::initializer_list<std::string_view> choices);
  bool boolean(Key key, bool fallback);
  /// least <= value <= most.
  std::uint64_t integer(Key key, std::uint64_t fallback, std::uint64_t least, std::uint64_t most);
  /// A percentage (1, 1.5, 0.25) in parts per million: 1.5 is 15'000. At most four decimals, 0 to 100.
  std::uint32_t percent_ppm(Key key, std::uint32_t fallback_ppm);
  /// An integer that counts `unit`s (which the key's name says: timeout_seconds), or a text with a unit:
  /// "250ms", "30s", "5m", "24h", "7d".
  Millis duration(Key key, Millis unit, Millis fallback, Millis least, Millis most);
  /// scheme://host[:port][/path] without white space, of one of `schemes`. A trailing slash is taken off.
  std::string url(Key key, std::string_view fallback, std::initializer_list<std::string_view> schemes);
  std::vector<std::string> urls(Key key, std::vector<std::string> fallback,
                                std::initializer_list<std::string_view> schemes);
  std::vector<std::string> texts(Key key, std::vector<std::string> fallback);
  std::vector<std::uint64_t> integers(Key key, std::vector<std::uint64_t> fallback, std::uint64_t least,
                                      std::uint64_t most);
  /// Relative to the file's folder; "" stays "".
  std::string path(Key key, std::string_view fallback);

  /// A Nostr public key: 64 hex digits, or 66 with 02 or 03 in front; on the curve.
  std::optional<crypto::XOnlyKey> public_key(Key key);
  /// The secret itself, or a reference to it: "env:NAME", "file:path" (relative to the file, at most 64 KiB,
  /// white space at the ends is taken off). Absent: empty.
  crypto::SecretText secret(Key key);
  /// A secret (as above) of 64 hex digits. Absent: nullopt.
  std::optional<crypto::SecretKey> secret_key(Key key);

  Section section(std::string_view name);                   ///< [this.name]
  std::vector<std::pair<std::string, Section>> sections();  ///< all sub-tables, in the order of the file
  std::vector<Section> sections_of(std::string_view name);  ///< [[this.name]]

  /// An error of the reader's own about a key: `expected` finishes "file:line: key is FOUND, expected ...".
  void reject(Key key, std::string_view expected);
  /// The same where no one value is at fault: "file:line: [section] `problem`".
  void reject_section(std::string_view problem);
  /// "mint.toml:12", "environment variable DATABASE_URL" or "default": where the value of `key` comes from.
  std::string origin(Key key) const;

 private:
  friend class Document;
  struct Found;
  Found find(Key key) const;
  void reject_found(Key key, const Found& found, std::string_view expected, bool show);
  std::optional<std::string> text_of(Key key, const Found& found, std::string_view expected,
                                     bool show = true);
  std::optional<std::vector<std::string>> texts_of(Key key, const Found& found, std::string_view expected);
  std::optional<std::string> resolve_secret(Key key, const Found& found, const std::string& value);
  Section(Document::State* state, const void* table, std::string path, int line);
  Document::State* state_;
  const void* table_;  // the parser's own, alive as long as the document
  std::string path_;
  int line_;
};

}  // namespace manastr::config

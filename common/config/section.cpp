#include <algorithm>

#include "common/config/document_state.h"
#include "common/config/values.h"

namespace manastr::config {
namespace {

std::string trimmed(std::string_view text) {
  const auto from = text.find_first_not_of(" \t\r\n");
  if (from == std::string_view::npos) return {};
  return std::string(text.substr(from, text.find_last_not_of(" \t\r\n") - from + 1));
}

}  // namespace

/// A value as it was given, and from where.
struct Section::Found {
  const toml::node* node = nullptr;  // of the file, or
  std::optional<std::string> text;   // of the environment
  std::string origin;
  int line = 0;
  explicit operator bool() const { return node != nullptr || text; }
};

Section::Section(Document::State* state, const void* table, std::string path, int line)
    : state_(state), table_(table), path_(std::move(path)), line_(line) {}

bool Section::present() const { return table_ != nullptr; }

bool Section::has(Key key) const { return static_cast<bool>(find(key)); }

Section::Found Section::find(Key key) const {
  Found out;
  const auto* table = static_cast<const toml::table*>(table_);
  if (table != nullptr) {
    state_->asked[table].emplace(key.name);
    out.node = table->get(key.name);
  }
  if (key.variable != nullptr) {
    out.text = state_->environment(key.variable);
    if (out.text) {
      out.node = nullptr;
      out.origin = std::string("environment variable ") + key.variable;
      return out;
    }
  }
  if (out.node != nullptr) {
    out.line = static_cast<int>(out.node->source().begin.line);
    out.origin = state_->at(out.line);
  }
  return out;
}

std::string Section::origin(Key key) const {
  const Found found = find(key);
  return found ? found.origin : "default";
}

void Section::reject(Key key, std::string_view expected) { reject_found(key, find(key), expected, true); }

void Section::reject_found(Key key, const Found& found, std::string_view expected, bool show) {
  std::string what = "is missing";
  if (found.text) {
    what = show ? "is " + shown(*found.text) : "is something else";
  } else if (found.node != nullptr) {
    what = show ? "is " + shown(*found.node) : "is something else";
  }
  const std::string where = found ? found.origin : state_->at(line_);
  state_->error(found.line > 0 ? found.line : line_,
                where + ": " + joined(path_, key.name) + " " + what + ", expected " + std::string(expected));
}

void Section::reject_section(std::string_view problem) {
  state_->error(line_,
                state_->at(line_) + ": " + (path_.empty() ? "" : "[" + path_ + "] ") + std::string(problem));
}

std::optional<std::string> Section::text_of(Key key, const Found& found, std::string_view expected,
                                            bool show) {
  if (found.text) return found.text;
  if (const auto* value = found.node->as_string()) return value->get();
  reject_found(key, found, expected, show);
  return std::nullopt;
}

std::optional<std::vector<std::string>> Section::texts_of(Key key, const Found& found,
                                                          std::string_view expected) {
  if (found.text) return split_list(*found.text);
  const toml::array* array = found.node->as_array();
  std::vector<std::string> out;
  if (array != nullptr) {
    for (const toml::node& each : *array) {
      const auto* value = each.as_string();
      if (value == nullptr) break;
      out.push_back(value->get());
    }
  }
  if (array != nullptr && out.size() == array->size()) return out;
  reject_found(key, found, expected, true);
  return std::nullopt;
}

std::string Section::text(Key key, std::string_view fallback) {
  const Found found = find(key);
  if (!found) return std::string(fallback);
  return text_of(key, found, "a text").value_or(std::string(fallback));
}

std::string Section::required_text(Key key) {
  const Found found = find(key);
  if (!found) {
    reject_found(key, found, "a text", true);
    return {};
  }
  const std::string out = text_of(key, found, "a text").value_or(" ");
  if (out.empty()) reject_found(key, found, "a text that is not empty", true);
  return out;
}

std::string Section::choice(Key key, std::string_view fallback,
                            std::initializer_list<std::string_view> choices) {
  const Found found = find(key);
  if (!found) return std::string(fallback);
  std::string expected = "one of";
  std::set<std::string, std::less<>> names;
  for (const std::string_view each : choices) {
    expected += (names.empty() ? " \"" : ", \"") + std::string(each) + "\"";
    names.emplace(each);
  }
  const auto value = text_of(key, found, expected);
  if (!value) return std::string(fallback);
  if (names.contains(*value)) return *value;
  if (const std::string near = nearest_name(*value, names); !near.empty())
    expected += "; did you mean \"" + near + "\"?";
  reject_found(key, found, expected, true);
  return std::string(fallback);
}

bool Section::boolean(Key key, bool fallback) {
  const Found found = find(key);
  if (!found) return fallback;
  if (found.text) {
    if (*found.text == "true" || *found.text == "1") return true;
    if (*found.text == "false" || *found.text == "0") return false;
  } else if (const auto* value = found.node->as_boolean()) {
    return value->get();
  }
  reject_found(key, found, "true or false", true);
  return fallback;
}

std::uint64_t Section::integer(Key key, std::uint64_t fallback, std::uint64_t least, std::uint64_t most) {
  const Found found = find(key);
  if (!found) return fallback;
  std::optional<std::uint64_t> value;
  if (found.text) {
    value = parse_unsigned(*found.text);
  } else if (const auto* number = found.node->as_integer(); number != nullptr && number->get() >= 0) {
    value = static_cast<std::uint64_t>(number->get());
  }
  if (value && *value >= least && *value <= most) return *value;
  reject_found(key, found, "an integer from " + std::to_string(least) + " to " + std::to_string(most), true);
  return fallback;
}

std::uint32_t Section::percent_ppm(Key key, std::uint32_t fallback_ppm) {
  const Found found = find(key);
  if (!found) return fallback_ppm;
  std::optional<std::uint32_t> value;
  if (found.text) {
    value = parse_percent(*found.text);
  } else if (const auto* number = found.node->as_integer()) {
    value = parse_percent(std::to_string(number->get()));
  } else if (const auto* decimal = found.node->as_floating_point()) {
    value = percent_from_double(decimal->get());
  }
  if (value) return *value;
  reject_found(key, found, "a percentage from 0 to 100 with at most four decimals", true);
  return fallback_ppm;
}

Millis Section::duration(Key key, Millis unit, Millis fallback, Millis least, Millis most) {
  const Found found = find(key);
  if (!found) return fallback;
  std::optional<Millis> value;
  if (found.text) {
    value = parse_duration(*found.text, unit);
  } else if (const auto* number = found.node->as_integer()) {
    value = parse_duration(std::to_string(number->get()), unit);
  } else if (const auto* text = found.node->as_string()) {
    value = parse_duration(text->get(), unit);
  }
  if (value && *value >= least && *value <= most) return *value;
  reject_found(key, found,
               "a duration from " + duration_text(least) + " to " + duration_text(most) + " (a number of " +
                   unit_name(unit) + ", or a text like \"30s\", \"5m\", \"24h\")",
               true);
  return fallback;
}

std::string Section::url(Key key, std::string_view fallback,
                         std::initializer_list<std::string_view> schemes) {
  const Found found = find(key);
  if (!found) return std::string(fallback);
  const std::string expected = expected_url(schemes);
  const auto value = text_of(key, found, expected);
  if (!value) return std::string(fallback);
  if (auto out = normal_url(*value, schemes)) return *std::move(out);
  reject_found(key, found, expected, true);
  return std::string(fallback);
}

std::vector<std::string> Section::urls(Key key, std::vector<std::string> fallback,
                                       std::initializer_list<std::string_view> schemes) {
  const Found found = find(key);
  if (!found) return fallback;
  const std::string expected = "a list, each " + expected_url(schemes);
  const auto values = texts_of(key, found, expected);
  if (!values) return fallback;
  std::vector<std::string> out;
  for (const std::string& value : *values) {
    auto normal = normal_url(value, schemes);
    if (!normal) {
      reject_found(key, found, (expected + "; \"").append(value).append("\" is none"), true);
      return fallback;
    }
    if (std::find(out.begin(), out.end(), *normal) != out.end()) {
      reject_found(key, found, "each only once; \"" + value + "\" is there twice", true);
      return fallback;
    }
    out.push_back(*std::move(normal));
  }
  return out;
}

std::vector<std::string> Section::texts(Key key, std::vector<std::string> fallback) {
  const Found found = find(key);
  if (!found) return fallback;
  auto values = texts_of(key, found, "a list of texts");
  return values ? *std::move(values) : fallback;
}

std::vector<std::uint64_t> Section::integers(Key key, std::vector<std::uint64_t> fallback,
                                             std::uint64_t least, std::uint64_t most) {
  const Found found = find(key);
  if (!found) return fallback;
  std::vector<std::optional<std::uint64_t>> values;
  bool is_list = true;
  if (found.text) {
    for (const std::string& each : split_list(*found.text)) values.push_back(parse_unsigned(each));
  } else if (const toml::array* array = found.node->as_array()) {
    for (const toml::node& each : *array) {
      const auto* number = each.as_integer();
      values.push_back(number != nullptr && number->get() >= 0 ? std::optional<std::uint64_t>(number->get())
                                                               : std::nullopt);
    }
  } else {
    is_list = false;
  }
  std::vector<std::uint64_t> out;
  for (const auto& value : values) {
    if (!value || *value < least || *value > most) {
      is_list = false;
      break;
    }
    out.push_back(*value);
  }
  if (is_list) return out;
  reject_found(key, found, "a list of integers from " + std::to_string(least) + " to " + std::to_string(most),
               true);
  return fallback;
}

std::string Section::path(Key key, std::string_view fallback) {
  std::string value = text(key, fallback);
  if (value.empty()) return value;
  // A default is as relative as what the file says; what the environment says is relative to the working
  // folder.
  if (find(key).text) return value;
  return (state_->folder / value).lexically_normal().string();
}

std::optional<crypto::XOnlyKey> Section::public_key(Key key) {
  const Found found = find(key);
  constexpr std::string_view kExpected = "a Nostr public key: 64 hex digits, or 66 that start with 02 or 03";
  if (!found) {
    reject_found(key, found, kExpected, true);
    return std::nullopt;
  }
  const auto value = text_of(key, found, kExpected);
  if (!value) return std::nullopt;
  if (auto out = parse_public_key(*value)) return out;
  reject_found(key, found, kExpected, true);
  return std::nullopt;
}

std::optional<std::string> Section::resolve_secret(Key key, const Found& found, const std::string& value) {
  if (value.starts_with("env:")) {
    const std::string name = value.substr(4);
    if (auto out = state_->environment(name.c_str())) return trimmed(*out);
    state_->error(found.line, found.origin + ": " + joined(path_, key.name) +
                                  " refers to the environment variable " + name + ", which is not set");
    return std::nullopt;
  }
  if (value.starts_with("file:")) {
    const std::string path = (state_->folder / value.substr(5)).lexically_normal().string();
    auto text = read_bounded(path, 64 * 1024);
    if (text) {
      std::string out = trimmed(*text);
      crypto::wipe(std::span(reinterpret_cast<Byte*>(text->data()), text->size()));
      return out;
    }
    state_->error(found.line, found.origin + ": " + joined(path_, key.name) +
                                  " refers to a file that can't be used: " + text.error().message);
    return std::nullopt;
  }
  return value;
}

crypto::SecretText Section::secret(Key key) {
  const Found found = find(key);
  if (!found) return {};
  const auto value = text_of(key, found, "a text, \"env:NAME\" or \"file:path\"", false);
  if (!value) return {};
  auto resolved = resolve_secret(key, found, *value);
  return resolved ? crypto::SecretText(*std::move(resolved)) : crypto::SecretText();
}

std::optional<crypto::SecretKey> Section::secret_key(Key key) {
  const Found found = find(key);
  if (!found) return std::nullopt;
  constexpr std::string_view kExpected = "a secret key of 64 hex digits, \"env:NAME\" or \"file:path\"";
  const auto value = text_of(key, found, kExpected, false);
  if (!value) return std::nullopt;
  const auto resolved = resolve_secret(key, found, *value);
  if (!resolved) return std::nullopt;
  const crypto::SecretText text(lower_case(*resolved));
  if (auto out = crypto::SecretKey::from_hex(text.reveal())) return out;
  reject_found(key, found, kExpected, false);
  return std::nullopt;
}

Section Section::section(std::string_view name) {
  const std::string below = joined(path_, name);
  const auto* table = static_cast<const toml::table*>(table_);
  if (table == nullptr) return Section(state_, nullptr, below, line_);
  state_->asked[table].emplace(name);
  const toml::node* node = table->get(name);
  if (node == nullptr) return Section(state_, nullptr, below, 0);
  const int line = static_cast<int>(node->source().begin.line);
  if (!node->is_table()) {
    state_->error(line, state_->at(line) + ": " + below + " is " + shown(*node) + ", expected a section [" +
                            below + "]");
    return Section(state_, nullptr, below, line);
  }
  return Section(state_, node->as_table(), below, line);
}

std::vector<std::pair<std::string, Section>> Section::sections() {
  std::vector<std::pair<std::string, Section>> out;
  const auto* table = static_cast<const toml::table*>(table_);
  if (table == nullptr) return out;
  for (const auto& [key, node] : *table) {
    if (node.is_table()) out.emplace_back(std::string(key.str()), section(key.str()));
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const auto& a, const auto& b) { return a.second.line_ < b.second.line_; });
  return out;
}

std::vector<Section> Section::sections_of(std::string_view name) {
  std::vector<Section> out;
  const std::string below = joined(path_, name);
  const auto* table = static_cast<const toml::table*>(table_);
  if (table == nullptr) return out;
  state_->asked[table].emplace(name);
  const toml::node* node = table->get(name);
  if (node == nullptr) return out;
  const int line = static_cast<int>(node->source().begin.line);
  const toml::array* array = node->as_array();
  if (array == nullptr || (!array->empty() && !node->is_array_of_tables())) {
    state_->error(line, state_->at(line) + ": " + below + " is " + shown(*node) + ", expected sections [[" +
                            below + "]]");
    return out;
  }
  for (const toml::node& each : *array) {
    out.push_back(Section(state_, each.as_table(), below, static_cast<int>(each.source().begin.line)));
  }
  return out;
}

}  // namespace manastr::config

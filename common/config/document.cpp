#include "common/config/document.h"

#include <cstdlib>
#include <fstream>

#include "common/config/document_state.h"
#include "common/config/values.h"

namespace manastr::config {
namespace {

constexpr std::size_t kMostBytes = 1 << 20;

}  // namespace

Result<std::string> read_bounded(const std::string& path, std::size_t most) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (status.type() == std::filesystem::file_type::not_found)
    return invalid(path + ": there is no such file");
  if (std::filesystem::is_directory(status)) return invalid(path + ": is a folder, expected a file");
  std::ifstream in(path, std::ios::binary);
  if (!in) return invalid(path + ": cannot be read; check its permissions");
  std::string text(most + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (in.bad()) return invalid(path + ": cannot be read");
  if (text.size() > most) return invalid(path + ": is larger than " + std::to_string(most / 1024) + " KiB");
  return text;
}

std::string joined(std::string_view path, std::string_view key) {
  return path.empty() ? std::string(key) : std::string(path) + "." + std::string(key);
}

Environment process_environment() {
  return [](const char* name) -> std::optional<std::string> {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') return std::nullopt;
    return value;
  };
}

void Document::State::find_unknown(const toml::table& in, const std::string& where) {
  const auto& known = asked[&in];
  for (const auto& [key, node] : in) {
    const std::string name(key.str());
    if (!known.contains(name)) {
      std::string text = at(static_cast<int>(node.source().begin.line)) + ": " + joined(where, name) +
                         " is no known " + (node.is_table() || node.is_array_of_tables() ? "section" : "key");
      if (const std::string near = nearest_name(name, known); !near.empty()) {
        text += "; did you mean " + joined(where, near) + "?";
      }
      error(static_cast<int>(node.source().begin.line), std::move(text));
    } else if (const toml::table* child = node.as_table()) {
      find_unknown(*child, joined(where, name));
    } else if (const toml::array* array = node.as_array(); array != nullptr && node.is_array_of_tables()) {
      for (const toml::node& each : *array) find_unknown(*each.as_table(), joined(where, name));
    }
  }
}

Document::Document(std::unique_ptr<State> state) : state_(std::move(state)) {}
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;
Document::~Document() = default;

Result<Document> Document::load(const std::string& path, Environment environment) {
  TRY(const std::string text, read_bounded(path, kMostBytes));
  return parse(text, path, std::move(environment));
}

Result<Document> Document::parse(std::string_view text, const std::string& name, Environment environment) {
  if (text.size() > kMostBytes) return invalid(name + ": is larger than 1024 KiB");
  auto state = std::make_unique<State>();
  state->path = name;
  state->folder = std::filesystem::path(name).parent_path();
  state->environment = std::move(environment);
  try {
    state->table = toml::parse(text, std::string_view(name));
  } catch (const toml::parse_error& error) {
    const auto& from = error.source().begin;
    return invalid(name + ":" + std::to_string(from.line) + ":" + std::to_string(from.column) + ": " +
                   std::string(error.description()));
  } catch (const std::exception& error) {
    return invalid(name + ": " + error.what());
  }
  return Document(std::move(state));
}

Section Document::root() { return Section(state_.get(), &state_->table, "", 0); }
Section Document::section(std::string_view name) { return root().section(name); }
const std::vector<std::string>& Document::warnings() const { return state_->warnings; }
void Document::warn(std::string line) { state_->warnings.push_back(std::move(line)); }
const std::string& Document::path() const { return state_->path; }

Status Document::finish() {
  if (!state_->finished) {
    state_->finished = true;
    state_->find_unknown(state_->table, "");
  }
  if (state_->errors.empty()) return {};
  std::string message;
  for (const auto& [line, texts] : state_->errors) {
    for (const std::string& text : texts) {
      if (!message.empty()) message += '\n';
      message += text;
    }
  }
  return invalid(std::move(message));
}

}  // namespace manastr::config

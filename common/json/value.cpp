#include "common/json/value.h"

#include <charconv>
#include <limits>

#include "common/json/writer.h"

namespace manastr::json {
namespace {

template <class Integer>
void append_integer(std::string& out, Integer value) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, end);
}

std::string path(std::string_view where, std::string_view key) {
  std::string out(where);
  if (!out.empty()) out.push_back('.');
  return out.append(key);
}

std::unexpected<Error> wrong(const Value& object, std::string_view where, std::string_view key,
                             std::string_view expected) {
  if (!object.is_object())
    return invalid((where.empty() ? "document" : std::string(where)) + ": expected an object");
  const bool missing = object.find(key) == nullptr;
  return invalid(path(where, key) + (missing ? ": missing, expected " : ": expected ") +
                 std::string(expected));
}

bool absent(const Value& object, std::string_view key) {
  if (!object.is_object()) return false;  // the required getter says what is wrong
  const Value* member = object.find(key);
  return member == nullptr || member->is_null();
}

}  // namespace

Value::Value(std::uint64_t value) {
  if (value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    data_ = static_cast<std::int64_t>(value);
  } else {
    data_ = value;
  }
}

Value::Value(Array value) : data_(std::move(value)) {}
Value::Value(Object value) : data_(std::move(value)) {}

bool Value::is_integer() const {
  return std::holds_alternative<std::int64_t>(data_) || std::holds_alternative<std::uint64_t>(data_);
}

std::optional<std::int64_t> Value::if_int64() const {
  if (const auto* value = std::get_if<std::int64_t>(&data_)) return *value;
  return std::nullopt;
}

std::optional<std::uint64_t> Value::if_uint64() const {
  if (const auto* value = std::get_if<std::int64_t>(&data_)) {
    if (*value < 0) return std::nullopt;
    return static_cast<std::uint64_t>(*value);
  }
  if (const auto* value = std::get_if<std::uint64_t>(&data_)) return *value;
  return std::nullopt;
}

const Value* Value::find(std::string_view key) const {
  const Object* object = if_object();
  if (object == nullptr) return nullptr;
  for (const Member& member : *object) {
    if (member.first == key) return &member.second;
  }
  return nullptr;
}

Value& Value::set(std::string key, Value value) {
  if (is_null()) data_ = Object{};
  std::get<Object>(data_).emplace_back(std::move(key), std::move(value));
  return *this;
}

Value& Value::push(Value value) {
  if (is_null()) data_ = Array{};
  std::get<Array>(data_).push_back(std::move(value));
  return *this;
}

std::string Value::dump() const {
  std::string out;
  dump_to(out);
  return out;
}

void Value::dump_to(std::string& out) const {
  struct Writer {
    std::string& out;
    void operator()(std::monostate) const { out.append("null"); }
    void operator()(bool value) const { out.append(value ? "true" : "false"); }
    void operator()(std::int64_t value) const { append_integer(out, value); }
    void operator()(std::uint64_t value) const { append_integer(out, value); }
    void operator()(const Decimal& value) const { out.append(value.text); }
    void operator()(const std::string& value) const { append_string(out, value); }
    void operator()(const Array& array) const {
      char separator = '[';
      for (const Value& value : array) {
        out.push_back(separator);
        separator = ',';
        value.dump_to(out);
      }
      out.append(array.empty() ? "[]" : "]");
    }
    void operator()(const Object& object) const {
      char separator = '{';
      for (const auto& [key, value] : object) {
        out.push_back(separator);
        separator = ',';
        append_string(out, key);
        out.push_back(':');
        value.dump_to(out);
      }
      out.append(object.empty() ? "{}" : "}");
    }
  };
  std::visit(Writer{out}, data_);
}

Result<std::string> get_string(const Value& object, std::string_view key, std::string_view where) {
  const Value* member = object.find(key);
  if (member == nullptr || !member->is_string()) return wrong(object, where, key, "a string");
  return *member->if_string();
}

Result<std::uint64_t> get_uint64(const Value& object, std::string_view key, std::string_view where) {
  const Value* member = object.find(key);
  const auto value = member ? member->if_uint64() : std::nullopt;
  if (!value) return wrong(object, where, key, "an integer that is not negative");
  return *value;
}

Result<std::int64_t> get_int64(const Value& object, std::string_view key, std::string_view where) {
  const Value* member = object.find(key);
  const auto value = member ? member->if_int64() : std::nullopt;
  if (!value) return wrong(object, where, key, "an integer");
  return *value;
}

Result<bool> get_bool(const Value& object, std::string_view key, std::string_view where) {
  const Value* member = object.find(key);
  if (member == nullptr || !member->is_bool()) return wrong(object, where, key, "true or false");
  return *member->if_bool();
}

Result<const Array*> get_array(const Value& object, std::string_view key, std::string_view where) {
  const Value* member = object.find(key);
  if (member == nullptr || !member->is_array()) return wrong(object, where, key, "an array");
  return member->if_array();
}

Result<const Value*> get_object(const Value& object, std::string_view key, std::string_view where) {
  const Value* member = object.find(key);
  if (member == nullptr || !member->is_object()) return wrong(object, where, key, "an object");
  return member;
}

Result<std::optional<std::string>> get_optional_string(const Value& object, std::string_view key,
                                                       std::string_view where) {
  if (absent(object, key)) return std::nullopt;
  return get_string(object, key, where);
}

Result<std::optional<std::uint64_t>> get_optional_uint64(const Value& object, std::string_view key,
                                                         std::string_view where) {
  if (absent(object, key)) return std::nullopt;
  return get_uint64(object, key, where);
}

Result<std::optional<bool>> get_optional_bool(const Value& object, std::string_view key,
                                              std::string_view where) {
  if (absent(object, key)) return std::nullopt;
  TRY(const bool value, get_bool(object, key, where));
  return std::optional<bool>(value);
}

}  // namespace manastr::json

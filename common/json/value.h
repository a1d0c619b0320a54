// JSON as a tree with strict rules: the one reader of outside JSON (reader.h) makes it, typed getters take it
// apart. Promises: object keys are unique and in the order of the text; integers are exact; a number that is
// not a plain 64-bit integer (1.0, 1e3, -0, 2^64) is kept as text and is no integer to any getter.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/error.h"

namespace manastr::json {

class Value;
using Array = std::vector<Value>;
using Member = std::pair<std::string, Value>;
using Object = std::vector<Member>;

/// A number that is not a 64-bit integer, as it was written.
struct Decimal {
  std::string text;
  bool operator==(const Decimal&) const = default;
};

class Value {
 public:
  Value() = default;
  Value(std::nullptr_t) {}
  Value(bool value) : data_(value) {}
  Value(std::int64_t value) : data_(value) {}
  Value(std::uint64_t value);  // held as int64 where it fits, so that equal integers compare equal
  Value(int value) : data_(std::int64_t{value}) {}
  Value(std::string value) : data_(std::move(value)) {}
  Value(std::string_view value) : data_(std::string(value)) {}
  Value(const char* value) : data_(std::string(value)) {}
  Value(Decimal value) : data_(std::move(value)) {}
  Value(Array value);
  Value(Object value);

  bool is_null() const { return std::holds_alternative<std::monostate>(data_); }
  bool is_bool() const { return std::holds_alternative<bool>(data_); }
  bool is_string() const { return std::holds_alternative<std::string>(data_); }
  bool is_array() const { return std::holds_alternative<Array>(data_); }
  bool is_object() const { return std::holds_alternative<Object>(data_); }
  bool is_integer() const;

  const bool* if_bool() const { return std::get_if<bool>(&data_); }
  const std::string* if_string() const { return std::get_if<std::string>(&data_); }
  const Array* if_array() const { return std::get_if<Array>(&data_); }
  const Object* if_object() const { return std::get_if<Object>(&data_); }
  std::optional<std::int64_t> if_int64() const;
  std::optional<std::uint64_t> if_uint64() const;
  /// The member `key` of an object, or nullptr (also when this is no object).
  const Value* find(std::string_view key) const;

  /// Appends to an object (made from null if need be). The key must be new.
  Value& set(std::string key, Value value);
  /// Appends to an array (made from null if need be).
  Value& push(Value value);

  /// Compact JSON, no white space, keys in order, escapes as JSON.stringify writes them.
  std::string dump() const;
  void dump_to(std::string& out) const;
  bool operator==(const Value&) const = default;

 private:
  std::variant<std::monostate, bool, std::int64_t, std::uint64_t, Decimal, std::string, Array, Object> data_;
};

/// Typed access to an object's members; each error names the member ("inputs[2].amount: expected an
/// integer"). `where` is the path of the object itself, "" at the top.
Result<std::string> get_string(const Value& object, std::string_view key, std::string_view where = "");
Result<std::uint64_t> get_uint64(const Value& object, std::string_view key, std::string_view where = "");
Result<std::int64_t> get_int64(const Value& object, std::string_view key, std::string_view where = "");
Result<bool> get_bool(const Value& object, std::string_view key, std::string_view where = "");
/// Pointers into `object`, which must outlive them.
Result<const Array*> get_array(const Value& object, std::string_view key, std::string_view where = "");
Result<const Value*> get_object(const Value& object, std::string_view key, std::string_view where = "");
/// Missing and null are both "absent"; any other type than the wanted one is an error.
Result<std::optional<std::string>> get_optional_string(const Value& object, std::string_view key,
                                                       std::string_view where = "");
Result<std::optional<std::uint64_t>> get_optional_uint64(const Value& object, std::string_view key,
                                                         std::string_view where = "");
Result<std::optional<bool>> get_optional_bool(const Value& object, std::string_view key,
                                              std::string_view where = "");

}  // namespace manastr::json

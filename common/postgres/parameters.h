// Parameters of a statement in PostgreSQL's binary format. Integers are int8, so the SQL says $1::int8;
// arrays likewise int8[], bytea[], text[], and may hold nulls.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"

namespace manastr::postgres {

/// An array parameter under way.
class Array {
 public:
  enum class Element : std::uint32_t { bytea = 17, int8 = 20, text = 25 };
  explicit Array(Element element, std::size_t expected = 0);
  void add(std::int64_t value);
  void add(ByteView value);
  void add(std::string_view value) { add(as_bytes(value)); }
  void add_null();
  std::size_t size() const { return size_; }
  /// Back to what it was at that size() and bytes().
  void truncate(std::size_t size, std::size_t bytes);
  std::size_t bytes() const { return data_.size(); }

 private:
  friend class Parameters;
  Element element_;
  bool nulls_ = false;
  std::size_t size_ = 0;
  Bytes data_;  // length and bytes of each element
};

class Parameters {
 public:
  Parameters& add(std::int64_t value);
  Parameters& add(ByteView value);
  template <std::size_t N>
  Parameters& add(const ByteArray<N>& value) {
    return add(ByteView(value));
  }
  Parameters& add(std::string_view value) { return add(as_bytes(value)); }
  Parameters& add(const Array& value);
  Parameters& add_null();
  template <class T>
  Parameters& add(const std::optional<T>& value) {
    return value ? add(*value) : add_null();
  }

  std::size_t size() const { return fields_.size(); }
  struct Field {
    std::size_t at = 0;
    int length = -1;  ///< -1: null
  };
  const std::vector<Field>& fields() const { return fields_; }
  const Byte* data() const { return data_.data(); }

 private:
  std::vector<Field> fields_;
  Bytes data_;
};

}  // namespace manastr::postgres

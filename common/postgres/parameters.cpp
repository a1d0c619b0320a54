#include "common/postgres/parameters.h"

namespace manastr::postgres {

Array::Array(Element element, std::size_t expected) : element_(element) {
  constexpr std::size_t kUsual = 40;
  data_.reserve(expected * kUsual);
}

void Array::add(std::int64_t value) {
  append_be32(data_, 8);
  append_be64(data_, static_cast<std::uint64_t>(value));
  ++size_;
}

void Array::add(ByteView value) {
  append_be32(data_, static_cast<std::uint32_t>(value.size()));
  append(data_, value);
  ++size_;
}

void Array::add_null() {
  append_be32(data_, 0xffffffffU);
  nulls_ = true;
  ++size_;
}

void Array::truncate(std::size_t size, std::size_t bytes) {
  size_ = size;
  data_.resize(bytes);
}

Parameters& Parameters::add(std::int64_t value) {
  fields_.push_back({data_.size(), 8});
  append_be64(data_, static_cast<std::uint64_t>(value));
  return *this;
}

Parameters& Parameters::add(ByteView value) {
  fields_.push_back({data_.size(), static_cast<int>(value.size())});
  append(data_, value);
  return *this;
}

Parameters& Parameters::add(const Array& value) {
  const std::size_t at = data_.size();
  append_be32(data_, value.size_ == 0 ? 0 : 1);  // dimensions
  append_be32(data_, value.nulls_ ? 1 : 0);
  append_be32(data_, static_cast<std::uint32_t>(value.element_));
  if (value.size_ > 0) {
    append_be32(data_, static_cast<std::uint32_t>(value.size_));
    append_be32(data_, 1);  // the first index
    append(data_, value.data_);
  }
  fields_.push_back({at, static_cast<int>(data_.size() - at)});
  return *this;
}

Parameters& Parameters::add_null() {
  fields_.push_back({0, -1});
  return *this;
}

}  // namespace manastr::postgres

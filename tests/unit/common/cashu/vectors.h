// Test vectors of cashubtc/nuts as JSON files beside this header.
#pragma once
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "common/json/reader.h"

namespace manastr::cashu {

inline json::Value load_vectors(const std::string& name) {
  std::ifstream file(std::string(MANASTR_SOURCE_DIR) + "/tests/unit/common/cashu/vectors/" + name);
  std::stringstream text;
  text << file.rdbuf();
  auto value = json::parse(text.str());
  if (!value) throw std::runtime_error(name + ": " + value.error().message);
  return *std::move(value);
}

inline const json::Array& array_of(const json::Value& object, std::string_view key) {
  return **json::get_array(object, key);
}
inline std::string text_of(const json::Value& object, std::string_view key) {
  return *json::get_string(object, key);
}

}  // namespace manastr::cashu

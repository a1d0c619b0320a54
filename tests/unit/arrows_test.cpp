// The architecture as a test: the room table of the root CMakeLists.txt is what the sources' #includes obey.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

const fs::path kRoot = MANASTR_SOURCE_DIR;

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// room -> the rooms its row names, in the rows room(PATH DEPENDS ...) and program(NAME MAIN DEPENDS ...).
struct Table {
  std::map<std::string, std::set<std::string>> rooms;
  std::map<std::string, std::set<std::string>> programs;  ///< main file -> rooms
};

std::vector<std::string> words(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

Table parse_table(std::string text) {
  text = std::regex_replace(text, std::regex("#[^\n]*"), "");
  Table table;
  const std::regex row(R"((?:^|\n)\s*(room|program)\(([^)]*)\))");
  for (std::sregex_iterator it(text.begin(), text.end(), row), end; it != end; ++it) {
    const auto parts = words((*it)[2]);
    const bool is_room = (*it)[1] == "room";
    if (parts.size() < (is_room ? 1u : 2u)) continue;
    auto& depends = is_room ? table.rooms[parts[0]] : table.programs[parts[1]];
    bool reading = false;
    for (const std::string& part : parts) {
      if (part == "DEPENDS" || part == "LIBRARIES") {
        reading = part == "DEPENDS";
      } else if (reading) {
        depends.insert(part);
      }
    }
  }
  return table;
}

const Table& table() {
  static const Table parsed = parse_table(read(kRoot / "CMakeLists.txt"));
  return parsed;
}

std::string folder_of(const std::string& path) { return fs::path(path).parent_path().generic_string(); }

std::vector<std::string> includes_of(const std::string& source) {
  std::vector<std::string> out;
  const std::regex include(R"re((?:^|\n)[ \t]*#[ \t]*include[ \t]*["<]([^">\n]+)[">])re");
  for (std::sregex_iterator it(source.begin(), source.end(), include), end; it != end; ++it)
    out.push_back((*it)[1]);
  return out;
}

/// What is wrong with the includes of one file of the tree, given its path from the root.
std::vector<std::string> forbidden_includes(const std::string& path, const std::string& source,
                                            const Table& rules) {
  const std::string room = folder_of(path);
  const auto program = rules.programs.find(path);
  const bool is_main = program != rules.programs.end();
  std::vector<std::string> out;
  for (const std::string& included : includes_of(source)) {
    const std::string target = folder_of(included);
    if (target == room || !rules.rooms.contains(target)) continue;
    const bool allowed = is_main ? program->second.contains(target) : rules.rooms.at(room).contains(target);
    // A program is the top of its own room and may use what that room uses.
    const bool by_room = is_main && rules.rooms.contains(room) && rules.rooms.at(room).contains(target);
    const bool by_reach = is_main && [&] {
      for (const std::string& direct : program->second) {
        if (rules.rooms.contains(direct) && rules.rooms.at(direct).contains(target)) return true;
      }
      return false;
    }();
    if (!allowed && !by_room && !by_reach) {
      out.push_back(path + " includes " + included + ", which no DEPENDS of " + room + " allows");
    }
  }
  return out;
}

/// Names the rooms along a cycle through `room`, or "".
std::string cycle_through(const std::string& room, const Table& rules, std::vector<std::string>& trail) {
  for (std::size_t i = 0; i < trail.size(); ++i) {
    if (trail[i] != room) continue;
    std::string names;
    for (; i < trail.size(); ++i) names += trail[i] + " -> ";
    return names + room;
  }
  const auto row = rules.rooms.find(room);
  if (row == rules.rooms.end()) return "";
  trail.push_back(room);
  for (const std::string& next : row->second) {
    if (std::string found = cycle_through(next, rules, trail); !found.empty()) return found;
  }
  trail.pop_back();
  return "";
}

std::string any_cycle(const Table& rules) {
  for (const auto& [room, depends] : rules.rooms) {
    std::vector<std::string> trail;
    if (std::string found = cycle_through(room, rules, trail); !found.empty()) return found;
  }
  return "";
}

/// Sources of the product's rooms: path from the root -> text.
const std::map<std::string, std::string>& room_sources() {
  static const auto sources = [] {
    std::map<std::string, std::string> out;
    for (const auto& [room, depends] : table().rooms) {
      if (!fs::is_directory(kRoot / room)) continue;
      for (const auto& entry : fs::directory_iterator(kRoot / room)) {
        const auto extension = entry.path().extension();
        if (extension != ".h" && extension != ".cpp") continue;
        out[room + "/" + entry.path().filename().string()] = read(entry.path());
      }
    }
    for (const auto& [main_file, depends] : table().programs) {
      if (fs::exists(kRoot / main_file)) out[main_file] = read(kRoot / main_file);
    }
    return out;
  }();
  return sources;
}

TEST(Arrows, TheTableIsRead) {
  EXPECT_GT(table().rooms.size(), 20u);
  EXPECT_TRUE(table().rooms.at("common/nostr").contains("common/crypto"));
  EXPECT_TRUE(table().rooms.at("common/base").empty());
  EXPECT_GT(room_sources().size(), 40u);
  for (const auto& [room, depends] : table().rooms) {
    for (const std::string& name : depends)
      EXPECT_TRUE(table().rooms.contains(name)) << room << " DEPENDS on " << name;
  }
}

TEST(Arrows, EveryIncludeIsAllowedByItsRoomsRow) {
  for (const auto& [path, source] : room_sources()) {
    for (const std::string& problem : forbidden_includes(path, source, table())) ADD_FAILURE() << problem;
  }
}

TEST(Arrows, NoCycle) { EXPECT_EQ(any_cycle(table()), ""); }

TEST(Arrows, MintAndEngineDoNotKnowEachOtherAndCommonKnowsNobody) {
  const auto top = [](const std::string& room) { return room.substr(0, room.find('/')); };
  for (const auto& [room, depends] : table().rooms) {
    for (const std::string& name : depends) {
      EXPECT_FALSE(top(room) == "mint" && (top(name) == "engine" || top(name) == "player"))
          << room << " -> " << name;
      EXPECT_FALSE(top(room) == "engine" && (top(name) == "mint" || top(name) == "player"))
          << room << " -> " << name;
      EXPECT_FALSE(top(room) == "player" && (top(name) == "mint" || top(name) == "engine"))
          << room << " -> " << name;
      EXPECT_FALSE(top(room) == "common" && top(name) != "common") << room << " -> " << name;
    }
  }
}

/// The checks themselves fail when they should.
TEST(Arrows, WrongTablesAndIncludesAreNoticed) {
  const Table rules = parse_table(
      "room(a DEPENDS b) # room(z)\nroom(b\n  DEPENDS c LIBRARIES x)\nroom(c)\nprogram(p a/main.cpp DEPENDS "
      "b)\n");
  EXPECT_EQ(rules.rooms.size(), 3u);
  EXPECT_EQ(any_cycle(rules), "");
  EXPECT_TRUE(forbidden_includes("a/x.cpp", "#include \"b/b.h\"\n#include <map>\n", rules).empty());
  EXPECT_EQ(forbidden_includes("a/x.cpp", "// c\n#include \"c/c.h\"\n", rules).size(), 1u);
  EXPECT_EQ(forbidden_includes("c/x.h", "#include \"a/a.h\"\n#include \"b/b.h\"", rules).size(), 2u);
  EXPECT_TRUE(forbidden_includes("a/main.cpp", "#include \"c/c.h\"\n", rules).empty());
  EXPECT_NE(any_cycle(parse_table("room(a DEPENDS b)\nroom(b DEPENDS c)\nroom(c DEPENDS a)\n")), "");
}

bool starts_with_any(const std::string& text, std::initializer_list<const char*> prefixes) {
  for (const char* prefix : prefixes) {
    if (text.starts_with(prefix)) return true;
  }
  return false;
}

/// Headers that another room reads: those it includes, and what they include in turn. The rest are a room's
/// own affair.
std::set<std::string> public_headers() {
  std::vector<std::string> open;
  for (const auto& [path, source] : room_sources()) {
    for (const std::string& included : includes_of(source)) {
      if (folder_of(included) != folder_of(path)) open.push_back(included);
    }
  }
  std::set<std::string> out;
  while (!open.empty()) {
    const std::string header = open.back();
    open.pop_back();
    const auto found = room_sources().find(header);
    if (found == room_sources().end() || !out.insert(header).second) continue;
    for (const std::string& included : includes_of(found->second)) open.push_back(included);
  }
  return out;
}

TEST(Tidy, PublicHeadersAreLight) {
  const auto headers = public_headers();
  EXPECT_GT(headers.size(), 20u);
  EXPECT_TRUE(headers.contains("common/json/value.h"));
  EXPECT_FALSE(headers.contains("common/crypto/curve.h"));
  for (const std::string& path : headers) {
    for (const std::string& included : includes_of(room_sources().at(path))) {
      EXPECT_FALSE(starts_with_any(
          included, {"nlohmann/", "boost/", "spdlog/", "toml++/", "gtest/", "gmock/", "sqlite3",
                     "libwebsockets", "lws", "curl/", "sodium", "openssl/", "secp256k1", "CLI/"}))
          << path << " includes " << included;
    }
  }
}

TEST(Tidy, OnlyTheJsonRoomKnowsAJsonLibrary) {
  for (const auto& [path, source] : room_sources()) {
    if (path.starts_with("common/json/")) continue;
    for (const std::string& included : includes_of(source)) {
      EXPECT_FALSE(starts_with_any(included, {"nlohmann/", "simdjson", "rapidjson/"}))
          << path << " includes " << included;
    }
  }
}

TEST(Tidy, HeadersSayWhatTheyAreForAndGuardThemselves) {
  for (const auto& [path, source] : room_sources()) {
    if (!path.ends_with(".h")) continue;
    EXPECT_TRUE(source.starts_with("//")) << path << ": the first lines say what the header is for";
    EXPECT_NE(source.find("\n#pragma once\n"), std::string::npos) << path;
  }
}

}  // namespace

#include "mint/api/replica.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

namespace manastr::mint {

Result<std::string> replica_name(const std::string& directory, Random& random) {
  const std::string path = directory + "/replica";
  std::string name;
  if (std::ifstream file(path); file && std::getline(file, name)) {
    if (from_hex(name) && name.size() == 16) return name;
    return invalid(path + " is damaged: delete it if no payment of this mint is under way");
  }
  name = to_hex(random.bytes<8>());
  const std::string fresh = path + ".new";
  std::FILE* file = std::fopen(fresh.c_str(), "we");
  if (file == nullptr) return invalid(fresh + " can't be written: " + std::strerror(errno));
  const bool written = std::fprintf(file, "%s\n", name.c_str()) > 0;
  if (std::fclose(file) != 0 || !written || std::rename(fresh.c_str(), path.c_str()) != 0)
    return invalid(path + " can't be written: " + std::strerror(errno));
  return name;
}

}  // namespace manastr::mint

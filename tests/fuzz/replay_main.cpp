// Runs every file of the folders named on the command line through a fuzz target, then what hostile networks
// make of them at least: each prefix, and copies with one byte changed (a fixed sequence, so a failure
// repeats). A failure is the target's own abort; no input at all is one too.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>

#include "common/base/bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using manastr::Byte;
using manastr::Bytes;

constexpr std::size_t kPrefixes = 512;
constexpr int kChangedCopies = 512;

/// A copy of exactly that size, so that a sanitizer sees a read behind the end.
void run(const Bytes& input, std::size_t size) {
  const Bytes exact(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(size));
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

void run_all(const Bytes& input) {
  run(input, input.size());
  const std::size_t step = input.size() / kPrefixes + 1;
  for (std::size_t size = 0; size < input.size(); size += step) run(input, size);
  if (input.empty()) return;
  std::minstd_rand sequence(1);
  Bytes changed = input;
  for (int i = 0; i < kChangedCopies; ++i) {
    Byte& byte = changed[sequence() % changed.size()];
    const Byte original = std::exchange(byte, static_cast<Byte>(sequence() >> 8));
    run(changed, changed.size());
    byte = original;
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t files = 0;
  for (int i = 1; i < argc; ++i) {
    if (!std::filesystem::is_directory(argv[i])) continue;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[i])) {
      if (!entry.is_regular_file()) continue;
      std::cerr << entry.path().filename() << std::endl;  // names the input if the target aborts
      std::ifstream file(entry.path(), std::ios::binary);
      run_all(Bytes(std::istreambuf_iterator<char>(file), {}));
      ++files;
    }
  }
  std::cout << files << " inputs\n";
  return files == 0 ? 1 : 0;
}

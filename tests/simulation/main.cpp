// simulation [SEEDS] [--seed N] [--verbose]: plays the economy of SEEDS seeds (100 unless told), or that of
// seed N alone. Prints one line for each failure, with the seed that gives it again. Exit code 1 if there was
// one.
#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string_view>

#include "tests/simulation/economy.h"

namespace {

using namespace manastr;

constexpr std::uint64_t kPlayedTwice = 25;  // every so many seeds, to see that it comes out the same

struct Arguments {
  std::uint64_t seeds = 100;
  std::optional<std::uint64_t> seed;
  bool verbose = false;
};

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

std::optional<Arguments> read_arguments(int count, char** values) {
  Arguments out;
  for (int i = 1; i < count; ++i) {
    const std::string_view value = values[i];
    if (value == "--verbose") {
      out.verbose = true;
    } else if (value == "--seed" && i + 1 < count) {
      out.seed = number(values[++i]);
      if (!out.seed) return std::nullopt;
    } else if (const auto seeds = number(value)) {
      out.seeds = *seeds;
    } else {
      return std::nullopt;
    }
  }
  return out;
}

/// Files in memory: what the simulation asks of them is to outlive a process, not a power cut.
void work_in_memory() {
  if (std::filesystem::is_directory("/dev/shm")) ::setenv("TMPDIR", "/dev/shm", 0);
}

simulation::Report play(std::uint64_t seed) {
  const test::TemporaryFolder folder;
  try {
    return simulation::play_seed(seed, folder.path());
  } catch (const std::exception& error) {
    simulation::Report out;
    out.failures.push_back(std::string("exception: ") + error.what());
    return out;
  }
}

}  // namespace

int main(int count, char** values) {
  const auto arguments = read_arguments(count, values);
  if (!arguments) {
    std::cerr << "usage: simulation [SEEDS] [--seed N] [--verbose]\n";
    return 2;
  }
  work_in_memory();
  const std::uint64_t first = arguments->seed.value_or(1);
  const std::uint64_t last = arguments->seed ? first : arguments->seeds;
  const auto begun = std::chrono::steady_clock::now();
  std::uint64_t failed = 0;
  unsigned settled = 0;
  unsigned sent_home = 0;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    simulation::Report report = play(seed);
    if (arguments->seed || seed % kPlayedTwice == 0) {
      if (play(seed).digest != report.digest)
        report.failures.push_back("played twice, it came out differently");
    }
    settled += report.settled;
    sent_home += report.sent_home;
    if (arguments->verbose) {
      std::cout << fmt::format("seed {}: {}\n", seed, report.summary);
      if (arguments->seed) {
        for (const std::string& line : report.diary) std::cout << "  " << line << '\n';
      }
    }
    if (report.failures.empty()) continue;
    ++failed;
    std::string more;
    if (report.failures.size() > 1) more = fmt::format(" (and {} more)", report.failures.size() - 1);
    std::cout << fmt::format("seed {}: {}{}\n", seed, report.failures.front(), more) << std::flush;
    if (arguments->verbose) {
      for (const std::string& each : report.failures) std::cout << "  ! " << each << '\n';
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  std::cout << fmt::format("{} seeds, {} failed; {} duels settled, {} sent home; {:.1f} s\n",
                           last - first + 1, failed, settled, sent_home, took.count());
  return failed == 0 ? 0 : 1;
}

// Programs of ours as child processes of a test: started on a folder, waited for, killed; never left behind.
#pragma once
#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/eventually.h"

namespace manastr::test {

class Process {
 public:
  struct Options {
    std::vector<std::string> arguments;
    std::map<std::string, std::string> environment;  ///< on top of the test's own
    std::string output;  ///< file for standard output and error, appended to; empty: discarded
  };
  /// `program` is the name of one of ours, or a path. Throws if it can't be started. Dies with the test.
  Process(const std::string& program, Options options);
  /// Kills.
  ~Process();
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;

  pid_t pid() const { return pid_; }
  bool running();
  /// Sends; nothing happens if it has ended.
  void signal(int number);
  /// The exit code, or 128 + the signal it died of; nullopt if it still runs after `limit`.
  std::optional<int> wait(std::chrono::milliseconds limit = kPatience);
  /// SIGKILL, and gone when this returns.
  void kill();

 private:
  pid_t pid_ = -1;
  std::optional<int> result_;
};

/// Starts a daemon with `--config CONFIG --data DIR`, output to DIR.log, and waits for the port in DIR/port.
/// Throws with the last line of its log if it ends before, or does not come up in a minute.
class Daemon {
 public:
  Daemon(std::string program, std::string config, std::string directory,
         std::map<std::string, std::string> environment = {});
  std::uint16_t port() const { return port_; }
  Process& process() { return process_; }
  const std::string& directory() const { return directory_; }
  std::string log() const;
  /// After the process has ended: the same again, by default on the same port if the daemon has an
  /// environment variable for it (`port_variable`).
  void restart(const std::string& port_variable);

 private:
  Process start(const std::map<std::string, std::string>& environment) const;
  void await_port();
  std::string program_, config_, directory_;
  std::map<std::string, std::string> environment_;
  Process process_;
  std::uint16_t port_ = 0;
};

std::string read_file(const std::string& path);

}  // namespace manastr::test

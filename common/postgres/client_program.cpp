#include "common/postgres/client_program.h"

#include <fcntl.h>
#include <libpq-fe.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <vector>

extern char** environ;

namespace manastr::postgres {
namespace {

constexpr int kNewest = 30;  // majors that are looked for

/// Debian keeps each major's programs in a folder of its own; others have one in the PATH.
std::string find_program(const std::string& name, int major) {
  for (int each = major; each <= kNewest; ++each) {
    std::string path = "/usr/lib/postgresql/" + std::to_string(each) + "/bin/" + name;
    if (::access(path.c_str(), X_OK) == 0) return path;
  }
  return name;
}

/// Our own environment less what steers libpq, and the address in the variables that libpq names.
std::vector<std::string> environment_for(const Address& address) {
  std::vector<std::string> out;
  for (char** each = environ; *each != nullptr; ++each) {
    const std::string_view text = *each;
    if (!text.starts_with("PG") && !text.starts_with("DATABASE_")) out.emplace_back(text);
  }
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> known(PQconndefaults(),
                                                                             PQconninfoFree);
  const Address::Words words = address.words();
  for (std::size_t i = 0; words.keywords[i] != nullptr; ++i) {
    for (const PQconninfoOption* each = known.get(); each != nullptr && each->keyword != nullptr; ++each) {
      if (std::string_view(each->keyword) == words.keywords[i] && each->envvar != nullptr)
        out.push_back(std::string(each->envvar) + "=" + words.values[i]);
    }
  }
  return out;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& each : texts) out.push_back(each.data());
  out.push_back(nullptr);
  return out;
}

std::string last_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  const std::size_t at = text.rfind('\n');
  return at == std::string::npos ? text : text.substr(at + 1);
}

}  // namespace

Status run_client_program(const Address& address, int server_major, const std::string& program,
                          std::span<const std::string> arguments) {
  const std::string path = find_program(program, server_major);
  std::vector<std::string> words{path};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<std::string> environment = environment_for(address);
  std::vector<char*> argv = pointers(words);
  std::vector<char*> envp = pointers(environment);

  int said[2];
  if (::pipe2(said, O_CLOEXEC) != 0) return broken(std::string("no pipe: ") + std::strerror(errno));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, said[1], 2);
  pid_t child = -1;
  const int spawned = ::posix_spawnp(&child, path.c_str(), &actions, nullptr, argv.data(), envp.data());
  posix_spawn_file_actions_destroy(&actions);
  ::close(said[1]);
  for (std::string& each : environment) crypto::wipe({reinterpret_cast<Byte*>(each.data()), each.size()});
  std::string text;
  char buffer[4'096];
  for (;;) {
    const ssize_t got = ::read(said[0], buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    text.append(buffer, static_cast<std::size_t>(got));
    if (text.size() > 65'536) text.erase(0, text.size() - 4'096);
  }
  ::close(said[0]);
  if (spawned != 0) {
    return invalid(program + " can't be run (" + std::strerror(spawned) + "): install postgresql-client-" +
                   std::to_string(server_major) + " or newer");
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
    return invalid(program + " is not installed: it comes with postgresql-client-" +
                   std::to_string(server_major));
  return unavailable(program + " failed: " + (text.empty() ? "it gave no reason" : last_line(text)));
}

}  // namespace manastr::postgres

#include "tests/integration/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>

extern char** environ;

namespace manastr::test {

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream out;
  out << file.rdbuf();
  return out.str();
}

Process::Process(const std::string& program, Options options) {
  const std::string path =
      program.find('/') == std::string::npos ? std::string(MANASTR_BINARY_DIR) + "/" + program : program;
  std::vector<std::string> words = {path};
  words.insert(words.end(), options.arguments.begin(), options.arguments.end());
  std::vector<std::string> variables;
  for (char** each = environ; *each != nullptr; ++each) {
    const std::string_view line = *each;
    if (!options.environment.contains(std::string(line.substr(0, line.find('=')))))
      variables.emplace_back(line);
  }
  for (const auto& [name, value] : options.environment) variables.push_back(name + '=' + value);
  const auto pointers = [](std::vector<std::string>& texts) {
    std::vector<char*> out;
    for (std::string& text : texts) out.push_back(text.data());
    out.push_back(nullptr);
    return out;
  };
  const auto argv = pointers(words);
  const auto envp = pointers(variables);
  const std::string output = options.output.empty() ? "/dev/null" : options.output;
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error(std::string("fork: ") + std::strerror(errno));
  if (pid_ > 0) return;
  // The child: only what is safe between fork and exec.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const int out = ::open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  const int in = ::open("/dev/null", O_RDONLY);
  ::dup2(in, 0);
  ::dup2(out, 1);
  ::dup2(out, 2);
  ::execve(path.c_str(), argv.data(), envp.data());
  ::_exit(127);
}

Process::~Process() { kill(); }

Process::Process(Process&& other) noexcept : pid_(std::exchange(other.pid_, -1)), result_(other.result_) {}

Process& Process::operator=(Process&& other) noexcept {
  if (this != &other) {
    kill();
    pid_ = std::exchange(other.pid_, -1);
    result_ = other.result_;
  }
  return *this;
}

bool Process::running() { return pid_ > 0 && !wait(std::chrono::milliseconds(0)); }

void Process::signal(int number) {
  if (running()) ::kill(pid_, number);
}

std::optional<int> Process::wait(std::chrono::milliseconds limit) {
  if (result_) return result_;
  eventually(
      [&] {
        int status = 0;
        if (::waitpid(pid_, &status, WNOHANG) != pid_) return false;
        result_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        return true;
      },
      limit);
  return result_;
}

void Process::kill() {
  if (pid_ <= 0 || result_) return;
  ::kill(pid_, SIGKILL);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  result_ = 128 + SIGKILL;
}

Daemon::Daemon(std::string program, std::string config, std::string directory,
               std::map<std::string, std::string> environment)
    : program_(std::move(program)),
      config_(std::move(config)),
      directory_(std::move(directory)),
      environment_(std::move(environment)),
      process_(start(environment_)) {
  await_port();
}

Process Daemon::start(const std::map<std::string, std::string>& environment) const {
  ::unlink((directory_ + "/port").c_str());  // an earlier run's
  return Process(program_, {{"--config", config_, "--data", directory_}, environment, directory_ + ".log"});
}

std::string Daemon::log() const { return read_file(directory_ + ".log"); }

void Daemon::restart(const std::string& port_variable) {
  process_.kill();
  auto environment = environment_;
  if (!port_variable.empty()) environment[port_variable] = std::to_string(port_);
  process_ = start(environment);
  await_port();
}

void Daemon::await_port() {
  const bool up = eventually([&] {
    const std::string text = read_file(directory_ + "/port");
    port_ = text.ends_with('\n') ? static_cast<std::uint16_t>(std::stoul(text)) : std::uint16_t{0};
    return port_ != 0 || !process_.running();
  });
  if (up && port_ != 0) return;
  std::string said = log();
  while (said.ends_with('\n')) said.pop_back();
  const std::size_t last = said.rfind('\n');
  throw std::runtime_error(
      program_ + " does not come up: " + (last == std::string::npos ? said : said.substr(last + 1)));
}

}  // namespace manastr::test

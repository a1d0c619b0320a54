// A PostgreSQL cluster of a test program's own: Debian's server on a Unix socket in a temporary folder, with
// all its durability on. It ends with the program, also when that is killed, and leaves nothing behind.
#pragma once
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>

#include "common/postgres/connection.h"
#include "tests/support/eventually.h"

namespace manastr::test {

class PostgresCluster {
 public:
  /// The one of this program, started when it is first asked for.
  static PostgresCluster& instance() {
    static PostgresCluster cluster;
    return cluster;
  }

  /// Another one, at this port, which also listens at 127.0.0.1.
  explicit PostgresCluster(std::uint16_t port) : port_(port) { begin(); }

  /// An empty database; the URL's role owns the cluster.
  std::string make_database() {
    static std::atomic<int> count = 0;
    const std::string name = "test" + std::to_string(++count);
    execute(url("postgres"), "CREATE DATABASE " + name);
    return url(name);
  }
  /// Where the server's socket is.
  const std::string& folder() const { return folder_; }
  std::string url(const std::string& database, const std::string& user = "manastr") const {
    return "postgresql://" + user + "@/" + database + "?host=" + folder_ +
           (port_ == 0 ? "" : "&port=" + std::to_string(port_));
  }
  void execute(const std::string& database_url, const std::string& script) const {
    const auto done = connect(database_url)->execute(script);
    if (!done) throw std::runtime_error(done.error().message);
  }
  std::unique_ptr<postgres::Connection> connect(const std::string& database_url) const {
    const auto address = postgres::Address::parse(crypto::SecretText(database_url), "test");
    auto connection = postgres::Connection::open(address.value());
    if (!connection) throw std::runtime_error(connection.error().message);
    return *std::move(connection);
  }

  /// As pg_ctl restart -m immediate: the server crashes and recovers. Returns when it is gone; it is back
  /// soon.
  void crash() const {
    const pid_t server = pid();
    ::kill(server, SIGQUIT);
    while (::kill(server, 0) == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  /// Down until resume().
  void pause() const {
    std::ofstream(folder_ + "/pause").flush();
    crash();
  }
  void resume() const {
    std::filesystem::remove(folder_ + "/pause");
    await();
  }
  /// Cuts every connection to a database but the asking one.
  void cut_connections(const std::string& database_url) const {
    execute(database_url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND "
            "pid <> "
            "pg_backend_pid()");
  }
  /// Waits until a database has so many connections: one that was closed is gone a little later.
  bool await_connections(const std::string& database_url, std::int64_t count) const {
    const std::size_t from = database_url.find("@/") + 2;
    const std::string database = database_url.substr(from, database_url.find('?') - from);
    const std::string connected = "SELECT count(*) FROM pg_stat_activity WHERE datname = '" + database + "'";
    const auto connection = connect(url("postgres"));
    return eventually(
        [&] { return connection->ask({"connected", connected.c_str()})->integer(0, 0) == count; });
  }
  void await() const {
    const auto address = postgres::Address::parse(crypto::SecretText(url("postgres")), "test").value();
    for (int i = 0; i < 4000; ++i) {
      if (postgres::Connection::open(address)) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    throw std::runtime_error("PostgreSQL does not come up: " + folder_ + "/log");
  }

  ~PostgresCluster() {
    if (keeper_ <= 0) return;
    ::kill(keeper_, SIGTERM);
    ::waitpid(keeper_, nullptr, 0);
  }

 private:
  static constexpr const char* kPrograms = "/usr/lib/postgresql/15/bin";

  PostgresCluster() { begin(); }

  void begin() {
    std::string pattern = (std::filesystem::temp_directory_path() / "manastr-pg-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder_ = pattern;
    // The server refuses to run as root.
    if (::geteuid() == 0) {
      const passwd* user = ::getpwnam("postgres");
      if (user == nullptr) user = ::getpwnam("nobody");
      if (user == nullptr || ::chown(folder_.c_str(), user->pw_uid, user->pw_gid) != 0)
        throw std::runtime_error("no user for PostgreSQL");
      as_user_ = "setpriv --reuid=" + std::to_string(user->pw_uid) +
                 " --regid=" + std::to_string(user->pw_gid) + " --clear-groups ";
    }
    make_data_folder();
    keep();
    await();
  }

  static void shell(const std::string& command) {
    if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
  }

  /// initdb takes a second: its result is kept among what is built.
  void make_data_folder() {
    const std::string kept = std::string(MANASTR_BINARY_DIR) + "/postgres-15-empty";
    const int lock = ::open((kept + ".lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    ::flock(lock, LOCK_EX);
    if (!std::filesystem::exists(kept)) {
      shell("cd / && " + as_user_ + kPrograms + "/initdb -D " + folder_ +
            "/data -U manastr -A trust --encoding=UTF8 --locale=C --no-sync >/dev/null");
      shell("cp -a " + folder_ + "/data " + kept + ".new && mv " + kept + ".new " + kept);
    } else {
      shell("cp -a " + kept + " " + folder_ + "/data");
    }
    ::close(lock);
  }

  /// A shell that starts the server again whenever it ends, until it is told to stop or the program is gone.
  void keep() {
    const std::string script =
        "cd /; trap 'stop=1; kill -QUIT $server 2>/dev/null' TERM\n"
        "while [ -z \"$stop\" ]; do\n"
        "  if [ -e " +
        folder_ +
        "/pause ]; then sleep 0.02; continue; fi\n"
        "  " +
        as_user_ + kPrograms + "/postgres -D " + folder_ + "/data " +
        (port_ == 0 ? std::string("-c listen_addresses=")
                    : "-c listen_addresses=127.0.0.1 -c port=" + std::to_string(port_)) +
        " -c unix_socket_directories=" + folder_ +
        " -c fsync=on -c max_connections=200 -c shared_buffers=64MB "
        "-c recovery_init_sync_method=syncfs -c checkpoint_timeout=30min >>" +
        folder_ +
        "/log 2>&1 & server=$!\n"
        "  wait $server\n"
        "done\n"
        "wait $server; rm -rf " +
        folder_ + "\n";
    const pid_t parent = ::getpid();
    keeper_ = ::fork();
    if (keeper_ < 0) throw std::runtime_error("fork failed");
    if (keeper_ > 0) return;
    // No signal of the test's terminal or runner ends it before it has tidied up.
    ::setsid();
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent) ::_exit(1);
    const int nothing = ::open("/dev/null", O_RDWR);
    for (int i = 0; i < 3; ++i) ::dup2(nothing, i);
    ::execl("/bin/sh", "sh", "-c", script.c_str(), static_cast<char*>(nullptr));
    ::_exit(127);
  }

  pid_t pid() const {
    pid_t out = 0;
    std::ifstream(folder_ + "/data/postmaster.pid") >> out;
    if (out <= 1) throw std::runtime_error("PostgreSQL does not run");
    return out;
  }

  const std::uint16_t port_ = 0;  // 0: on its socket alone, as if at the usual port
  std::string folder_;
  std::string as_user_;
  pid_t keeper_ = -1;
};

}  // namespace manastr::test

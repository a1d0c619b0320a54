// PgBouncer between mint and server: with sessions all is as without it; with transactions the mint says what
// to change.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <fstream>

#include "tests/support/temporary_folder.h"
#include "tests/unit/mint/ledger/postgres/postgres_options.h"
#include "tests/unit/mint/ledger/scripted_life.h"

namespace manastr::mint::test {
namespace {

constexpr const char* kProgram = "/usr/sbin/pgbouncer";

/// A pooler of a test's own before the cluster.
class Pooler {
 public:
  explicit Pooler(const std::string& mode) {
    const std::string file = folder_.path("pgbouncer.ini");
    std::ofstream(file)
        << "[databases]\n* = host=" << PostgresCluster::instance().folder()
        << " user=manastr\n[pgbouncer]\nauth_type = any\nlisten_port = 6432\nunix_socket_dir = "
        << folder_.path() << "\npool_mode = " << mode
        << "\nmax_client_conn = 200\nlogfile = " << folder_.path("log") << "\n";
    const passwd* user = ::getpwnam("postgres");  // it refuses to run as root
    const bool root = ::geteuid() == 0;
    if (root && (user == nullptr || ::chown(folder_.path().c_str(), user->pw_uid, user->pw_gid) != 0))
      throw std::runtime_error("no user for the pooler");
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    if (root && (::setgid(user->pw_gid) != 0 || ::setuid(user->pw_uid) != 0)) ::_exit(1);
    const int nothing = ::open("/dev/null", O_RDWR);
    for (int i = 0; i < 3; ++i) ::dup2(nothing, i);
    ::execl(kProgram, kProgram, "-q", file.c_str(), static_cast<char*>(nullptr));
    ::_exit(127);
  }
  ~Pooler() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  /// The same database, through the pooler.
  std::string url(const std::string& database_url) const {
    const std::string name = database_url.substr(database_url.rfind('/', database_url.find('?')) + 1);
    const std::string out =
        "postgresql://manastr@/" + name.substr(0, name.find('?')) + "?host=" + folder_.path() + "&port=6432";
    for (int i = 0; i < 2'000; ++i) {
      if (postgres::Connection::open(*postgres::Address::parse(crypto::SecretText(out), "test"))) break;
      ::usleep(5'000);
    }
    return out;
  }

 private:
  const manastr::test::TemporaryFolder folder_;
  pid_t pid_ = -1;
};

class PostgresPooler : public testing::Test {
 protected:
  void SetUp() override {
    if (::access(kProgram, X_OK) != 0) GTEST_SKIP() << "PgBouncer (Debian's pgbouncer) is not installed";
  }
  const std::string url_ = PostgresCluster::instance().make_database();
};

TEST_F(PostgresPooler, WithSessionsAllIsAsWithoutIt) {
  const Pooler pooler("session");
  auto options = options_for(pooler.url(url_));
  for (int run = 0; run < 2; ++run) {  // the second on connections that had another client
    const auto ledger = open_postgres_ledger(options);
    ASSERT_TRUE(ledger) << ledger.error().message;
    ASSERT_TRUE(prepare(**ledger));
    if (run > 0) continue;
    for (const Act& act : life()) {
      const auto said = (*ledger)->write_now(act.write);
      ASSERT_TRUE(said || said.error().code == std::max(act.answer, 0)) << said.error().message;
    }
    EXPECT_TRUE((*ledger)->health());
  }
}

TEST_F(PostgresPooler, WithTransactionsTheMintSaysWhatToChange) {
  for (const char* mode : {"transaction", "statement"}) {
    const Pooler pooler(mode);
    const auto ledger = open_postgres_ledger(options_for(pooler.url(url_)));
    ASSERT_FALSE(ledger) << mode;
    EXPECT_NE(ledger.error().message.find("pool_mode = session"), std::string::npos)
        << ledger.error().message;
  }
}

}  // namespace
}  // namespace manastr::mint::test

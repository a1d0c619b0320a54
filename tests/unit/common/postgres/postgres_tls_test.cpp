// TLS to a real server: whom it is taken for, and what is said if it can't be.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "common/postgres/connection.h"
#include "tests/support/postgres_cluster.h"
#include "tests/support/temporary_folder.h"

namespace manastr::postgres {
namespace {

using manastr::test::PostgresCluster;
using manastr::test::TemporaryFolder;

std::uint16_t free_port() {
  const int probe = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  if (::bind(probe, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 ||
      ::getsockname(probe, reinterpret_cast<sockaddr*>(&at), &size) != 0)
    throw std::runtime_error("no port");
  ::close(probe);
  return ntohs(at.sin_port);
}

void shell(const std::string& command) {
  if (std::system((command + " >/dev/null 2>&1").c_str()) != 0)
    throw std::runtime_error("failed: " + command);
}

class PostgresTls : public testing::Test {
 protected:
  PostgresTls() {
    for (const char* name : {"ours", "another"}) {
      const std::string ca = certificates_.path(name);
      shell("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=" +
            std::string(name) + " -keyout " + ca + ".key -out " + ca + ".pem");
    }
  }
  /// With a certificate for db.example, of our own authority.
  void turn_tls_on() {
    const std::string ours = certificates_.path("ours"), server = cluster_.folder() + "/server";
    shell("openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=db.example -keyout " +
          server + ".key -out " + server + ".csr && printf 'subjectAltName=DNS:db.example' > " + server +
          ".ext && openssl x509 -req -in " + server + ".csr -CA " + ours + ".pem -CAkey " + ours +
          ".key -CAcreateserial -days 2 -extfile " + server + ".ext -out " + server + ".pem");
    struct stat folder{};
    ASSERT_EQ(::stat(cluster_.folder().c_str(), &folder), 0);
    for (const char* end : {".key", ".pem"}) {
      ASSERT_EQ(::chmod((server + end).c_str(), 0600), 0);
      ASSERT_EQ(::chown((server + end).c_str(), folder.st_uid, folder.st_gid), 0);
    }
    const auto connection = cluster_.connect(cluster_.url("postgres"));
    for (const std::string& line : {"ssl_cert_file = '" + server + ".pem'",
                                    "ssl_key_file = '" + server + ".key'", std::string("ssl = on")}) {
      const auto set = connection->execute("ALTER SYSTEM SET " + line);
      ASSERT_TRUE(set) << set.error().message;
    }
    ASSERT_TRUE(connection->execute("SELECT pg_reload_conf()"));
  }
  Outcome<std::unique_ptr<Connection>> connect(const std::string& name, const std::string& more) {
    return Connection::open(
        *Address::parse(crypto::SecretText("postgresql://manastr@/postgres?host=" + name +
                                           "&hostaddr=127.0.0.1&port=" + std::to_string(port_) + more),
                        "test"));
  }
  std::string refusal(const std::string& name, const std::string& more) {
    const auto refused = connect(name, more);
    return refused ? "not refused" : refused.error().message;
  }
  std::string trusting(const std::string& authority) {
    return "&sslmode=verify-full&sslrootcert=" + certificates_.path(authority) + ".pem";
  }

  const TemporaryFolder certificates_;
  const std::uint16_t port_ = free_port();
  PostgresCluster cluster_{port_};
};

TEST_F(PostgresTls, IsSpokenWithWhomItWasMeantForOrNotAtAll) {
  const auto says = [](const std::string& text, const char* what) {
    EXPECT_NE(text.find(what), std::string::npos) << text;
  };
  says(refusal("db.example", ""), "does not support SSL");
  says(refusal("db.example", trusting("ours")), "does not support SSL");
  turn_tls_on();
  if (HasFatalFailure()) return;
  constexpr Statement kEncrypted{"encrypted", "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"};
  for (int i = 0; i < 400 && !connect("db.example", ""); ++i)
    ::usleep(5'000);  // it reads its configuration anew
  for (const std::string& more : {std::string(), trusting("ours")}) {
    auto connection = connect("db.example", more);
    ASSERT_TRUE(connection) << connection.error().message;
    EXPECT_EQ((*connection)->ask(kEncrypted)->integer(0, 0), 1)
        << "to another machine TLS is what it speaks unless told";
  }
  says(refusal("other.example", trusting("ours")), "does not match host name");
  says(refusal("db.example", trusting("another")), "certificate verify failed");
  says(refusal("db.example", "&sslmode=verify-full&sslrootcert=/nonexistent.pem"), "/nonexistent.pem");
}

}  // namespace
}  // namespace manastr::postgres

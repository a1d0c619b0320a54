// Where a PostgreSQL server is and how to talk to it: a URL as libpq takes it, checked, with what we want of
// every connection added.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/crypto/secret.h"

namespace manastr::postgres {

class Address {
 public:
  /// "postgresql://user:password@host:port/database?sslmode=verify-full&sslrootcert=/etc/ssl/ca.pem": all
  /// that libpq knows may stand in it (sslcert, sslkey, passfile, several hosts, a socket's folder as host=).
  /// Added unless it says otherwise: sslmode=require where the host is another machine, connect_timeout 5 s,
  /// TCP keepalives, a server that takes writes. `application` is what pg_stat_activity shows.
  static Result<Address> parse(const crypto::SecretText& url, const std::string& application);

  /// "user@host:port/database", for logs.
  std::string described() const;
  const std::string& user() const { return user_; }
  /// "" if the URL names none.
  const std::string& database() const { return database_; }

  /// For libpq, terminated by null pointers; valid as long as this.
  struct Words {
    std::vector<const char*> keywords;
    std::vector<const char*> values;
  };
  Words words() const;

 private:
  std::vector<std::pair<std::string, crypto::SecretText>> options_;
  std::string user_;
  std::string database_;
  std::string where_;
};

/// The same server, role and options, another database. `name` is of letters, digits and _.
crypto::SecretText with_database(const crypto::SecretText& url, std::string_view name);

}  // namespace manastr::postgres

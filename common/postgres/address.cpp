#include "common/postgres/address.h"

#include <libpq-fe.h>

#include <algorithm>
#include <memory>

namespace manastr::postgres {
namespace {

bool is_local(std::string_view host) {
  return host.empty() || host.starts_with('/') || host.starts_with('@') || host == "localhost" ||
         host.starts_with("127.") || host == "::1";
}

}  // namespace

Result<Address> Address::parse(const crypto::SecretText& url, const std::string& application) {
  char* why = nullptr;
  const std::string text(url.reveal());
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> parsed(
      PQconninfoParse(text.c_str(), &why), PQconninfoFree);
  const std::unique_ptr<char, void (*)(void*)> freed(why, PQfreemem);
  // libpq's sentence may repeat a part of the URL, and so of a password.
  if (!parsed)
    return invalid("the database's URL can't be read; expected postgresql://user:password@host:port/name");

  Address out;
  std::string host, hostaddr, port, name;
  const auto has = [&](std::string_view keyword) {
    return std::ranges::any_of(out.options_, [&](const auto& each) { return each.first == keyword; });
  };
  for (const PQconninfoOption* each = parsed.get(); each->keyword != nullptr; ++each) {
    if (each->val == nullptr) continue;
    const std::string keyword = each->keyword;
    if (keyword == "host") host = each->val;
    if (keyword == "hostaddr") hostaddr = each->val;
    if (keyword == "port") port = each->val;
    if (keyword == "dbname") name = each->val;
    if (keyword == "user") out.user_ = each->val;
    out.options_.emplace_back(keyword, crypto::SecretText(each->val));
  }
  const auto add = [&](const char* keyword, const std::string& value) {
    if (!has(keyword)) out.options_.emplace_back(keyword, crypto::SecretText(value));
  };
  add("connect_timeout", "5");
  add("keepalives_idle", "10");
  add("keepalives_interval", "5");
  add("keepalives_count", "3");
  add("tcp_user_timeout", "15000");
  add("target_session_attrs", "read-write");
  add("application_name", application);
  if (!is_local(host) || !is_local(hostaddr)) add("sslmode", "require");
  out.database_ = name;
  out.where_ = (out.user_.empty() ? "" : out.user_ + "@") + (host.empty() ? hostaddr : host) +
               (port.empty() ? "" : ":" + port) + "/" + name;
  return out;
}

crypto::SecretText with_database(const crypto::SecretText& url, std::string_view name) {
  // What stands behind the question mark goes before what stands in the path.
  const bool has_options = url.reveal().find('?') != std::string_view::npos;
  return crypto::SecretText(std::string(url.reveal()) + (has_options ? "&" : "?") +
                            "dbname=" + std::string(name));
}

std::string Address::described() const { return where_; }

Address::Words Address::words() const {
  Words out;
  for (const auto& [keyword, value] : options_) {
    out.keywords.push_back(keyword.c_str());
    out.values.push_back(value.reveal().data());
  }
  out.keywords.push_back(nullptr);
  out.values.push_back(nullptr);
  return out;
}

}  // namespace manastr::postgres

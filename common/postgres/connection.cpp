#include "common/postgres/connection.h"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <stdexcept>

namespace manastr::postgres {
namespace {

/// libpq's messages have several lines and end in a newline.
std::string one_line(const char* message) {
  std::string out = message == nullptr ? "" : message;
  while (!out.empty() && out.back() == '\n') out.pop_back();
  std::ranges::replace_if(out, [](char c) { return c == '\n' || c == '\t'; }, ' ');
  return out.empty() ? "no reason was given" : out;
}

using OwnedResult = std::unique_ptr<PGresult, void (*)(PGresult*)>;

}  // namespace

void Connection::Finish::operator()(pg_conn* connection) const { PQfinish(connection); }

Connection::~Connection() = default;

Outcome<std::unique_ptr<Connection>> Connection::open(const Address& address) {
  const Address::Words words = address.words();
  std::unique_ptr<Connection> out(
      new Connection(PQconnectdbParams(words.keywords.data(), words.values.data(), 0)));
  PGconn* raw = out->connection_.get();
  if (raw == nullptr || PQstatus(raw) != CONNECTION_OK) {
    return std::unexpected(Fault{Failure::lost, "", one_line(raw == nullptr ? "" : PQerrorMessage(raw))});
  }
  PQsetNoticeProcessor(raw, [](void*, const char*) {}, nullptr);
  if (PQsetnonblocking(raw, 1) != 0 || PQenterPipelineMode(raw) != 1) {
    return std::unexpected(Fault{Failure::program, "", one_line(PQerrorMessage(raw))});
  }
  return out;
}

Outcome<std::unique_ptr<Connection>> Connection::open_bounded(const Address& address) {
  auto opened = open(address);
  if (!opened) return opened;
  auto bounded = (*opened)->execute(
      "SET lock_timeout = '10s'; SET statement_timeout = '30s'; SET idle_in_transaction_session_timeout = "
      "'30s'; "
      "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3");
  if (!bounded) return std::unexpected(bounded.error());
  return opened;
}

Fault Connection::lost(std::string message) {
  usable_ = false;
  return {Failure::lost, "", std::move(message)};
}

Fault Connection::fault(const pg_result* result) {
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const char* primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  Fault out;
  out.sqlstate = state == nullptr ? "" : state;
  out.failure = classify(out.sqlstate);
  out.message = one_line(primary == nullptr ? PQerrorMessage(connection_.get()) : primary);
  if (out.failure == Failure::lost) usable_ = false;
  return out;
}

void Connection::queue(const Statement& statement, const Parameters& parameters) {
  PGconn* raw = connection_.get();
  const auto [known, is_new] = prepared_.try_emplace(statement.name, statement.sql);
  if (known->second != statement.sql)
    throw std::logic_error(std::string("two statements are named ") + statement.name);
  if (is_new) {
    if (PQsendPrepare(raw, statement.name, statement.sql, 0, nullptr) != 1) usable_ = false;
    queued_.push_back({.prepares = statement.name});
  }
  std::vector<const char*> values;
  std::vector<int> lengths;
  const std::vector<int> formats(parameters.size(), 1);
  for (const Parameters::Field& field : parameters.fields()) {
    const char* at = reinterpret_cast<const char*>(parameters.data()) + field.at;
    values.push_back(field.length < 0 ? nullptr : at);
    lengths.push_back(std::max(field.length, 0));
  }
  if (PQsendQueryPrepared(raw, statement.name, static_cast<int>(values.size()), values.data(), lengths.data(),
                          formats.data(), 1) != 1) {
    usable_ = false;
  }
  queued_.push_back({});
}

/// Until everything is sent or there is something to read.
Outcome<void> Connection::send_all(Monotonic until) {
  for (;;) {
    const int left = PQflush(connection_.get());
    if (left == 0) return {};
    if (left < 0) return std::unexpected(lost(one_line(PQerrorMessage(connection_.get()))));
    if (auto waited = await(until); !waited) return waited;
  }
}

/// Something can be read, or written if something is to be written.
Outcome<void> Connection::await(Monotonic until) {
  PGconn* raw = connection_.get();
  const int unsent = PQflush(raw);
  if (unsent < 0) return std::unexpected(lost(one_line(PQerrorMessage(raw))));
  pollfd on{PQsocket(raw), static_cast<short>(unsent == 0 ? POLLIN : POLLIN | POLLOUT), 0};
  const auto left = std::chrono::ceil<Millis>(until - system_clock().monotonic());
  if (left.count() <= 0) return std::unexpected(lost("the server is silent"));
  const int ready = ::poll(&on, 1, static_cast<int>(left.count()));
  if (ready < 0 && errno != EINTR) return std::unexpected(lost("the socket failed"));
  if (ready > 0 && (on.revents & ~POLLOUT) != 0 && PQconsumeInput(raw) != 1)
    return std::unexpected(lost(one_line(PQerrorMessage(raw))));
  return {};
}

Outcome<std::vector<Rows>> Connection::run(Millis limit) {
  PGconn* raw = connection_.get();
  const std::vector<Queued> sent = std::exchange(queued_, {});
  const Monotonic until = system_clock().monotonic() + limit;
  if (!usable_ || PQpipelineSync(raw) != 1) return std::unexpected(lost(one_line(PQerrorMessage(raw))));
  if (auto done = send_all(until); !done) return std::unexpected(done.error());

  std::vector<Rows> out;
  std::optional<Fault> first;
  std::size_t next = 0;
  const auto answered = [&](bool well) {
    const Queued one = next < sent.size() ? sent[next++] : Queued{};
    if (!well && one.prepares != nullptr) prepared_.erase(one.prepares);
    return one.prepares == nullptr;
  };
  for (bool synced = false; !synced;) {
    while (PQisBusy(raw) != 0) {
      if (auto waited = await(until); !waited) return std::unexpected(first ? *first : waited.error());
    }
    OwnedResult result(PQgetResult(raw), PQclear);
    if (!result) {  // the end of one statement's answer
      if (PQstatus(raw) != CONNECTION_OK)
        return std::unexpected(first ? *first : lost(one_line(PQerrorMessage(raw))));
      continue;
    }
    switch (PQresultStatus(result.get())) {
      case PGRES_PIPELINE_SYNC:
        synced = true;
        break;
      case PGRES_TUPLES_OK:
      case PGRES_COMMAND_OK:
        if (answered(true)) out.emplace_back(result.release());
        break;
      case PGRES_PIPELINE_ABORTED:
        answered(false);
        break;
      default:
        answered(false);
        if (!first) first = fault(result.get());
        if (first->failure == Failure::lost) return std::unexpected(*first);
    }
  }
  if (first) return std::unexpected(*std::move(first));
  return out;
}

Outcome<Rows> Connection::ask(const Statement& statement, const Parameters& parameters) {
  queue(statement, parameters);
  auto rows = run();
  if (!rows) return std::unexpected(rows.error());
  return std::move(rows->front());
}

Outcome<void> Connection::execute(const std::string& script) {
  PGconn* raw = connection_.get();
  if (!usable_) return std::unexpected(lost("the connection was lost"));
  // The simple protocol, which takes several statements, is not for pipelines.
  if (PQexitPipelineMode(raw) != 1) return std::unexpected(lost(one_line(PQerrorMessage(raw))));
  PQsetnonblocking(raw, 0);
  const OwnedResult result(PQexec(raw, script.c_str()), PQclear);
  const ExecStatusType status = PQresultStatus(result.get());
  std::optional<Fault> failed;
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_EMPTY_QUERY)
    failed = fault(result.get());
  if (PQstatus(raw) != CONNECTION_OK) failed = lost(one_line(PQerrorMessage(raw)));
  PQsetnonblocking(raw, 1);
  if (usable_ && PQenterPipelineMode(raw) != 1) failed = lost(one_line(PQerrorMessage(raw)));
  if (failed) return std::unexpected(*std::move(failed));
  return {};
}

Outcome<std::vector<Connection::Notification>> Connection::notifications(Millis limit, int wake) {
  PGconn* raw = connection_.get();
  std::vector<Notification> out;
  const auto gather = [&] {
    using Owned = std::unique_ptr<PGnotify, void (*)(void*)>;
    for (Owned each(PQnotifies(raw), PQfreemem); each; each = Owned(PQnotifies(raw), PQfreemem))
      out.push_back({each->relname, each->extra});
  };
  if (!usable_) return std::unexpected(lost("the connection was lost"));
  gather();
  if (!out.empty()) return out;
  std::array<pollfd, 2> on{pollfd{PQsocket(raw), POLLIN, 0}, pollfd{wake, POLLIN, 0}};
  if (::poll(on.data(), wake < 0 ? 1 : 2, static_cast<int>(limit.count())) < 0 && errno != EINTR)
    return std::unexpected(lost("the socket failed"));
  if (on[0].revents != 0 && PQconsumeInput(raw) != 1)
    return std::unexpected(lost(one_line(PQerrorMessage(raw))));
  gather();
  if (PQstatus(raw) != CONNECTION_OK) return std::unexpected(lost(one_line(PQerrorMessage(raw))));
  return out;
}

bool Connection::in_transaction() const {
  return usable_ && PQtransactionStatus(connection_.get()) != PQTRANS_IDLE;
}

std::string quoted_identifier(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

}  // namespace manastr::postgres

#include "common/postgres/pool.h"

namespace manastr::postgres {
namespace {

constexpr Seconds kPatience{5};

}  // namespace

Pool::Borrowed::~Borrowed() {
  if (connection_) owner_->give_back(std::move(connection_));
}

void Pool::give_back(std::unique_ptr<Connection> connection) {
  const bool good = connection->usable() && !connection->in_transaction();
  {
    const std::lock_guard lock(mutex_);
    --out_;
    if (good) idle_.push_back(std::move(connection));
  }
  back_.notify_one();
}

Outcome<std::unique_ptr<Connection>> Pool::take(bool fresh) {
  {
    std::unique_lock lock(mutex_);
    if (!back_.wait_for(lock, kPatience, [&] { return !idle_.empty() || out_ < most_; })) {
      return std::unexpected(
          Fault{Failure::full, "", "all " + std::to_string(most_) + " connections are in use"});
    }
    if (fresh) idle_.clear();  // cut together, most likely
    ++out_;
    if (!idle_.empty()) {
      auto connection = std::move(idle_.back());
      idle_.pop_back();
      return connection;
    }
  }
  auto opened = Connection::open_bounded(address_);
  if (!opened) {
    {
      const std::lock_guard lock(mutex_);
      --out_;
    }
    back_.notify_one();
  }
  return opened;
}

Outcome<Pool::Borrowed> Pool::borrow() {
  auto connection = take(false);
  if (!connection) return std::unexpected(connection.error());
  return Borrowed(*this, *std::move(connection));
}

Outcome<Rows> Pool::read(const Statement& statement, const Parameters& parameters) {
  for (bool fresh = false;; fresh = true) {
    auto connection = take(fresh);
    if (!connection) return std::unexpected(connection.error());
    Borrowed borrowed(*this, *std::move(connection));
    auto rows = borrowed->ask(statement, parameters);
    if (rows || rows.error().failure != Failure::lost || fresh) return rows;
  }
}

}  // namespace manastr::postgres

// Connections for readers: any thread borrows one and gives it back. Lost ones are thrown away and opened
// anew by whoever needs one next.
#pragma once
#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "common/postgres/connection.h"

namespace manastr::postgres {

class Pool {
 public:
  /// At most `most` connections at once, from 1.
  Pool(Address address, std::size_t most) : address_(std::move(address)), most_(most) {}

  class Borrowed {
   public:
    Borrowed(Pool& owner, std::unique_ptr<Connection> connection)
        : owner_(&owner), connection_(std::move(connection)) {}
    Borrowed(Borrowed&&) noexcept = default;
    Borrowed& operator=(Borrowed&&) = delete;
    ~Borrowed();
    Connection* operator->() { return connection_.get(); }
    Connection& operator*() { return *connection_; }

   private:
    Pool* owner_;
    std::unique_ptr<Connection> connection_;
  };
  /// Waits up to 5 s for one to come back if all are lent.
  Outcome<Borrowed> borrow();
  /// One statement outside of a transaction; sent a second time over a fresh connection if the idle one that
  /// it met turns out to have been cut. For reads alone.
  Outcome<Rows> read(const Statement& statement, const Parameters& parameters = {});

 private:
  Outcome<std::unique_ptr<Connection>> take(bool fresh);
  void give_back(std::unique_ptr<Connection> connection);

  const Address address_;
  const std::size_t most_;
  std::mutex mutex_;
  std::condition_variable back_;
  std::vector<std::unique_ptr<Connection>> idle_;
  std::size_t out_ = 0;  // lent, or being opened
};

}  // namespace manastr::postgres

#include "common/net/io_thread.h"

#include <csignal>

#include "common/net/connection.h"

namespace manastr::net {
namespace {

/// How late a timeout may come. A sweep costs a comparison per connection, against a timer for each of their
/// operations.
constexpr Millis kSweepEvery{100};

}  // namespace

IoThread::IoThread(ServerState& server_state)
    : server(server_state), gate(std::make_shared<Gate>(context)), sweeper_(context) {}

IoThread::~IoThread() { stop(); }

void IoThread::start() {
  sweep_later();
  thread_ = std::thread([this] {
    sigset_t all;  // signals are for the thread that waits for them
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    gate->enter();
    context.run();
  });
}

void IoThread::stop() {
  gate->shut();
  context.stop();
  if (thread_.joinable()) thread_.join();
}

void IoThread::adopt(Socket socket, std::string peer, ServerState::Admission admission) {
  const auto connection = std::make_shared<Connection>(*this, std::move(socket), std::move(peer), admission);
  keep(connection);
  connection->start();
}

void IoThread::keep(std::shared_ptr<Resident> resident) {
  resident->place_ = residents_.size();
  residents_.push_back(std::move(resident));
}

void IoThread::release(Resident& resident) {
  const std::size_t place = resident.place_;
  std::swap(residents_[place], residents_.back());
  residents_[place]->place_ = place;
  residents_.pop_back();
}

template <class Visit>
void IoThread::each(Visit visit) {
  // From the back, for a visited resident may leave and the last one then takes its place.
  for (std::size_t i = residents_.size(); i-- > 0;) {
    if (i < residents_.size()) visit(*std::shared_ptr(residents_[i]));
  }
}

void IoThread::drain() {
  gate->post([this] { each([](Resident& resident) { resident.drain(); }); });
}

void IoThread::cut() {
  gate->post([this] { each([](Resident& resident) { resident.cut(); }); });
}

void IoThread::sweep_later() {
  sweeper_.expires_after(kSweepEvery);
  sweeper_.async_wait([this](ErrorCode error) {
    if (error) return;
    each([time = now()](Resident& resident) { resident.sweep(time); });
    sweep_later();
  });
}

const std::string& IoThread::date() {
  if (const auto second = system_clock().now_seconds(); second != date_of_) {
    date_of_ = second;
    date_ = http_date(second);
  }
  return date_;
}

}  // namespace manastr::net

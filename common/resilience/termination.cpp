#include "common/resilience/termination.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>

namespace manastr::resilience {
namespace {

sigset_t termination_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

void watch(int epoll, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) std::abort();
}

}  // namespace

Termination::Termination() {
  const sigset_t set = termination_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  signals_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  requested_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (signals_ < 0 || requested_ < 0 || epoll_ < 0) std::abort();  // no descriptor left at the start of main
  watch(epoll_, signals_);
  watch(epoll_, requested_);
}

Termination::~Termination() {
  close(epoll_);
  close(requested_);
  close(signals_);
}

int Termination::wait() {
  while (true) {
    if (const auto signal = wait_for(Millis{3'600'000})) return *signal;
  }
}

std::optional<int> Termination::wait_for(Millis limit) {
  const Monotonic until = system_clock().monotonic() + limit;
  while (true) {
    const auto left = std::chrono::ceil<Millis>(until - system_clock().monotonic());
    epoll_event event{};
    const int timeout = static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000));
    const int n = epoll_wait(epoll_, &event, 1, timeout);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return std::nullopt;
    if (event.data.fd == requested_) return 0;
    signalfd_siginfo info{};
    if (read(signals_, &info, sizeof info) == sizeof info) return static_cast<int>(info.ssi_signo);
  }
}

void Termination::request() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = write(requested_, &one, sizeof one);  // full means already requested
}

void Termination::second_kills() {
  // Threads keep the mask they were started with, so the unblocked one is this.
  std::signal(SIGTERM, SIG_DFL);
  std::signal(SIGINT, SIG_DFL);
  const sigset_t set = termination_signals();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace manastr::resilience

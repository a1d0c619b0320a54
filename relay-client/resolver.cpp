#include "relay-client/resolver.h"

#include <arpa/inet.h>
#include <netdb.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace manastr::relay {
namespace {

std::vector<std::string> look_up(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  std::vector<std::string> out;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return out;
  std::vector<std::string> v6;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    char text[NI_MAXHOST];
    if (getnameinfo(each->ai_addr, each->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) != 0)
      continue;
    auto& list = each->ai_family == AF_INET ? out : v6;
    if (std::ranges::find(list, text) == list.end()) list.emplace_back(text);
  }
  freeaddrinfo(found);
  out.insert(out.end(), v6.begin(), v6.end());
  return out;
}

}  // namespace

struct Resolver::State {
  struct Question {
    std::string host;
    Answer answer;
  };
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<Question> questions;
  bool stopping = false;

  void run() {
    std::unique_lock lock(mutex);
    while (true) {
      wake.wait(lock, [&] { return stopping || !questions.empty(); });
      if (stopping) return;
      const Question question = std::move(questions.front());
      questions.pop_front();
      lock.unlock();
      auto addresses = look_up(question.host);
      lock.lock();
      if (!stopping) question.answer(std::move(addresses));
    }
  }
};

Resolver::Resolver() : state_(std::make_shared<State>()) {
  std::thread([state = state_] { state->run(); }).detach();
}

Resolver::~Resolver() {
  const std::lock_guard lock(state_->mutex);
  state_->stopping = true;
  state_->wake.notify_one();
}

void Resolver::resolve(std::string host, Answer answer) {
  const std::lock_guard lock(state_->mutex);
  state_->questions.push_back({std::move(host), std::move(answer)});
  state_->wake.notify_one();
}

}  // namespace manastr::relay

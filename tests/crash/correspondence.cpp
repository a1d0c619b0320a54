#include "tests/crash/correspondence.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <thread>

#include "common/nostr/nip98.h"

namespace manastr::crash {
namespace {

using mintclient::HttpReply;
using test::MintHouse;

constexpr int kPending = 11002, kReserved = 11004;

}  // namespace

HttpReply Correspondence::send(const std::string& path, const std::string& body, bool as_engine) {
  const std::string authorization =
      as_engine ? nostr::authorization_header(*engine_, mint_->url() + path, "POST", body,
                                              system_clock().now_seconds(), system_random())
                : "";
  HttpReply reply = mint_->post(path, body, authorization);
  ++counters_->requests;
  if (reply.status == 0) ++counters_->unanswered;
  return reply;
}

HttpReply Correspondence::insist(const std::string& path, const std::string& body, bool as_engine,
                                 const std::set<int>& passing) {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    HttpReply reply = send(path, body, as_engine);
    if (reply.status == 200) return reply;
    if (reply.status == 400 && !passing.contains(MintHouse::code_of(reply))) return reply;
    // 0: no answer. 503: not now.
    if (reply.status != 0 && reply.status != 503 && reply.status != 400)
      throw std::runtime_error(fmt::format("{} is answered {}: {}", path, reply.status, reply.body));
    if (std::chrono::steady_clock::now() > until)
      throw std::runtime_error(
          fmt::format("{} gets no answer: {} {}\n{}", path, reply.status, reply.body, body));
    std::this_thread::sleep_for(kPause);
  }
}

std::string Correspondence::must(const std::string& path, const std::string& body, bool as_engine) {
  HttpReply reply = insist(path, body, as_engine);
  if (reply.status != 200)
    throw std::runtime_error(fmt::format("{} is refused: {}\n{}", path, reply.body, body));
  return std::move(reply.body);
}

std::vector<HttpReply> Correspondence::race(const std::string& path, const std::vector<std::string>& bodies,
                                            const std::set<int>& passing) {
  std::vector<HttpReply> first = mint_->post_at_once(path, bodies);
  counters_->requests += bodies.size();
  std::vector<HttpReply> out;
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    if (first[i].status == 0) ++counters_->unanswered;
    out.push_back(insist(path, bodies[i], false, passing));
    if (first[i].status == 200 && out.back().body != first[i].body)
      throw std::runtime_error(
          fmt::format("{} was answered {} and then {}", path, first[i].body, out.back().body));
    remember({path, bodies[i], false, out.back().status == 200 ? out.back().body : ""});
  }
  return out;
}

std::string Correspondence::get(const std::string& path) {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    const HttpReply reply = mint_->get(path);
    ++counters_->requests;
    if (reply.status == 200) return reply.body;
    if (reply.status != 0 && reply.status != 503)
      throw std::runtime_error(fmt::format("{}: {} {}", path, reply.status, reply.body));
    if (std::chrono::steady_clock::now() > until) throw std::runtime_error(path + " gets no answer");
    std::this_thread::sleep_for(kPause);
  }
}

void Correspondence::repeat(const Exchange& exchange) {
  const HttpReply again = insist(exchange.path, exchange.body, exchange.as_engine, {kPending, kReserved});
  ++counters_->compared;
  const bool same =
      exchange.reply.empty() ? again.status == 400 : again.status == 200 && again.body == exchange.reply;
  if (!same) {
    throw std::runtime_error(fmt::format("{} was answered {} and is now answered {} {}", exchange.path,
                                         exchange.reply.empty() ? "with a refusal" : exchange.reply,
                                         again.status, again.body));
  }
}

void Correspondence::repeat_all(std::size_t older, const std::function<std::size_t(std::size_t)>& draw) {
  for (const Exchange& each : fresh_) repeat(each);
  for (std::size_t i = 0; i < std::min(older, old_.size()); ++i)
    repeat(old_[older < old_.size() ? draw(old_.size()) : i]);
  std::ranges::move(fresh_, std::back_inserter(old_));
  fresh_.clear();
}

}  // namespace manastr::crash

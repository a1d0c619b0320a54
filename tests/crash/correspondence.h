// What one customer asks of a mint that is killed again and again: sent until it is answered, byte for byte
// the same, and remembered, to be asked again. Throws std::runtime_error with what was wrong. One thread at a
// time.
#pragma once
#include <atomic>
#include <chrono>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "tests/integration/mint_house.h"

namespace manastr::crash {

constexpr std::chrono::seconds kPatience(120);  ///< for one answer, with restarts, on a crowded machine
constexpr std::chrono::milliseconds kPause(4);  ///< between two looks

/// Of all customers together.
struct Counters {
  std::atomic<std::uint64_t> requests = 0;
  std::atomic<std::uint64_t> unanswered = 0;
  std::atomic<std::uint64_t> compared = 0;  ///< replies asked for again
  std::atomic<std::uint64_t> actions = 0;
  std::atomic<std::uint64_t> lost_quotes = 0;  ///< mint quotes that the mint may have made, and nobody knows
};

class Correspondence {
 public:
  struct Exchange {
    std::string path;
    std::string body;
    bool as_engine = false;
    std::string reply;  ///< of 200; "": it was refused for good
  };

  Correspondence(test::MintHouse& mint, const crypto::SecretKey& engine, Counters& counters)
      : mint_(&mint), engine_(&engine), counters_(&counters) {}

  /// Once; status 0: no answer.
  mintclient::HttpReply send(const std::string& path, const std::string& body, bool as_engine);
  /// Until there is an answer: 200, or 400 with a code that is not in `passing`.
  mintclient::HttpReply insist(const std::string& path, const std::string& body, bool as_engine = false,
                               const std::set<int>& passing = {});
  /// The same; what is not 200 is wrong.
  std::string must(const std::string& path, const std::string& body, bool as_engine = false);
  /// Several at once; each is insisted on. Remembered.
  std::vector<mintclient::HttpReply> race(const std::string& path, const std::vector<std::string>& bodies,
                                          const std::set<int>& passing);
  std::string get(const std::string& path);

  void remember(Exchange exchange) { fresh_.push_back(std::move(exchange)); }
  /// What was asked lately with this body can't be asked again.
  void forget(const std::string& body) {
    std::erase_if(fresh_, [&](const Exchange& each) { return each.body == body; });
  }
  /// Asks for all that was answered since the last call again, and for `older` of what was answered before,
  /// each found by draw(how many there are): the same bytes.
  void repeat_all(std::size_t older, const std::function<std::size_t(std::size_t)>& draw);

 private:
  void repeat(const Exchange& exchange);

  test::MintHouse* mint_;
  const crypto::SecretKey* engine_;
  Counters* counters_;
  std::vector<Exchange> fresh_;
  std::vector<Exchange> old_;
};

}  // namespace manastr::crash

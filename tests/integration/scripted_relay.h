// A relay that says what a test tells it to, right or wrong, over a real socket.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace manastr::test {

class ScriptedRelay {
 public:
  /// Answers to one message of a client; called on the relay's thread. `say` sends to that client.
  using Say = std::function<void(std::string)>;
  using Script = std::function<void(std::string_view message, const Say& say)>;
  /// `document` is served as NIP-11.
  explicit ScriptedRelay(Script script, std::string document = "{}",
                         std::function<void(const Say&)> on_open = {});
  ~ScriptedRelay();
  std::string url() const;
  /// To every client that is connected.
  void say_to_all(std::string text);
  /// All messages so far.
  std::vector<std::string> heard() const;
  /// Whether any message so far contains `part`.
  bool has_heard(std::string_view part) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// ["REQ","name",...] -> name; "" if it is another message.
std::string requested(std::string_view message, std::string_view verb = "REQ");

}  // namespace manastr::test

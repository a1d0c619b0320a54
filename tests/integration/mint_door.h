// A door between an engine and its mint: every exchange passes a test, which may answer in the mint's place,
// or change what the mint has answered.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/mintclient/transport.h"

namespace manastr::test {

class MintDoor {
 public:
  struct Exchange {
    std::string path;
    std::string body;
  };
  /// Both are called on other threads than the test's.
  struct Script {
    /// The mint is not asked if this answers.
    std::function<std::optional<mintclient::HttpReply>(const Exchange&)> instead = {};
    std::function<void(const Exchange&, mintclient::HttpReply&)> after = {};
  };
  MintDoor(std::string mint_url, Script script);
  ~MintDoor();
  std::string url() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace manastr::test

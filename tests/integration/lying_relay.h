// A relay that accepts everything, keeps and shows nothing, and says what the test wants: an adversary among
// the engine's relays.
#pragma once
#include <mutex>
#include <set>

#include "common/json/reader.h"
#include "common/nostr/event.h"
#include "tests/integration/scripted_relay.h"

namespace manastr::test {

class LyingRelay {
 public:
  std::string url() const { return relay_.url(); }
  /// To everyone, under every subscription that was ever asked for: the reader knows which it fits.
  void tell(const nostr::Event& event) {
    std::set<std::string> names;
    {
      const std::lock_guard lock(mutex_);
      names = names_;
    }
    for (const std::string& name : names)
      relay_.say_to_all("[\"EVENT\",\"" + name + "\"," + nostr::dump(event) + "]");
  }
  bool is_subscribed() const {
    const std::lock_guard lock(mutex_);
    return names_.size() >= 3;
  }

 private:
  void answer(std::string_view message, const ScriptedRelay::Say& say) {
    if (const std::string name = requested(message); !name.empty()) {
      {
        const std::lock_guard lock(mutex_);
        names_.insert(name);
      }
      return say("[\"EOSE\",\"" + name + "\"]");
    }
    const auto value = json::parse(message);
    const json::Array* items = value ? value->if_array() : nullptr;
    const json::Value* id = items != nullptr && items->size() == 2 ? (*items)[1].find("id") : nullptr;
    if (id != nullptr && id->is_string()) say("[\"OK\",\"" + *id->if_string() + "\",true,\"\"]");
  }

  mutable std::mutex mutex_;  // guards names_
  std::set<std::string> names_;
  ScriptedRelay relay_{
      [this](std::string_view message, const ScriptedRelay::Say& say) { answer(message, say); }};
};

}  // namespace manastr::test

// What the mints on one database tell each other, by NOTIFY: that somebody waits for changes, which keys a
// commit has changed, and what limits on requests were used. A thread and a connection of its own, so that no
// commit ever waits for it: NOTIFY takes a lock that all who notify share until their commit. What gets lost
// is made good by looking: the listener is asked to look whenever the connection is new, and once a second
// while there is none.
#pragma once
#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include "common/base/inbox.h"
#include "common/postgres/connection.h"
#include "mint/ledger/changes.h"
#include "mint/ledger/postgres/batch_plan.h"
#include "mint/ledger/shared_limits.h"

namespace manastr::mint {

class Bulletin {
 public:
  Bulletin(postgres::Address address, const Holder& holder, const Clock& clock);
  ~Bulletin();

  void start();
  /// When these return, the former one is not called any more.
  void listen(ChangeListener* listener);
  void share(SharedLimits* limits);
  /// The listener wants to hear from now on.
  void wanted();

  /// Some other mint wants to hear of commits. From any thread, without a lock.
  bool is_wanted() const { return wanted_elsewhere_; }
  /// For the others. Doesn't block; too much at once becomes "look".
  void tell(const Changes& changes);

 private:
  void loop();
  postgres::Outcome<void> connect();
  postgres::Outcome<void> round();
  postgres::Outcome<void> say(const std::string& verb, const std::vector<std::string>& words);
  postgres::Outcome<void> say_uses();
  void hear(std::string_view payload);
  void hear_changes(std::string_view words);
  void hear_uses(std::string_view words);
  void look();
  void wake();

  const postgres::Address address_;
  const std::string own_;  ///< first word of all that this process says
  const Clock* clock_;
  std::unique_ptr<postgres::Connection> connection_;
  std::mutex callee_mutex_;  // held while they are called
  ChangeListener* listener_ = nullptr;
  SharedLimits* limits_ = nullptr;
  std::mutex mutex_;  // of what follows
  std::vector<std::string> outgoing_;
  bool overflowed_ = false;
  std::atomic<bool> wants_ = false;  // to be said at once
  std::atomic<bool> wanted_elsewhere_ = false;
  std::atomic<bool> stopping_ = false;
  const int wake_;
  // The thread's own:
  std::map<std::string, Monotonic, std::less<>> wanting_;  // who wants, and until when that holds
  Monotonic want_said_{};
  Monotonic uses_said_{};
  Monotonic looked_at_{};
  int looks_due_ = 0;
  std::thread thread_;
};

}  // namespace manastr::mint

#include "mint/ledger/postgres/bulletin.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

namespace manastr::mint {
namespace {

using postgres::Connection;
using postgres::Outcome;
using postgres::Parameters;
using postgres::Statement;

constexpr std::size_t kPayload = 7'900;       // PostgreSQL takes less than 8000 bytes
constexpr std::size_t kMostQueued = 100'000;  // words not yet said; above, who listens looks
constexpr std::size_t kMostWords = 20'000;    // keys said at once; above, looking is less work
constexpr std::size_t kMostUses = 1'000;
constexpr std::size_t kMostWanting = 1'000;
constexpr Millis kUsesEvery{250};
constexpr Millis kLookEvery{1'000};
constexpr Millis kReconnect{1'000};
constexpr Millis kWantEvery{5'000};
constexpr Millis kWantHolds{15'000};
constexpr Statement kSay{"say", "SELECT pg_notify('manastr_mint', $1::text)"};
constexpr const char* kWant = "want";
constexpr const char* kChanged = "changed";
constexpr const char* kLook = "look";
constexpr const char* kUsed = "used";

/// The next word of `text`, which is cut off.
std::string_view next_word(std::string_view& text) {
  const std::size_t end = std::min(text.find(' '), text.size());
  const std::string_view out = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return out;
}

template <class Bytes>
std::string word(char kind, const Bytes& bytes) {
  return kind + to_hex(bytes);
}

}  // namespace

Bulletin::Bulletin(postgres::Address address, const Holder& holder, const Clock& clock)
    : address_(std::move(address)),
      own_(to_hex(holder.incarnation)),
      clock_(&clock),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Bulletin::~Bulletin() {
  stopping_ = true;
  wake();
  if (thread_.joinable()) thread_.join();
  ::close(wake_);
}

void Bulletin::start() {
  thread_ = std::thread([this] { loop(); });
}

void Bulletin::wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_, &one, sizeof one);
}

void Bulletin::listen(ChangeListener* listener) {
  const std::lock_guard lock(callee_mutex_);
  listener_ = listener;
}

void Bulletin::share(SharedLimits* limits) {
  const std::lock_guard lock(callee_mutex_);
  limits_ = limits;
}

void Bulletin::wanted() {
  wants_ = true;
  wake();
}

void Bulletin::tell(const Changes& changes) {
  {
    const std::lock_guard lock(mutex_);
    if (overflowed_ || outgoing_.size() >= kMostQueued) {
      overflowed_ = true;
    } else {
      for (const PointBytes& y : changes.proofs) outgoing_.push_back(word('p', y));
      for (const std::string& id : changes.mint_quotes) outgoing_.push_back(word('q', as_bytes(id)));
      for (const std::string& id : changes.melt_quotes) outgoing_.push_back(word('m', as_bytes(id)));
    }
  }
  wake();
}

// --- the thread

void Bulletin::look() {
  const std::lock_guard lock(callee_mutex_);
  if (listener_ != nullptr && listener_->wanted()) listener_->look_again();
}

Outcome<void> Bulletin::connect() {
  auto opened = Connection::open(address_);
  if (!opened) return std::unexpected(opened.error());
  // What is said here need not outlive anything.
  if (auto set = (*opened)->execute("SET synchronous_commit = off; LISTEN manastr_mint"); !set) return set;
  connection_ = *std::move(opened);
  wants_ = true;
  looks_due_ = 1;
  return {};
}

void Bulletin::loop() {
  while (!stopping_) {
    if (!connection_ || !connection_->usable()) {
      wanting_.clear();
      wanted_elsewhere_ = false;
      connection_.reset();
    }
    if (const auto done = connection_ ? round() : connect(); !done) {
      connection_.reset();
      look();
      {  // Nobody can be told. Who listens looks when it hears of nothing, as we do.
        const std::lock_guard lock(mutex_);
        outgoing_.clear();
        overflowed_ = false;
      }
      for (const Monotonic until = clock_->monotonic() + kReconnect;
           !stopping_ && clock_->monotonic() < until;)
        std::this_thread::sleep_for(Millis{20});
    }
  }
}

Outcome<void> Bulletin::round() {
  const auto until_uses = std::chrono::ceil<Millis>(uses_said_ + kUsesEvery - clock_->monotonic());
  auto heard = connection_->notifications(std::clamp(until_uses, Millis{0}, kUsesEvery), wake_);
  if (!heard) return std::unexpected(heard.error());
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t read = ::read(wake_, &count, sizeof count);
  for (const Connection::Notification& each : *heard) hear(each.payload);

  const Monotonic now = clock_->monotonic();
  std::erase_if(wanting_, [&](const auto& each) { return each.second < now; });
  wanted_elsewhere_ = !wanting_.empty();

  std::vector<std::string> words;
  bool too_much = false;
  {
    const std::lock_guard lock(mutex_);
    words.swap(outgoing_);
    too_much = std::exchange(overflowed_, false);
  }
  if (too_much || words.size() > kMostWords) {
    if (auto said = say(kLook, {}); !said) return said;
  } else if (!words.empty()) {
    if (auto said = say(kChanged, words); !said) return said;
  }
  bool wants = false;
  {
    const std::lock_guard lock(callee_mutex_);
    wants = listener_ != nullptr && listener_->wanted();
  }
  if (wants && (wants_.exchange(false) || now - want_said_ >= kWantEvery)) {
    // What they commit before they hear this they don't tell.
    if (now - want_said_ >= kWantHolds || want_said_ == Monotonic{}) looks_due_ = 2;
    want_said_ = now;
    if (auto said = say(kWant, {}); !said) return said;
  }
  if (looks_due_ > 0 && now - looked_at_ >= kLookEvery) {
    --looks_due_;
    looked_at_ = now;
    look();
  }
  if (now - uses_said_ < kUsesEvery) return {};
  uses_said_ = now;
  return say_uses();
}

Outcome<void> Bulletin::say_uses() {
  std::vector<LimitUse> uses;
  {
    const std::lock_guard lock(callee_mutex_);
    if (limits_ != nullptr) uses = limits_->take_uses(kMostUses);
  }
  std::vector<std::string> words;
  for (const LimitUse& use : uses) {
    words.push_back(use.limit + ':' + to_hex(as_bytes(use.key)) + ':' +
                    std::to_string(static_cast<std::uint64_t>(use.cost)));
  }
  return words.empty() ? Outcome<void>{} : say(kUsed, words);
}

/// In as many notifications as it takes.
Outcome<void> Bulletin::say(const std::string& verb, const std::vector<std::string>& words) {
  const std::string begin = own_ + ' ' + verb;
  std::string payload = begin;
  for (const std::string& each : words) {
    if (payload.size() + 1 + each.size() > kPayload) {
      connection_->queue(kSay, Parameters().add(payload));
      payload = begin;
    }
    payload += ' ';
    payload += each;
  }
  connection_->queue(kSay, Parameters().add(payload));
  auto done = connection_->run();
  if (!done) return std::unexpected(done.error());
  return {};
}

void Bulletin::hear(std::string_view payload) {
  const std::string_view from = next_word(payload);
  const std::string_view verb = next_word(payload);
  if (verb == kWant) {
    if (from == own_) {
      looks_due_ = std::max(looks_due_, 1);
      return;
    }
    if (wanting_.size() >= kMostWanting && !wanting_.contains(from)) return;
    wanting_.insert_or_assign(std::string(from), clock_->monotonic() + kWantHolds);
    wanted_elsewhere_ = true;
  }
  if (from == own_) return;
  if (verb == kChanged) hear_changes(payload);
  if (verb == kLook) look();
  if (verb == kUsed) hear_uses(payload);
}

void Bulletin::hear_changes(std::string_view words) {
  const std::lock_guard lock(callee_mutex_);
  if (listener_ == nullptr || !listener_->wanted()) return;
  Changes changes;
  bool understood = true;
  while (!words.empty()) {
    const std::string_view each = next_word(words);
    const auto bytes = from_hex(each.substr(std::min<std::size_t>(1, each.size())));
    const char kind = each.empty() || !bytes ? '?' : each.front();
    if (kind == 'p' && bytes->size() == PointBytes{}.size()) {
      std::ranges::copy(*bytes, changes.proofs.emplace_back().begin());
    } else if (kind == 'q') {
      changes.mint_quotes.emplace_back(as_text(*bytes));
    } else if (kind == 'm') {
      changes.melt_quotes.emplace_back(as_text(*bytes));
    } else {
      understood = false;  // of a version to come
    }
  }
  if (!changes.empty()) listener_->changed(std::move(changes));
  if (!understood) listener_->look_again();
}

void Bulletin::hear_uses(std::string_view words) {
  const std::lock_guard lock(callee_mutex_);
  if (limits_ == nullptr) return;
  while (!words.empty()) {
    const std::string_view each = next_word(words);
    const std::size_t key = each.find(':');
    const std::size_t cost = each.rfind(':');
    if (key == std::string_view::npos || cost <= key) continue;
    const auto bytes = from_hex(each.substr(key + 1, cost - key - 1));
    std::uint32_t requests = 0;
    const auto [end, error] = std::from_chars(each.data() + cost + 1, each.data() + each.size(), requests);
    if (!bytes || error != std::errc{} || end != each.data() + each.size()) continue;
    limits_->charge(
        {std::string(each.substr(0, key)), std::string(as_text(*bytes)), static_cast<double>(requests)});
  }
}

}  // namespace manastr::mint

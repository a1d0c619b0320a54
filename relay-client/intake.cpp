#include "relay-client/intake.h"

#include <algorithm>

namespace manastr::relay {
namespace {

constexpr std::size_t kBatch =
    32;  // so many that a flood of one relay delays the others by a millisecond or two
constexpr std::size_t kTallies = 256;  // per relay
constexpr std::size_t kFetchedEvents = 20'000;

}  // namespace

Intake::Intake(std::vector<std::string> urls, std::size_t inbox_messages, std::size_t workers,
               Observer& observer)
    : urls_(std::move(urls)),
      capacity_(inbox_messages),
      observer_(observer),
      workers_(workers),
      inboxes_(urls_.size()),
      full_(urls_.size()),
      counting_(urls_.size()) {}

Intake::~Intake() { stop(); }

void Intake::start() {
  thread_ = std::thread([this] { run(); });
}

void Intake::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool Intake::push(std::size_t relay, std::uint64_t connection, std::string text) {
  const std::lock_guard lock(mutex_);
  auto& inbox = inboxes_[relay];
  inbox.push_back({.relay = relay, .connection = connection, .text = std::move(text)});
  work_.notify_one();
  if (inbox.size() < capacity_) return true;
  full_[relay] = true;
  return false;
}

void Intake::post(std::function<void()> task) {
  const std::lock_guard lock(mutex_);
  tasks_.push_back(std::move(task));
  work_.notify_one();
}

void Intake::add(std::shared_ptr<Standing> standing) {
  const std::lock_guard lock(wishes_mutex_);
  wishes_.emplace(standing->wish->id, std::move(standing));
}

std::shared_ptr<Standing> Intake::remove(std::uint64_t wish) {
  const std::lock_guard lock(wishes_mutex_);
  const auto found = wishes_.find(wish);
  if (found == wishes_.end()) return nullptr;
  auto out = std::move(found->second);
  wishes_.erase(found);
  out->gone.store(true);
  return out;
}

std::shared_ptr<Standing> Intake::find(std::uint64_t wish) const {
  const std::shared_lock lock(wishes_mutex_);
  const auto found = wishes_.find(wish);
  return found == wishes_.end() ? nullptr : found->second;
}

std::vector<std::string> Intake::seen_on(const nostr::EventId& id) const {
  const std::shared_lock lock(known_mutex_);
  std::vector<std::string> out;
  const Verified* verified = known_.find(id);
  for (std::size_t i = 0; verified != nullptr && i < urls_.size(); ++i) {
    if ((verified->relays >> i & 1) != 0) out.push_back(urls_[i]);
  }
  return out;
}

void Intake::take(std::vector<Arrival>& batch, std::deque<std::function<void()>>& tasks) {
  std::unique_lock lock(mutex_);
  const auto any = [&] {
    return std::ranges::any_of(inboxes_, [](const auto& each) { return !each.empty(); });
  };
  work_.wait(lock, [&] { return stopping_ || !tasks_.empty() || any(); });
  if (stopping_) return;
  tasks.swap(tasks_);
  std::size_t idle = 0;
  while (batch.size() < kBatch && idle < inboxes_.size()) {
    const std::size_t relay = turn_++ % inboxes_.size();
    auto& inbox = inboxes_[relay];
    if (inbox.empty()) {
      ++idle;
      continue;
    }
    idle = 0;
    batch.push_back(std::move(inbox.front()));
    inbox.pop_front();
  }
  std::vector<std::size_t> room;
  for (std::size_t i = 0; i < inboxes_.size(); ++i) {
    if (full_[i] && inboxes_[i].size() <= capacity_ / 2) {
      full_[i] = false;
      room.push_back(i);
    }
  }
  lock.unlock();
  for (const std::size_t relay : room) observer_.on_room(relay);
}

void Intake::run() {
  std::vector<Arrival> batch;
  while (true) {
    batch.clear();
    std::deque<std::function<void()>> tasks;
    take(batch, tasks);
    if (tasks.empty() && batch.empty()) return;
    for (const auto& task : tasks) task();
    process(batch);
  }
}

void Intake::inspect(Arrival& arrival) const {
  auto parsed = parse_relay_message(arrival.text);
  arrival.text = {};
  if (!parsed) return;
  arrival.message = std::move(*parsed);
  arrival.name = parse_subscription_name(arrival.message.subscription);
  arrival.shape =
      arrival.name && (arrival.message.verb == Verb::eose || nostr::id_matches(arrival.message.event));
}

void Intake::process(std::vector<Arrival>& batch) {
  workers_.run(batch.size(), [&](std::size_t i) { inspect(batch[i]); });

  // One verification for all copies of an event: those in this batch wait for the first with the same
  // signature.
  std::vector<std::size_t> verify;
  std::map<std::pair<Hash32, ByteArray<64>>, std::size_t> first;
  std::vector<std::pair<std::size_t, std::size_t>> follow;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    Arrival& arrival = batch[i];
    if (arrival.message.verb != Verb::event || !arrival.shape) continue;
    const nostr::Event& event = arrival.message.event;
    const Verified* known = known_.find(event.id);
    if (known != nullptr && known->sig == event.sig) {
      arrival.verified = true;
    } else if (const auto [at, fresh] = first.try_emplace({event.id, event.sig}, i); fresh) {
      verify.push_back(i);
    } else {
      follow.emplace_back(i, at->second);
    }
  }
  workers_.run(verify.size(), [&](std::size_t i) {
    const nostr::Event& event = batch[verify[i]].message.event;
    batch[verify[i]].verified = crypto::verify_schnorr(event.pubkey, event.id, event.sig);
  });
  for (const auto& [copy, original] : follow) batch[copy].verified = batch[original].verified;

  {
    const std::lock_guard lock(known_mutex_);
    for (const Arrival& arrival : batch) remember(arrival);
  }
  for (Arrival& arrival : batch) hand_over(arrival);
}

void Intake::remember(const Arrival& arrival) {
  if (!arrival.verified) return;
  const nostr::Event& event = arrival.message.event;
  known_.insert(event.id, {event.sig, 0});
  known_.find(event.id)->relays |= std::uint32_t{1} << arrival.relay;
}

Intake::Counting& Intake::counting(const Arrival& arrival) {
  Counting& out = counting_[arrival.relay];
  if (out.connection != arrival.connection) out = {arrival.connection, {}};
  return out;
}

void Intake::hand_over(Arrival& arrival) {
  figures_.received.fetch_add(1, std::memory_order_relaxed);
  if (!arrival.shape) {
    figures_.bad_events.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  const SubscriptionName name = *arrival.name;
  if (arrival.message.verb == Verb::eose) {
    Tally tally;
    auto& tallies = counting(arrival).tallies;
    if (const auto found = tallies.find(name.number); found != tallies.end()) {
      tally = std::move(found->second);
      tallies.erase(found);
    }
    observer_.on_stored_end(arrival.relay, arrival.connection, name, std::move(tally));
    return;
  }
  if (!arrival.verified) {
    figures_.bad_events.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  if (name.role == 'b') return observer_.on_read_back(arrival.relay, name, arrival.message.event.id);
  const auto standing = find(name.wish);
  if (standing == nullptr) return;
  const std::vector<nostr::Filter>& filters = standing->wish->filters;
  bool asked = false;
  Tally* tally = nullptr;
  for (std::size_t i = 0; i < filters.size(); ++i) {
    if (!filters[i].matches(arrival.message.event)) continue;
    asked = true;
    if (tally == nullptr) {
      auto& tallies = counting(arrival).tallies;
      if (tallies.size() >= kTallies && !tallies.contains(name.number)) tallies.erase(tallies.begin());
      tally = &tallies[name.number];
      tally->filters.resize(filters.size());
    }
    Tally::PerFilter& per = tally->filters[i];
    const std::int64_t at = count(arrival.message.event.created_at);
    per.oldest = per.events == 0 ? at : std::min(per.oldest, at);
    ++per.events;
  }
  if (!asked) {
    figures_.unasked.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  if (!standing->delivered.insert(arrival.message.event.id, {})) {
    figures_.duplicates.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  deliver(*standing, arrival);
}

void Intake::deliver(Standing& standing, Arrival& arrival) {
  if (standing.gone.load()) return;
  figures_.delivered.fetch_add(1, std::memory_order_relaxed);
  if (standing.wish->once) {
    if (standing.fetched.size() < kFetchedEvents)
      standing.fetched.push_back(std::move(arrival.message.event));
  } else if (standing.on_event) {
    standing.on_event(arrival.message.event, urls_[arrival.relay]);
  }
}

}  // namespace manastr::relay

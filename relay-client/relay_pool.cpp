#include "relay-client/relay_pool.h"

#include <algorithm>
#include <set>

#include "common/telemetry/log.h"
#include "relay-client/intake.h"
#include "relay-client/outbox.h"
#include "relay-client/relay_link.h"
#include "relay-client/socket_loop.h"

namespace manastr::relay {
namespace {

constexpr std::size_t kMostRelays = 32;
constexpr Millis kFlush{500};  // at the end

}  // namespace

PoolOptions PoolOptions::for_loopback(std::vector<std::string> urls) {
  PoolOptions out;
  out.urls = std::move(urls);
  out.reconnect_first = Millis(200);
  out.reconnect_most = Millis(1'000);
  return out;
}

class RelayPool::Impl final : SocketObserver, Intake::Observer {
 public:
  Impl(PoolOptions options, std::vector<RelayUrl> urls, const Clock& clock, Random& random)
      : options_(std::move(options)),
        clock_(clock),
        loop_(urls.size(), options_.message_bytes, *this),
        intake_(options_.urls, options_.inbox_messages, options_.verify_workers, *this),
        around_{options_,
                clock_,
                random,
                loop_,
                resolver_,
                intake_,
                [this](std::function<void()> work) { command(std::move(work)); }},
        outbox_(options_.urls, [this](const Outbox::Progress& callback, PublishProgress progress) {
          intake_.post([callback, progress = std::move(progress)] { callback(progress); });
        }) {
    for (std::size_t i = 0; i < urls.size(); ++i) {
      links_.push_back(std::make_unique<RelayLink>(around_, i, std::move(urls[i])));
    }
    status_.quorum = options_.quorum;
    for (const std::string& url : options_.urls) status_.relays.push_back({url, false, false, {}});
  }

  ~Impl() override {
    if (service_.joinable()) {
      command([this] { flush_until_ = clock_.monotonic() + kFlush; });
      service_.join();
    }
    intake_.stop();
  }

  Status start() {
    TRY_STATUS(loop_.open());
    intake_.start();
    service_ = std::thread([this] { loop_.run(); });
    return {};
  }

  // What callers ask, on any thread.
  SubscriptionId subscribe(Subscription subscription) {
    auto standing =
        std::make_shared<Standing>(Wish{.id = next_wish_++, .filters = std::move(subscription.filters)});
    for (const nostr::Filter& filter : standing->wish->filters) {
      if (filter.limit) log_limit();
    }
    standing->on_event = std::move(subscription.on_event);
    standing->on_caught_up = std::move(subscription.on_caught_up);
    return watch(standing, options_.quorum, std::nullopt);
  }

  void unsubscribe(SubscriptionId id) {
    intake_.remove(id);
    command([this, id] { forget(id); });
  }

  void fetch(Fetch request) {
    const bool paged =
        std::ranges::none_of(request.filters, [](const auto& each) { return each.limit.has_value(); });
    auto standing = std::make_shared<Standing>(
        Wish{.id = next_wish_++, .filters = std::move(request.filters), .once = true, .paged = paged});
    standing->on_done = std::move(request.on_done);
    watch(standing, request.quorum == 0 ? options_.quorum : request.quorum, request.timeout);
  }

  Status publish(Publication publication) {
    auto letter = std::make_shared<Letter>();
    letter->id = publication.event.id;
    letter->message = event_message(publication.event);
    letter->tags = publication.event.tags.size();
    letter->content_characters = utf8_characters(publication.event.content);
    letter->read_back = publication.read_back;
    if (letter->message.size() > options_.message_bytes) {
      return invalid("an event of more than " + std::to_string(options_.message_bytes) +
                     " bytes is taken by no relay: split it");
    }
    if (outbox_waiting_.load() >= options_.outbox_events) {
      return unavailable("the outbox holds " + std::to_string(options_.outbox_events) +
                         " events that no quorum of relays has taken: wait until relays are back");
    }
    ++outbox_waiting_;
    ++published_;
    const std::size_t quorum = publication.quorum == 0 ? options_.quorum : publication.quorum;
    command([this, letter, quorum, callback = std::move(publication.on_progress)] {
      if (outbox_.size() >= options_.outbox_events) {
        if (const auto oldest = outbox_.oldest_with_quorum()) drop(*oldest);
      }
      for (const std::size_t relay : outbox_.add(letter, quorum, callback)) {
        links_[relay]->session().outbox().add(letter);
        settle(relay);
      }
      outbox_waiting_.store(outbox_.without_quorum());
    });
    return {};
  }

  void withdraw(const nostr::EventId& id) {
    command([this, id] { drop(id); });
  }

  std::vector<std::string> seen_on(const nostr::EventId& id) const { return intake_.seen_on(id); }

  CourierStatus status() const {
    const std::lock_guard lock(status_mutex_);
    return status_;
  }

  void on_status(std::function<void(const CourierStatus&)> observer) {
    const std::lock_guard lock(status_mutex_);
    status_observer_ = std::move(observer);
    if (status_observer_) intake_.post([this] { tell_status(); });
  }

  PoolFigures figures() const {
    const Intake::Figures& in = intake_.figures();
    PoolFigures out;
    out.received = in.received.load();
    out.duplicates = in.duplicates.load();
    out.bad_events = in.bad_events.load();
    out.unasked = in.unasked.load();
    out.delivered = in.delivered.load();
    out.paused = around_.paused.load();
    out.reconnects = around_.reconnects.load();
    out.published = published_.load();
    out.gaps_repaired = around_.gaps_repaired.load();
    out.outbox = outbox_waiting_.load();
    return out;
  }

 private:
  /// A wish as the service thread follows it.
  struct Watch {
    std::shared_ptr<Standing> standing;
    std::size_t quorum = 0;
    std::set<std::size_t> answered;  // relays
    Monotonic started{};
    std::optional<Monotonic> deadline, stragglers_until;
    bool told = false;
  };

  Moment now() const { return {clock_.monotonic(), clock_.now_seconds()}; }
  static void log_limit() {
    telemetry::log_warn("a standing subscription has a limit; the courier pages by itself", {});
  }

  void command(std::function<void()> work) {
    bool first = false;
    {
      const std::lock_guard lock(commands_mutex_);
      first = commands_.empty();
      commands_.push_back(std::move(work));
    }
    if (first) loop_.wake();
  }

  SubscriptionId watch(const std::shared_ptr<Standing>& standing, std::size_t quorum,
                       std::optional<Millis> timeout) {
    intake_.add(standing);
    command([this, standing, quorum, timeout] {
      const Moment at = now();
      Watch watched{.standing = standing, .quorum = quorum, .started = at.steady};
      if (timeout) watched.deadline = at.steady + *timeout;
      watches_.emplace(standing->wish->id, std::move(watched));
      for (std::size_t i = 0; i < links_.size(); ++i) {
        links_[i]->session().subscriptions().add(standing->wish, at);
        settle(i);
      }
    });
    return standing->wish->id;
  }

  void forget(std::uint64_t id) {
    watches_.erase(id);
    for (std::size_t i = 0; i < links_.size(); ++i) {
      links_[i]->session().subscriptions().remove(id);
      settle(i);
    }
  }

  void drop(const nostr::EventId& id) {
    if (!outbox_.remove(id)) return;
    for (const auto& link : links_) link->session().outbox().remove(id);
    outbox_waiting_.store(outbox_.without_quorum());
  }

  // Sockets, on the service thread.
  void on_wake() override {
    std::vector<std::function<void()>> work;
    {
      const std::lock_guard lock(commands_mutex_);
      work.swap(commands_);
    }
    for (const auto& each : work) each();
    stop_if_flushed();
  }
  void on_tick() override {
    for (std::size_t i = 0; i < links_.size(); ++i) {
      links_[i]->tick(!flush_until_.has_value());
      settle(i);
    }
    tick_watches(clock_.monotonic());
    stop_if_flushed();
  }
  void on_open(std::size_t i) override {
    links_[i]->opened();
    settle(i);
  }
  void on_closed(std::size_t i, std::string reason) override {
    links_[i]->closed(std::move(reason));
    settle(i);
  }
  void on_pong(std::size_t i) override { links_[i]->pong(); }
  void on_message(std::size_t i, std::string text) override {
    links_[i]->message(std::move(text));
    settle(i);
  }
  std::optional<std::string> next_message(std::size_t i) override {
    auto out = links_[i]->next_message();
    settle(i);
    return out;
  }
  void on_document(std::size_t i, std::optional<std::string> body) override {
    links_[i]->document(body);
    settle(i);
  }

  /// After anything happened to a link: carry on what follows from it.
  void settle(std::size_t i) {
    RelayLink& link = *links_[i];
    const auto outcomes = link.session().outbox().take_outcomes();
    for (const RelayOutbox::Outcome& outcome : outcomes) outbox_.outcome(i, outcome);
    if (!outcomes.empty()) outbox_waiting_.store(outbox_.without_quorum());
    for (const std::uint64_t wish : link.session().subscriptions().take_finished()) answered(i, wish);
    link.note_trouble();
    link.write_what_is_due();
    show_status(i);
  }

  void answered(std::size_t relay, std::uint64_t wish) {
    const auto found = watches_.find(wish);
    if (found == watches_.end()) return;
    found->second.answered.insert(relay);
    tick_watch(found->second, clock_.monotonic());
  }

  void tick_watches(Monotonic at) {
    std::vector<std::uint64_t> done;
    for (auto& [id, watched] : watches_) {
      if (!watched.told) tick_watch(watched, at);
      if (watched.told && watched.standing->wish->once) done.push_back(id);
    }
    for (const std::uint64_t id : done) forget(id);
  }

  void tick_watch(Watch& watched, Monotonic at) {
    if (watched.told) return;
    const std::size_t answers = watched.answered.size();
    const auto& standing = watched.standing;
    if (!standing->wish->once) {
      if (answers < watched.quorum && (answers == 0 || at - watched.started < options_.answer_timeout))
        return;
      watched.told = true;
      intake_.post([standing] {
        if (standing->on_caught_up && !standing->gone.load()) standing->on_caught_up();
      });
      return;
    }
    if (answers >= watched.quorum && !watched.stragglers_until)
      watched.stragglers_until = at + options_.straggler_wait;
    const bool over = answers == links_.size() ||
                      (watched.stragglers_until && at >= *watched.stragglers_until) ||
                      (watched.deadline && at >= *watched.deadline);
    if (!over) return;
    watched.told = true;
    intake_.post([this, standing, answers, complete = answers >= watched.quorum] {
      intake_.remove(standing->wish->id);
      Fetched out{std::move(standing->fetched), answers, complete};
      std::ranges::sort(out.events, [](const nostr::Event& a, const nostr::Event& b) {
        return a.created_at != b.created_at ? a.created_at > b.created_at : a.id < b.id;
      });
      if (standing->on_done) standing->on_done(std::move(out));
    });
  }

  void show_status(std::size_t i) {
    const RelayLink& link = *links_[i];
    const bool connected = link.is_open();
    const bool live = link.session().live();
    const std::lock_guard lock(status_mutex_);
    RelayStatus& shown = status_.relays[i];
    const bool changed = shown.connected != connected || shown.live != live;
    if (shown.trouble != link.trouble()) shown.trouble = link.trouble();
    if (!changed) return;
    const bool had_quorum = status_.has_quorum();
    shown.connected = connected;
    shown.live = live;
    // A relay that is connected and not live is catching up with a new subscription: no news.
    const bool lost = had_quorum && !status_.has_quorum() && !connected;
    if (lost || (status_.has_quorum() && !quorum_told_)) {
      quorum_told_ = !lost;
      telemetry::log(lost ? telemetry::Level::warn : telemetry::Level::info,
                     lost ? "quorum of relays lost" : "quorum of relays live",
                     {{"live", status_.live()}, {"quorum", status_.quorum}});
    }
    if (status_observer_) intake_.post([this] { tell_status(); });
  }

  void tell_status() {
    std::function<void(const CourierStatus&)> observer;
    CourierStatus shown;
    {
      const std::lock_guard lock(status_mutex_);
      observer = status_observer_;
      shown = status_;
    }
    if (observer) observer(shown);
  }

  void stop_if_flushed() {
    if (!flush_until_) return;
    const bool more = std::ranges::any_of(
        links_, [](const auto& link) { return link->is_open() && link->session().has_next(true); });
    if (!more || clock_.monotonic() >= *flush_until_) loop_.stop();
  }

  // From the intake's thread.
  void on_stored_end(std::size_t relay, std::uint64_t connection, SubscriptionName name,
                     Tally tally) override {
    command([this, relay, connection, name, tally = std::move(tally)] {
      RelayLink& link = *links_[relay];
      if (link.connection() != connection || !link.is_open()) return;
      link.session().stored_events_end(name, tally, now());
      settle(relay);
    });
  }
  void on_read_back(std::size_t relay, SubscriptionName name, nostr::EventId id) override {
    command([this, relay, name, id] {
      links_[relay]->session().read_back(name, id);
      settle(relay);
    });
  }
  void on_room(std::size_t relay) override {
    command([this, relay] { links_[relay]->room(); });
  }

  const PoolOptions options_;
  const Clock& clock_;
  std::mutex commands_mutex_;
  std::vector<std::function<void()>> commands_;
  SocketLoop loop_;
  Intake intake_;
  Resolver resolver_;
  LinkSurroundings around_;
  std::vector<std::unique_ptr<RelayLink>> links_;
  Outbox outbox_;
  std::map<std::uint64_t, Watch> watches_;
  std::optional<Monotonic> flush_until_;

  mutable std::mutex status_mutex_;
  CourierStatus status_;
  std::function<void(const CourierStatus&)> status_observer_;
  bool quorum_told_ = false;  // what the log said last
  std::atomic<std::uint64_t> next_wish_ = 1, published_ = 0;
  std::atomic<std::size_t> outbox_waiting_ = 0;
  std::thread service_;
};

namespace {

Result<std::vector<RelayUrl>> parse_urls(const std::vector<std::string>& texts) {
  if (texts.empty()) return invalid("no relay is given: name at least one ws:// or wss:// URL");
  if (texts.size() > kMostRelays) return invalid("more than " + std::to_string(kMostRelays) + " relays");
  std::vector<RelayUrl> urls;
  std::set<std::string> seen;
  for (const std::string& text : texts) {
    TRY(RelayUrl url, parse_relay_url(text));
    if (!seen.insert(text).second) return invalid("relay URL '" + text + "' is given twice");
    urls.push_back(std::move(url));
  }
  return urls;
}

}  // namespace

Status check_urls(const std::vector<std::string>& urls) {
  TRY([[maybe_unused]] const std::vector<RelayUrl> parsed, parse_urls(urls));
  return {};
}

Result<std::unique_ptr<RelayPool>> RelayPool::start(PoolOptions options, const Clock& clock, Random& random) {
  TRY(std::vector<RelayUrl> urls, parse_urls(options.urls));
  if (options.quorum == 0) options.quorum = options.urls.size() / 2 + 1;
  if (options.quorum > options.urls.size()) {
    return invalid("a quorum of " + std::to_string(options.quorum) + " needs as many relays, " +
                   std::to_string(options.urls.size()) + " are given");
  }
  if (options.verify_workers == 0)
    options.verify_workers = std::max(2U, std::thread::hardware_concurrency()) - 1;
  auto impl = std::make_unique<Impl>(std::move(options), std::move(urls), clock, random);
  TRY_STATUS(impl->start());
  return std::unique_ptr<RelayPool>(new RelayPool(std::move(impl)));
}

RelayPool::RelayPool(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RelayPool::~RelayPool() = default;
SubscriptionId RelayPool::subscribe(Subscription subscription) {
  return impl_->subscribe(std::move(subscription));
}
void RelayPool::unsubscribe(SubscriptionId id) { impl_->unsubscribe(id); }
Status RelayPool::publish(Publication publication) { return impl_->publish(std::move(publication)); }
void RelayPool::withdraw(const nostr::EventId& id) { impl_->withdraw(id); }
void RelayPool::fetch(Fetch request) { impl_->fetch(std::move(request)); }
std::vector<std::string> RelayPool::seen_on(const nostr::EventId& id) const { return impl_->seen_on(id); }
CourierStatus RelayPool::status() const { return impl_->status(); }
void RelayPool::on_status(std::function<void(const CourierStatus&)> observer) {
  impl_->on_status(std::move(observer));
}
PoolFigures RelayPool::figures() const { return impl_->figures(); }

}  // namespace manastr::relay

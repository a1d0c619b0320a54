#include "relay-client/relay_pool.h"

#include <algorithm>
#include <set>

#include "common/resilience/backoff.h"
#include "common/resilience/rate_limiter.h"
#include "common/telemetry/log.h"
#include "relay-client/intake.h"
#include "relay-client/outbox.h"
#include "relay-client/resolver.h"
#include "relay-client/session.h"
#include "relay-client/socket_loop.h"

namespace manastr::relay {
namespace {

constexpr std::size_t kMostRelays = 32;
constexpr Millis kLimitsWait{1'500};  // for NIP-11, before events are sent anyhow
constexpr Seconds kLimitsKept{600};
constexpr Millis kFlush{500};   // at the end
constexpr Seconds kStable{60};  // a connection that lived so long was a good one

SubscriptionKeeper::Policy subscription_policy(const PoolOptions& options) {
  SubscriptionKeeper::Policy out;
  out.answer_timeout = options.answer_timeout;
  out.retry_first = options.reconnect_first;
  out.retry_most = options.reconnect_most;
  out.audit_interval = options.audit_interval;
  out.overlap = options.overlap;
  return out;
}

RelayOutbox::Policy publication_policy(const PoolOptions& options) {
  RelayOutbox::Policy out;
  out.answer_timeout = options.answer_timeout;
  out.retry_most = options.reconnect_most;
  return out;
}

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
        outbox_(options_.urls, [this](const Outbox::Progress& callback, PublishProgress progress) {
          intake_.post([callback, progress = std::move(progress)] { callback(progress); });
        }) {
    for (std::size_t i = 0; i < urls.size(); ++i) {
      links_.push_back(std::make_unique<Link>(options_, std::move(urls[i]), options_.urls[i], clock, random));
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

  // --- what callers ask, on any thread
  // ---------------------------------------------------------------------------
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
        links_[relay]->session.outbox().add(letter);
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
    out.paused = paused_.load();
    out.reconnects = reconnects_.load();
    out.published = published_.load();
    out.gaps_repaired = gaps_repaired_.load();
    out.outbox = outbox_waiting_.load();
    return out;
  }

 private:
  enum class State { resting, resolving, connecting, open };
  struct Link {
    Link(const PoolOptions& options, RelayUrl where, const std::string& text, const Clock& clock,
         Random& random)
        : url(std::move(where)),
          session(text, subscription_policy(options), publication_policy(options), options.signer, random),
          backoff({options.reconnect_first, options.reconnect_most}, random),
          bucket({options.events_per_second, options.events_burst}, clock, 1) {}
    RelayUrl url;
    Session session;
    resilience::Backoff backoff;
    resilience::RateLimiter bucket;
    State state = State::resting;
    Monotonic due{};  // next attempt, or when the one under way has failed
    std::uint64_t connection = 0;
    std::size_t attempts = 0;
    Monotonic opened_at{}, heard_at{}, pinged_at{};
    UnixSeconds heard_wall{};
    bool ping_unanswered = false;
    bool inbox_full = false, paused = false;
    std::optional<Monotonic> bucket_empty_until;
    std::optional<Monotonic> limits_at;
    bool limits_pending = false;
    std::string trouble;
    std::string close_reason;
    std::uint64_t gaps_seen = 0;
  };
  /// A wish as the service thread follows it.
  struct Watch {
    std::shared_ptr<Standing> standing;
    std::size_t quorum = 0;
    std::set<std::size_t> answered;
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
        links_[i]->session.subscriptions().add(standing->wish, at);
        settle(i);
      }
    });
    return standing->wish->id;
  }

  void forget(std::uint64_t id) {
    watches_.erase(id);
    for (std::size_t i = 0; i < links_.size(); ++i) {
      links_[i]->session.subscriptions().remove(id);
      settle(i);
    }
  }

  void drop(const nostr::EventId& id) {
    if (!outbox_.remove(id)) return;
    for (const auto& link : links_) link->session.outbox().remove(id);
    outbox_waiting_.store(outbox_.without_quorum());
  }

  // --- sockets, on the service thread
  // ------------------------------------------------------------------------------
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
    const Moment at = now();
    for (std::size_t i = 0; i < links_.size(); ++i) tick(i, at);
    tick_watches(at.steady);
    stop_if_flushed();
  }

  void tick(std::size_t i, Moment at) {
    Link& link = *links_[i];
    if (link.bucket_empty_until && *link.bucket_empty_until <= at.steady) {
      link.bucket_empty_until.reset();
      apply_pause(i);
    }
    switch (link.state) {
      case State::resting:
        if (link.due <= at.steady && !flush_until_) dial(i);
        break;
      case State::resolving:
        break;
      case State::connecting:
        if (link.due <= at.steady) {
          link.due = at.steady + options_.connect_timeout;
          link.close_reason = "no connection in time";
          loop_.close(i);
        }
        break;
      case State::open:
        if (link.paused) {
          link.heard_at = link.pinged_at = at.steady;  // we do not listen, so silence means nothing
          link.ping_unanswered = false;
        } else if (at.steady - link.pinged_at >= options_.ping_interval) {
          if (link.ping_unanswered && link.heard_at < link.pinged_at) {
            link.close_reason = "the relay answers no ping";
            loop_.close(i);
          } else {
            link.pinged_at = at.steady;
            link.ping_unanswered = true;
            loop_.send_ping(i);
          }
        }
        if (!link.paused) link.session.tick(at);
        if (at.steady - link.opened_at >= std::min<Millis>(kStable, options_.reconnect_most))
          link.backoff.reset();
        break;
    }
    settle(i);
  }

  void dial(std::size_t i) {
    Link& link = *links_[i];
    link.state = State::resolving;
    resolver_.resolve(link.url.host, [this, i](std::vector<std::string> addresses) {
      command([this, i, addresses = std::move(addresses)] {
        Link& target = *links_[i];
        if (target.state != State::resolving) return;
        target.state = State::connecting;
        target.due = clock_.monotonic() + options_.connect_timeout;
        if (addresses.empty()) return on_closed(i, "the name " + target.url.host + " has no address");
        const std::string& address = addresses[target.attempts++ % addresses.size()];
        if (!target.limits_pending &&
            (!target.limits_at || clock_.monotonic() - *target.limits_at > kLimitsKept)) {
          target.limits_pending = true;
          loop_.get(i, target.url, address);
        }
        loop_.connect(i, target.url, address);
      });
    });
  }

  void on_open(std::size_t i) override {
    Link& link = *links_[i];
    const Moment at = now();
    link.state = State::open;
    if (++link.connection > 1) ++reconnects_;
    link.opened_at = link.heard_at = link.pinged_at = at.steady;
    link.heard_wall = at.wall;
    link.ping_unanswered = false;
    link.paused = link.inbox_full = false;
    link.bucket_empty_until.reset();
    link.trouble.clear();
    link.session.opened(at);
    settle(i);
  }

  void on_closed(std::size_t i, std::string reason) override {
    Link& link = *links_[i];
    if (!link.close_reason.empty()) reason = std::exchange(link.close_reason, {});
    const bool was_open = link.state == State::open;
    link.session.closed(link.heard_wall);
    link.state = State::resting;
    link.due = clock_.monotonic() + link.backoff.next();
    if (was_open || link.trouble.empty()) {
      telemetry::log_warn(was_open ? "relay lost" : "relay not reached",
                          {{"relay", options_.urls[i]}, {"why", reason}});
    }
    link.trouble = std::move(reason);
    settle(i);
  }

  void heard(Link& link) {
    const Moment at = now();
    link.heard_at = at.steady;
    link.heard_wall = at.wall;
  }
  void on_pong(std::size_t i) override {
    heard(*links_[i]);
    links_[i]->ping_unanswered = false;
  }

  void on_message(std::size_t i, std::string text) override {
    Link& link = *links_[i];
    heard(link);
    const Verb verb = peek_verb(text);
    if (verb == Verb::event || verb == Verb::eose) {
      // What was read is kept; it is the next one that waits.
      if (const auto wait = link.bucket.admit("")) link.bucket_empty_until = clock_.monotonic() + *wait;
      if (!intake_.push(i, link.connection, std::move(text))) link.inbox_full = true;
      return apply_pause(i);
    }
    if (const auto message = parse_relay_message(text)) {
      link.session.heard(*message, now());
      settle(i);
    }
  }

  void apply_pause(std::size_t i) {
    Link& link = *links_[i];
    const bool pause = link.inbox_full || link.bucket_empty_until.has_value();
    if (pause == link.paused) return;
    link.paused = pause;
    if (pause) ++paused_;
    loop_.pause(i, pause);
  }

  bool events_allowed(const Link& link) const {
    return !link.limits_pending || clock_.monotonic() - link.opened_at >= kLimitsWait;
  }

  std::optional<std::string> next_message(std::size_t i) override {
    auto out = links_[i]->session.next(now(), events_allowed(*links_[i]));
    settle(i, false);
    return out;
  }

  void on_document(std::size_t i, std::optional<std::string> body) override {
    Link& link = *links_[i];
    link.limits_pending = false;
    link.limits_at = clock_.monotonic();
    if (body) link.session.set_limits(parse_relay_limits(*body));
    settle(i);
  }

  /// After anything happened to a session: carry on what follows from it.
  void settle(std::size_t i, bool write = true) {
    Link& link = *links_[i];
    bool changed = false;
    for (const RelayOutbox::Outcome& outcome : link.session.outbox().take_outcomes()) {
      outbox_.outcome(i, outcome);
      changed = true;
    }
    if (changed) outbox_waiting_.store(outbox_.without_quorum());
    for (const std::uint64_t wish : link.session.subscriptions().take_finished()) answered(i, wish);
    if (auto said = link.session.take_trouble()) link.trouble = std::move(*said);
    if (const auto gaps = link.session.subscriptions().gaps_repaired(); gaps != link.gaps_seen) {
      gaps_repaired_ += gaps - link.gaps_seen;
      link.gaps_seen = gaps;
    }
    if (write && link.state == State::open && link.session.has_next(events_allowed(link)))
      loop_.want_write(i);
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
    const Link& link = *links_[i];
    const bool connected = link.state == State::open;
    const bool live = link.session.live();
    const std::lock_guard lock(status_mutex_);
    RelayStatus& shown = status_.relays[i];
    const bool changed = shown.connected != connected || shown.live != live;
    if (shown.trouble != link.trouble) shown.trouble = link.trouble;
    if (!changed) return;
    const bool had_quorum = status_.has_quorum();
    shown.connected = connected;
    shown.live = live;
    if (had_quorum != status_.has_quorum()) {
      telemetry::log(had_quorum ? telemetry::Level::warn : telemetry::Level::info,
                     had_quorum ? "quorum of relays lost" : "quorum of relays live",
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
        links_, [&](const auto& link) { return link->state == State::open && link->session.has_next(true); });
    if (!more || clock_.monotonic() >= *flush_until_) loop_.stop();
  }

  // --- from the intake's thread
  // ------------------------------------------------------------------------------------
  void on_stored_end(std::size_t relay, std::uint64_t connection, SubscriptionName name,
                     Tally tally) override {
    command([this, relay, connection, name, tally = std::move(tally)] {
      Link& link = *links_[relay];
      if (link.connection != connection || link.state != State::open) return;
      link.session.stored_events_end(name, tally, now());
      settle(relay);
    });
  }
  void on_read_back(std::size_t relay, SubscriptionName name, nostr::EventId id) override {
    command([this, relay, name, id] {
      links_[relay]->session.read_back(name, id);
      settle(relay);
    });
  }
  void on_room(std::size_t relay) override {
    command([this, relay] {
      links_[relay]->inbox_full = false;
      if (links_[relay]->state == State::open) apply_pause(relay);
    });
  }

  const PoolOptions options_;
  const Clock& clock_;
  SocketLoop loop_;
  Intake intake_;
  std::vector<std::unique_ptr<Link>> links_;
  Outbox outbox_;
  std::map<std::uint64_t, Watch> watches_;
  std::optional<Monotonic> flush_until_;

  std::mutex commands_mutex_;
  std::vector<std::function<void()>> commands_;
  mutable std::mutex status_mutex_;
  CourierStatus status_;
  std::function<void(const CourierStatus&)> status_observer_;
  std::atomic<std::uint64_t> next_wish_ = 1, paused_ = 0, reconnects_ = 0, published_ = 0, gaps_repaired_ = 0;
  std::atomic<std::size_t> outbox_waiting_ = 0;
  Resolver resolver_;
  std::thread service_;
};

Result<std::unique_ptr<RelayPool>> RelayPool::start(PoolOptions options, const Clock& clock, Random& random) {
  if (options.urls.empty()) return invalid("no relay is given: name at least one ws:// or wss:// URL");
  if (options.urls.size() > kMostRelays)
    return invalid("more than " + std::to_string(kMostRelays) + " relays");
  std::vector<RelayUrl> urls;
  std::set<std::string> seen;
  for (const std::string& text : options.urls) {
    TRY(RelayUrl url, parse_relay_url(text));
    if (!seen.insert(text).second) return invalid("relay URL '" + text + "' is given twice");
    urls.push_back(std::move(url));
  }
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

#include "relay-client/relay_link.h"

#include <algorithm>

#include "common/telemetry/log.h"

namespace manastr::relay {
namespace {

constexpr Millis kLimitsWait{1'500};  // for NIP-11, before events are sent anyhow
constexpr Seconds kLimitsKept{600};
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

RelayLink::RelayLink(LinkSurroundings& around, std::size_t index, RelayUrl url)
    : around_(around),
      index_(index),
      url_(std::move(url)),
      session_(around.options.urls[index], subscription_policy(around.options),
               publication_policy(around.options), around.options.signer, around.random),
      backoff_({around.options.reconnect_first, around.options.reconnect_most}, around.random),
      bucket_({around.options.events_per_second, around.options.events_burst}, around.clock, 1) {}

void RelayLink::note_trouble() {
  if (auto said = session_.take_trouble()) trouble_ = std::move(*said);
  const std::uint64_t gaps = session_.subscriptions().gaps_repaired();
  around_.gaps_repaired += gaps - std::exchange(gaps_noted_, gaps);
}

void RelayLink::tick(bool may_dial) {
  const Moment at = now();
  if (bucket_empty_until_ && *bucket_empty_until_ <= at.steady) {
    bucket_empty_until_.reset();
    if (is_open()) apply_pause();
  }
  switch (state_) {
    case State::resting:
      if (due_ <= at.steady && may_dial) dial();
      break;
    case State::resolving:
      break;
    case State::connecting:
      if (due_ <= at.steady) {
        due_ = at.steady + around_.options.connect_timeout;
        close_reason_ = "no connection in time";
        around_.loop.close(index_);
      }
      break;
    case State::open:
      tick_open(at);
      break;
  }
}

void RelayLink::tick_open(Moment at) {
  if (paused_) {
    heard_at_ = pinged_at_ = at.steady;  // we do not listen, so silence means nothing
    ping_unanswered_ = false;
    return;
  }
  if (at.steady - pinged_at_ >= around_.options.ping_interval) {
    if (ping_unanswered_ && heard_at_ < pinged_at_) {
      close_reason_ = "the relay answers no ping";
      around_.loop.close(index_);
    } else {
      pinged_at_ = at.steady;
      ping_unanswered_ = true;
      around_.loop.send_ping(index_);
    }
  }
  session_.tick(at);
  if (at.steady - opened_at_ >= std::min<Millis>(kStable, around_.options.reconnect_most)) backoff_.reset();
}

void RelayLink::dial() {
  state_ = State::resolving;
  around_.resolver.resolve(url_.host, [this](std::vector<std::string> addresses) {
    around_.command([this, addresses = std::move(addresses)] { resolved(addresses); });
  });
}

void RelayLink::resolved(const std::vector<std::string>& addresses) {
  if (state_ != State::resolving) return;
  state_ = State::connecting;
  const Monotonic at = around_.clock.monotonic();
  due_ = at + around_.options.connect_timeout;
  if (addresses.empty()) return closed("the name " + url_.host + " has no address");
  const std::string& address = addresses[attempts_++ % addresses.size()];
  if (!limits_pending_ && (!limits_at_ || at - *limits_at_ > kLimitsKept)) {
    limits_pending_ = true;
    around_.loop.get(index_, url_, address);
  }
  around_.loop.connect(index_, url_, address);
}

void RelayLink::opened() {
  const Moment at = now();
  state_ = State::open;
  if (++connection_ > 1) ++around_.reconnects;
  opened_at_ = heard_at_ = pinged_at_ = at.steady;
  heard_wall_ = at.wall;
  ping_unanswered_ = paused_ = inbox_full_ = false;
  bucket_empty_until_.reset();
  trouble_.clear();
  session_.opened(at);
}

void RelayLink::closed(std::string reason) {
  if (!close_reason_.empty()) reason = std::exchange(close_reason_, {});
  const bool was_open = is_open();
  session_.closed(heard_wall_);
  state_ = State::resting;
  due_ = around_.clock.monotonic() + backoff_.next();
  if (was_open || trouble_.empty()) {
    telemetry::log_warn(was_open ? "relay lost" : "relay not reached", {{"relay", name()}, {"why", reason}});
  }
  trouble_ = std::move(reason);
}

void RelayLink::heard() {
  const Moment at = now();
  heard_at_ = at.steady;
  heard_wall_ = at.wall;
}

void RelayLink::pong() {
  heard();
  ping_unanswered_ = false;
}

void RelayLink::message(std::string text) {
  heard();
  const Verb verb = peek_verb(text);
  if (verb == Verb::event || verb == Verb::eose) {
    // What was read is kept; it is the next one that waits.
    if (const auto wait = bucket_.admit("")) bucket_empty_until_ = around_.clock.monotonic() + *wait;
    if (!around_.intake.push(index_, connection_, std::move(text))) inbox_full_ = true;
    return apply_pause();
  }
  if (const auto said = parse_relay_message(text)) session_.heard(*said, now());
}

void RelayLink::apply_pause() {
  const bool pause = inbox_full_ || bucket_empty_until_.has_value();
  if (pause == paused_) return;
  paused_ = pause;
  if (pause) ++around_.paused;
  around_.loop.pause(index_, pause);
}

void RelayLink::room() {
  inbox_full_ = false;
  if (is_open()) apply_pause();
}

void RelayLink::document(const std::optional<std::string>& body) {
  limits_pending_ = false;
  limits_at_ = around_.clock.monotonic();
  if (body) session_.set_limits(parse_relay_limits(*body));
}

bool RelayLink::events_allowed() const {
  return !limits_pending_ || around_.clock.monotonic() - opened_at_ >= kLimitsWait;
}

std::optional<std::string> RelayLink::next_message() { return session_.next(now(), events_allowed()); }

void RelayLink::write_what_is_due() {
  if (is_open() && session_.has_next(events_allowed())) around_.loop.want_write(index_);
}

}  // namespace manastr::relay

#include "relay-client/session.h"

namespace manastr::relay {
namespace {

constexpr Seconds kBetweenAuthentications{5};
constexpr std::size_t kChallengeBytes = 1024;
constexpr std::size_t kTroubleBytes = 200;
constexpr std::uint32_t kAuthKind = 22242;

RelayOutbox::Policy with_signer(RelayOutbox::Policy policy, bool can_authenticate) {
  policy.can_authenticate = can_authenticate;
  return policy;
}

}  // namespace

Session::Session(std::string url, const SubscriptionKeeper::Policy& subscriptions,
                 RelayOutbox::Policy publications, Signer* signer, Random& random)
    : url_(std::move(url)),
      signer_(signer),
      keeper_(subscriptions, random),
      outbox_(with_signer(publications, signer != nullptr), random) {}

void Session::opened(Moment now) {
  open_ = true;
  not_before_ = now.steady;
  keeper_.connected(now);
}

void Session::closed(UnixSeconds last_heard) {
  if (!open_) return;
  open_ = false;
  outgoing_.clear();
  challenge_.reset();
  authenticating_.reset();
  keeper_.disconnected(last_heard);
  outbox_.disconnected();
}

void Session::heard(const RelayMessage& message, Moment now) {
  switch (message.verb) {
    case Verb::ok:
      if (authenticating_ && message.id == authenticating_) {
        authenticating_.reset();
        if (message.accepted) {
          keeper_.authenticated(now);
          outbox_.authenticated();
        } else {
          trouble_ = "the relay refuses our authentication: " + message.text.substr(0, kTroubleBytes);
          outbox_.authentication_refused(message.text);
        }
        break;
      }
      outbox_.answered(message.id, message.accepted, message.text, now.steady);
      break;
    case Verb::closed: {
      const auto name = parse_subscription_name(message.subscription);
      if (!name) break;
      if (name->role == 'b') {
        outbox_.read_back(name->number, std::nullopt);
      } else {
        keeper_.closed(*name, message.text, now);
      }
      break;
    }
    case Verb::notice:
      trouble_ = "the relay says: " + message.text.substr(0, kTroubleBytes);
      break;
    case Verb::auth:
      if (message.text.size() <= kChallengeBytes) challenge_ = message.text;
      break;
    default:
      break;
  }
  authenticate_if_wanted(now);
}

void Session::stored_events_end(const SubscriptionName& name, const Tally& tally, Moment now) {
  if (name.role == 'b') {
    outgoing_.push_back(close_message(name.text()));
    outbox_.read_back(name.number, std::nullopt);
  } else {
    keeper_.stored_events_end(name, tally, now);
  }
}

void Session::read_back(const SubscriptionName& name, const nostr::EventId& id) {
  outbox_.read_back(name.number, id);
}

void Session::tick(Moment now) {
  keeper_.tick(now);
  outbox_.tick(now.steady);
  authenticate_if_wanted(now);
}

void Session::authenticate_if_wanted(Moment now) {
  if (!keeper_.wants_authentication() && !outbox_.wants_authentication()) return;
  if (signer_ == nullptr) {
    trouble_ = "the relay asks for authentication (NIP-42) and no key was given for it";
    return;
  }
  if (!open_ || !challenge_ || now.steady < not_before_) return;
  not_before_ = now.steady + kBetweenAuthentications;  // also when no answer comes, or it is asked for again
  nostr::Draft draft;
  draft.created_at = now.wall;
  draft.kind = kAuthKind;
  draft.tags = {{"relay", url_}, {"challenge", *challenge_}};
  const nostr::Event event = signer_->sign(draft);
  authenticating_ = event.id;
  outgoing_.push_back(auth_message(event));
}

void Session::set_limits(const RelayLimits& limits) {
  keeper_.set_limits(limits);
  outbox_.set_limits(limits);
}

bool Session::has_next(bool allow_events) const {
  return !outgoing_.empty() || keeper_.has_next() || (allow_events && open_ && outbox_.has_next());
}

std::optional<std::string> Session::next(Moment now, bool allow_events) {
  if (!outgoing_.empty()) {
    std::string out = std::move(outgoing_.front());
    outgoing_.pop_front();
    return out;
  }
  if (auto out = keeper_.next()) return out;
  return allow_events && open_ ? outbox_.next(now.steady) : std::nullopt;
}

std::optional<std::string> Session::take_trouble() {
  if (auto said = keeper_.take_trouble()) trouble_ = std::move(said);
  return std::exchange(trouble_, std::nullopt);
}

}  // namespace manastr::relay

#include "mint/subscriptions/hub.h"

#include <algorithm>

#include "common/telemetry/log.h"
#include "mint/pipeline/render.h"

namespace manastr::mint {
namespace {

constexpr std::size_t kAtOnce = 64;  // events taken from the queue
constexpr std::size_t kProofsAtOnce = 1'000;
constexpr std::uint16_t kTooManyMessages = 1008;
constexpr std::uint16_t kTryAgainLater = 1013;

std::string payload_of(const PointBytes& y, const ProofState& state) {
  std::string out;
  append_proof_state(out, y, state);
  return out;
}

}  // namespace

struct Hub::Subscription {
  std::string id;
  Topic topic = Topic::proof_state;
  Method method = Method::bolt11;
  std::vector<std::string> quotes;
  std::vector<PointBytes> ys;
  std::size_t filters() const { return quotes.size() + ys.size(); }
};

struct Hub::Session {
  explicit Session(std::shared_ptr<Outlet> out) : outlet(std::move(out)) {}
  const std::shared_ptr<Outlet> outlet;
  std::atomic<std::size_t> waiting = 0;
  // Of the hub's thread alone:
  std::map<std::string, Subscription> subscriptions;
  std::size_t filters = 0;
};

Hub::Hub(const Keysets& keysets, Ledger& ledger, Interest interest, HubLimits limits, const Clock& clock)
    : keysets_(&keysets),
      ledger_(&ledger),
      interest_(std::move(interest)),
      limits_(limits),
      clock_(&clock),
      inbox_(limits.queue),
      thread_([this] { run(); }) {
  ledger_->listen(this);
}

Hub::~Hub() {
  ledger_->listen(nullptr);
  inbox_.close();
  thread_.join();
}

// --- from other threads

std::shared_ptr<Hub::Session> Hub::connect(std::shared_ptr<Outlet> outlet) {
  return std::make_shared<Session>(std::move(outlet));
}

void Hub::received(const std::shared_ptr<Session>& session, std::string text) {
  if (++session->waiting > limits_.messages)
    return session->outlet->close(kTooManyMessages, "Too many messages at once; wait for the answers.");
  const std::size_t size = text.size();
  const std::size_t queued = bytes_ += size;
  if (queued <= limits_.bytes && inbox_.try_push(Message{session, std::move(text)})) return;
  bytes_ -= size;
  session->outlet->close(kTryAgainLater, "The mint has more to do than it can queue; come back later.");
}

void Hub::disconnected(const std::shared_ptr<Session>& session) { inbox_.push_reply(Gone{session}); }

void Hub::changed(Changes changes) {
  if (!inbox_.try_push(std::move(changes))) missed_ = true;
}

void Hub::look_again() { inbox_.try_push(LookAgain{}); }

// --- the hub's thread

void Hub::run() {
  for (;;) {
    std::deque<Event> events = next_events();
    if (events.empty() && inbox_.drained()) return;
    for (Event& event : events) std::visit([this](auto& one) { handle(one); }, event);
    const bool due = limits_.look_every > Millis{0} && wanted() && clock_->monotonic() >= look_at_;
    if (missed_.exchange(false) || due) look();
  }
}

std::deque<Hub::Event> Hub::next_events() {
  if (limits_.look_every == Millis{0} || !wanted()) return inbox_.take(kAtOnce);
  return inbox_.take(kAtOnce, look_at_);
}

void Hub::look() {
  constexpr int kShare = 10;
  const Monotonic begun = clock_->monotonic();
  LookAgain all;
  handle(all);
  const Monotonic now = clock_->monotonic();
  look_at_ = now + std::max<Monotonic::duration>(limits_.look_every, (now - begun) * kShare);
}

void Hub::missed(const Status& read) {
  if (read) return;
  missed_ = true;  // all of it again with the next event
  telemetry::log_warn("a subscription's state could not be read from the ledger",
                      {{"error", read.error().message}});
}

void Hub::handle(Message& message) {
  Session& session = *message.session;
  --session.waiting;
  bytes_ -= message.text.size();
  auto request = parse_rpc(message.text);
  if (!request) return session.outlet->send(rpc_error(request.error()));
  request->subscribe ? subscribe(session, *request) : unsubscribe(session, *request);
}

void Hub::handle(Gone& gone) {
  Session& session = *gone.session;
  for (const auto& [id, subscription] : session.subscriptions) drop(session, subscription);
  session.subscriptions.clear();
}

void Hub::subscribe(Session& session, RpcRequest& request) {
  const auto refuse = [&](int code, std::string why) {
    session.outlet->send(rpc_error({request.id, code, std::move(why)}));
  };
  if (session.subscriptions.contains(request.sub_id))
    return refuse(kInvalidParams, "params.subId: in use on this connection; take another");
  if (session.subscriptions.size() >= limits_.subscriptions) {
    return refuse(kServerError, "at most " + std::to_string(limits_.subscriptions) +
                                    " subscriptions for each connection: unsubscribe others first");
  }
  Subscription made{request.sub_id, request.topic, request.method, {}, {}};
  if (request.topic == Topic::proof_state) {
    for (const std::string& each : request.filters) {
      const auto y = array_from_hex<33>(each, HexCase::any);
      if (!y || ((*y)[0] != 2 && (*y)[0] != 3))
        return refuse(kInvalidParams, "params.filters: expected compressed points Y, 66 hex digits");
      if (std::ranges::find(made.ys, *y) == made.ys.end()) made.ys.push_back(*y);
    }
  } else {
    made.quotes = std::move(request.filters);
  }
  if (session.filters + made.filters() > limits_.filters) {
    return refuse(kServerError, "at most " + std::to_string(limits_.filters) +
                                    " filters for each connection: unsubscribe others first");
  }
  if (filters_ + made.filters() > limits_.all_filters)
    return refuse(kServerError, "the mint has as many subscriptions as it takes: try again later");

  Subscription& kept = session.subscriptions.emplace(request.sub_id, std::move(made)).first->second;
  // Counted before the states are read: what is committed from now on is told.
  if (filters_.fetch_add(kept.filters()) == 0) ledger_->wanted();
  session.filters += kept.filters();
  std::vector<std::string> initial;
  if (const Status filled = fill(session, kept, initial); !filled) {
    drop(session, kept);
    session.subscriptions.erase(request.sub_id);
    return refuse(filled.error().kind == ErrorKind::invalid ? kInvalidParams : kServerError,
                  filled.error().message);
  }
  session.outlet->send(rpc_result(request));
  for (const std::string& payload : initial) session.outlet->send(rpc_notification(kept.id, payload));
}

void Hub::unsubscribe(Session& session, const RpcRequest& request) {
  const auto found = session.subscriptions.find(request.sub_id);
  if (found == session.subscriptions.end()) {
    session.outlet->send(
        rpc_error({request.id, kInvalidParams, "params.subId: there is no such subscription"}));
    return;
  }
  drop(session, found->second);
  session.subscriptions.erase(found);
  session.outlet->send(rpc_result(request));
}

Status Hub::fill(Session& session, Subscription& subscription, std::vector<std::string>& initial) {
  const Subscriber who{&session, &subscription};
  switch (subscription.topic) {
    case Topic::proof_state:
      return fill_proofs(who, initial);
    case Topic::mint_quote:
      return fill_mint_quotes(who, initial);
    case Topic::melt_quote:
      return fill_melt_quotes(who, initial);
  }
  return {};
}

Status Hub::fill_proofs(Subscriber who, std::vector<std::string>& initial) {
  const std::vector<PointBytes>& ys = who.subscription->ys;
  TRY(const std::vector<ProofState> states, ledger_->proof_states(ys));
  for (std::size_t i = 0; i < ys.size(); ++i) {
    see(ys[i], states[i]);
    auto& watch = proofs_[ys[i]];
    watch.last = states[i].state;
    watch.subscribers.push_back(who);
    if (watch.last == ProofState::State::pending) pending_.insert(ys[i]);
    initial.push_back(payload_of(ys[i], states[i]));
  }
  return {};
}

Status Hub::fill_mint_quotes(Subscriber who, std::vector<std::string>& initial) {
  for (const std::string& id : who.subscription->quotes) {
    TRY(const auto quote, ledger_->mint_quote(id));
    if (!quote || quote->method != who.subscription->method)
      return invalid("params.filters: the mint knows no mint quote of id " + id);
    see(*quote);
    auto& watch = mint_quotes_[id];
    watch.last = {quote->amount_paid, quote->amount_issued};
    watch.subscribers.push_back(who);
    initial.push_back(to_body(*quote));
    if (quote->awaits_payment() && interest_.payable) interest_.payable(*quote);
  }
  return {};
}

Status Hub::fill_melt_quotes(Subscriber who, std::vector<std::string>& initial) {
  for (const std::string& id : who.subscription->quotes) {
    TRY(const auto quote, ledger_->melt_quote(id));
    if (!quote || quote->method != who.subscription->method)
      return invalid("params.filters: the mint knows no melt quote of id " + id);
    see(*quote);
    auto& watch = melt_quotes_[id];
    watch.last = quote->state;
    watch.subscribers.push_back(who);
    TRY(std::string body, to_body(*quote, *keysets_));
    initial.push_back(std::move(body));
    if (quote->state == MeltQuote::State::pending && interest_.pending) interest_.pending(*quote);
  }
  return {};
}

template <class Watches, class Key>
void Hub::leave(Watches& watches, const Key& key, Subscriber who) {
  const auto found = watches.find(key);
  if (found == watches.end()) return;
  std::erase(found->second.subscribers, who);
  if (!found->second.subscribers.empty()) return;
  if constexpr (std::is_same_v<Key, PointBytes>) pending_.erase(key);
  watches.erase(found);
}

void Hub::drop(Session& session, const Subscription& subscription) {
  const Subscriber who{&session, &subscription};
  for (const PointBytes& y : subscription.ys) leave(proofs_, y, who);
  for (const std::string& id : subscription.quotes) {
    subscription.topic == Topic::mint_quote ? leave(mint_quotes_, id, who) : leave(melt_quotes_, id, who);
  }
  filters_ -= subscription.filters();
  session.filters -= subscription.filters();
}

// --- what has changed

void Hub::handle(Changes& changes) {
  std::vector<PointBytes> ys;
  if (!proofs_.empty()) {
    std::ranges::copy_if(changes.proofs, std::back_inserter(ys),
                         [&](const PointBytes& y) { return proofs_.contains(y); });
    // The end of a melt names its quote alone.
    if (!changes.melt_quotes.empty()) ys.insert(ys.end(), pending_.begin(), pending_.end());
  }
  missed(refresh_proofs(ys));
  for (const std::string& id : changes.mint_quotes) missed(refresh_mint_quote(id));
  for (const std::string& id : changes.melt_quotes) missed(refresh_melt_quote(id));
}

void Hub::handle(LookAgain&) {
  std::vector<PointBytes> ys;
  ys.reserve(proofs_.size());
  for (const auto& [y, watch] : proofs_) ys.push_back(y);
  missed(refresh_proofs(ys));
  for (const auto& [id, watch] : mint_quotes_) missed(refresh_mint_quote(id));
  for (const auto& [id, watch] : melt_quotes_) missed(refresh_melt_quote(id));
}

Status Hub::refresh_proofs(const std::vector<PointBytes>& ys) {
  for (std::size_t from = 0; from < ys.size(); from += kProofsAtOnce) {
    const auto some = std::span(ys).subspan(from, std::min(kProofsAtOnce, ys.size() - from));
    TRY(const std::vector<ProofState> states, ledger_->proof_states(some));
    for (std::size_t i = 0; i < some.size(); ++i) see(some[i], states[i]);
  }
  return {};
}

Status Hub::refresh_mint_quote(const std::string& id) {
  if (!mint_quotes_.contains(id)) return {};
  TRY(const auto quote, ledger_->mint_quote(id));
  if (quote) see(*quote);
  return {};
}

Status Hub::refresh_melt_quote(const std::string& id) {
  if (!melt_quotes_.contains(id)) return {};
  TRY(const auto quote, ledger_->melt_quote(id));
  if (quote) see(*quote);
  return {};
}

void Hub::see(const PointBytes& y, const ProofState& state) {
  const auto found = proofs_.find(y);
  if (found == proofs_.end() || found->second.last == state.state) return;
  auto& watch = found->second;
  // A swap locks and spends at once; who waits is told of both (NUT-17).
  if (watch.last == ProofState::State::unspent && state.state == ProofState::State::spent)
    tell(watch.subscribers, payload_of(y, {ProofState::State::pending, "", std::nullopt}));
  watch.last = state.state;
  watch.last == ProofState::State::pending ? void(pending_.insert(y)) : void(pending_.erase(y));
  tell(watch.subscribers, payload_of(y, state));
}

void Hub::see(const MintQuote& quote) {
  const auto found = mint_quotes_.find(quote.id);
  const Issued now{quote.amount_paid, quote.amount_issued};
  if (found == mint_quotes_.end() || found->second.last == now) return;
  found->second.last = now;
  tell(found->second.subscribers, to_body(quote));
}

void Hub::see(const MeltQuote& quote) {
  const auto found = melt_quotes_.find(quote.id);
  if (found == melt_quotes_.end() || found->second.last == quote.state) return;
  const auto body = to_body(quote, *keysets_);
  if (!body) return;  // the next look tells
  found->second.last = quote.state;
  tell(found->second.subscribers, *body);
}

void Hub::tell(const std::vector<Subscriber>& subscribers, const std::string& payload) {
  for (const Subscriber& each : subscribers)
    each.session->outlet->send(rpc_notification(each.subscription->id, payload));
}

}  // namespace manastr::mint

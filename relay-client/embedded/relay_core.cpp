#include "relay-client/embedded/relay_core.h"

#include <algorithm>

#include "common/json/writer.h"

namespace manastr::relay::embedded {
namespace {

constexpr std::uint32_t kAuthKind = 22'242;
constexpr Seconds kAuthWindow{600};
constexpr std::uint64_t kFilterValues = 50'000;  // of all subscriptions of a connection
constexpr std::size_t kIdentities = 16;          // a connection may authenticate as
constexpr std::size_t kLimitedKeys = 50'000;

std::string message_of(std::string_view name, std::initializer_list<std::string_view> texts) {
  std::string out = "[\"" + std::string(name) + '"';
  for (const std::string_view text : texts) {
    out += ',';
    json::append_string(out, text);
  }
  return out += ']';
}

std::uint64_t values_in(const std::vector<nostr::Filter>& filters) {
  std::uint64_t out = filters.size();
  for (const nostr::Filter& filter : filters) {
    out += (filter.ids ? filter.ids->size() : 0) + (filter.authors ? filter.authors->size() : 0) +
           (filter.kinds ? filter.kinds->size() : 0);
    for (const auto& [letter, values] : filter.tags) out += values.size();
  }
  return out;
}

/// host:port of a ws URL, or of a Host header, in lower case.
std::string authority_of(std::string_view url) {
  if (const std::size_t at = url.find("://"); at != std::string_view::npos) url.remove_prefix(at + 3);
  url = url.substr(0, url.find_first_of("/?#"));
  std::string out(url);
  std::ranges::transform(out, out.begin(),
                         [](unsigned char c) { return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c; });
  for (const std::string_view port : {":80", ":443"}) {
    if (out.ends_with(port)) out.resize(out.size() - port.size());
  }
  return out;
}

}  // namespace

RelayCore::RelayCore(Settings settings, const Clock& clock, Random& random, Send send, Persist persist)
    : settings_(std::move(settings)),
      clock_(clock),
      random_(random),
      send_(std::move(send)),
      persist_(std::move(persist)),
      store_(settings_.events) {
  const auto limiter = [&](double per_second, double burst) {
    return std::make_unique<resilience::RateLimiter>(resilience::RateLimit{per_second, burst}, clock_,
                                                     kLimitedKeys);
  };
  if (settings_.messages_per_second > 0) {
    const auto rate = static_cast<double>(settings_.messages_per_second);
    messages_ = limiter(rate, 2 * rate);
  }
  if (settings_.events_per_minute > 0) {
    const auto rate = static_cast<double>(settings_.events_per_minute);
    events_ = limiter(rate / 60, std::max(1.0, rate / 6));
  }
}

void RelayCore::load(nostr::Event event) {
  const nostr::EventId id = event.id;
  auto put = store_.put(std::move(event));
  if (put.outcome == EventStore::Outcome::superseded || put.outcome == EventStore::Outcome::deleted)
    put.removed.push_back(id);
  if (persist_.remove) persist_.remove(std::move(put.removed));
}

void RelayCore::opened(ConnectionId connection, std::string address, std::string host) {
  Client& client = clients_[connection];
  client.address = std::move(address);
  client.host = std::move(host);
  if (settings_.require_auth) challenge(connection, client);
}

void RelayCore::closed(ConnectionId connection) {
  live_.remove_all(connection);
  clients_.erase(connection);
}

void RelayCore::challenge(ConnectionId id, Client& client) {
  if (!settings_.nip42 || client.challenged) return;
  client.challenged = true;
  client.challenge = to_hex(random_.bytes<16>());
  send_(id, {message_of("AUTH", {client.challenge}), nullptr});
}

void RelayCore::reply_ok(ConnectionId id, const nostr::EventId& event, bool accepted, std::string_view text) {
  ++(accepted ? figures_.accepted : figures_.refused);
  std::string out = "[\"OK\",\"" + to_hex(event) + (accepted ? "\",true," : "\",false,");
  json::append_string(out, text);
  out += ']';
  send_(id, {std::move(out), nullptr});
}

void RelayCore::reply_closed(ConnectionId id, std::string_view subscription, std::string_view text) {
  send_(id, {message_of("CLOSED", {subscription, text}), nullptr});
}

void RelayCore::notice(ConnectionId id, std::string_view text) {
  ++figures_.notices;
  send_(id, {message_of("NOTICE", {text}), nullptr});
}

void RelayCore::unusable(ConnectionId id, const Unusable& wrong) {
  const bool about_event = wrong.command == Command::event || wrong.command == Command::auth;
  if (!wrong.about.empty() && about_event) {
    return reply_ok(id, *array_from_hex<32>(wrong.about), false, wrong.why);
  }
  if (!wrong.about.empty() && (wrong.command == Command::req || wrong.command == Command::count)) {
    return reply_closed(id, wrong.about, wrong.why);
  }
  notice(id, wrong.why);
}

void RelayCore::message(ConnectionId connection, std::string_view text) {
  const auto found = clients_.find(connection);
  if (found == clients_.end()) return;
  Client& client = found->second;
  auto parsed = parse_client_message(text, {.bytes = settings_.message_bytes,
                                            .filters = settings_.filters,
                                            .subscription_id_bytes = settings_.subscription_id_bytes});
  if (!parsed) return unusable(connection, parsed.error());
  if (messages_ && parsed->command != Command::close) {
    if (const auto wait = messages_->admit(std::to_string(connection))) {
      const std::string why =
          "rate-limited: slow down, try again in " + std::to_string(wait->count()) + " ms";
      if (parsed->command == Command::event || parsed->command == Command::auth) {
        return reply_ok(connection, parsed->event.id, false, why);
      }
      return reply_closed(connection, parsed->subscription, why);
    }
  }
  switch (parsed->command) {
    case Command::event:
      return on_event(connection, client, std::move(parsed->event));
    case Command::req:
      return on_request(connection, client, std::move(*parsed));
    case Command::count:
      return on_count(connection, client, *parsed);
    case Command::close:
      return on_close(connection, client, parsed->subscription);
    case Command::auth:
      return on_auth(connection, client, parsed->event);
  }
}

std::string RelayCore::objection(ConnectionId id, Client& client, const nostr::Event& event) {
  if (settings_.require_auth && client.authenticated.empty()) {
    challenge(id, client);
    return "auth-required: this relay takes events from authenticated clients only (NIP-42)";
  }
  if (broken_) return "error: the relay's disk failed, it takes no events until restarted";
  const auto& allowed = settings_.pubkey_whitelist;
  if (!allowed.empty() && std::ranges::find(allowed, event.pubkey) == allowed.end()) {
    return "blocked: this relay does not take events of this author";
  }
  const UnixSeconds now = clock_.now_seconds();
  if (settings_.reject_future.count() > 0 && event.created_at > now + settings_.reject_future) {
    return "invalid: created_at is more than " + std::to_string(settings_.reject_future.count()) +
           " s in the future";
  }
  if (settings_.reject_past.count() > 0 && event.created_at < now - settings_.reject_past) {
    return "invalid: created_at is more than " + std::to_string(settings_.reject_past.count()) +
           " s in the past";
  }
  if (const auto expires = expiration_of(event); expires && *expires <= now)
    return "invalid: the event has expired";
  if (event.kind == kAuthKind) return "invalid: an AUTH event is sent as AUTH, not published";
  const bool is_protected =
      std::ranges::any_of(event.tags, [](const nostr::Tag& tag) { return tag[0] == "-"; });
  if (is_protected && std::ranges::find(client.authenticated, event.pubkey) == client.authenticated.end()) {
    challenge(id, client);
    return "auth-required: a protected event is taken from its author only (NIP-70)";
  }
  if (events_) {
    if (const auto wait = events_->admit(client.address)) {
      return "rate-limited: too many events from this address, try again in " +
             std::to_string(wait->count()) + " ms";
    }
  }
  return {};
}

void RelayCore::on_event(ConnectionId id, Client& client, nostr::Event event) {
  if (const std::string why = objection(id, client, event); !why.empty())
    return reply_ok(id, event.id, false, why);
  if (!nostr::id_matches(event))
    return reply_ok(id, event.id, false, "invalid: the id is not the event's hash");
  if (!crypto::verify_schnorr(event.pubkey, event.id, event.sig)) {
    return reply_ok(id, event.id, false, "invalid: the signature is wrong");
  }
  if (is_ephemeral(event.kind)) {
    const auto row = std::make_shared<Stored>();
    row->json = nostr::dump(event);
    row->event = std::move(event);
    reply_ok(id, row->event.id, true, "");
    return broadcast(row);
  }
  if (!persist_.insert) return take_in(id, std::move(event));
  const std::uint64_t number = next_number_++;
  persist_.insert(number, event.id, nostr::dump(event));
  waiting_.emplace(number, Waiting{id, std::move(event)});
}

void RelayCore::persisted(std::uint64_t number, const Status& status) {
  const auto found = waiting_.find(number);
  if (found == waiting_.end()) return;
  Waiting waiting = std::move(found->second);
  waiting_.erase(found);
  if (status) return take_in(waiting.connection, std::move(waiting.event));
  broken_ = true;
  reply_ok(waiting.connection, waiting.event.id, false, "error: the event could not be stored");
}

void RelayCore::take_in(ConnectionId connection, nostr::Event event) {
  const nostr::EventId id = event.id;
  EventStore::Put put = store_.put(std::move(event));
  using enum EventStore::Outcome;
  if ((put.outcome == superseded || put.outcome == deleted || put.outcome == full) && persist_.remove) {
    put.removed.push_back(id);  // the file has it already
  }
  if (persist_.remove) persist_.remove(std::move(put.removed));
  switch (put.outcome) {
    case stored:
      reply_ok(connection, id, true, "");
      return broadcast(put.row);
    case duplicate:
      return reply_ok(connection, id, true, "duplicate: have this event");
    case superseded:
      return reply_ok(connection, id, false, "replaced: have newer event");
    case deleted:
      return reply_ok(connection, id, false, "deleted: its author has deleted this event");
    case full:
      return reply_ok(connection, id, false, "error: this relay is full");
  }
}

void RelayCore::broadcast(const Row& row) {
  live_.match(row->event, [&](ConnectionId connection, const std::string& subscription) {
    std::string head = "[\"EVENT\",";
    json::append_string(head, subscription);
    head += ',';
    ++figures_.delivered;
    send_(connection, {std::move(head), row});
  });
}

void RelayCore::on_request(ConnectionId id, Client& client, ClientMessage message) {
  ++figures_.requests;
  const std::string& name = message.subscription;
  if (settings_.require_auth && client.authenticated.empty()) {
    challenge(id, client);
    return reply_closed(id, name, "auth-required: this relay serves authenticated clients only (NIP-42)");
  }
  if (!live_.has(id, name) && live_.of(id) >= settings_.subscriptions) {
    return reply_closed(id, name,
                        "rate-limited: at most " + std::to_string(settings_.subscriptions) +
                            " subscriptions at once: close one first");
  }
  const std::uint64_t values = values_in(message.filters);
  std::uint64_t& values_before = client.values_of[name];
  if (client.filter_values - values_before + values > kFilterValues) {
    if (values_before == 0) client.values_of.erase(name);
    return reply_closed(id, name,
                        "error: too many filter values in all subscriptions together: close one first");
  }
  client.filter_values += values - values_before;
  values_before = values;

  std::string head = "[\"EVENT\",";
  json::append_string(head, name);
  head += ',';
  const auto rows =
      store_.query(message.filters, clock_.now_seconds(), {settings_.default_limit, settings_.most_limit});
  for (const Row& row : rows) send_(id, {head, row});
  send_(id, {message_of("EOSE", {name}), nullptr});
  live_.add(id, name, std::move(message.filters));
}

void RelayCore::on_count(ConnectionId id, Client& client, const ClientMessage& message) {
  ++figures_.requests;
  if (settings_.require_auth && client.authenticated.empty()) {
    challenge(id, client);
    return reply_closed(id, message.subscription,
                        "auth-required: this relay serves authenticated clients only (NIP-42)");
  }
  std::string out = "[\"COUNT\",";
  json::append_string(out, message.subscription);
  out += ",{\"count\":" + std::to_string(store_.count(message.filters, clock_.now_seconds())) + "}]";
  send_(id, {std::move(out), nullptr});
}

void RelayCore::on_close(ConnectionId id, Client& client, const std::string& subscription) {
  if (!live_.remove(id, subscription)) return;
  const auto found = client.values_of.find(subscription);
  client.filter_values -= found->second;
  client.values_of.erase(found);
}

void RelayCore::on_auth(ConnectionId id, Client& client, const nostr::Event& event) {
  const auto refuse = [&](std::string_view why) { reply_ok(id, event.id, false, why); };
  if (!settings_.nip42) return refuse("error: this relay knows no authentication");
  if (event.kind != kAuthKind) return refuse("invalid: an AUTH event has kind 22242");
  const auto age = clock_.now_seconds() - event.created_at;
  if (age > kAuthWindow || age < -kAuthWindow)
    return refuse("invalid: created_at is more than 600 s from this relay's clock");
  if (client.challenge.empty() || event.tag("challenge") != client.challenge)
    return refuse("invalid: another challenge");
  const std::string claimed = authority_of(event.tag("relay").value_or(""));
  const std::string own = authority_of(settings_.relay_url.empty() ? client.host : settings_.relay_url);
  if (claimed != own) return refuse("invalid: the relay tag names another relay than " + own);
  if (!nostr::verify(event)) return refuse("invalid: the id or signature is wrong");
  if (client.authenticated.size() >= kIdentities)
    return refuse("error: too many identities on one connection");
  if (std::ranges::find(client.authenticated, event.pubkey) == client.authenticated.end()) {
    client.authenticated.push_back(event.pubkey);
  }
  reply_ok(id, event.id, true, "");
}

void RelayCore::purge_expired() {
  auto gone = store_.purge(clock_.now_seconds());
  if (persist_.remove) persist_.remove(std::move(gone));
}

std::string information(const Settings& settings) {
  json::Value limitation;
  limitation.set("max_message_length", settings.message_bytes);
  limitation.set("max_subscriptions", settings.subscriptions);
  limitation.set("max_limit", settings.most_limit);
  limitation.set("default_limit", settings.default_limit);
  limitation.set("max_subid_length", settings.subscription_id_bytes);
  limitation.set("auth_required", settings.require_auth);
  limitation.set("payment_required", false);
  limitation.set("restricted_writes", !settings.pubkey_whitelist.empty());
  if (settings.reject_past.count() > 0)
    limitation.set("created_at_lower_limit", std::int64_t{settings.reject_past.count()});
  if (settings.reject_future.count() > 0) {
    limitation.set("created_at_upper_limit", std::int64_t{settings.reject_future.count()});
  }
  json::Array nips;
  for (const int nip : {1, 9, 11, 40, 45, 70}) nips.emplace_back(nip);
  if (settings.nip42) nips.insert(nips.begin() + 4, json::Value(42));
  json::Value out;
  out.set("name", settings.name);
  if (!settings.description.empty()) out.set("description", settings.description);
  if (!settings.pubkey.empty()) out.set("pubkey", settings.pubkey);
  if (!settings.contact.empty()) out.set("contact", settings.contact);
  if (!settings.icon.empty()) out.set("icon", settings.icon);
  out.set("supported_nips", std::move(nips));
  out.set("software", "manastr-relay");
  out.set("version", "0.1.0");
  out.set("limitation", std::move(limitation));
  return out.dump();
}

}  // namespace manastr::relay::embedded

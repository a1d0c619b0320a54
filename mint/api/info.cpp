#include "mint/api/info.h"

#include <fmt/chrono.h>

#include "common/gameapi/info.h"
#include "mint/subscriptions/rpc.h"

namespace manastr::mint {
namespace {

using json::Array;
using json::Value;

/// What the mint's Lightning node takes and makes payments by.
std::vector<Method> methods_of(bool has_offers) {
  return has_offers ? std::vector{Method::bolt11, Method::bolt12} : std::vector{Method::bolt11};
}

Value method_of(Method method, const CurrencyConfiguration& currency, std::string_view option) {
  Value options;
  options.set(std::string(option), true);
  Value out;
  out.set("method", name_of(method)).set("unit", currency.unit);
  out.set("min_amount", currency.min_amount)
      .set("max_amount", currency.max_amount)
      .set("options", std::move(options));
  return out;
}

Value methods(Array list) {
  const bool disabled = list.empty();
  Value out;
  out.set("methods", std::move(list)).set("disabled", disabled);
  return out;
}

Value cached_endpoints(bool has_offers) {
  Array list;
  const auto add = [&](const std::string& path) {
    Value each;
    each.set("method", "POST").set("path", path);
    list.push_back(std::move(each));
  };
  add("/v1/swap");
  for (const Method method : methods_of(has_offers)) {
    const std::string name(name_of(method));
    add("/v1/mint/" + name);
    add("/v1/mint/" + name + "/batch");
    add("/v1/melt/" + name);
  }
  Value out;
  out.set("ttl", nullptr).set("cached_endpoints", std::move(list));
  return out;
}

Value batches(const LimitsConfiguration& limits, bool has_offers) {
  Array list;
  for (const Method method : methods_of(has_offers)) list.emplace_back(name_of(method));
  Value out;
  out.set("max_batch_size", std::uint64_t{limits.max_batch_quotes}).set("methods", std::move(list));
  return out;
}

/// NUT-15.
Value partial_payments(const KeysetRing& ring) {
  Array list;
  for (const CurrencyConfiguration& currency : ring.currencies()) {
    if (!currency.meltable) continue;
    Value each;
    each.set("method", "bolt11").set("unit", currency.unit);
    list.push_back(std::move(each));
  }
  Value out;
  out.set("methods", std::move(list));
  return out;
}

/// NUT-17.
Value subscriptions(const KeysetRing& ring, bool has_offers) {
  Array list;
  for (const Method method : methods_of(has_offers)) {
    for (const CurrencyConfiguration& currency : ring.currencies()) {
      Array commands;
      if (currency.issued_by_lightning()) commands.emplace_back(mint_quote_topic(method));
      if (currency.meltable) commands.emplace_back(melt_quote_topic(method));
      commands.emplace_back(kProofStateTopic);
      Value each;
      each.set("method", name_of(method)).set("unit", currency.unit).set("commands", std::move(commands));
      list.push_back(std::move(each));
    }
  }
  Value out;
  out.set("supported", std::move(list));
  return out;
}

Value endpoints(const std::vector<ProtectedEndpoint>& list) {
  Array out;
  for (const ProtectedEndpoint& endpoint : list) {
    Value each;
    each.set("method", endpoint.method).set("path", endpoint.path);
    out.push_back(std::move(each));
  }
  return out;
}

/// NUT-21 and NUT-22.
void set_authentication(Value& nuts, const AuthenticationConfiguration& authentication) {
  if (!authentication.enabled()) return;
  Value clear;
  clear.set("openid_discovery", authentication.openid_discovery)
      .set("client_id", authentication.openid_client_id)
      .set("protected_endpoints", endpoints(authentication.clear));
  Value blind;
  blind.set("bat_max_mint", std::uint64_t{authentication.bat_max_mint})
      .set("protected_endpoints", endpoints(authentication.blind));
  nuts.set("21", std::move(clear)).set("22", std::move(blind));
}

Value nuts(const KeysetRing& ring, const LimitsConfiguration& limits, bool pays_parts, bool has_offers,
           const AuthenticationConfiguration& authentication) {
  Array mints;
  Array melts;
  for (const Method method : methods_of(has_offers)) {
    for (const CurrencyConfiguration& currency : ring.currencies()) {
      if (currency.issued_by_lightning()) mints.push_back(method_of(method, currency, "description"));
      if (currency.meltable) melts.push_back(method_of(method, currency, "amountless"));
    }
  }
  Value out;
  out.set("4", methods(std::move(mints))).set("5", methods(std::move(melts)));
  const auto set_supported = [&](const char* nut) {
    Value supported;
    supported.set("supported", true);
    out.set(nut, std::move(supported));
  };
  for (const char* nut : {"7", "8", "9", "10", "11", "12", "14", "20"}) set_supported(nut);
  if (has_offers) set_supported("25");
  if (pays_parts) out.set("15", partial_payments(ring));
  out.set("17", subscriptions(ring, has_offers));
  out.set("19", cached_endpoints(has_offers));
  set_authentication(out, authentication);
  out.set("29", batches(limits, has_offers));
  return out;
}

Value contacts(const InfoConfiguration& info) {
  Array list;
  const auto contact = [&](const char* method, const std::string& how) {
    if (how.empty()) return;
    Value each;
    each.set("method", method).set("info", how);
    list.push_back(std::move(each));
  };
  contact("email", info.contact_email);
  contact("nostr", info.contact_nostr);
  return list;
}

void set_if(Value& object, const char* key, const std::string& text) {
  if (!text.empty()) object.set(key, text);
}

/// What holders of a unit have to do.
std::vector<std::string> unit_news(const KeysetRing& ring) {
  std::vector<std::string> out;
  for (const CurrencyConfiguration& unit : ring.currencies()) {
    const std::string leave = unit.meltable ? "spend or melt it" : "spend it";
    if (unit.final_expiry) {
      out.push_back(fmt::format(
          "{} that is signed from now on is worth nothing after {:%Y-%m-%d %H:%M} UTC: {} before.", unit.unit,
          fmt::gmtime(count(*unit.final_expiry)), leave));
    } else if (unit.retired) {
      out.push_back(unit.unit + " is retired: no more is issued, what there is stays good.");
    }
  }
  return out;
}

}  // namespace

std::string Info::body(UnixSeconds now) const {
  return *heads_.get(now, [this](const KeysetRing& ring) { return head_of(ring); }) +
         std::to_string(count(now)) + "}";
}

std::string Info::head_of(const KeysetRing& ring) const {
  const InfoConfiguration& info = configuration_->info;
  const LimitsConfiguration& limits = configuration_->limits;
  const bool play_money = node_->name() == "fake";
  std::string motd = info.motd;
  for (const std::string& line : unit_news(ring)) motd += (motd.empty() ? "" : " ") + line;
  if (play_money) {
    motd = "Play money: this mint's Lightning node is a fake, its tokens are worth nothing." +
           (motd.empty() ? "" : " " + motd);
  }
  Value out;
  out.set("name", info.name)
      .set("pubkey", ring.mint_key().hex())
      .set("version", "manastr/" + std::string(kVersion));
  set_if(out, "description", info.description);
  set_if(out, "description_long", info.description_long);
  if (Value list = contacts(info); !list.if_array()->empty()) out.set("contact", std::move(list));
  set_if(out, "motd", motd);
  set_if(out, "icon_url", info.icon_url);
  set_if(out, "tos_url", info.tos_url);
  Array urls;
  urls.emplace_back(url_);
  out.set("urls", std::move(urls))
      .set("nuts", nuts(ring, limits, node_->pays_parts(), node_->offers() != nullptr,
                        configuration_->authentication));
  out.set("max_array_length", std::uint64_t{std::min(limits.max_inputs, limits.max_outputs)});
  gameapi::GameInfo game;
  game.settle = true;
  for (const CurrencyConfiguration& currency : ring.currencies())
    game.price_msat.emplace(currency.unit, currency.price_msat);
  out.set(std::string(gameapi::kInfoMember), gameapi::to_json(game));
  out.set("play_money", play_money);
  std::string head = out.dump();
  head.pop_back();
  return head + ",\"time\":";
}

std::string keysets_body(const KeysetRing& ring, KeysetsOf kind, UnixSeconds now) {
  Array list;
  for (const auto& keyset : ring.all()) {
    if (!is_of(kind, *keyset)) continue;
    list.push_back(cashu::to_json(static_cast<const cashu::KeysetInfo&>(keyset->published(now))));
  }
  Value out;
  out.set("keysets", std::move(list));
  return out.dump();
}

std::string active_keys_body(const KeysetRing& ring, KeysetsOf kind, UnixSeconds now) {
  Array list;
  for (const auto& keyset : ring.all()) {
    if (keyset->offered(now) && is_of(kind, *keyset)) list.push_back(cashu::to_json(keyset->published(now)));
  }
  Value out;
  out.set("keysets", std::move(list));
  return out.dump();
}

std::string keys_body(const SigningKeyset& keyset, UnixSeconds now) {
  Array list;
  list.push_back(cashu::to_json(keyset.published(now)));
  Value out;
  out.set("keysets", std::move(list));
  return out.dump();
}

}  // namespace manastr::mint

#include "tests/conformance/mint.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "common/base/random.h"
#include "common/json/reader.h"
#include "common/mintclient/curl_transport.h"
#include "lightning/bolt11.h"

namespace manastr::conformance {

using mintclient::HttpReply;

Mint::Mint(Options options) : options_(std::move(options)) {
  mintclient::CurlOptions curl;
  curl.max_connections_per_host = 64;
  transport_ = mintclient::make_curl_transport(curl);
}

// --- HTTP

std::vector<HttpReply> Mint::at_once(const std::vector<Request>& requests) {
  std::mutex mutex;
  std::condition_variable arrived;
  std::size_t left = requests.size();
  std::vector<HttpReply> replies(requests.size());
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const bool get = requests[i].body.empty();
    transport_->send(
        {get ? "GET" : "POST", options_.url + requests[i].path, requests[i].body, "", Millis{120'000}},
        [&, i](Result<HttpReply> reply) {
          const std::lock_guard lock(mutex);
          if (reply) replies[i] = *std::move(reply);
          --left;
          arrived.notify_all();
        });
  }
  std::unique_lock lock(mutex);
  arrived.wait(lock, [&] { return left == 0; });
  return replies;
}

HttpReply Mint::get(const std::string& path) { return at_once({{path, ""}}).front(); }
HttpReply Mint::post(const std::string& path, const std::string& body) {
  return at_once({{path, body.empty() ? " " : body}}).front();
}

bool Mint::eventually(const std::function<bool()>& holds) const {
  const auto until = std::chrono::steady_clock::now() + options_.patience;
  for (Millis wait{5}; !holds(); wait = std::min(wait * 2, Millis{500})) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(wait);
  }
  return true;
}

// --- what the mint says of itself

const json::Value& Mint::info() {
  if (!info_) {
    const HttpReply reply = get("/v1/info");
    require_ok(reply, "GET /v1/info");
    info_ = parsed(reply);
  }
  return *info_;
}

const json::Value* Mint::nut(const std::string& number) {
  const json::Value* nuts = info().find("nuts");
  const json::Value* out = nuts == nullptr ? nullptr : nuts->find(number);
  if (out == nullptr || out->is_null()) return nullptr;
  const json::Value* supported = out->find("supported");
  return supported != nullptr && *supported == json::Value(false) ? nullptr : out;
}

void Mint::need(const std::string& number) {
  if (nut(number) == nullptr) throw Skipped("the mint does not say that it has NUT-" + number);
}

void Mint::need_fake() const {
  if (!options_.fake) throw Skipped("wants a fake Lightning node that can be told to fail (--fake)");
}

cashu::Unit Mint::other_unit() {
  const json::Value* minting = nut("4");
  const json::Value* methods = minting == nullptr ? nullptr : minting->find("methods");
  if (methods != nullptr && methods->is_array()) {
    for (const json::Value& each : *methods->if_array()) {
      const json::Value* unit = each.find("unit");
      const json::Value* method = each.find("method");
      if (unit == nullptr || !unit->is_string() || method == nullptr || *method != json::Value("bolt11"))
        continue;
      if (*unit->if_string() != options_.unit) return *unit->if_string();
    }
  }
  throw Skipped("the mint has no second unit");
}

const cashu::Keyset& Mint::keyset(const cashu::Unit& unit) {
  if (const auto it = keysets_.find(unit); it != keysets_.end()) return it->second;
  const HttpReply reply = get("/v1/keys");
  require_ok(reply, "GET /v1/keys");
  const json::Value body = parsed(reply);
  const json::Value* list = body.find("keysets");
  require(list != nullptr && list->is_array(), "GET /v1/keys: no keysets");
  for (const json::Value& each : *list->if_array()) {
    auto keyset = cashu::keyset_from_json(each);
    require(keyset.has_value(), "GET /v1/keys: " + (keyset ? "" : keyset.error().message));
    require(cashu::id_matches(*keyset), "keyset " + keyset->id.hex() + ": not the id of its keys (NUT-02)");
    keysets_.emplace(keyset->unit, *std::move(keyset));
  }
  if (!keysets_.contains(unit)) throw Failed("GET /v1/keys: no active keyset of unit " + unit);
  return keysets_.at(unit);
}

std::vector<cashu::KeysetInfo> Mint::keysets() {
  const HttpReply reply = get("/v1/keysets");
  require_ok(reply, "GET /v1/keysets");
  std::vector<cashu::KeysetInfo> out;
  const json::Value body = parsed(reply);
  require(body.find("keysets") != nullptr, "GET /v1/keysets: no keysets");
  for (const json::Value& each : *body.find("keysets")->if_array()) {
    auto info = cashu::keyset_info_from_json(each);
    if (info) out.push_back(*std::move(info));
  }
  return out;
}

void Mint::rotate() {
  if (options_.rotate.empty()) throw Skipped("wants a command that rotates the mint's keys (--rotate)");
  const cashu::KeysetId old = keyset().id;
  require(std::system(options_.rotate.c_str()) == 0, "the command that rotates the keys failed");
  require(eventually([&] { return get("/v1/info").status == 200; }), "the mint does not come back");
  for (auto& [unit, each] : keysets_) former_.push_back(std::move(each));
  keysets_.clear();
  require(keyset().id != old, "the unit has still the keyset " + old.hex());
}

cashu::Amount Mint::fee(std::size_t inputs) {
  return *cashu::fee_of_ppk_sum(inputs * keyset().input_fee_ppk);
}

// --- outputs and proofs

Draft Mint::draft_of(const cashu::Unit& unit, cashu::Amount amount, std::string secret) {
  if (secret.empty()) secret = fresh_secret();
  const crypto::SecretKey r = crypto::SecretKey::generate(system_random());
  return {{amount, keyset(unit).id, crypto::blind(crypto::hash_to_curve(as_bytes(secret)), r)}, secret, r};
}
Draft Mint::draft(cashu::Amount amount, std::string secret) {
  return draft_of(unit(), amount, std::move(secret));
}
Drafts Mint::drafts(const Amounts& amounts) {
  Drafts out;
  for (const cashu::Amount amount : amounts) out.push_back(draft(amount));
  return out;
}
Drafts Mint::drafts_for(const Proofs& inputs) {
  const cashu::Amount sum = *cashu::sum_amounts(inputs);
  require(sum > fee(inputs.size()), "the fee leaves nothing of the inputs");
  return drafts(cashu::split_amount(sum - fee(inputs.size())));
}

Proofs Mint::unblind(const std::string& body, const Drafts& drafts) {
  const auto value = json::parse(body);
  const json::Value* list = value ? value->find("signatures") : nullptr;
  if (list == nullptr && value) list = value->find("change");
  if (list == nullptr || list->is_null()) return {};
  const auto signatures = cashu::blind_signatures_from_json(*list->if_array(), drafts.size(), "signatures");
  require(signatures.has_value(), signatures ? "" : signatures.error().message);
  Proofs out;
  for (std::size_t i = 0; i < signatures->size(); ++i) {
    const cashu::BlindSignature& signature = (*signatures)[i];
    require(signature.id == drafts[i].message.id, "a signature is of another keyset than its output");
    const cashu::Keyset* keys = nullptr;
    for (const auto& [unit, each] : keysets_) {
      if (each.id == signature.id) keys = &each;
    }
    for (const cashu::Keyset& each : former_) {
      if (each.id == signature.id) keys = &each;
    }
    require(keys != nullptr && keys->keys.contains(signature.amount),
            "a signature of an amount without a key");
    const crypto::PublicKey& key = keys->keys.at(signature.amount);
    require(signature.dleq &&
                crypto::verify_dleq(key, drafts[i].message.b_blinded, signature.c_blinded, *signature.dleq),
            "a signature lacks a valid DLEQ proof (NUT-12)");
    cashu::Proof proof;
    proof.amount = signature.amount;
    proof.id = signature.id;
    proof.secret = drafts[i].secret;
    const auto c = crypto::unblind(signature.c_blinded, drafts[i].r, key);
    require(c.has_value(), "a signature can't be unblinded");
    proof.c = c->bytes();
    out.push_back(std::move(proof));
  }
  return out;
}

// --- operations

json::Value Mint::quote(cashu::Amount amount, const std::string& more) {
  const HttpReply reply =
      post("/v1/mint/quote/bolt11", fmt::format(R"({{"unit":"{}","amount":{}{}}})", unit(), amount, more));
  require_ok(reply, "POST /v1/mint/quote/bolt11");
  return parsed(reply);
}

std::string Mint::paid_quote_of(const cashu::Unit& unit, cashu::Amount amount, const std::string& more) {
  const HttpReply reply =
      post("/v1/mint/quote/bolt11", fmt::format(R"({{"unit":"{}","amount":{}{}}})", unit, amount, more));
  require_ok(reply, "POST /v1/mint/quote/bolt11");
  const std::string id = member(reply.body, "quote");
  const bool paid =
      eventually([&] { return member(get("/v1/mint/quote/bolt11/" + id).body, "state") == "PAID"; });
  if (!paid) throw Skipped("nobody paid " + member(reply.body, "request"));
  return id;
}
std::string Mint::paid_quote(cashu::Amount amount, const std::string& more) {
  return paid_quote_of(unit(), amount, more);
}

Proofs Mint::buy(const Drafts& outputs) {
  cashu::Amount sum = 0;
  for (const Draft& each : outputs) sum += each.message.amount;
  const HttpReply reply = mint(paid_quote(sum), outputs);
  require_ok(reply, "POST /v1/mint/bolt11");
  Proofs out = unblind(reply.body, outputs);
  require(out.size() == outputs.size(), "POST /v1/mint/bolt11: not a signature for each output");
  return out;
}
Proofs Mint::buy(const Amounts& amounts) { return buy(drafts(amounts)); }

HttpReply Mint::swap(const Proofs& inputs, const Drafts& outputs) {
  return post("/v1/swap", swap_body(inputs, outputs));
}
HttpReply Mint::mint(const std::string& quote, const Drafts& outputs, const std::string& signature) {
  return post("/v1/mint/bolt11", mint_body(quote, outputs, signature));
}
HttpReply Mint::ask_melt(const std::string& invoice, const std::string& more) {
  return post("/v1/melt/quote/bolt11",
              fmt::format(R"({{"unit":"{}","request":"{}"{}}})", unit(), invoice, more));
}
HttpReply Mint::melt(const std::string& quote, const Proofs& inputs, const Drafts& blanks) {
  return post("/v1/melt/bolt11", melt_body(quote, inputs, blanks));
}

Mint::Melt Mint::prepared_melt_of(const std::string& invoice, const std::string& more) {
  const HttpReply reply = ask_melt(invoice, more);
  require_ok(reply, "POST /v1/melt/quote/bolt11");
  const json::Value body = parsed(reply);
  Melt out;
  out.invoice = invoice;
  out.quote = member(reply.body, "quote");
  out.amount = *json::get_uint64(body, "amount");
  out.reserve = *json::get_uint64(body, "fee_reserve");
  // One input, so that the fee is that of one.
  cashu::Amount coin = 1;
  while (coin < out.amount + out.reserve + fee(1)) coin *= 2;
  out.inputs = buy(Amounts{coin});
  return out;
}
Mint::Melt Mint::prepared_melt(const std::string& description, std::uint64_t sat) {
  return prepared_melt_of(invoice(sat, description));
}
std::string Mint::melt_state(const std::string& quote) {
  return member(get("/v1/melt/quote/bolt11/" + quote).body, "state");
}

std::string Mint::state_of(const cashu::Proof& proof) {
  const HttpReply reply = post("/v1/checkstate", states_body({proof}));
  require_ok(reply, "POST /v1/checkstate");
  const json::Value body = parsed(reply);
  const json::Value* states = body.find("states");
  require(states != nullptr && states->is_array() && states->if_array()->size() == 1,
          "POST /v1/checkstate: not one state for one Y");
  return json::get_string((*states->if_array())[0], "state").value_or("");
}
void Mint::require_state(const Proofs& proofs, const std::string& state, const std::string& when) {
  for (const cashu::Proof& each : proofs) {
    const std::string got = state_of(each);
    require(got == state, "an input " + when + " should be " + state + ", is " + got);
  }
}

std::string Mint::invoice(std::optional<std::uint64_t> sat, const std::string& description) {
  if (network_.empty()) network_ = *json::get_string(quote(8), "request");
  const auto own = lightning::decode_bolt11(network_);
  lightning::Bolt11 out;
  out.network = own ? own->network : lightning::Network::regtest;
  if (sat) out.amount = *sat * 1'000;
  out.description = description;
  out.timestamp = system_clock().now_seconds();
  out.payment_hash = system_random().bytes<32>();
  out.payment_secret = system_random().bytes<32>();
  out.features = {0x41, 0x00};  // var_onion_optin and payment_secret, as BOLT-9 numbers them
  return *lightning::encode_bolt11(out, crypto::SecretKey::generate(system_random()));
}

// --- texts

std::vector<cashu::BlindedMessage> messages_of(const Drafts& drafts) {
  std::vector<cashu::BlindedMessage> out;
  for (const Draft& each : drafts) out.push_back(each.message);
  return out;
}
std::string outputs_json(const Drafts& drafts) { return cashu::to_json(messages_of(drafts)).dump(); }
std::string swap_body(const Proofs& inputs, const Drafts& outputs) {
  return "{\"inputs\":" + cashu::to_json(inputs).dump() + ",\"outputs\":" + outputs_json(outputs) + "}";
}
std::string mint_body(const std::string& quote, const Drafts& outputs, const std::string& signature) {
  return "{\"quote\":\"" + quote + "\",\"outputs\":" + outputs_json(outputs) +
         (signature.empty() ? "" : ",\"signature\":\"" + signature + "\"") + "}";
}
std::string melt_body(const std::string& quote, const Proofs& inputs, const Drafts& blanks) {
  return "{\"quote\":\"" + quote + "\",\"inputs\":" + cashu::to_json(inputs).dump() +
         (blanks.empty() ? "" : ",\"outputs\":" + outputs_json(blanks)) + "}";
}
std::string states_body(const Proofs& proofs) {
  std::string out = R"({"Ys":[)";
  for (const cashu::Proof& each : proofs) out += (out.back() == '[' ? "\"" : ",\"") + each.y().hex() + "\"";
  return out + "]}";
}
std::string member(const std::string& body, const std::string& name) {
  const auto value = json::parse(body);
  const json::Value* found = value ? value->find(name) : nullptr;
  if (found == nullptr) return "";
  return found->is_string() ? *found->if_string() : found->dump();
}
json::Value parsed(const HttpReply& reply) {
  auto out = json::parse(reply.body);
  if (!out) throw Failed("no JSON: " + brief(reply));
  return *std::move(out);
}
std::string fresh_secret() { return to_hex(system_random().bytes<32>()); }
std::string locked_secret(std::string_view kind, const std::string& data, const std::string& tags) {
  return fmt::format(R"(["{}",{{"nonce":"{}","data":"{}","tags":[{}]}}])", kind, fresh_secret(), data, tags);
}

}  // namespace manastr::conformance

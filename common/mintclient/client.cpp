#include "common/mintclient/client.h"

#include <algorithm>
#include <future>

#include "common/mintclient/replies.h"

namespace manastr::mintclient {
namespace {

constexpr std::size_t kMaxUrl = 1024;

bool is_http_url(std::string_view url) {
  const bool scheme = url.starts_with("http://") || url.starts_with("https://");
  const bool plain = std::ranges::all_of(url, [](unsigned char c) { return c > 0x20 && c < 0x7f; });
  return scheme && plain && url.size() <= kMaxUrl && url.find_first_of("?#@") == std::string_view::npos &&
         url.find("://") + 3 < url.size();
}

/// Reads a 200 and hands it on. What can't be read says nothing about what the mint did.
template <class T, class Read>
Callback<std::string> reading(Callback<T> done, Read read) {
  return [done = std::move(done), read = std::move(read)](Result<std::string> body) {
    if (!body) return done(std::unexpected(std::move(body).error()));
    Result<T> value = read(*body);
    if (!value) {
      return done(unavailable("the mint's reply makes no sense: " + value.error().message));
    }
    done(std::move(value));
  };
}

template <class T, class Start>
Result<T> wait_for(Start start) {
  // Shared, for the transport may still hold the callback after it was called.
  auto promise = std::make_shared<std::promise<Result<T>>>();
  auto future = promise->get_future();
  start([promise](Result<T> result) { promise->set_value(std::move(result)); });
  return future.get();
}

std::string outputs_body(const std::vector<cashu::BlindedMessage>& outputs) {
  json::Value body;
  body.set("outputs", cashu::to_json(outputs));
  return body.dump();
}

/// A mint needs no DLEQ of inputs, and its r would link them to their outputs (NUT-12).
json::Value inputs_for_mint(const std::vector<cashu::Proof>& inputs) {
  json::Array array;
  for (cashu::Proof proof : inputs) {
    proof.dleq.reset();
    array.push_back(cashu::to_json(proof));
  }
  return json::Value(std::move(array));
}

}  // namespace

Result<std::shared_ptr<MintClient>> MintClient::make(std::string_view mint_url,
                                                     std::shared_ptr<Transport> transport,
                                                     const ClientOptions& options) {
  while (mint_url.ends_with('/')) mint_url.remove_suffix(1);
  if (!is_http_url(mint_url)) {
    return invalid("the mint's URL must be http:// or https:// with a host, without user, query or fragment");
  }
  return std::shared_ptr<MintClient>(new MintClient(std::string(mint_url), std::move(transport), options));
}

void MintClient::exchange(HttpRequest request, Callback<std::string> done) {
  transport_->send(std::move(request), [done = std::move(done)](Result<HttpReply> reply) {
    if (!reply) return done(std::unexpected(std::move(reply).error()));
    if (reply->status != 200) return done(std::unexpected(read_error(*reply)));
    done(std::move(reply->body));
  });
}

void MintClient::get(std::string_view path, const std::string& authorization, Callback<std::string> done) {
  exchange({"GET", url(path), "", authorization, options_.timeout}, std::move(done));
}
void MintClient::post(std::string_view path, std::string body, const std::string& authorization,
                      Callback<std::string> done) {
  exchange({"POST", url(path), std::move(body), authorization, options_.timeout}, std::move(done));
}

void MintClient::info(Callback<MintInfo> done) { get("/v1/info", "", reading(std::move(done), read_info)); }

void MintClient::keysets(Callback<std::vector<cashu::KeysetInfo>> done) {
  get("/v1/keysets", "", reading(std::move(done), read_keysets));
}

void MintClient::keys(const cashu::KeysetId& id, Callback<cashu::Keyset> done) {
  get("/v1/keys/" + id.hex(), "",
      reading(std::move(done), [id](const std::string& body) { return read_keyset(body, id); }));
}

void MintClient::mint_quote(const MintQuoteRequest& request, Callback<MintQuote> done) {
  json::Value body;
  body.set("amount", request.amount);
  body.set("unit", request.unit);
  if (!request.description.empty()) body.set("description", request.description);
  if (request.pubkey) body.set("pubkey", request.pubkey->hex());
  post("/v1/mint/quote/bolt11", body.dump(), "",
       reading(std::move(done), [request](const std::string& reply) -> Result<MintQuote> {
         TRY(MintQuote quote, read_mint_quote(reply));
         if (quote.unit.empty()) quote.unit = request.unit;  // optional before NUT-04 named it
         if (quote.amount == 0) quote.amount = request.amount;
         if (quote.unit != request.unit || quote.amount != request.amount)
           return invalid("another unit or amount");
         if (request.pubkey && quote.pubkey != request.pubkey)
           return invalid("the quote is not locked to our key");
         return quote;
       }));
}

void MintClient::mint_quote_state(const std::string& quote_id, Callback<MintQuote> done) {
  get("/v1/mint/quote/bolt11/" + quote_id, "",
      reading(std::move(done), [quote_id](const std::string& reply) -> Result<MintQuote> {
        TRY(MintQuote quote, read_mint_quote(reply));
        if (quote.id != quote_id) return invalid("another quote");
        return quote;
      }));
}

void MintClient::mint(const std::string& quote_id, const std::vector<cashu::BlindedMessage>& outputs,
                      const std::string& signature, Callback<std::vector<cashu::BlindSignature>> done) {
  json::Value body;
  body.set("quote", quote_id);
  body.set("outputs", cashu::to_json(outputs));
  if (!signature.empty()) body.set("signature", signature);
  post("/v1/mint/bolt11", body.dump(), "", reading(std::move(done), [outputs](const std::string& reply) {
         return read_signatures(reply, outputs);
       }));
}

void MintClient::melt_quote(const std::string& invoice, const cashu::Unit& unit, Callback<MeltQuote> done) {
  json::Value body;
  body.set("request", invoice);
  body.set("unit", unit);
  post("/v1/melt/quote/bolt11", body.dump(), "",
       reading(std::move(done), [unit, invoice](const std::string& reply) -> Result<MeltQuote> {
         TRY(MeltQuote quote, read_melt_quote(reply, nullptr));
         if (quote.unit.empty()) quote.unit = unit;
         if (quote.request.empty()) quote.request = invoice;
         if (quote.unit != unit || quote.request != invoice) return invalid("another unit or invoice");
         return quote;
       }));
}

void MintClient::melt_quote_state(const std::string& quote_id, Callback<MeltQuote> done) {
  get("/v1/melt/quote/bolt11/" + quote_id, "",
      reading(std::move(done), [quote_id](const std::string& reply) -> Result<MeltQuote> {
        TRY(MeltQuote quote, read_melt_quote(reply, nullptr));
        if (quote.id != quote_id) return invalid("another quote");
        return quote;
      }));
}

void MintClient::melt(const std::string& quote_id, const std::vector<cashu::Proof>& inputs,
                      const std::vector<cashu::BlindedMessage>& outputs, Callback<MeltQuote> done) {
  json::Value body;
  body.set("quote", quote_id);
  body.set("inputs", inputs_for_mint(inputs));
  if (!outputs.empty()) body.set("outputs", cashu::to_json(outputs));
  exchange({"POST", url("/v1/melt/bolt11"), body.dump(), "", options_.melt_timeout},
           reading(std::move(done), [quote_id, outputs](const std::string& reply) -> Result<MeltQuote> {
             TRY(MeltQuote quote, read_melt_quote(reply, &outputs));
             if (quote.id != quote_id) return invalid("another quote");
             return quote;
           }));
}

void MintClient::swap(const std::vector<cashu::Proof>& inputs,
                      const std::vector<cashu::BlindedMessage>& outputs,
                      Callback<std::vector<cashu::BlindSignature>> done) {
  json::Value body;
  body.set("inputs", inputs_for_mint(inputs));
  body.set("outputs", cashu::to_json(outputs));
  post("/v1/swap", body.dump(), "", reading(std::move(done), [outputs](const std::string& reply) {
         return read_signatures(reply, outputs);
       }));
}

void MintClient::checkstate(const std::vector<crypto::PublicKey>& ys,
                            Callback<std::vector<ProofStatus>> done) {
  json::Array array;
  for (const auto& y : ys) array.emplace_back(y.hex());
  json::Value body;
  body.set("Ys", json::Value(std::move(array)));
  post("/v1/checkstate", body.dump(), "",
       reading(std::move(done), [ys](const std::string& reply) { return read_states(reply, ys); }));
}

void MintClient::restore(const std::vector<cashu::BlindedMessage>& outputs, Callback<Restored> done) {
  post("/v1/restore", outputs_body(outputs), "",
       reading(std::move(done),
               [outputs](const std::string& reply) { return read_restored(reply, outputs); }));
}

Result<MintInfo> MintClient::info() {
  return wait_for<MintInfo>([&](const auto& done) { info(done); });
}
Result<std::vector<cashu::KeysetInfo>> MintClient::keysets() {
  return wait_for<std::vector<cashu::KeysetInfo>>([&](const auto& done) { keysets(done); });
}
Result<cashu::Keyset> MintClient::keys(const cashu::KeysetId& id) {
  return wait_for<cashu::Keyset>([&](const auto& done) { keys(id, done); });
}
Result<MintQuote> MintClient::mint_quote(const MintQuoteRequest& request) {
  return wait_for<MintQuote>([&](const auto& done) { mint_quote(request, done); });
}
Result<MintQuote> MintClient::mint_quote_state(const std::string& quote_id) {
  return wait_for<MintQuote>([&](const auto& done) { mint_quote_state(quote_id, done); });
}
Result<std::vector<cashu::BlindSignature>> MintClient::mint(const std::string& quote_id,
                                                            const std::vector<cashu::BlindedMessage>& outputs,
                                                            const std::string& signature) {
  return wait_for<std::vector<cashu::BlindSignature>>(
      [&](const auto& done) { mint(quote_id, outputs, signature, done); });
}
Result<MeltQuote> MintClient::melt_quote(const std::string& invoice, const cashu::Unit& unit) {
  return wait_for<MeltQuote>([&](const auto& done) { melt_quote(invoice, unit, done); });
}
Result<MeltQuote> MintClient::melt_quote_state(const std::string& quote_id) {
  return wait_for<MeltQuote>([&](const auto& done) { melt_quote_state(quote_id, done); });
}
Result<MeltQuote> MintClient::melt(const std::string& quote_id, const std::vector<cashu::Proof>& inputs,
                                   const std::vector<cashu::BlindedMessage>& outputs) {
  return wait_for<MeltQuote>([&](const auto& done) { melt(quote_id, inputs, outputs, done); });
}
Result<std::vector<cashu::BlindSignature>> MintClient::swap(
    const std::vector<cashu::Proof>& inputs, const std::vector<cashu::BlindedMessage>& outputs) {
  return wait_for<std::vector<cashu::BlindSignature>>([&](const auto& done) { swap(inputs, outputs, done); });
}
Result<std::vector<ProofStatus>> MintClient::checkstate(const std::vector<crypto::PublicKey>& ys) {
  return wait_for<std::vector<ProofStatus>>([&](const auto& done) { checkstate(ys, done); });
}
Result<Restored> MintClient::restore(const std::vector<cashu::BlindedMessage>& outputs) {
  return wait_for<Restored>([&](const auto& done) { restore(outputs, done); });
}
Result<std::string> MintClient::get(std::string_view path, const std::string& authorization) {
  return wait_for<std::string>([&](const auto& done) { get(path, authorization, done); });
}
Result<std::string> MintClient::post(std::string_view path, std::string body,
                                     const std::string& authorization) {
  return wait_for<std::string>([&](const auto& done) { post(path, std::move(body), authorization, done); });
}

}  // namespace manastr::mintclient

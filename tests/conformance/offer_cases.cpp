// NUT-25. Skipped where the mint says that it has no bolt12 for the unit.
#include <fmt/format.h>

#include "common/base/random.h"
#include "common/cashu/quote_signature.h"
#include "lightning/bolt12.h"
#include "tests/conformance/mint.h"

namespace manastr::conformance {
namespace {

constexpr const char* kMintQuote = "/v1/mint/quote/bolt12";
constexpr const char* kMeltQuote = "/v1/melt/quote/bolt12";

/// Throws Skipped unless NUT-04 or NUT-05 lists bolt12 for the unit.
void need_bolt12(Mint& mint, const std::string& nut) {
  const json::Value* settings = mint.nut(nut);
  const json::Value* methods = settings == nullptr ? nullptr : settings->find("methods");
  if (methods != nullptr && methods->is_array()) {
    for (const json::Value& each : *methods->if_array()) {
      if (json::get_string(each, "method").value_or("") == "bolt12" &&
          json::get_string(each, "unit").value_or("") == mint.unit())
        return;
    }
  }
  throw Skipped("it has no bolt12 for " + mint.unit());
}

struct Quote {
  std::string id;
  std::string offer;
  crypto::SecretKey key;
};
mintclient::HttpReply ask(Mint& mint, const std::string& amount, const std::string& pubkey) {
  return mint.post(kMintQuote,
                   fmt::format(R"({{"unit":"{}","amount":{},"pubkey":{}}})", mint.unit(), amount, pubkey));
}
Quote quote(Mint& mint, const std::string& amount) {
  auto key = crypto::SecretKey::generate(system_random());
  const auto reply = ask(mint, amount, "\"" + key.public_key().hex() + "\"");
  require_ok(reply, "POST /v1/mint/quote/bolt12");
  return {member(reply.body, "quote"), member(reply.body, "request"), std::move(key)};
}
std::uint64_t number(Mint& mint, const Quote& quote, const char* name) {
  const auto value = json::get_uint64(parsed(mint.get(std::string(kMintQuote) + "/" + quote.id)), name);
  require(value.has_value(), std::string("a bolt12 mint quote has no ") + name);
  return *value;
}
Quote paid(Mint& mint, std::uint64_t amount) {
  Quote out = quote(mint, std::to_string(amount));
  if (!mint.eventually([&] { return number(mint, out, "amount_paid") >= amount; }))
    throw Skipped("nobody pays the offer " + out.offer);
  return out;
}
std::string body(const Quote& quote, const Drafts& outputs) {
  return mint_body(quote.id, outputs, cashu::sign_quote(quote.key, quote.id, messages_of(outputs)));
}
mintclient::HttpReply issue(Mint& mint, const Quote& quote, const Drafts& outputs) {
  return mint.post("/v1/mint/bolt12", body(quote, outputs));
}

/// An offer of a key of nobody's, on the network of the mint's own.
std::string foreign_offer(Mint& mint, std::optional<std::uint64_t> sat) {
  const auto own = lightning::decode_offer(quote(mint, "null").offer);
  require(own.has_value(), "the mint's offer can't be read");
  lightning::Offer offer;
  offer.chains = own->chains;
  offer.description = "conformance";
  if (sat) offer.amount = *sat * 1000;
  offer.issuer_id = crypto::SecretKey::generate(system_random()).public_key();
  return *lightning::encode_offer(offer);
}
mintclient::HttpReply ask_melt(Mint& mint, const std::string& offer, std::optional<std::uint64_t> sat = {}) {
  const std::string options =
      sat ? fmt::format(R"(,"options":{{"amountless":{{"amount_msat":{}}}}})", *sat * 1000) : "";
  return mint.post(kMeltQuote,
                   fmt::format(R"({{"unit":"{}","request":"{}"{}}})", mint.unit(), offer, options));
}

void wants_a_key(Mint& mint) {
  need_bolt12(mint, "4");
  require_code(ask(mint, "8", "null"), {20009}, "a bolt12 mint quote without a pubkey");
  require_code(ask(mint, "8", "\"02ff\""), {20009}, "a bolt12 mint quote with a malformed pubkey");
}

void is_an_offer(Mint& mint) {
  need_bolt12(mint, "4");
  const Quote made = quote(mint, "8");
  const auto offer = lightning::decode_offer(made.offer);
  require(offer.has_value(), offer ? "" : "request: " + offer.error().message);
  require(offer->amount.has_value() && !offer->currency, "the offer names no amount, the quote does");
  const auto open = lightning::decode_offer(quote(mint, "null").offer);
  require(open.has_value() && !open->amount, "the offer names an amount, the quote does not");
  require(number(mint, made, "amount_issued") == 0, "something is issued of a fresh quote");
  require_refused(issue(mint, quote(mint, "null"), mint.drafts({1})),
                  "a mint for a quote that nobody has paid");
}

void is_minted_in_parts(Mint& mint) {
  need_bolt12(mint, "4");
  const Quote made = paid(mint, 8);
  const Drafts outputs = mint.drafts({2, 1});
  require_code(mint.post("/v1/mint/bolt12", mint_body(made.id, outputs)), {20008},
               "a mint without a signature");
  const auto first = issue(mint, made, outputs);
  require_ok(first, "a mint of less than was paid");
  require(number(mint, made, "amount_issued") == 3, "amount_issued is not what was issued");
  require_refused(issue(mint, made, mint.drafts({8})), "a mint of more than is left");
  require_ok(issue(mint, made, mint.drafts({4, 1})), "a mint of the rest");
  require_refused(issue(mint, made, mint.drafts({1})), "a mint of more than was paid");
  require(number(mint, made, "amount_issued") == 8, "amount_issued is not amount_paid");
}

void is_not_minted_twice(Mint& mint) {
  need_bolt12(mint, "4");
  const Quote made = paid(mint, 8);
  std::vector<Mint::Request> requests;
  for (int i = 0; i < 8; ++i) requests.push_back({"/v1/mint/bolt12", body(made, mint.drafts({4, 2}))});
  int done = 0;
  for (const auto& reply : mint.at_once(requests)) done += reply.status == 200;
  require(done <= 1, fmt::format("{} mints of 6 at once on a quote of 8", done));
  require(number(mint, made, "amount_issued") <= 8, "more was issued than paid");
}

void methods_are_apart(Mint& mint) {
  need_bolt12(mint, "4");
  const Quote offer = quote(mint, "8");
  require_refused(mint.get("/v1/mint/quote/bolt11/" + offer.id), "a bolt12 quote asked for as bolt11");
  const std::string invoice = mint.paid_quote(1);
  require_refused(mint.post("/v1/mint/bolt12", mint_body(invoice, mint.drafts({1}))),
                  "a bolt11 quote minted as bolt12");
  need_bolt12(mint, "5");
  const auto asked = ask_melt(mint, foreign_offer(mint, 8));
  require_ok(asked, "POST /v1/melt/quote/bolt12");
  const auto paying = mint.prepared_melt();
  require_refused(mint.melt(member(asked.body, "quote"), paying.inputs), "a bolt12 quote melted as bolt11");
  mint.require_state(paying.inputs, "UNSPENT", "of a melt by the wrong method");
}

void amounts(Mint& mint) {
  need_bolt12(mint, "5");
  const std::string open = foreign_offer(mint, std::nullopt);
  require_code(ask_melt(mint, open), {11011}, "an offer without an amount, and none in the request");
  require_ok(ask_melt(mint, open, 8), "an offer without an amount, and one in the request");
  const std::string fixed = foreign_offer(mint, 8);
  require_code(ask_melt(mint, fixed, 9), {11012}, "another amount than the offer's");
  require_ok(ask_melt(mint, fixed, 8), "the offer's amount");
  require_refused(ask_melt(mint, "lno1qqqqqq"), "what is no offer");
}

void pays_once_per_quote(Mint& mint) {
  mint.need_fake();
  need_bolt12(mint, "5");
  const std::string offer = foreign_offer(mint, 8);
  std::string preimages[2];
  for (std::string& preimage : preimages) {
    const auto asked = ask_melt(mint, offer);
    require_ok(asked, "POST /v1/melt/quote/bolt12");
    const std::string id = member(asked.body, "quote");
    const auto covering = mint.prepared_melt();
    const std::string request = melt_body(id, covering.inputs);
    const auto reply = mint.post("/v1/melt/bolt12", request);
    require_ok(reply, "POST /v1/melt/bolt12");
    const bool done = mint.eventually(
        [&] { return member(mint.get(std::string(kMeltQuote) + "/" + id).body, "state") == "PAID"; });
    require(done, "a melt to an offer is not PAID: " + brief(reply));
    preimage = member(mint.get(std::string(kMeltQuote) + "/" + id).body, "payment_preimage");
    mint.require_state(covering.inputs, "SPENT", "of a melt to an offer");
    const auto other = mint.prepared_melt();
    require_refused(mint.post("/v1/melt/bolt12", melt_body(id, other.inputs)), "the same quote again");
    mint.require_state(other.inputs, "UNSPENT", "of a second melt of one quote");
  }
  require(preimages[0] != preimages[1], "two payments to one offer have one preimage");
}

}  // namespace

std::vector<Case> offer_cases() {
  return {
      {"offer-key", "NUT-25", "a bolt12 mint quote needs a pubkey (20009)", wants_a_key},
      {"offer-request", "NUT-25", "a bolt12 mint quote's request is an offer, with its amount if it has one",
       is_an_offer},
      {"offer-parts", "NUT-25", "what was paid to an offer is minted in parts, and no more",
       is_minted_in_parts},
      {"offer-race", "NUT-25", "mints at once on one quote issue no more than was paid", is_not_minted_twice},
      {"offer-method", "NUT-25", "a quote of one method can't be used as of another", methods_are_apart},
      {"offer-amount", "NUT-25", "the amount of a melt to an offer: 11011, 11012", amounts},
      {"offer-melt", "NUT-25", "an offer is paid once by each quote, by as many as one likes",
       pays_once_per_quote},
  };
}

}  // namespace manastr::conformance

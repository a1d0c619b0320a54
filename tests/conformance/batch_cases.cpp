// NUT-29.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/base/random.h"
#include "common/cashu/quote_signature.h"
#include "tests/conformance/mint.h"

namespace manastr::conformance {
namespace {

std::string list(const std::vector<std::string>& quotes) {
  return fmt::format("[\"{}\"]", fmt::join(quotes, "\",\""));
}
mintclient::HttpReply batch(Mint& mint, const std::vector<std::string>& quotes, const Drafts& outputs,
                            const std::string& more = "") {
  return mint.post("/v1/mint/bolt11/batch",
                   "{\"quotes\":" + list(quotes) + ",\"outputs\":" + outputs_json(outputs) + more + "}");
}

void issues(Mint& mint) {
  mint.need("29");
  const std::vector<std::string> quotes{mint.paid_quote(8), mint.paid_quote(4)};
  const Drafts outputs = mint.drafts({8, 2, 2});
  const auto reply = batch(mint, quotes, outputs, R"(,"quote_amounts":[8,4])");
  require_ok(reply, "POST /v1/mint/bolt11/batch");
  require(mint.unblind(reply.body, outputs).size() == 3, "not a signature for each output");
  require_code(batch(mint, quotes, mint.drafts({8, 4})), {20002}, "the same quotes again");
}

void checks(Mint& mint) {
  mint.need("29");
  const std::vector<std::string> quotes{mint.paid_quote(8), mint.paid_quote(4)};
  const auto reply = mint.post("/v1/mint/quote/bolt11/check", "{\"quotes\":" + list(quotes) + "}");
  require_ok(reply, "POST /v1/mint/quote/bolt11/check");
  const json::Value body = parsed(reply);
  require(body.is_array() && body.if_array()->size() == 2, "not a quote for each id");
  for (std::size_t i = 0; i < 2; ++i) {
    require(json::get_string((*body.if_array())[i], "quote").value_or("") == quotes[i], "another order");
    require(json::get_string((*body.if_array())[i], "state").value_or("") == "PAID",
            "a paid quote is not PAID");
  }
}

void refuses(Mint& mint) {
  mint.need("29");
  const std::string paid = mint.paid_quote(8);
  require_code(batch(mint, {paid, paid}, mint.drafts({16})), {11016}, "one quote twice");
  require_refused(mint.post("/v1/mint/bolt11/batch",
                            "{\"quotes\":[],\"outputs\":" + outputs_json(mint.drafts({8})) + "}"),
                  "a batch of no quotes");
  require_refused(batch(mint, {paid, "019e6d5a-2347-7000-8c81-a1e0dbf3299f"}, mint.drafts({8})),
                  "a batch with an unknown quote");
  require_refused(batch(mint, {paid}, mint.drafts({16})), "a batch of more than was paid");
  require_refused(
      batch(mint, {paid}, mint.drafts({8}), R"(,"signatures":[")" + std::string(128, 'a') + "\"]"),
      "a signature for a quote that is not locked");
  require_ok(batch(mint, {paid}, mint.drafts({8})), "the quote after all these refusals");
}

void locked(Mint& mint) {
  mint.need("29");
  mint.need("20");
  const auto key = crypto::SecretKey::generate(system_random());
  const std::string first = mint.paid_quote(8, R"(,"pubkey":")" + key.public_key().hex() + "\"");
  const std::string second = mint.paid_quote(4);
  const Drafts outputs = mint.drafts({8, 4});
  require_code(batch(mint, {first, second}, outputs), {20008}, "a locked quote without a signature");
  const std::string signature = cashu::sign_quote(key, first, messages_of(outputs));
  require_ok(batch(mint, {first, second}, outputs, R"(,"signatures":[")" + signature + "\",null]"),
             "a signature for the locked quote, null for the other");
}

}  // namespace

std::vector<Case> batch_cases() {
  return {
      {"batch-mint", "NUT-29", "several quotes are issued at once", issues},
      {"batch-check", "NUT-29", "several quotes are shown in the order asked", checks},
      {"batch-refused", "NUT-29", "a batch with a fault issues nothing", refuses},
      {"batch-locked", "NUT-29", "each locked quote wants a signature over all outputs", locked},
  };
}

}  // namespace manastr::conformance

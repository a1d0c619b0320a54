#include <algorithm>

#include "common/json/reader.h"
#include "mint/pipeline/operations.h"
#include "mint/pipeline/quote_batch.h"
#include "mint/pipeline/render.h"

namespace manastr::mint {
namespace {

Result<MintQuoteRequest> read_request(Parts& parts, Method method, const std::string& body) {
  TRY(const json::Value value, json::parse(body));
  MintQuoteRequest out;
  out.method = method;
  TRY(out.unit, json::get_string(value, "unit"));
  const json::Value* amount = value.find("amount");
  const bool any_amount = method == Method::bolt12 && (amount == nullptr || amount->is_null());
  if (!any_amount) {
    TRY(out.amount, json::get_uint64(value, "amount"));
  }
  TRY(const auto description, json::get_optional_string(value, "description"));
  TRY(const auto pubkey, json::get_optional_string(value, "pubkey"));
  out.description = description.value_or("");
  if (pubkey) {
    out.pubkey = crypto::PublicKey::from_hex(*pubkey, HexCase::any);
    if (!out.pubkey) {
      return invalid("pubkey: expected a compressed public key, 66 hex digits",
                     method == Method::bolt12 ? cashu::kQuotePubkeyRequired : 0);
    }
  }
  TRY_STATUS(parts.mint_quotes->check(out));
  return out;
}

Reply show(const std::vector<MintQuote>& quotes) {
  std::string body = "[";
  for (const MintQuote& quote : quotes) {
    if (body.size() > 1) body += ',';
    body += to_body(quote);
  }
  return {200, body + ']', Millis{0}};
}

}  // namespace

void request_mint_quote(Parts& parts, Method method, std::string body, const Admitted& admitted,
                        Answer answer) {
  auto request = read_request(parts, method, body);
  if (!request) return answer(error_reply(request.error()));
  const auto shared = std::make_shared<Answer>(std::move(answer));
  const bool posted = parts.lightning->try_post([&parts, request = *std::move(request), admitted, shared] {
    auto quote = parts.mint_quotes->create(request, token_of(admitted));
    if (quote) note_spent(admitted, Written{});
    (*shared)(quote ? Reply{200, to_body(*quote), Millis{0}} : error_reply(quote.error()));
  });
  if (!posted) (*shared)(overloaded());
}

void show_mint_quote(Parts& parts, Method method, const std::string& id, Answer answer) {
  const auto shared = std::make_shared<Answer>(std::move(answer));
  with_mint_quotes(parts, method, {id}, [shared](Result<std::vector<MintQuote>> quotes) {
    (*shared)(quotes ? Reply{200, to_body(quotes->front()), Millis{0}} : error_reply(quotes.error()));
  });
}

void check_mint_quotes(Parts& parts, Method method, const std::string& body, Answer answer) {
  auto ids = [&]() -> Result<std::vector<std::string>> {
    TRY(const json::Value value, json::parse(body));
    return read_quote_ids(value, parts.limits.max_batch_quotes);
  }();
  if (!ids) return answer(error_reply(ids.error()));
  const auto shared = std::make_shared<Answer>(std::move(answer));
  with_mint_quotes(parts, method, *ids, [shared](Result<std::vector<MintQuote>> quotes) {
    (*shared)(quotes ? show(*quotes) : error_reply(quotes.error()));
  });
}

}  // namespace manastr::mint

#include "mint/pipeline/quote_batch.h"

#include <unordered_set>

namespace manastr::mint {
namespace {

Result<std::vector<MintQuote>> load(Parts& parts, Method method, const std::vector<std::string>& ids) {
  std::vector<MintQuote> out;
  out.reserve(ids.size());
  for (const std::string& id : ids) {
    TRY(auto quote, parts.ledger->mint_quote(id));
    if (!quote || quote->method != method) return std::unexpected(unknown_quote());
    out.push_back(*std::move(quote));
  }
  return out;
}

}  // namespace

Result<std::vector<std::string>> read_quote_ids(const json::Value& request, std::size_t most) {
  TRY(const json::Array* array, json::get_array(request, "quotes"));
  if (array->empty()) return invalid("quotes: at least one is needed");
  if (array->size() > most)
    return refused(cashu::kBatchTooLarge, "quotes: at most " + std::to_string(most) + " at once");
  std::vector<std::string> out;
  std::unordered_set<std::string_view> seen;
  for (const json::Value& each : *array) {
    const std::string* id = each.if_string();
    if (id == nullptr) return invalid("quotes: expected the ids of quotes, as strings");
    if (!seen.insert(*id).second) return refused(cashu::kDuplicateQuotes, "quotes: the same quote twice");
    out.push_back(*id);
  }
  return out;
}

void with_mint_quotes(Parts& parts, Method method, const std::vector<std::string>& ids,
                      std::function<void(Result<std::vector<MintQuote>>)> go_on) {
  auto quotes = load(parts, method, ids);
  if (!quotes) return go_on(std::move(quotes));
  std::vector<std::size_t> due;
  for (std::size_t i = 0; i < quotes->size(); ++i) {
    if (parts.mint_quotes->ask_due((*quotes)[i])) due.push_back(i);
  }
  if (due.empty()) return go_on(std::move(quotes));
  auto ask = [&parts, quotes = *quotes, due = std::move(due), go_on]() mutable {
    for (const std::size_t i : due) {
      // A node that can't be asked now leaves the quote as it stood.
      if (auto asked = parts.mint_quotes->ask(quotes[i])) quotes[i] = *std::move(asked);
    }
    parts.crypto->post_next([quotes = std::move(quotes), go_on = std::move(go_on)] { go_on(quotes); });
  };
  if (!parts.lightning->try_post(std::move(ask))) go_on(std::move(quotes));
}

}  // namespace manastr::mint

// One or several mint quotes of a request (NUT-04, NUT-29): their ids as sent, and how they stand now.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "common/json/value.h"
#include "mint/pipeline/parts.h"

namespace manastr::mint {

/// Member "quotes": 11016 the same twice, 11017 more than `most`.
Result<std::vector<std::string>> read_quote_ids(const json::Value& request, std::size_t most);

/// The quotes in the order asked, or 20000 if one is unknown, or of another method. The node is asked about
/// those that await payment, each once a second at most; `go_on` runs on a crypto worker, at once if there is
/// nothing to ask.
void with_mint_quotes(Parts& parts, Method method, const std::vector<std::string>& ids,
                      std::function<void(Result<std::vector<MintQuote>>)> go_on);

}  // namespace manastr::mint

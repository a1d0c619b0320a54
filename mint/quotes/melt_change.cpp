#include "mint/quotes/melt_change.h"

#include <algorithm>

#include "mint/quotes/pricing.h"

namespace manastr::mint {

Result<std::vector<Issue>> sign_change(std::span<const SigningKeyset* const> keysets,
                                       std::span<const BlankOutput> blanks, const MeltQuote& quote,
                                       Msat paid) {
  std::vector<Issue> out;
  if (blanks.empty()) return out;
  std::size_t denominations = SIZE_MAX;
  for (const SigningKeyset* each : keysets)
    denominations = std::min(denominations, each->denominations().size());
  const cashu::Amount change = change_amount(quote.inputs, quote.input_fee, paid, quote.price_msat);
  const auto amounts = change_split(change, static_cast<std::uint32_t>(denominations), blanks.size());
  for (std::size_t i = 0; i < amounts.size(); ++i) {
    const auto b_blinded = crypto::PublicKey::parse(blanks[i].b_blinded);
    const SigningKeyset::Denomination* key = keysets[i]->denomination(amounts[i]);
    if (!b_blinded || key == nullptr) return broken("a melt's change can't be signed");
    const crypto::SignedBlind made = crypto::sign_blinded(key->secret, key->key, *b_blinded);
    out.push_back({blanks[i].b_blinded, blanks[i].keyset, amounts[i], made.c_blinded.bytes(), made.dleq});
  }
  return out;
}

}  // namespace manastr::mint

// The keys change while something is under way (with --rotate).
#include "tests/conformance/mint.h"

namespace manastr::conformance {
namespace {

void between_quote_and_mint(Mint& mint) {
  const std::string quote = mint.paid_quote(8);
  const Drafts old = mint.drafts({8});
  mint.rotate();
  require_code(mint.mint(quote, old), {12002, 12003}, "an output of the keyset that was active at the quote");
  require_ok(mint.mint(quote, mint.drafts({8})), "a mint with the new keyset for a quote of before");
}

void inputs_of_both(Mint& mint) {
  const Proofs old = mint.buy(Amounts{8, 8, 8});
  const auto ppk = mint.keyset().input_fee_ppk;
  mint.rotate();
  Proofs inputs = mint.buy(Amounts{8, 8});
  inputs.insert(inputs.end(), old.begin(), old.end());
  const cashu::Amount fee = *cashu::fee_of_ppk_sum(3 * ppk + 2 * mint.keyset().input_fee_ppk);
  if (fee > 0) {
    require_code(mint.swap(inputs, mint.drafts(cashu::split_amount(40 - fee + 1))), {11005},
                 "inputs of two keysets, one unit of the fee missing");
  }
  require_ok(mint.swap(inputs, mint.drafts(cashu::split_amount(40 - fee))), "inputs of two keysets");
  require_code(mint.swap(old, mint.drafts_for(old)), {11001}, "the old proofs again");
}

/// A node that doesn't know in_flight_ms pays at once; then this is a rotation after the change.
void between_melt_and_change(Mint& mint) {
  mint.need_fake();
  const Mint::Melt melt = mint.prepared_melt(
      R"({"pay_invoice_state":"PAID","check_payment_state":"PAID","pay_err":false,"check_err":false,)"
      R"("in_flight_ms":3000})",
      9);
  const Drafts blanks = mint.drafts({1, 1, 1, 1});
  const auto reply = mint.melt(melt.quote, melt.inputs, blanks);
  if (reply.status != 200) require_code(reply, {20005}, "a melt whose payment takes its time");
  mint.rotate();
  require(mint.eventually([&] { return mint.melt_state(melt.quote) == "PAID"; }), "the melt does not end");
  const auto end = mint.get("/v1/melt/quote/bolt11/" + melt.quote);
  const Proofs change = mint.unblind(end.body, blanks);
  require(*cashu::sum_amounts(change) > 0, "no change came of the keyset that was asked for: " + brief(end));
  require_ok(mint.swap(change, mint.drafts_for(change)), "a swap of the change");
}

}  // namespace

std::vector<Case> rotation_cases() {
  return {
      {"edge-07-quote", "NUT-02", "a quote of before a rotation is minted with the new keys",
       between_quote_and_mint},
      {"edge-07-change", "NUT-08", "change is of the keyset that the melt asked for",
       between_melt_and_change},
      {"edge-10-keysets", "NUT-02", "the fee is rounded up once, over inputs of two keysets", inputs_of_both},
  };
}

}  // namespace manastr::conformance

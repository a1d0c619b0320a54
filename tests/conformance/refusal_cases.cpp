// Refusals by their codes (error_codes.md), and of two faults the one that wallets expect.
#include <fmt/format.h>

#include "common/base/random.h"
#include "common/cashu/quote_signature.h"
#include "tests/conformance/mint.h"

namespace manastr::conformance {
namespace {

Proofs forged(Proofs proofs) {
  proofs[0].c = crypto::SecretKey::generate(system_random()).public_key().bytes();
  return proofs;
}
Proofs spent(Mint& mint, const Amounts& amounts) {
  const Proofs out = mint.buy(amounts);
  require_ok(mint.swap(out, mint.drafts_for(out)), "POST /v1/swap");
  return out;
}

void never_signed(Mint& mint) {
  const Proofs inputs = forged(mint.buy(Amounts{8}));
  require_code(mint.swap(inputs, mint.drafts_for(inputs)), {10001}, "a proof that was never signed");
}
void raised_amount(Mint& mint) {
  Proofs inputs = mint.buy(Amounts{8});
  inputs[0].amount = 16;
  require_code(mint.swap(inputs, mint.drafts_for(inputs)), {10001}, "a proof of 8 spent as 16");
}
void already_spent(Mint& mint) {
  const Proofs inputs = spent(mint, {8});
  require_code(mint.swap(inputs, mint.drafts_for(inputs)), {11001}, "a proof spent before");
}
void spent_in_melt(Mint& mint) {
  const Mint::Melt melt = mint.prepared_melt();
  require_ok(mint.swap(melt.inputs, mint.drafts_for(melt.inputs)), "POST /v1/swap");
  require_code(mint.melt(melt.quote, melt.inputs), {11001}, "a melt of proofs spent before");
}
void signed_in_swap(Mint& mint) {
  const Proofs inputs = mint.buy(Amounts{8});
  const Drafts outputs = mint.drafts_for(inputs);
  require_ok(mint.swap(inputs, outputs), "POST /v1/swap");
  require_code(mint.swap(mint.buy(Amounts{8}), outputs), {11003}, "outputs signed before");
}
void signed_in_mint(Mint& mint) {
  const Drafts outputs = mint.drafts({8});
  mint.buy(outputs);
  require_code(mint.mint(mint.paid_quote(8), outputs), {11003}, "outputs signed before, minted");
}
void unbalanced(Mint& mint) {
  const Proofs inputs = mint.buy(Amounts{8, 8});
  require_code(mint.swap(inputs, mint.drafts({16, 1})), {11005}, "outputs of more than the inputs");
  require_code(mint.swap(inputs, mint.drafts({8})), {11005}, "outputs of less than the inputs");
  mint.require_state(inputs, "UNSPENT", "after a refusal");
}
void balance_before_spent(Mint& mint) {
  require_code(mint.swap(spent(mint, {8}), mint.drafts({4})), {11005}, "an unbalanced swap of spent proofs");
}
void duplicate_inputs(Mint& mint) {
  const Proofs one = mint.buy(Amounts{8});
  require_code(mint.swap({one[0], one[0]}, mint.drafts_for({one[0], one[0]})), {11007}, "one proof twice");
}
void duplicate_outputs(Mint& mint) {
  const Proofs inputs = mint.buy(Amounts{8, 8, 8});
  const Draft one = mint.draft(8);
  Drafts outputs{one, one};
  for (const cashu::Amount each : cashu::split_amount(8 - mint.fee(3))) outputs.push_back(mint.draft(each));
  require_code(mint.swap(inputs, outputs), {11008}, "one output twice");
}
void two_units(Mint& mint) {
  const cashu::Unit other = mint.other_unit();
  const Proofs inputs = mint.buy(Amounts{8});
  Drafts outputs = mint.drafts_for(inputs);
  for (Draft& each : outputs) each = mint.draft_of(other, each.message.amount);
  require_code(mint.swap(inputs, outputs), {11010}, "outputs of another unit");
  const Draft here = mint.draft(4);
  require_code(mint.swap(inputs, {here, mint.draft_of(other, 4)}), {11009, 11010}, "outputs of two units");
}
void unknown_unit(Mint& mint) {
  require_code(mint.post("/v1/mint/quote/bolt11", R"({"unit":"no-such-unit","amount":8})"), {11013},
               "a mint quote in a unit that is none");
  require_code(
      mint.post("/v1/melt/quote/bolt11", R"({"unit":"no-such-unit","request":")" + mint.invoice(8) + "\"}"),
      {11013}, "a melt quote in a unit that is none");
}
void unknown_keyset(Mint& mint) {
  const Proofs inputs = mint.buy(Amounts{8});
  Drafts outputs = mint.drafts_for(inputs);
  outputs[0].message.id = *cashu::KeysetId::from_hex("00ffffffffffffff");
  require_code(mint.swap(inputs, outputs), {12001}, "an output of a keyset that is none");
  Proofs unknown = inputs;
  unknown[0].id = outputs[0].message.id;
  require_code(mint.swap(unknown, mint.drafts_for(inputs)), {12001}, "an input of a keyset that is none");
}
void too_many(Mint& mint) {
  const json::Value* most = mint.info().find("max_array_length");
  if (most == nullptr || !most->if_uint64()) throw Skipped("the mint names no max_array_length");
  const auto count = *most->if_uint64() + 1;
  if (count > 2'000) throw Skipped("the mint takes " + std::to_string(count - 1) + " at once");
  const Proofs inputs = mint.buy(Amounts{8});
  require_code(mint.swap(Proofs(count, inputs[0]), mint.drafts({8})), {11014}, "too many inputs");
  const Drafts outputs(count, mint.draft(1));
  require_code(mint.swap(inputs, outputs), {11015}, "too many outputs");
}
void issued(Mint& mint) {
  const std::string quote = mint.paid_quote(8);
  require_ok(mint.mint(quote, mint.drafts({8})), "POST /v1/mint/bolt11");
  require_code(mint.mint(quote, mint.drafts({8})), {20002}, "a quote issued before");
}
void unknown_quote(Mint& mint) {
  const std::string none = "019e6d5a-2347-7000-8c81-a1e0dbf3299f";
  require_refused(mint.get("/v1/mint/quote/bolt11/" + none), "an unknown mint quote");
  require_refused(mint.get("/v1/melt/quote/bolt11/" + none), "an unknown melt quote");
  require_refused(mint.mint(none, mint.drafts({8})), "minting an unknown quote");
  require_refused(mint.melt(none, mint.buy(Amounts{8})), "melting an unknown quote");
}
void amountless(Mint& mint) {
  const std::string open = mint.invoice(std::nullopt);
  require_code(mint.ask_melt(open), {11011}, "an invoice without an amount, and none named");
  require_code(mint.ask_melt(mint.invoice(8), R"(,"options":{"amountless":{"amount_msat":7000}})"), {11012},
               "another amount than the invoice's");
}
void locked_quote(Mint& mint) {
  mint.need("20");
  const crypto::SecretKey key = crypto::SecretKey::generate(system_random());
  const std::string lock = R"(,"pubkey":")" + key.public_key().hex() + "\"";
  const std::string quote = mint.paid_quote(8, lock);
  const Drafts outputs = mint.drafts({8});
  require_code(mint.mint(quote, outputs), {20008}, "a locked quote without a signature");
  const crypto::SecretKey other = crypto::SecretKey::generate(system_random());
  require_code(mint.mint(quote, outputs, cashu::sign_quote(other, quote, messages_of(outputs))), {20008},
               "a signature of another key");
  require_code(mint.mint(quote, outputs, cashu::sign_quote(key, quote, messages_of(mint.drafts({8})))),
               {20008}, "a signature over other outputs");
  require_ok(mint.mint(quote, outputs, cashu::sign_quote(key, quote, messages_of(outputs))),
             "a signature over the domain-separated message");
  const std::string second = mint.paid_quote(8, lock);
  const Drafts more = mint.drafts({8});
  require_ok(mint.mint(second, more, cashu::sign_quote(key, second, messages_of(more), true)),
             "a signature over the older message");
}

}  // namespace

std::vector<Case> refusal_cases() {
  return {
      {"code-10001", "error codes", "a proof that was never signed is 10001", never_signed},
      {"code-10001-amount", "error codes", "a proof of another amount than signed is 10001", raised_amount},
      {"code-11001", "error codes", "a spent proof is 11001", already_spent},
      {"code-11001-melt", "error codes", "a spent proof is 11001 in a melt", spent_in_melt},
      {"code-11003", "error codes", "an output signed before is 11003", signed_in_swap},
      {"code-11003-mint", "error codes", "an output signed before is 11003 in a mint", signed_in_mint},
      {"code-11005", "error codes", "an unbalanced swap is 11005 and spends nothing", unbalanced},
      {"code-11005-first", "error codes", "the balance is looked at before the spent set",
       balance_before_spent},
      {"code-11007", "error codes", "one input twice is 11007", duplicate_inputs},
      {"code-11008", "error codes", "one output twice is 11008", duplicate_outputs},
      {"code-11010", "error codes", "inputs and outputs are of one unit", two_units},
      {"code-11011-11012", "NUT-23", "an invoice's amount is named once, and rightly", amountless},
      {"code-11013", "error codes", "an unknown unit is 11013", unknown_unit},
      {"code-11014-11015", "error codes", "too many inputs or outputs are 11014 and 11015", too_many},
      {"code-12001", "error codes", "an unknown keyset is 12001", unknown_keyset},
      {"code-20002", "error codes", "a quote is issued once: 20002", issued},
      {"code-20008", "NUT-20", "a locked quote wants its key's signature", locked_quote},
      {"quote-unknown", "NUT-04", "an unknown quote is refused", unknown_quote},
  };
}

}  // namespace manastr::conformance

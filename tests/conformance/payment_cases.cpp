// Lightning: own invoices, invoices paid before, parts, and (with --fake) payments that fail, hang, or fail
// and then succeed.
#include <fmt/format.h>

#include "tests/conformance/mint.h"

namespace manastr::conformance {
namespace {

std::string script(const std::string& pay, const std::string& check, bool pay_err = false,
                   bool check_err = false) {
  return fmt::format(R"({{"pay_invoice_state":"{}","check_payment_state":"{}","pay_err":{},"check_err":{}}})",
                     pay, check, pay_err, check_err);
}

void hanging(Mint& mint) {
  mint.need_fake();
  const Mint::Melt melt = mint.prepared_melt(script("PENDING", "PENDING"));
  const Drafts blanks = mint.drafts({1, 1, 1, 1});
  const auto reply = mint.melt(melt.quote, melt.inputs, blanks);
  if (reply.status != 200) require_code(reply, {20005}, "a melt whose payment hangs");
  const std::string state = mint.melt_state(melt.quote);
  require(state == "PENDING", "a melt whose payment hangs is " + state);
  mint.require_state(melt.inputs, "PENDING", "of a payment that hangs");
  require_code(mint.swap(melt.inputs, mint.drafts_for(melt.inputs)), {11002}, "a swap of its inputs");
  require_code(mint.mint(mint.paid_quote(1), {blanks[0]}), {11004, 11003}, "a mint onto its blank output");
  const auto second = mint.ask_melt(melt.invoice);
  if (second.status == 200) {
    require_code(mint.melt(member(second.body, "quote"), mint.buy(Amounts{melt.inputs[0].amount})),
                 {20005, 20006}, "the same invoice by another quote");
  }
}

void unknown(Mint& mint) {
  mint.need_fake();
  for (const auto& description : {script("UNKNOWN", "UNKNOWN"), script("PAID", "PAID", true, true)}) {
    const Mint::Melt melt = mint.prepared_melt(description);
    const auto reply = mint.melt(melt.quote, melt.inputs);
    if (reply.status != 200) require_refused(reply, "a melt whose end is unknown");
    mint.require_state(melt.inputs, "PENDING", "of a payment of which nobody knows");
  }
}

void failed(Mint& mint) {
  mint.need_fake();
  const Mint::Melt melt = mint.prepared_melt(script("FAILED", "FAILED"));
  require_code(mint.melt(melt.quote, melt.inputs), {20004}, "a melt whose payment failed");
  mint.require_state(melt.inputs, "UNSPENT", "of a payment that failed");
  require_ok(mint.swap(melt.inputs, mint.drafts_for(melt.inputs)), "a swap of its inputs");
}

void failed_and_paid(Mint& mint) {
  mint.need_fake();
  for (const auto& description : {script("FAILED", "PAID"), script("UNKNOWN", "PAID", true)}) {
    const Mint::Melt melt = mint.prepared_melt(description);
    const auto reply = mint.melt(melt.quote, melt.inputs);
    require(mint.eventually([&] { return mint.melt_state(melt.quote) == "PAID"; }),
            "a payment that failed and then succeeded is not PAID: " + brief(reply));
    mint.require_state(melt.inputs, "SPENT", "of a payment that succeeded after all");
  }
}

/// What cdk's own suite tells its fake node, and how each must end.
void scripts_of_others(Mint& mint) {
  mint.need_fake();
  const struct {
    const char* pay;
    const char* check;
    bool pay_err;
    bool check_err;
    const char* end;
  } rows[] = {
      {"PENDING", "PENDING", false, false, "PENDING"}, {"UNKNOWN", "UNKNOWN", true, false, "PENDING"},
      {"UNKNOWN", "UNKNOWN", true, true, "PENDING"},   {"UNKNOWN", "UNKNOWN", false, false, "PENDING"},
      {"FAILED", "UNKNOWN", true, false, "PENDING"},   {"FAILED", "FAILED", true, false, "UNPAID"},
      {"FAILED", "FAILED", false, false, "UNPAID"},    {"UNKNOWN", "UNPAID", true, false, "UNPAID"},
      {"FAILED", "PAID", true, false, "PAID"},         {"PAID", "PAID", false, false, "PAID"}};
  for (const auto& row : rows) {
    const std::string said = script(row.pay, row.check, row.pay_err, row.check_err);
    const Mint::Melt melt = mint.prepared_melt(said);
    const auto reply = mint.melt(melt.quote, melt.inputs, mint.drafts({1, 1, 1, 1}));
    const std::string end = row.end;
    if (end == "UNPAID") {
      require_code(reply, {20004}, said);
    } else if (reply.status != 200) {
      require_refused(reply, said);  // that it is pending, or that nobody knows
    }
    require(mint.eventually([&] { return mint.melt_state(melt.quote) == end; }), said + " is not " + end);
    mint.require_state(melt.inputs,
                       end == "PAID"     ? "SPENT"
                       : end == "UNPAID" ? "UNSPENT"
                                         : end,
                       "of " + said);
  }
}

void own_invoice_in_another_unit(Mint& mint) {
  const cashu::Unit other = mint.other_unit();
  const json::Value quote = mint.quote(8);
  const std::string request = *json::get_string(quote, "request");
  const auto asked =
      mint.post("/v1/melt/quote/bolt11", R"({"request":")" + request + R"(","unit":")" + other + "\"}");
  if (asked.status != 200) return require_refused(asked, "the mint's own invoice, in another unit");
  const json::Value melt = parsed(asked);
  const auto& keys = mint.keyset(other);
  cashu::Amount coin = 1;
  while (coin < *json::get_uint64(melt, "amount") + *json::get_uint64(melt, "fee_reserve") +
                    *cashu::fee_of_ppk_sum(keys.input_fee_ppk))
    coin *= 2;
  const Drafts draft{mint.draft_of(other, coin)};
  const auto bought = mint.mint(mint.paid_quote_of(other, coin), draft);
  require_ok(bought, "POST /v1/mint/bolt11");
  const Proofs inputs = mint.unblind(bought.body, draft);
  const auto reply = mint.melt(*json::get_string(melt, "quote"), inputs);
  const std::string path = "/v1/mint/quote/bolt11/" + *json::get_string(quote, "quote");
  require(mint.eventually([&] { return member(mint.get(path).body, "state") == "PAID"; }),
          "the quote whose invoice was melted is not PAID");
  if (reply.status != 200)
    require_code(reply, {20006, 20004, 11013}, "the mint's own invoice, in another unit");
  mint.require_state(inputs, reply.status == 200 ? "SPENT" : "UNSPENT", "of a melt in another unit");
}

void own_invoice(Mint& mint) {
  const json::Value quote = mint.quote(8);
  const Mint::Melt melt = mint.prepared_melt_of(*json::get_string(quote, "request"));
  const auto reply = mint.melt(melt.quote, melt.inputs);
  const std::string path = "/v1/mint/quote/bolt11/" + *json::get_string(quote, "quote");
  const bool paid = mint.eventually([&] { return member(mint.get(path).body, "state") == "PAID"; });
  require(paid, "the quote whose invoice was melted is not PAID");
  if (reply.status == 200) {
    mint.require_state(melt.inputs, "SPENT", "of a melt that paid the mint's own invoice");
  } else {  // it had paid itself before
    require_code(reply, {20006, 20004}, "a melt of the mint's own invoice");
    mint.require_state(melt.inputs, "UNSPENT", "of a melt that was refused");
  }
}

void own_paid_invoice(Mint& mint) {
  const json::Value quote = mint.quote(8);
  const std::string path = "/v1/mint/quote/bolt11/" + *json::get_string(quote, "quote");
  if (!mint.eventually([&] { return member(mint.get(path).body, "state") == "PAID"; }))
    throw Skipped("nobody paid " + *json::get_string(quote, "request"));
  const auto asked = mint.ask_melt(*json::get_string(quote, "request"));
  if (asked.status != 200) return require_code(asked, {20006}, "a melt quote for an own invoice paid before");
  const Mint::Melt melt = mint.prepared_melt_of(*json::get_string(quote, "request"));
  require_code(mint.melt(melt.quote, melt.inputs), {20006}, "a melt of an own invoice paid before");
  mint.require_state(melt.inputs, "UNSPENT", "of a melt that was refused");
}

void own_invoice_in_part(Mint& mint) {
  mint.need("15");
  const json::Value quote = mint.quote(16);
  const std::string request = *json::get_string(quote, "request");
  const auto asked = mint.ask_melt(request, R"(,"options":{"mpp":{"amount":8000}})");
  if (asked.status != 200) return require_refused(asked, "a part of the mint's own invoice");
  const Proofs inputs = mint.buy(Amounts{32});
  require_refused(mint.melt(member(asked.body, "quote"), inputs), "a part of the mint's own invoice");
  mint.require_state(inputs, "UNSPENT", "of a melt that was refused");
}

void part(Mint& mint) {
  mint.need("15");
  const Mint::Melt melt = mint.prepared_melt_of(mint.invoice(20), R"(,"options":{"mpp":{"amount":8000}})");
  const Mint::Melt whole = mint.prepared_melt_of(mint.invoice(20));
  require(melt.amount < whole.amount, "a part costs as much as the whole");
  require_refused(mint.ask_melt(mint.invoice(20), R"(,"options":{"mpp":{"amount":20001}})"),
                  "a part above the whole");
  require_refused(mint.ask_melt(mint.invoice(std::nullopt), R"(,"options":{"mpp":{"amount":1000}})"),
                  "a part of an invoice without an amount");
}

void invoice_twice(Mint& mint) {
  const Mint::Melt first = mint.prepared_melt();
  const Mint::Melt second = mint.prepared_melt_of(first.invoice);
  require_ok(mint.melt(first.quote, first.inputs), "POST /v1/melt/bolt11");
  require(mint.eventually([&] { return mint.melt_state(first.quote) == "PAID"; }), "the melt does not end");
  require_code(mint.melt(second.quote, second.inputs), {20006}, "an invoice paid before, by another quote");
  mint.require_state(second.inputs, "UNSPENT", "of a melt that was refused");
}

void invoice_twice_at_once(Mint& mint) {
  const Mint::Melt first = mint.prepared_melt();
  const Mint::Melt second = mint.prepared_melt_of(first.invoice);
  const auto replies = mint.at_once({{"/v1/melt/bolt11", melt_body(first.quote, first.inputs)},
                                     {"/v1/melt/bolt11", melt_body(second.quote, second.inputs)}});
  const bool one = replies[0].status == 200;
  require(one != (replies[1].status == 200), "one invoice by two quotes at once: both or neither");
  require_code(replies[one ? 1 : 0], {20005, 20006}, "one invoice by two quotes at once");
  mint.require_state(one ? second.inputs : first.inputs, "UNSPENT", "of the melt that lost");
}

void not_enough(Mint& mint) {
  const Mint::Melt melt = mint.prepared_melt("", 32);
  require_code(mint.melt(melt.quote, mint.buy(Amounts{16})), {11005}, "a melt of less than it costs");
}

}  // namespace

std::vector<Case> payment_cases() {
  return {
      {"melt-unbalanced", "NUT-05", "a melt of less than it costs is 11005", not_enough},
      {"edge-11", "NUT-05", "a payment under way keeps its proofs PENDING", hanging},
      {"edge-11-unknown", "NUT-05", "a payment whose end is unknown keeps its proofs PENDING", unknown},
      {"edge-12-failed", "NUT-05", "a payment that failed for good is 20004 and frees its proofs", failed},
      {"edge-12", "NUT-05", "a payment that failed and then succeeded is PAID", failed_and_paid},
      {"edge-12-scripts", "NUT-05", "what other suites tell a fake node ends as they expect",
       scripts_of_others},
      {"edge-13", "NUT-05", "the mint's own invoice is paid once, by whomever", own_invoice},
      {"edge-13-unit", "NUT-05", "the mint's own invoice by another unit is paid once",
       own_invoice_in_another_unit},
      {"edge-13-paid", "NUT-05", "the mint's own invoice, paid before, is 20006", own_paid_invoice},
      {"edge-13-part", "NUT-15", "a part of the mint's own invoice pays nothing", own_invoice_in_part},
      {"edge-14", "NUT-05", "an invoice is paid by one quote: 20006", invoice_twice},
      {"edge-14-at-once", "NUT-05", "an invoice by two quotes at once is paid once", invoice_twice_at_once},
      {"mpp-quote", "NUT-15", "a part of an invoice is quoted as a part", part},
  };
}

}  // namespace manastr::conformance

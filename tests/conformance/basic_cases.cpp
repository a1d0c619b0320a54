// A wallet's ordinary life: information, keys, mint, swap, state, restore, melt.
#include <algorithm>

#include "tests/conformance/mint.h"

namespace manastr::conformance {
namespace {

void info(Mint& mint) {
  for (const char* number : {"4", "5"}) {
    const json::Value* nut = mint.nut(number);
    require(nut != nullptr && nut->find("methods") != nullptr && nut->find("methods")->is_array(),
            "nuts." + std::string(number) + " has no methods");
    bool found = false;
    for (const json::Value& each : *nut->find("methods")->if_array()) {
      const auto method = json::get_string(each, "method");
      const auto unit = json::get_string(each, "unit");
      require(method && unit, "nuts." + std::string(number) + ": a method without method or unit");
      found |= *method == "bolt11" && *unit == mint.unit();
    }
    require(found, "nuts." + std::string(number) + " lacks bolt11 for " + mint.unit());
  }
}

void keys(Mint& mint) {
  const cashu::Keyset& active = mint.keyset();
  const auto all = mint.keysets();
  const auto listed = std::ranges::find(all, active.id, &cashu::KeysetInfo::id);
  require(listed != all.end() && listed->active, "/v1/keysets lacks the active keyset of /v1/keys");
  require(listed->input_fee_ppk == active.input_fee_ppk, "/v1/keys and /v1/keysets name different fees");
  for (const cashu::KeysetInfo& each : all) {
    const auto reply = mint.get("/v1/keys/" + each.id.hex());
    require_ok(reply, "GET /v1/keys/" + each.id.hex());
    const json::Value body = parsed(reply);
    const auto keyset = cashu::keyset_from_json((*body.find("keysets")->if_array())[0]);
    require(keyset && cashu::id_matches(*keyset), "keyset " + each.id.hex() + ": not the id of its keys");
  }
}

void unknown_keys(Mint& mint) {
  require_code(mint.get("/v1/keys/00ffffffffffffff"), {12001}, "GET /v1/keys of a keyset that is none");
}

void mint_flow(Mint& mint) {
  const json::Value quote = mint.quote(8);
  for (const char* name : {"quote", "request", "unit", "amount", "state"})
    require(quote.find(name) != nullptr, std::string("the quote lacks ") + name);
  require(*quote.find("amount") == json::Value(8) && *quote.find("unit") == json::Value(mint.unit()),
          "the quote is for another amount or unit");
  const std::string id = mint.paid_quote(8);
  const Drafts outputs = mint.drafts({4, 4});
  const auto minted = mint.mint(id, outputs);
  require_ok(minted, "POST /v1/mint/bolt11");
  require(mint.unblind(minted.body, outputs).size() == 2, "not a signature for each output");
  const std::string state = member(mint.get("/v1/mint/quote/bolt11/" + id).body, "state");
  require(state == "ISSUED", "the quote is " + state + " after minting");
}

void paid_quote_outlives_its_state(Mint& mint) {
  const std::string id = mint.paid_quote(8);
  require_refused(mint.mint(id, mint.drafts({16})), "outputs of more than was paid");
  const Drafts outputs = mint.drafts({8});
  require_ok(mint.mint(id, outputs), "minting after a refusal");
}

void swap_flow(Mint& mint) {
  const Proofs inputs = mint.buy(Amounts{16, 16});
  const Drafts outputs = mint.drafts_for(inputs);
  const auto swapped = mint.swap(inputs, outputs);
  require_ok(swapped, "POST /v1/swap");
  const Proofs fresh = mint.unblind(swapped.body, outputs);
  require(fresh.size() == outputs.size(), "not a signature for each output");
  mint.require_state(inputs, "SPENT", "of a swap");
  mint.require_state(fresh, "UNSPENT", "from a swap");
}

void outputs_may_repeat_amounts(Mint& mint) {
  const Proofs inputs = mint.buy(Amounts{32});
  Amounts amounts{4, 4, 4, 4, 4, 4, 4};
  const cashu::Amount left = 32 - mint.fee(1) - 28;
  for (const cashu::Amount each : cashu::split_amount(left)) amounts.push_back(each);
  require_ok(mint.swap(inputs, mint.drafts(amounts)), "POST /v1/swap with one amount several times");
}

void states_in_order(Mint& mint) {
  const Proofs proofs = mint.buy(Amounts{8, 8, 8});
  require_ok(mint.swap({proofs[1]}, mint.drafts_for({proofs[1]})), "POST /v1/swap");
  const auto reply = mint.post("/v1/checkstate", states_body(proofs));
  require_ok(reply, "POST /v1/checkstate");
  const json::Value body = parsed(reply);
  const json::Array& states = *body.find("states")->if_array();
  require(states.size() == 3, "not a state for each Y");
  for (std::size_t i = 0; i < 3; ++i) {
    require(json::get_string(states[i], "Y").value_or("") == proofs[i].y().hex(), "states in another order");
    const std::string expected = i == 1 ? "SPENT" : "UNSPENT";
    require(json::get_string(states[i], "state").value_or("") == expected, "a state is not " + expected);
  }
}

void restore(Mint& mint) {
  mint.need("9");
  const Drafts signed_ones = mint.drafts({8, 4});
  mint.buy(signed_ones);
  const Drafts asked{signed_ones[1], mint.draft(8), signed_ones[0]};
  const auto reply = mint.post("/v1/restore", "{\"outputs\":" + outputs_json(asked) + "}");
  require_ok(reply, "POST /v1/restore");
  const Proofs restored = mint.unblind(reply.body, {signed_ones[1], signed_ones[0]});
  require(restored.size() == 2, "not the two that were signed, in the order asked");
  require(restored[0].amount == 4 && restored[1].amount == 8, "restored with other amounts");
  require_ok(mint.swap(restored, mint.drafts_for(restored)), "swap of what was restored");
}

void melt_flow(Mint& mint) {
  const Mint::Melt melt = mint.prepared_melt();
  require(mint.melt_state(melt.quote) == "UNPAID", "a fresh melt quote is not UNPAID");
  const auto paid = mint.melt(melt.quote, melt.inputs);
  require_ok(paid, "POST /v1/melt/bolt11");
  require(mint.eventually([&] { return mint.melt_state(melt.quote) == "PAID"; }), "the melt does not end");
  mint.require_state(melt.inputs, "SPENT", "of a melt");
}

void change(Mint& mint) {
  mint.need("8");
  Mint::Melt melt = mint.prepared_melt();
  const Proofs more = mint.buy(Amounts{32});
  melt.inputs.insert(melt.inputs.end(), more.begin(), more.end());
  const cashu::Amount sum = *cashu::sum_amounts(melt.inputs);
  const cashu::Amount most = sum - melt.amount - mint.fee(melt.inputs.size());
  const Drafts blanks = mint.drafts(Amounts(10, 1));
  const auto paid = mint.melt(melt.quote, melt.inputs, blanks);
  require_ok(paid, "POST /v1/melt/bolt11");
  const Proofs got = mint.unblind(paid.body, blanks);
  const cashu::Amount back = cashu::sum_amounts(got).value_or(0);
  require(back <= most && back + melt.reserve >= most,
          "change of " + std::to_string(back) + ", expected " + std::to_string(most) + " less the fee paid");
  require_ok(mint.swap(got, mint.drafts_for(got)), "swap of the change");
}

void asynchronous(Mint& mint) {
  const Mint::Melt melt = mint.prepared_melt();
  std::string body = melt_body(melt.quote, melt.inputs);
  body.insert(1, R"("prefer_async":true,)");
  const auto reply = mint.post("/v1/melt/bolt11", body);
  require_ok(reply, "POST /v1/melt/bolt11 with prefer_async");
  const std::string state = member(reply.body, "state");
  require(state == "PENDING" || state == "PAID", "the answer's state is " + state);
  require(mint.eventually([&] { return mint.melt_state(melt.quote) == "PAID"; }), "the melt does not end");
}

}  // namespace

std::vector<Case> basic_cases() {
  return {
      {"info-methods", "NUT-06", "says how its unit is minted and melted", info},
      {"keys-ids", "NUT-02", "keyset ids are those of their keys, all keysets can be had", keys},
      {"keys-unknown", "NUT-01", "an unknown keyset is 12001", unknown_keys},
      {"mint-flow", "NUT-04", "a paid quote is minted and then ISSUED", mint_flow},
      {"mint-refused-then-done", "NUT-04", "a refused mint leaves the quote mintable",
       paid_quote_outlives_its_state},
      {"swap-flow", "NUT-03", "a swap spends its inputs and signs its outputs, with DLEQ", swap_flow},
      {"swap-same-amounts", "NUT-03", "outputs may repeat an amount", outputs_may_repeat_amounts},
      {"state-order", "NUT-07", "states come in the order asked", states_in_order},
      {"restore-order", "NUT-09", "restores what was signed, in the order asked", restore},
      {"melt-flow", "NUT-05", "a melt pays and spends its inputs", melt_flow},
      {"melt-change", "NUT-08", "what a melt did not need comes back as change", change},
      {"melt-async", "NUT-05", "prefer_async answers before the end, which comes", asynchronous},
  };
}

}  // namespace manastr::conformance

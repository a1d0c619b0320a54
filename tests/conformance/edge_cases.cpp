// What has gone wrong in mints before: races, retries, twins, sums and fees. edge-NN are numbered as
// tests/conformance/README.md lists them; what can't be tried from outside says so.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <thread>

#include "common/base/random.h"
#include "tests/conformance/mint.h"

namespace manastr::conformance {
namespace {

using mintclient::HttpReply;

/// Exactly one of them is 200; every other one has one of these codes.
void require_one_wins(const std::vector<HttpReply>& replies, std::initializer_list<int> codes,
                      const std::string& what) {
  const auto won = std::ranges::count(replies, 200, &HttpReply::status);
  require(won == 1, what + ": " + std::to_string(won) + " of " + std::to_string(replies.size()) + " won");
  for (const HttpReply& reply : replies) {
    if (reply.status != 200) require_code(reply, codes, what);
  }
}

void output_in_two_swaps(Mint& mint) {
  std::vector<Mint::Request> requests;
  Proofs all;
  Drafts shared;
  for (int i = 0; i < 4; ++i) {
    const Proofs inputs = mint.buy(Amounts{8});
    if (shared.empty()) shared = mint.drafts_for(inputs);
    requests.push_back({"/v1/swap", swap_body(inputs, shared)});
  }
  require_one_wins(mint.at_once(requests), {11003, 11004}, "one B_ in four swaps at once");
}

void output_in_swap_and_mint(Mint& mint) {
  const Proofs inputs = mint.buy(Amounts{8});
  const Drafts shared = mint.drafts_for(inputs);
  const cashu::Amount sum = 8 - mint.fee(1);
  const std::string quote = mint.paid_quote(sum);
  require_one_wins(
      mint.at_once({{"/v1/swap", swap_body(inputs, shared)}, {"/v1/mint/bolt11", mint_body(quote, shared)}}),
      {11003, 11004}, "one B_ in a swap and a mint at once");
}

void output_in_melt_and_swap(Mint& mint) {
  const Mint::Melt melt = mint.prepared_melt();
  const Proofs inputs = mint.buy(Amounts{8});
  const Drafts shared = mint.drafts_for(inputs);
  const auto replies = mint.at_once({{"/v1/melt/bolt11", melt_body(melt.quote, melt.inputs, shared)},
                                     {"/v1/swap", swap_body(inputs, shared)}});
  const bool melted = replies[0].status == 200, swapped = replies[1].status == 200;
  require(melted || swapped, "one B_ as change and in a swap at once: neither won");
  if (melted && swapped) {
    // Right only if the melt signed no change for it, having had none to give back.
    require(mint.unblind(replies[0].body, shared).empty(), "one B_ was signed as change and in a swap");
    return;
  }
  require_code(melted ? replies[1] : replies[0], {11003, 11004}, "one B_ as change and in a swap at once");
}

void proof_in_swap_and_melt(Mint& mint) {
  const Mint::Melt melt = mint.prepared_melt();
  const auto replies = mint.at_once({{"/v1/melt/bolt11", melt_body(melt.quote, melt.inputs)},
                                     {"/v1/swap", swap_body(melt.inputs, mint.drafts_for(melt.inputs))}});
  require_one_wins(replies, {11001, 11002}, "one proof in a melt and a swap at once");
}

void proof_in_many_swaps(Mint& mint) {
  const Proofs inputs = mint.buy(Amounts{8});
  std::vector<Mint::Request> requests;
  for (int i = 0; i < 32; ++i) requests.push_back({"/v1/swap", swap_body(inputs, mint.drafts_for(inputs))});
  require_one_wins(mint.at_once(requests), {11001, 11002}, "one proof in 32 swaps at once");
}

void input_twice_in_disguise(Mint& mint) {
  const Proofs one = mint.buy(Amounts{8});
  Proofs twice{one[0], one[0]};
  twice[1].witness = R"({"signatures":[]})";
  const Drafts outputs = mint.drafts_for(twice);
  require_code(mint.swap(twice, outputs), {11007}, "one proof twice, with another witness");
  std::string body = swap_body({one[0], one[0]}, outputs);
  const std::string c = to_hex(one[0].c);
  std::string upper = c;
  std::ranges::transform(upper, upper.begin(), [](unsigned char x) { return std::toupper(x); });
  body.replace(body.find(c), c.size(), upper);
  require_refused(mint.post("/v1/swap", body), "one proof twice, its C in another hex case");
  mint.require_state(one, "UNSPENT", "after a refusal");
}

void output_twins(Mint& mint) {
  const Proofs inputs = mint.buy(Amounts{8, 8, 8});
  const cashu::Amount rest = 8 - mint.fee(3);
  Draft one = mint.draft(8);
  Draft twin = one;
  std::string hex = one.message.b_blinded.hex();
  hex[1] = hex[1] == '2' ? '3' : '2';
  twin.message.b_blinded = *crypto::PublicKey::from_hex(hex);
  Drafts outputs{one, twin};
  for (const cashu::Amount each : cashu::split_amount(rest)) outputs.push_back(mint.draft(each));
  require_ok(mint.swap(inputs, outputs), "B_ and its twin of the other parity");
}

void output_hex_case(Mint& mint) {
  const Proofs inputs = mint.buy(Amounts{8});
  const Drafts outputs = mint.drafts_for(inputs);
  require_ok(mint.swap(inputs, outputs), "POST /v1/swap");
  const Proofs more = mint.buy(Amounts{8});
  Drafts again = mint.drafts_for(more);
  again[0] = outputs[0];
  std::string body = swap_body(more, again);
  const std::string hex = outputs[0].message.b_blinded.hex();
  std::string upper = hex;
  std::ranges::transform(upper, upper.begin(), [](unsigned char x) { return std::toupper(x); });
  body.replace(body.find(hex), hex.size(), upper);
  require_refused(mint.post("/v1/swap", body), "a signed B_ again, in upper case");
}

bool caches(Mint& mint, const std::string& path) {
  const json::Value* cache = mint.nut("19");
  const json::Value* endpoints = cache == nullptr ? nullptr : cache->find("cached_endpoints");
  if (endpoints == nullptr || !endpoints->is_array()) return false;
  return std::ranges::any_of(*endpoints->if_array(), [&](const json::Value& each) {
    const json::Value* found = each.find("path");
    return found != nullptr && *found == json::Value(path);
  });
}

void retries(Mint& mint) {
  bool tried = false;
  const auto same = [&](const std::string& path, const std::string& body) {
    if (!caches(mint, path)) return;
    tried = true;
    const HttpReply first = mint.post(path, body);
    require_ok(first, "POST " + path);
    const HttpReply again = mint.post(path, body);
    require(again.status == 200 && again.body == first.body, "the same " + path + " again: " + brief(again));
  };
  const Proofs inputs = mint.buy(Amounts{8});
  same("/v1/swap", swap_body(inputs, mint.drafts_for(inputs)));
  same("/v1/mint/bolt11", mint_body(mint.paid_quote(8), mint.drafts({8})));
  const Mint::Melt melt = mint.prepared_melt();
  same("/v1/melt/bolt11", melt_body(melt.quote, melt.inputs, mint.drafts({1, 1, 1, 1})));
  if (!tried) throw Skipped("the mint does not say that it repeats replies (NUT-19)");
}

void retry_at_once(Mint& mint) {
  if (!caches(mint, "/v1/swap")) throw Skipped("the mint does not say that it repeats replies (NUT-19)");
  const Proofs inputs = mint.buy(Amounts{8});
  const std::string body = swap_body(inputs, mint.drafts_for(inputs));
  const auto replies = mint.at_once(std::vector<Mint::Request>(8, {"/v1/swap", body}));
  for (const HttpReply& reply : replies) {
    require(reply.status == 200 && reply.body == replies[0].body,
            "one swap sent eight times at once: " + brief(reply));
  }
}

/// Each of several swaps is done whole or not at all, whatever was heard of it before the mint died.
void crash(Mint& mint) {
  if (mint.options().restart.empty()) throw Skipped("wants a command that restarts the mint (--restart)");
  struct Swap {
    Proofs inputs;
    Drafts outputs;
  };
  std::vector<Swap> swaps;
  std::vector<Mint::Request> requests;
  for (int i = 0; i < 20; ++i) {
    const Proofs inputs = mint.buy(Amounts{8});
    swaps.push_back({inputs, mint.drafts_for(inputs)});
    requests.push_back({"/v1/swap", swap_body(inputs, swaps.back().outputs)});
  }
  std::vector<HttpReply> replies;
  std::thread sender([&] { replies = mint.at_once(requests); });
  const int status = std::system(mint.options().restart.c_str());
  sender.join();
  require(status == 0, "the command that restarts the mint failed");
  require(mint.eventually([&] { return mint.get("/v1/info").status == 200; }), "the mint does not come back");
  for (std::size_t i = 0; i < swaps.size(); ++i) {
    const HttpReply again = mint.post(requests[i].path, requests[i].body);
    if (replies[i].status == 200) {
      mint.require_state(swaps[i].inputs, "SPENT", "of a swap that was answered before the crash");
      if (caches(mint, "/v1/swap"))
        require(again.body == replies[i].body, "another reply after the crash: " + brief(again));
    }
    if (again.status == 200) continue;
    require_code(again, {11001, 11003}, "a swap again after the crash");
    const HttpReply restored =
        mint.post("/v1/restore", "{\"outputs\":" + outputs_json(swaps[i].outputs) + "}");
    require(mint.unblind(restored.body, swaps[i].outputs).size() == swaps[i].outputs.size(),
            "inputs are spent and their outputs were not signed: " + brief(restored));
  }
}

void rotated_outputs(Mint& mint) {
  const auto all = mint.keysets();
  const auto old = std::ranges::find_if(
      all, [&](const cashu::KeysetInfo& each) { return !each.active && each.unit == mint.unit(); });
  if (old == all.end()) throw Skipped("the mint has no inactive keyset of this unit");
  Drafts outputs = mint.drafts({8});
  outputs[0].message.id = old->id;
  require_code(mint.mint(mint.paid_quote(8), outputs), {12002, 12003}, "an output of an inactive keyset");
  require_ok(mint.get("/v1/keys/" + old->id.hex()), "the keys of an inactive keyset");
}

cashu::KeysetId expired_id(Mint& mint) {
  const auto now = system_clock().now_seconds();
  for (const cashu::KeysetInfo& each : mint.keysets()) {
    if (each.final_expiry && *each.final_expiry <= now && each.unit == mint.unit()) return each.id;
  }
  throw Skipped("the mint has no expired keyset of this unit");
}

void expired_keyset(Mint& mint) {
  Drafts outputs = mint.drafts({8});
  outputs[0].message.id = expired_id(mint);
  require_code(mint.mint(mint.paid_quote(8), outputs), {12003, 12002}, "an output of an expired keyset");
}

/// A proof that says it is of the keyset; what else is wrong with it is nobody's business then.
void expired_inputs(Mint& mint) {
  const cashu::KeysetId old = expired_id(mint);
  Proofs inputs = mint.buy(Amounts{8});
  const Drafts outputs = mint.drafts_for(inputs);
  const Proofs good = inputs;
  inputs[0].id = old;
  require_code(mint.swap(inputs, outputs), {12003, 12002, 10001}, "an input of an expired keyset");
  mint.require_state(good, "UNSPENT", "after a refusal");
}

void expired_change(Mint& mint) {
  const cashu::KeysetId old = expired_id(mint);
  const Mint::Melt melt = mint.prepared_melt();
  Drafts blanks = mint.drafts({1, 1, 1, 1});
  for (Draft& blank : blanks) blank.message.id = old;
  require_code(mint.melt(melt.quote, melt.inputs, blanks), {12003, 12002}, "change of an expired keyset");
  mint.require_state(melt.inputs, "UNSPENT", "of a melt that was refused");
}

void sums(Mint& mint) {
  const Proofs inputs = mint.buy(Amounts{8});
  const std::string body = swap_body(inputs, mint.drafts({8}));
  const auto with_amount = [&](const std::string& array, const std::string& amount) {
    std::string out = body;
    const auto at = out.find("\"amount\":8", out.find("\"" + array + "\":"));
    return out.replace(at + 9, 1, amount);
  };
  for (const char* amount :
       {"18446744073709551616", "-8", "8.5", "8e0", "\"8\"", "null", "0", "9223372036854775809"}) {
    for (const char* array : {"inputs", "outputs"}) {
      require_refused(mint.post("/v1/swap", with_amount(array, amount)),
                      std::string(array) + " with an amount of " + amount);
    }
  }
  Drafts huge = mint.drafts({8, 8});
  huge[0].message.amount = std::uint64_t{1} << 63;
  huge[1].message.amount = std::uint64_t{1} << 63;
  huge.push_back(mint.draft(8));  // 2^64 + 8 is 8 for who counts wrongly
  require_refused(mint.swap(inputs, huge), "outputs whose sum passes 2^64");
  require_refused(mint.swap(inputs, {}), "no outputs");
  require_refused(mint.swap({}, mint.drafts({8})), "no inputs");
  require_refused(mint.swap({}, {}), "nothing at all");
  require_refused(mint.mint(mint.paid_quote(8), {}), "a mint of nothing");
  mint.require_state(inputs, "UNSPENT", "after a refusal");
}

void fees(Mint& mint) {
  if (mint.keyset().input_fee_ppk == 0) throw Skipped("the active keyset has no fee");
  for (const std::size_t count : {1U, 2U, 3U, 10U, 20U}) {
    const Proofs inputs = mint.buy(Amounts(count, 16));
    const cashu::Amount out = 16 * count - mint.fee(count);
    require_code(mint.swap(inputs, mint.drafts(cashu::split_amount(out + 1))), {11005},
                 fmt::format("{} inputs, one unit of the fee missing", count));
    require_code(mint.swap(inputs, mint.drafts(cashu::split_amount(out - 1))), {11005},
                 fmt::format("{} inputs, one unit of the fee too much", count));
    require_ok(mint.swap(inputs, mint.drafts(cashu::split_amount(out))),
               fmt::format("{} inputs less ceil(sum of ppk / 1000)", count));
  }
}

}  // namespace

std::vector<Case> edge_cases() {
  return {
      {"edge-01-swaps", "NUT-03", "an output in several swaps at once is signed once", output_in_two_swaps},
      {"edge-01-mint", "NUT-04", "an output in a swap and a mint at once is signed once",
       output_in_swap_and_mint},
      {"edge-01-change", "NUT-08", "an output as change and in a swap at once is signed once",
       output_in_melt_and_swap},
      {"edge-02-melt", "NUT-05", "a proof in a swap and a melt at once is spent once",
       proof_in_swap_and_melt},
      {"edge-02-swaps", "NUT-03", "a proof in many swaps at once is spent once", proof_in_many_swaps},
      {"edge-03", "NUT-03", "a proof twice in disguise is still one proof", input_twice_in_disguise},
      {"edge-04-twins", "NUT-00", "B_ of the other parity is another output", output_twins},
      {"edge-04-case", "NUT-00", "B_ in another hex case is the same output", output_hex_case},
      {"edge-05", "NUT-19", "a retry gets the same reply", retries},
      {"edge-05-at-once", "NUT-19", "a retry that overtakes gets the same reply", retry_at_once},
      {"edge-06", "NUT-03", "a crash loses nothing and repeats nothing", crash},
      {"edge-07", "NUT-02", "an inactive keyset signs nothing, and its keys can still be had",
       rotated_outputs},
      {"edge-08", "NUT-02", "an expired keyset signs nothing", expired_keyset},
      {"edge-08-inputs", "NUT-02", "a proof of an expired keyset can't be spent", expired_inputs},
      {"edge-08-change", "NUT-08", "an expired keyset signs no change", expired_change},
      {"edge-09", "NUT-00", "amounts are whole, positive and don't wrap", sums},
      {"edge-10", "NUT-02", "the fee is rounded up once, over all inputs", fees},
  };
}

}  // namespace manastr::conformance

#include "tests/crash/customer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <future>
#include <stdexcept>
#include <thread>

#include "lightning/bolt11.h"
#include "tests/crash/invoices.h"
#include "tests/crash/ledger_count.h"
#include "tests/integration/staked_match.h"

namespace manastr::crash {
namespace {

using mintclient::HttpReply;
using test::Draft;
using test::member;
using test::MintHouse;

constexpr std::size_t kMostEndless = 3;
constexpr int kSpent = 11001, kPending = 11002, kSigned = 11003, kReserved = 11004;
constexpr int kIssued = 20002, kFailed = 20004, kQuotePending = 20005;
constexpr std::uint64_t kManaMsat = 200;

[[noreturn]] void wrong(const std::string& what) { throw std::runtime_error(what); }

std::string quote_body(const std::string& unit, cashu::Amount amount) {
  return fmt::format(R"({{"unit":"{}","amount":{}}})", unit, amount);
}

/// The same request, to be answered at once.
std::string asynchronous(std::string melt) { return melt.insert(melt.size() - 1, R"(,"prefer_async":true)"); }

cashu::Amount sum_of(const std::vector<cashu::Proof>& proofs) {
  cashu::Amount out = 0;
  for (const cashu::Proof& each : proofs) out += each.amount;
  return out;
}

}  // namespace

void Customer::act() {
  const std::string unit = draw(2) == 0 ? "mana" : "sat";
  ++counters_->actions;
  switch (draw(24)) {
    case 0:
    case 1:
      return buy(unit);
    case 2:
      return buy_batch(unit);
    case 3:
    case 4:
      return swap_thrice(unit);
    case 5:
    case 6:
      return rival_inputs(unit);
    case 7:
      return rival_outputs(unit);
    case 8:
      return rival_quote(unit);
    case 9:
      return rival_melt(unit);
    case 10:
    case 11:
    case 12:
    case 13:
      return melt(unit);
    case 14:
      return play();
    case 15:
      return settle();
    default:
      return swap(unit);
  }
}

// --- the purse

Customer::Proofs Customer::take(const std::string& unit, std::size_t n) {
  Proofs& purse = purses_[unit];
  Proofs out;
  while (out.size() < n && !purse.empty()) {
    std::swap(purse[draw(purse.size())], purse.back());
    out.push_back(std::move(purse.back()));
    purse.pop_back();
  }
  return out;
}

Customer::Proofs Customer::take_worth(const std::string& unit, cashu::Amount amount) {
  Proofs out;
  for (cashu::Amount sum = 0; sum < amount;) {
    if (purses_[unit].empty()) buy(unit);
    for (cashu::Proof& each : take(unit, 1)) {
      sum += each.amount;
      out.push_back(std::move(each));
    }
  }
  return out;
}

void Customer::put(const std::string& unit, const Proofs& proofs) {
  purses_[unit].insert(purses_[unit].end(), proofs.begin(), proofs.end());
}

std::vector<cashu::Amount> Customer::split(cashu::Amount sum) {
  std::vector<cashu::Amount> out;
  if (draw(2) == 0 && sum > 1) {  // in two, so that purses don't run out of small change
    const cashu::Amount part = 1 + draw(sum - 1);
    out = cashu::split_amount(part);
    for (const cashu::Amount each : cashu::split_amount(sum - part)) out.push_back(each);
  } else {
    out = cashu::split_amount(sum);
  }
  return out;
}

std::map<std::string, cashu::Amount> Customer::held() const {
  std::map<std::string, cashu::Amount> out;
  for (const auto& [unit, proofs] : purses_) out[unit] += sum_of(proofs);
  for (const Endless& each : endless_) out[each.unit] += sum_of(each.proofs);
  return out;
}

// --- buying

std::string Customer::paid_quote(const std::string& unit, cashu::Amount amount) {
  const std::string body = quote_body(unit, amount);
  const auto until = std::chrono::steady_clock::now() + kPatience;
  HttpReply quote;
  for (;;) {
    quote = mail_.send("/v1/mint/quote/bolt11", body, false);
    if (quote.status == 200) break;
    ++counters_->lost_quotes;
    if (quote.status != 0 && quote.status != 503) wrong("no quote: " + quote.body);
    if (std::chrono::steady_clock::now() > until) wrong("no quote: nobody answers");
    std::this_thread::sleep_for(kPause);
  }
  const std::string id = member(quote.body, "quote");
  const std::string path = "/v1/mint/quote/bolt11/" + id;
  while (member(mail_.get(path), "state") != "PAID") {
    if (std::chrono::steady_clock::now() > until) wrong("the quote " + id + " is never paid");
    std::this_thread::sleep_for(kPause);
  }
  return id;
}

void Customer::buy(const std::string& unit) {
  const cashu::Amount amount = 20 + draw(80);
  const std::string quote = paid_quote(unit, amount);
  const auto outputs = mint_->drafts(unit, split(amount));
  const std::string body = test::mint_body(quote, outputs);
  const std::string reply = mail_.must("/v1/mint/bolt11", body);
  put(unit, mint_->unblind(reply, outputs, unit));
  mail_.remember({"/v1/mint/bolt11", body, false, reply});
}

void Customer::buy_batch(const std::string& unit) {
  std::vector<std::string> quotes;
  cashu::Amount sum = 0;
  for (std::size_t n = 2 + draw(3); n > 0; --n) {
    const cashu::Amount amount = 5 + draw(30);
    quotes.push_back(paid_quote(unit, amount));
    sum += amount;
  }
  const auto outputs = mint_->drafts(unit, split(sum));
  const std::string body = fmt::format(R"({{"quotes":["{}"],"outputs":{}}})", fmt::join(quotes, "\",\""),
                                       test::outputs_json(outputs));
  const std::string reply = mail_.must("/v1/mint/bolt11/batch", body);
  put(unit, mint_->unblind(reply, outputs, unit));
  mail_.remember({"/v1/mint/bolt11/batch", body, false, reply});
}

void Customer::keep_the_one(const std::string& unit, const std::vector<HttpReply>& replies,
                            const std::vector<std::vector<Draft>>& outputs, int refusal,
                            const std::string& what) {
  int won = 0;
  for (std::size_t i = 0; i < replies.size(); ++i) {
    if (replies[i].status == 200) {
      ++won;
      put(unit, mint_->unblind(replies[i].body, outputs[i], unit));
    } else if (MintHouse::code_of(replies[i]) != refusal) {
      wrong(what + " by several, is answered " + replies[i].body);
    }
  }
  if (won != 1) wrong(fmt::format("{} {} times", what, won));
}

void Customer::rival_quote(const std::string& unit) {
  const std::string quote = paid_quote(unit, 16);
  std::vector<std::vector<Draft>> outputs;
  std::vector<std::string> bodies;
  for (int i = 0; i < 3; ++i) {
    outputs.push_back(mint_->drafts(unit, {8, 8}));
    bodies.push_back(test::mint_body(quote, outputs.back()));
  }
  const auto replies = mail_.race("/v1/mint/bolt11", bodies, {kQuotePending});
  keep_the_one(unit, replies, outputs, kIssued, "one quote, issued");
}

// --- swapping

void Customer::swap(const std::string& unit) {
  const Proofs inputs = take_worth(unit, 1 + draw(40));
  const auto outputs = mint_->drafts(unit, split(sum_of(inputs)));
  const std::string body = test::swap_body(inputs, outputs);
  const std::string reply = mail_.must("/v1/swap", body);
  put(unit, mint_->unblind(reply, outputs, unit));
  spent_.insert(spent_.end(), inputs.begin(), inputs.end());
  mail_.remember({"/v1/swap", body, false, reply});
}

void Customer::swap_thrice(const std::string& unit) {
  const Proofs inputs = take_worth(unit, 8);
  const auto outputs = mint_->drafts(unit, split(sum_of(inputs)));
  const auto replies =
      mail_.race("/v1/swap", std::vector<std::string>(3, test::swap_body(inputs, outputs)), {});
  for (const HttpReply& each : replies) {
    if (each.status != 200 || each.body != replies.front().body) wrong("one swap sent thrice: " + each.body);
  }
  put(unit, mint_->unblind(replies.front().body, outputs, unit));
}

void Customer::rival_inputs(const std::string& unit) {
  const Proofs inputs = take_worth(unit, 8);
  std::vector<std::vector<Draft>> outputs;
  std::vector<std::string> bodies;
  for (int i = 0; i < 3; ++i) {
    outputs.push_back(mint_->drafts(unit, split(sum_of(inputs))));
    bodies.push_back(test::swap_body(inputs, outputs.back()));
  }
  const auto replies = mail_.race("/v1/swap", bodies, {kPending});
  keep_the_one(unit, replies, outputs, kSpent, "the same inputs, swapped");
}

void Customer::rival_outputs(const std::string& unit) {
  std::vector<Proofs> inputs;
  std::vector<std::string> bodies;
  // Two lots of the same value.
  const Proofs lot = take_worth(unit, 8);
  const auto halves = mint_->drafts(unit, {4, 4});
  const auto rest = mint_->drafts(unit, cashu::split_amount(sum_of(lot) - 8));
  auto all = halves;
  all.insert(all.end(), rest.begin(), rest.end());
  const std::string changed = mail_.must("/v1/swap", test::swap_body(lot, all));
  Proofs four = mint_->unblind(changed, all, unit);
  put(unit, Proofs(four.begin() + 2, four.end()));
  const auto outputs = mint_->drafts(unit, {2, 2});
  for (int i = 0; i < 2; ++i) {
    inputs.push_back({four[static_cast<std::size_t>(i)]});
    bodies.push_back(test::swap_body(inputs.back(), outputs));
  }
  const auto replies = mail_.race("/v1/swap", bodies, {kReserved});
  int won = 0;
  for (std::size_t i = 0; i < replies.size(); ++i) {
    if (replies[i].status == 200) {
      ++won;
      put(unit, mint_->unblind(replies[i].body, outputs, unit));
    } else {
      if (MintHouse::code_of(replies[i]) != kSigned) wrong("outputs of two swaps: " + replies[i].body);
      mail_.forget(bodies[i]);  // its inputs go on, so it would be refused for another reason, or held up
      put(unit, inputs[i]);
    }
  }
  if (won != 1) wrong(fmt::format("the same outputs were signed {} times", won));
}

// --- melting

bool Customer::pay(const std::string& unit, const std::string& body, const std::string& quote,
                   const std::vector<Draft>& blanks, bool async) {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  for (std::string asked = async ? asynchronous(body) : body;; asked = body) {
    const HttpReply reply = mail_.insist("/v1/melt/bolt11", asked, false, {kQuotePending, kPending});
    if (reply.status == 400) {
      const int code = MintHouse::code_of(reply);
      if (code != kFailed && code != kSpent) wrong("a melt is refused: " + reply.body);
      if (code == kSpent) mail_.remember({"/v1/melt/bolt11", body, false, ""});
      return false;
    }
    if (member(reply.body, "state") == "PAID") {
      if (!member(reply.body, "change").empty()) put(unit, mint_->unblind(reply.body, blanks, unit));
      mail_.remember({"/v1/melt/bolt11", body, false, reply.body});
      return true;
    }
    while (member(mail_.get("/v1/melt/quote/bolt11/" + quote), "state") == "PENDING") {
      if (std::chrono::steady_clock::now() > until) wrong("a payment never ends: quote " + quote);
      std::this_thread::sleep_for(kPause);
    }
  }
}

std::pair<std::string, Customer::Proofs> Customer::melt_quote(const std::string& unit,
                                                              const std::string& request) {
  const std::string quote =
      mail_.must("/v1/melt/quote/bolt11", R"({"unit":")" + unit + R"(","request":")" + request + "\"}");
  const cashu::Amount needed =
      std::stoull(member(quote, "amount")) + std::stoull(member(quote, "fee_reserve"));
  return {member(quote, "quote"), take_worth(unit, needed)};
}

void Customer::melt(const std::string& unit) {
  Payment payment = some_payment(draw(kPayments), draw(300));
  if (payment.end == Payment::End::never && endless_.size() >= kMostEndless) payment = {};
  const std::string request = MintHouse::foreign_invoice(1 + draw(20), payment.description);
  const auto [id, inputs] = melt_quote(unit, request);
  const Hash32 hash = lightning::decode_bolt11(request).value().payment_hash;
  const auto blanks = mint_->drafts(unit, std::vector<cashu::Amount>(8, 1));
  const std::string body = test::melt_body(id, inputs, blanks);
  if (payment.end == Payment::End::never) {
    const std::string reply = mail_.must("/v1/melt/bolt11", asynchronous(body));
    if (member(reply, "state") != "PENDING") wrong("a payment without end is answered " + reply);
    endless_.push_back({id, hash, unit, inputs});
    return;
  }
  bool paid = pay(unit, body, id, blanks, draw(4) == 0);
  // It failed before it was sent: once more.
  while (!paid && payment.end == Payment::End::paid && !node_knows_payment(*mint_, hash))
    paid = pay(unit, body, id, blanks, false);
  if (paid != (payment.end == Payment::End::paid))
    wrong("a payment that was to be " + payment.description + " ended otherwise: quote " + id);
  if (!paid) put(unit, inputs);
}

void Customer::rival_melt(const std::string& unit) {
  const std::string request = MintHouse::foreign_invoice(1 + draw(5), "");
  const auto [id, inputs] = melt_quote(unit, request);
  const auto blanks = mint_->drafts(unit, std::vector<cashu::Amount>(8, 1));
  const auto outputs = mint_->drafts(unit, split(sum_of(inputs)));
  const std::string swap = test::swap_body(inputs, outputs);
  auto swapping =
      std::async(std::launch::async, [&] { return mail_.insist("/v1/swap", swap, false, {kPending}); });
  const bool paid = pay(unit, test::melt_body(id, inputs, blanks), id, blanks, false);
  const HttpReply swapped = swapping.get();
  if (paid == (swapped.status == 200)) {
    wrong(fmt::format("of a swap and a melt of the same inputs {} happened: {}", paid ? "both" : "neither",
                      swapped.body));
  }
  if (!paid) put(unit, mint_->unblind(swapped.body, outputs, unit));
  if (paid && MintHouse::code_of(swapped) != kSpent) wrong("inputs that were melted: " + swapped.body);
  mail_.remember({"/v1/swap", swap, false, swapped.status == 200 ? swapped.body : ""});
}

// --- games

void Customer::play() {
  const Proofs burned = take_worth("mana", 16);
  const Hash32 match = test::fresh_hash();
  const std::string burn =
      gameapi::to_json(gameapi::BurnManaRequest{test::fresh_hash(), match, burned}).dump();
  const std::string credit = mail_.must(std::string(gameapi::kBurnManaPath), burn, true);
  mail_.remember({std::string(gameapi::kBurnManaPath), burn, true, credit});
  const cashu::Amount worth = sum_of(burned);
  const cashu::Amount minted = 1 + draw(worth);
  credit_msat_ += (worth - minted) * kManaMsat;
  const auto outputs = mint_->drafts("loot", cashu::split_amount(minted));
  gameapi::MintLootRequest request{test::fresh_hash(), match, {}};
  for (const Draft& each : outputs) request.outputs.push_back(each.message);
  const std::string body = gameapi::to_json(request).dump();
  const std::string reply = mail_.must(std::string(gameapi::kMintLootPath), body, true);
  put("loot", mint_->unblind(reply, outputs, "loot"));
  mail_.remember({std::string(gameapi::kMintLootPath), body, true, reply});
}

void Customer::settle() {
  test::StakedMatch match(*mint_, *engine_);
  for (std::size_t i = 0; i < 2; ++i) {
    const auto outputs = match.stake_drafts(i);
    const std::string body = test::mint_body(paid_quote("mana", test::StakedMatch::kStake), outputs);
    const std::string reply = mail_.must("/v1/mint/bolt11", body);
    match.stakes_[i].proofs = mint_->unblind(reply, outputs, "mana");
    mail_.remember({"/v1/mint/bolt11", body, false, reply});
  }
  const auto word = match.verdict(match::Outcome::win);
  const auto outputs = match.outputs_for(match.payout_of(0));
  const auto messages = test::StakedMatch::messages(outputs);
  const auto asked = match.request(0, word, match.claim(0, match::Outcome::win, messages), messages);
  const auto replies = mail_.race(std::string(gameapi::kSettlePath),
                                  std::vector<std::string>(2, gameapi::to_json(asked).dump()), {});
  for (const HttpReply& each : replies) {
    if (each.status != 200 || each.body != replies.front().body)
      wrong("one settlement sent twice: " + each.body);
  }
  put("loot", match.unblind_groups(replies.front().body, outputs));
}

// --- what must hold

void Customer::verify(std::size_t older) {
  mail_.repeat_all(older, [this](std::size_t n) { return draw(n); });
  for (const auto& [unit, proofs] : purses_) {
    const cashu::Amount unspent = mint_->unspent(proofs);
    if (unspent != sum_of(proofs))
      wrong(fmt::format("of {} {} that are held {} are unspent", sum_of(proofs), unit, unspent));
  }
  if (mint_->unspent(spent_) != 0) wrong("what was swapped is unspent again");
  spent_.clear();
  std::erase_if(endless_, [&](const Endless& each) {
    if (still_under_way(each)) return false;
    put(each.unit, each.proofs);
    return true;
  });
}

bool Customer::still_under_way(const Endless& payment) {
  const std::string quote = mail_.get("/v1/melt/quote/bolt11/" + payment.quote);
  const std::string state = member(quote, "state");
  // Answered at once, and the mint died before it was sent.
  if (state == "UNPAID" && !node_knows_payment(*mint_, payment.payment_hash)) return false;
  if (state != "PENDING") wrong("a payment without end has ended: " + quote);
  std::vector<std::string> ys;
  for (const cashu::Proof& proof : payment.proofs) ys.push_back(proof.y().hex());
  const std::string states =
      mail_.must("/v1/checkstate", fmt::format(R"({{"Ys":["{}"]}})", fmt::join(ys, "\",\"")));
  constexpr std::string_view kState = "\"PENDING\"";
  std::size_t pending = 0;
  for (std::size_t at = states.find(kState); at != std::string::npos; at = states.find(kState, at + 1))
    ++pending;
  if (pending != ys.size()) wrong("a payment without end has let its inputs go: " + states);
  return true;
}

}  // namespace manastr::crash

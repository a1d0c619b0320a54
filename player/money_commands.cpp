// mint, balance, melt, send, receive, restore.
#include <fmt/format.h>

#include <thread>

#include "lightning/play_invoice.h"
#include "player/commands.h"

namespace manastr::player {
namespace {

constexpr std::size_t kStatesAtOnce = 500;  ///< proofs in one question to the mint

json::Value amount_detail(cashu::Amount amount, const cashu::Unit& unit) {
  json::Value out;
  out.set("amount", std::uint64_t{amount});
  out.set("unit", unit);
  return out;
}

}  // namespace

Status run_mint(Home& home, const Report& report, const MintCommand& command) {
  std::string id = command.quote;
  cashu::Amount amount = command.amount;
  cashu::Unit unit = command.unit;
  if (id.empty()) {
    TRY(const auto quote, home.wallet().request_mint(unit, amount));
    id = quote.id;
    json::Value detail = amount_detail(amount, unit);
    detail.set("quote", quote.id);
    detail.set("invoice", quote.request);
    report.say("invoice", fmt::format("to pay for {} {}: {}", amount, unit, quote.request), detail);
    if (!command.wait) {
      if (!report.json()) report.say("quote", fmt::format("once paid: manastr-player mint --quote {}", id));
      return {};
    }
  }
  const auto end = system_clock().monotonic() + command.patience;
  for (;;) {
    const auto minted = home.wallet().mint_paid(id);
    if (!minted && minted.error().kind != ErrorKind::unavailable) return std::unexpected(minted.error());
    if (minted && minted->minted) {
      report.say("minted", fmt::format("received {} {}", minted->quote.amount, minted->quote.unit),
                 amount_detail(minted->quote.amount, minted->quote.unit));
      return {};
    }
    if (!command.wait || system_clock().monotonic() > end) {
      return unavailable("the invoice is not paid yet; try again with `mint --quote " + id + "`");
    }
    std::this_thread::sleep_for(Millis{150});  // NUT-04 is polled
  }
}

Status run_balance(Home& home, const Report& report) {
  TRY(const auto balances, home.wallet().balances());
  if (balances.empty() && !report.json()) report.say("balance", "the wallet is empty");
  for (const Balance& balance : balances) {
    json::Value detail;
    detail.set("unit", balance.unit);
    detail.set("available", balance.available);
    detail.set("under_way", balance.under_way);
    detail.set("locked", balance.locked);
    std::string text = fmt::format("{:>10} {}", balance.available, balance.unit);
    if (balance.under_way > 0) text += fmt::format(", {} under way", balance.under_way);
    if (balance.locked > 0) text += fmt::format(", {} locked in matches", balance.locked);
    report.say("balance", text, detail);
  }
  for (const std::string& line : home.open_operations()) report.warn(line);
  return {};
}

Status run_melt(Home& home, const Report& report, const std::string& invoice, const cashu::Unit& unit) {
  TRY(const auto quote, home.wallet().request_melt(invoice, unit));
  TRY(const auto result, home.wallet().melt(quote));
  json::Value detail = amount_detail(result.amount, unit);
  const bool paid = result.state == mintclient::QuoteState::paid;
  detail.set("state", paid ? "PAID" : "PENDING");
  detail.set("fee", result.fee_paid);
  detail.set("preimage", result.preimage);
  report.say("melted",
             paid ? fmt::format("paid {} {}, fee {}, preimage {}", result.amount, unit, result.fee_paid,
                                result.preimage)
                  : std::string("the payment is under way; `balance` asks again"),
             detail);
  return {};
}

Status run_invoice(const Report& report, std::uint64_t sats) {
  if (sats == 0 || sats > 21'000'000ULL * 100'000'000) return invalid("an invoice is for 1 sat or more");
  const auto node = crypto::SecretKey::generate(system_random());
  TRY(const auto made,
      lightning::make_play_invoice(node, lightning::Network::regtest, sats * 1000, "play money",
                                   system_clock().now_seconds(), Seconds{3600}, system_random()));
  json::Value detail;
  detail.set("invoice", made.text);
  detail.set("sats", sats);
  report.say("invoice", made.text, detail);
  return {};
}

Status run_send(Home& home, const Report& report, cashu::Amount amount, const cashu::Unit& unit) {
  const auto sent = home.wallet().send(unit, amount);
  if (!sent && sent.error().kind == ErrorKind::unavailable) {
    return unavailable(sent.error().message +
                       "; nothing is lost: once the mint is back, `sent` shows the token if it was made");
  }
  TRY(const auto token, sent);
  const std::string text = cashu::dump_token_v4(token);
  json::Value detail = amount_detail(amount, unit);
  detail.set("token", text);
  report.say("token", text, detail);
  return {};
}

Status run_sent(Home& home, const Report& report) {
  TRY(auto tokens, home.wallet().sent());
  std::size_t shown = 0;
  for (cashu::Token& token : tokens) {
    std::vector<cashu::Proof> left;
    for (std::size_t from = 0; from < token.proofs.size(); from += kStatesAtOnce) {
      const std::size_t to = std::min(token.proofs.size(), from + kStatesAtOnce);
      std::vector<crypto::PublicKey> ys;
      for (std::size_t i = from; i < to; ++i) ys.push_back(token.proofs[i].y());
      TRY(const auto states, home.mint().checkstate(ys));
      for (std::size_t i = from; i < to; ++i) {
        if (states[i - from].state == mintclient::ProofState::unspent) left.push_back(token.proofs[i]);
      }
    }
    if (left.empty()) continue;
    token.proofs = std::move(left);
    const cashu::Amount amount = cashu::sum_amounts(token.proofs).value_or(0);
    const std::string text = cashu::dump_token_v4(token);
    json::Value detail = amount_detail(amount, token.unit);
    detail.set("token", text);
    report.say("sent", fmt::format("{} {}: {}", amount, token.unit, text), detail);
    ++shown;
  }
  if (shown == 0 && !report.json()) report.say("sent", "everything that was sent has been redeemed");
  return {};
}

Status run_receive(Home& home, const Report& report, const std::string& text) {
  TRY_STATUS(home.wallet().refresh_keysets());
  TRY(const auto infos, home.mint().keysets());
  std::vector<cashu::KeysetId> known;
  for (const auto& info : infos) known.push_back(info.id);
  TRY(const auto token, cashu::parse_token(text, known));
  TRY(const auto amount, home.wallet().receive(token));
  report.say("received", fmt::format("received {} {}", amount, token.unit),
             amount_detail(amount, token.unit));
  return {};
}

Status run_restore(Home& home, const Report& report) {
  TRY(const auto restored, home.wallet().restore());
  json::Value detail;
  detail.set("proofs", std::uint64_t{restored.proofs});
  std::string text = fmt::format("found {} proofs", restored.proofs);
  for (const auto& [unit, amount] : restored.amounts) text += fmt::format(", {} {}", amount, unit);
  report.say("restored", text, detail);
  return run_balance(home, report);
}

}  // namespace manastr::player

// Claim, prize, and the stake's way home.
#include <fmt/format.h>

#include <algorithm>

#include "common/gameapi/requests.h"
#include "common/json/reader.h"
#include "common/nostr/nip44.h"
#include "player/duelist_state.h"

namespace manastr::player {
namespace {

constexpr Millis kWaitForEngine{10'000};  ///< after the claim's receipt, before finishing at the mint oneself

}  // namespace

Status Duelist::State::collect() {
  const auto& v = view();
  const match::Payout* payout = nullptr;
  for (const match::Payout& each : v.verdict->payouts) {
    if (each.claimant == me) payout = &each;
  }
  if (payout == nullptr) {
    // The winner may not claim, also where the chain is closed: then the stake comes home at the locktime.
    TRY(const bool gone, stakes_are_gone());
    if (!gone) return {};
    return finish(how_it_ended(false));
  }
  TRY(const bool taken, take_settled(*payout));
  if (taken) return {};
  // The claim that stands; else the next, behind those refused and those made for a verdict now superseded.
  const auto& stand = v.claims[*my_index()];
  unsigned attempt = stand.attempt;
  if (!stand.pending && stand.settled_groups == 0)
    attempt = my_claims.empty() ? 1 : my_claims.rbegin()->first + 1;
  if (attempt > match::kMaxAttempts) {
    stop("the mint refused every claim");
    return {};
  }
  // Whether it is too late, the engine says: this machine's clock may be wrong.
  if (!my_claims.contains(attempt)) return claim(*payout, attempt);
  TRY(const bool said, said_here(attempt));
  const auto is_mine = [this](const match::SettledReceipt& each) { return each.claimant == me; };
  if (!said && std::ranges::count_if(v.settled, is_mine) == std::ssize(payout->groups))
    return take_by_seed(*payout);
  if (due("engine-settles", kWaitForEngine) && last_sent.contains("engine-was-asked")) {
    return finish_without_engine(*payout, attempt);
  }
  due("engine-was-asked", kWaitForEngine);
  return {};
}

Result<std::vector<match::Outputs>> Duelist::State::claim_outputs(const match::Payout& payout,
                                                                  unsigned attempt) {
  std::vector<match::Outputs> groups;
  for (std::size_t g = 0; g < payout.groups.size(); ++g) {
    TRY(auto outputs,
        tools.wallet.prepare(prize_label(attempt, g), payout.groups[g].unit, payout.groups[g].pay));
    groups.push_back(std::move(outputs));
  }
  std::optional<std::string> sealed = view().verdict->rake;
  for (const match::RefusalReceipt& refusal : view().refusals) {
    const bool newer = sealed && refusal.rake && refusal.claimant == me && refusal.attempt < attempt;
    if (newer) sealed = refusal.rake;
  }
  match::RakeGroups rake(payout.groups.size());
  if (sealed) {
    const auto key = nostr::conversation_key(tools.nostr_key, record.engine);
    if (!key) return broken("the engine's key is not on the curve");
    TRY(const auto text, nostr::nip44_decrypt(*key, *sealed));
    TRY(rake, match::parse_rake(text));
  }
  if (rake.size() != groups.size()) return invalid("the engine's rake outputs are not those of the verdict");
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const cashu::KeysetId id = groups[g].front().id;
    for (const match::RakeOutput& output : rake[g])
      groups[g].push_back({output.amount, id, output.b_blinded});
  }
  TRY_STATUS(match::check_outputs(payout, groups, &rake));
  return groups;
}

Status Duelist::State::claim(const match::Payout& payout, unsigned attempt) {
  return say(match::kClaim, fmt::format("{}:{}", id_text(), attempt), [&]() -> Result<nostr::Draft> {
    // A refusal may mean that the mint has a new keyset.
    if (attempt > 1) TRY_STATUS(tools.wallet.refresh_keysets());
    auto outputs = claim_outputs(payout, attempt);
    if (!outputs) {
      if (outputs.error().kind != ErrorKind::unavailable) stop(outputs.error().message);
      return std::unexpected(outputs.error());
    }
    match::SealedClaim sealed{*outputs, {}};
    for (std::size_t g = 0; g < payout.groups.size(); ++g) {
      const std::size_t owner = payout.groups[g].owner == view().parties[0] ? 0 : 1;
      sealed.signatures.push_back(crypto::sign_schnorr(
          secrets.escrow(), match::group_message(view().stakes[owner].proofs, (*outputs)[g]),
          tools.random.bytes<32>()));
    }
    const auto key = nostr::conversation_key(tools.nostr_key, record.engine);
    if (!key) return broken("the engine's key is not on the curve");
    match::Claim said{attempt, view().verdict->outcome, match::outputs_hash(sealed.groups), {}};
    TRY(said.sealed, nostr::nip44_encrypt(*key, match::dump_sealed_claim(sealed), tools.random.bytes<32>()));
    return match::to_draft(said, pointers(), created_at());
  });
}

Result<bool> Duelist::State::take_settled(const match::Payout& payout) {
  std::vector<const match::SettledReceipt*> settled(payout.groups.size(), nullptr);
  for (const match::SettledReceipt& receipt : view().settled) {
    if (receipt.claimant == me && receipt.group < settled.size()) settled[receipt.group] = &receipt;
  }
  cashu::Amount received = 0;
  for (unsigned attempt = 1; attempt <= match::kMaxAttempts; ++attempt) {
    TRY(const auto said, tools.book.said(record.id, match::kClaim, fmt::format("{}:{}", id_text(), attempt)));
    if (!said) continue;  // refused, or said from files now lost
    TRY(const auto parsed, match::parse_party_event(*said));
    if (std::get<match::Claim>(parsed.content).outcome != view().verdict->outcome) continue;  // superseded
    std::size_t taken = 0;
    received = 0;
    for (std::size_t g = 0; g < payout.groups.size(); ++g) {
      TRY(const auto outputs,
          tools.wallet.prepare(prize_label(attempt, g), payout.groups[g].unit, payout.groups[g].pay));
      const match::SettledReceipt* receipt = settled[g];
      if (receipt != nullptr && receipt->outputs.size() >= outputs.size() &&
          std::equal(outputs.begin(), outputs.end(), receipt->outputs.begin())) {
        const std::vector<cashu::BlindSignature> signatures(
            receipt->signatures.begin(),
            receipt->signatures.begin() + static_cast<std::ptrdiff_t>(outputs.size()));
        auto amount = tools.wallet.take(prize_label(attempt, g), signatures);
        if (!amount) {  // what the engine publishes need not be what the mint signed: the mint has the right
                        // ones
          TRY(const auto fetched, tools.wallet.fetch(prize_label(attempt, g)));
          if (!fetched) return std::unexpected(amount.error());
          amount = *fetched;
        }
        received += *amount;
        ++taken;
      } else if (my_claims.contains(attempt) && due("fetch:" + prize_label(attempt, g), kWaitForEngine) &&
                 last_sent.contains("engine-was-asked")) {
        TRY(const auto amount,
            tools.wallet.fetch(prize_label(attempt, g)));  // NUT-09: the mint may have signed already
        if (amount) {
          received += *amount;
          ++taken;
        }
      }
    }
    if (taken == payout.groups.size()) {
      if (!std::exchange(prize_taken, true)) {
        json::Value detail;
        detail.set("amount", received);
        detail.set("unit", payout.groups.front().unit);
        tell("prize", fmt::format("received {} {}", received, payout.groups.front().unit), std::move(detail));
      }
      TRY(const bool gone, stakes_are_gone());  // an attempt that did not count comes home at the locktime
      if (gone) TRY_STATUS(finish(how_it_ended(true)));
      return true;
    }
  }
  return false;
}

Result<bool> Duelist::State::said_here(unsigned attempt) {
  TRY(const auto said, tools.book.said(record.id, match::kClaim, fmt::format("{}:{}", id_text(), attempt)));
  return said.has_value();
}

Status Duelist::State::take_by_seed(const match::Payout& payout) {
  TRY([[maybe_unused]] const auto restored, tools.wallet.restore());
  if (!std::exchange(prize_taken, true)) {
    cashu::Amount received = 0;
    for (const match::Group& group : payout.groups) received += group.pay;
    json::Value detail;
    detail.set("amount", received);
    detail.set("unit", payout.groups.front().unit);
    tell("prize", fmt::format("found {} {} by the seed", received, payout.groups.front().unit),
         std::move(detail));
  }
  TRY(const bool gone, stakes_are_gone());
  return gone ? finish(how_it_ended(true)) : Status{};
}

Status Duelist::State::finish_without_engine(const match::Payout& payout, unsigned attempt) {
  const auto key = nostr::conversation_key(tools.nostr_key, record.engine);
  const match::ClaimReceipt& receipt = my_claims.at(attempt);
  if (!key) return broken("the engine's key is not on the curve");
  TRY(const auto engine_text, nostr::nip44_decrypt(*key, receipt.signatures));
  TRY(const auto engine_signatures, json::parse(engine_text));
  const auto parsed = match::parse_party_event(receipt.event);
  if (!parsed) return std::unexpected(parsed.error());
  TRY(const auto claim_text, nostr::nip44_decrypt(*key, std::get<match::Claim>(parsed->content).sealed));
  TRY(const auto sealed, match::parse_sealed_claim(claim_text));
  const json::Array* list = engine_signatures.if_array();
  if (list == nullptr || list->size() != sealed.groups.size())
    return invalid("the engine's signatures can't be read");

  gameapi::SettleRequest request;
  request.operation = match::settlement_key(payout, sealed.groups);
  request.announcement = record.announcement;
  request.claim = receipt.event;
  TRY(const auto receipts, tools.book.receipts(record.id));
  for (const match::Event& event : receipts) {
    if (event.id == view().verdict_id) request.verdict = event;
  }
  for (std::size_t g = 0; g < sealed.groups.size(); ++g) {
    const std::string* hex = (*list)[g].if_string();
    const auto engine_signature = hex != nullptr ? array_from_hex<64>(*hex) : std::nullopt;
    if (!engine_signature) return invalid("the engine's signatures can't be read");
    const std::size_t owner = payout.groups[g].owner == view().parties[0] ? 0 : 1;
    match::SignedGroup group{view().stakes[owner].proofs, sealed.groups[g]};
    group.inputs.front().witness = cashu::p2pk_witness({sealed.signatures[g], *engine_signature});
    request.groups.push_back(std::move(group));
  }
  TRY(const auto body, tools.mint.post(gameapi::kSettlePath, gameapi::to_json(request).dump(), ""));
  TRY(const auto reply, json::parse(body));
  TRY(const auto response, gameapi::settle_response_from_json(reply));
  if (response.signatures.size() != sealed.groups.size()) return invalid("the mint's reply lacks signatures");
  tell("settled-alone", "the engine is silent; the settlement was finished at the mint without it");
  TRY(const bool said, said_here(attempt));
  if (!said) return take_by_seed(payout);
  for (std::size_t g = 0; g < payout.groups.size(); ++g) {
    TRY(const auto outputs,
        tools.wallet.prepare(prize_label(attempt, g), payout.groups[g].unit, payout.groups[g].pay));
    auto signatures = response.signatures[g];
    if (signatures.size() < outputs.size()) return invalid("the mint's reply lacks signatures");
    signatures.erase(signatures.begin() + static_cast<std::ptrdiff_t>(outputs.size()), signatures.end());
    TRY_STATUS(tools.wallet.take(prize_label(attempt, g), signatures));
  }
  prize_taken = true;
  TRY(const bool gone, stakes_are_gone());
  return gone ? finish(how_it_ended(true)) : Status{};
}

std::string Duelist::State::how_it_ended(bool paid) const {
  const match::Outcome outcome = view().verdict->outcome;
  if (outcome != match::Outcome::win) return std::string(match::outcome_name(outcome));
  return paid ? "won" : "lost";
}

/// True if the mint calls every stake that was locked for this match spent; asked at most every two seconds,
/// and at once when the chain is closed, for that is when a settlement is through.
Result<bool> Duelist::State::stakes_are_gone() {
  std::vector<std::string> labels;
  for (unsigned attempt = 1; attempt <= match::kMaxAttempts; ++attempt) {
    TRY(const auto proofs, tools.wallet.locked(stake_label(attempt)));
    if (!proofs.empty()) labels.push_back(stake_label(attempt));
  }
  if (labels.empty()) return true;
  const bool closed = view().head.phase == match::Phase::closed;
  if (!due(closed ? "locked-when-closed" : "locked", Millis{2000})) return false;
  bool gone = true;
  for (const std::string& label : labels) {
    TRY(const bool spent, tools.wallet.check_locked(label));
    gone = gone && spent;
  }
  return gone;
}

Status Duelist::State::take_back_stakes() {
  const crypto::SecretKey escrow = secrets.escrow();
  cashu::Amount total = 0;
  bool spent = false;
  for (unsigned attempt = 1; attempt <= match::kMaxAttempts; ++attempt) {
    TRY(const auto proofs, tools.wallet.locked(stake_label(attempt)));
    if (proofs.empty()) continue;
    auto back = tools.wallet.take_back(stake_label(attempt), [&](const Hash32& message) {
      return std::vector{crypto::sign_schnorr(escrow, message, tools.random.bytes<32>())};
    });
    if (back) {
      total += *back;
    } else if (back.error().code == cashu::kProofsSpent) {
      TRY_STATUS(tools.wallet.check_locked(stake_label(attempt)));
      spent = true;
    } else {
      return std::unexpected(back.error());
    }
  }
  if (prize_taken) return finish(how_it_ended(true));
  if (total == 0) return finish(spent ? "lost" : "over");
  tell("refund", fmt::format("took the stake back: {} {}", total, challenge.terms.stake_unit));
  return finish("stake taken back after the locktime");
}

}  // namespace manastr::player

// A match as a mint sees it: stakes locked to it, a verdict, the winner's claim, and the request that settles
// it. For tests of the mint that play the engine themselves.
#pragma once
#include "common/gameapi/requests.h"
#include "common/json/reader.h"
#include "common/match/commitment.h"
#include "common/match/engine_keys.h"
#include "common/match/referee.h"
#include "common/nostr/nip44.h"
#include "tests/integration/mint_house.h"

namespace manastr::test {

inline crypto::SecretKey fresh_key() { return crypto::SecretKey::generate(system_random()); }
inline Hash32 fresh_hash() { return system_random().bytes<32>(); }

/// The stakes are yet to be bought: stakes_[i].proofs on stake_drafts(i).
struct StakedMatch {
  static constexpr cashu::Amount kStake = 100;

  StakedMatch(MintHouse& house, const crypto::SecretKey& engine)
      : house_(house), keys_(engine, crypto::Secret<32>(fresh_hash())), match_(fresh_hash()) {
    using match::Clocks;
    match::Announcement offer{.escrow_key = keys_.escrow()};
    offer.escrow_proof = keys_.escrow_proof();
    offer.rulebooks = {"duel/1"};
    offer.offers.push_back(
        {house_.url(), true, "mana", 200, {house_.keyset("mana").id}, "loot", 200, 1, 100'000, 50'000});
    offer.min_clocks =
        Clocks{Seconds{0}, Seconds{1}, Seconds{1}, Seconds{1}, Seconds{1}, Seconds{0}, Seconds{60}};
    offer.max_clocks = Clocks{Seconds{60},   Seconds{600},   Seconds{3600}, Seconds{86400},
                              Seconds{3600}, Seconds{86400}, Seconds{86400}};
    offer.relays = {"ws://relay1"};
    announcement_ = keys_.sign(match::announcement_draft(offer, now()));
    terms_.engine = keys_.pubkey();
    terms_.announcement = announcement_.id;
    terms_.mint = house_.url();
    terms_.keyset = house_.keyset("mana").id;
    terms_.stake_unit = "mana";
    terms_.stake = kStake;
    terms_.stake_price_msat = terms_.prize_price_msat = 200;
    terms_.prize_unit = "loot";
    terms_.rake_ppm = 50'000;
    terms_.relays = {"ws://relay1"};
    terms_.open_until = now() + Seconds{3600};
  }

  struct Seat {
    crypto::SecretKey nostr = fresh_key();
    crypto::SecretKey escrow = fresh_key();
  };
  UnixSeconds now() const { return system_clock().now_seconds(); }
  match::Lock lock(std::size_t owner) const {
    return {seats_[0].escrow.public_key(),
            seats_[1].escrow.public_key(),
            keys_.escrow(),
            seats_[owner].escrow.public_key(),
            locktime_,
            match_};
  }
  std::vector<Draft> stake_drafts(std::size_t owner) {
    std::vector<Draft> out;
    for (const cashu::Amount amount : cashu::split_amount(kStake)) {
      out.push_back(house_.draft("mana", amount, match::stake_secret(lock(owner), fresh_hash())));
    }
    return out;
  }

  nostr::Event verdict(match::Outcome outcome) {
    match::VerdictReceipt body{
        .terms = terms_,
        .parties = {seats_[0].nostr.x_only(), seats_[1].nostr.x_only()},
        .escrow_keys = {seats_[0].escrow.public_key(), seats_[1].escrow.public_key(), keys_.escrow()},
        .locktime = locktime_};
    body.outcome = outcome;
    body.reason = "as the test wants it";
    if (outcome == match::Outcome::win) body.winner = body.parties[0];
    const std::array<match::Party, 2> parties{match::Party{body.parties[0], body.escrow_keys[0]},
                                              match::Party{body.parties[1], body.escrow_keys[1]}};
    auto payouts =
        match::plan_payouts(terms_, parties, stakes_, outcome,
                            outcome == match::Outcome::win ? std::optional<std::size_t>(0) : std::nullopt);
    if (!payouts) throw std::runtime_error(payouts.error().message);
    body.payouts = payouts_ = *std::move(payouts);
    if (outcome == match::Outcome::win) body.rake = *keys_.seal(body.parties[0], "[]");
    match::Receipt receipt{{match_, 20, fresh_hash(), system_clock().now(), match::Phase::claims, 0, {}, {}},
                           body};
    return keys_.sign(
        match::to_draft(receipt, body.parties[0], body.parties[1], keys_.pubkey(), "ws://relay1"));
  }

  /// The outputs that a payout asks for: the claimant's, and the rake's behind them.
  std::vector<std::vector<Draft>> outputs_for(const match::Payout& payout) {
    std::vector<std::vector<Draft>> out;
    for (const match::Group& group : payout.groups) {
      auto amounts = cashu::split_amount(group.pay);
      for (const cashu::Amount amount : cashu::split_amount(group.rake)) amounts.push_back(amount);
      out.push_back(house_.drafts(group.unit, amounts));
    }
    return out;
  }
  static std::vector<match::Outputs> messages(const std::vector<std::vector<Draft>>& groups) {
    std::vector<match::Outputs> out;
    for (const auto& group : groups) {
      out.emplace_back();
      for (const Draft& each : group) out.back().push_back(each.message);
    }
    return out;
  }

  nostr::Event claim(std::size_t seat, match::Outcome outcome, const std::vector<match::Outputs>& groups) {
    match::Claim content{
        .attempt = 1, .outcome = outcome, .outputs_hash = match::outputs_hash(groups), .sealed = {}};
    content.sealed = *nostr::nip44_encrypt(*nostr::conversation_key(seats_[seat].nostr, keys_.pubkey()),
                                           "sealed", fresh_hash());
    const match::Pointers to{match_,         seats_[0].nostr.x_only(),          fresh_hash(),
                             keys_.pubkey(), {seats_[1 - seat].nostr.x_only()}, ""};
    return nostr::sign(match::to_draft(content, to, now()), seats_[seat].nostr, {});
  }

  /// Which keys sign a group: by default the claimant's and the engine's.
  struct Signers {
    bool claimant = true;
    bool engine = true;
  };
  gameapi::SettleRequest request(std::size_t seat, const nostr::Event& verdict_event,
                                 const nostr::Event& claim_event,
                                 const std::vector<match::Outputs>& outputs) {
    return request(seat, verdict_event, claim_event, outputs, Signers{});
  }
  gameapi::SettleRequest request(std::size_t seat, const nostr::Event& verdict_event,
                                 const nostr::Event& claim_event, const std::vector<match::Outputs>& outputs,
                                 Signers signers) {
    gameapi::SettleRequest out;
    out.announcement = announcement_;
    out.verdict = verdict_event;
    out.claim = claim_event;
    const match::Payout& payout = payout_of(seat);
    for (std::size_t i = 0; i < payout.groups.size(); ++i) {
      const std::size_t owner = payout.groups[i].owner == seats_[0].nostr.x_only() ? 0 : 1;
      match::SignedGroup group{stakes_[owner].proofs, outputs.at(i)};
      const Hash32 message = match::group_message(group.inputs, group.outputs);
      std::vector<crypto::Signature> signatures;
      if (signers.claimant) signatures.push_back(crypto::sign_schnorr(seats_[seat].escrow, message, {}));
      if (signers.engine) signatures.push_back(keys_.sign_escrow(message));
      group.inputs.front().witness = cashu::p2pk_witness(signatures);
      out.groups.push_back(std::move(group));
    }
    out.operation = match::settlement_key(payout, outputs);
    return out;
  }
  const match::Payout& payout_of(std::size_t seat) const {
    for (const match::Payout& payout : payouts_) {
      if (payout.claimant == seats_[seat].nostr.x_only()) return payout;
    }
    throw std::runtime_error("the verdict pays this seat nothing");
  }
  /// {"signatures":[[...],[...]]} as proofs.
  std::vector<cashu::Proof> unblind_groups(const std::string& body,
                                           const std::vector<std::vector<Draft>>& groups) {
    const json::Value reply = *json::parse(body);
    std::vector<cashu::Proof> out;
    for (std::size_t i = 0; i < groups.size(); ++i) {
      json::Value wrapped;
      wrapped.set("signatures", reply.find("signatures")->if_array()->at(i));
      const std::string unit = groups[i].front().message.id == house_.keyset("loot").id ? "loot" : "mana";
      const auto proofs = house_.unblind(wrapped.dump(), groups[i], unit);
      out.insert(out.end(), proofs.begin(), proofs.end());
    }
    return out;
  }
  std::vector<cashu::Proof> all_stakes() const {
    auto out = stakes_[0].proofs;
    out.insert(out.end(), stakes_[1].proofs.begin(), stakes_[1].proofs.end());
    return out;
  }

  MintHouse& house_;
  match::EngineKeys keys_;
  match::MatchId match_;
  std::array<Seat, 2> seats_;
  UnixSeconds locktime_ = system_clock().now_seconds() + Seconds{7200};
  match::Terms terms_;
  nostr::Event announcement_;
  std::array<match::Stake, 2> stakes_;
  std::vector<match::Payout> payouts_;
};

}  // namespace manastr::test

// Amounts that fall into many powers of two: what the terms admit can be claimed in one event.
#include <gtest/gtest.h>

#include <bit>

#include "tests/unit/common/match/table.h"

namespace manastr::match {
namespace {

Status judge_stake(cashu::Amount stake, std::uint32_t rake_ppm, std::uint64_t stake_price = 200) {
  Table table(0, rake_ppm);
  Announcement offer = *parse_announcement(table.announcement);
  offer.offers[0].max_stake = 1ULL << 48;
  offer.offers[0].stake_price_msat = stake_price;
  const Event announcement = table.keys.sign(announcement_draft(offer, table.seconds()));
  Terms terms = table.terms;
  terms.announcement = announcement.id;
  terms.stake = stake;
  terms.stake_price_msat = stake_price;
  return check_terms(terms, announcement, offer, table.seconds());
}

TEST(Pieces, AStakeWhosePayoutsCouldNotBeClaimedIsRefused) {
  EXPECT_TRUE(judge_stake(100, 50'000));
  EXPECT_TRUE(judge_stake((1ULL << 20) - 1, 0)) << "20 pieces in each of two groups";
  EXPECT_FALSE(judge_stake((1ULL << 21) - 1, 0)) << "21 of them";
  EXPECT_FALSE(judge_stake((1ULL << 40) - 1, 0)) << "40 pieces in one group";
  EXPECT_FALSE(judge_stake((1ULL << 30) - 2, 500'000)) << "prize and rake";
}

TEST(Pieces, AClaimOfAsManyOutputsAsTheTermsAdmitFitsAnEvent) {
  Table table;
  SealedClaim sealed{{{}, {}}, {crypto::Signature{}, crypto::Signature{}}};
  for (std::size_t i = 0; i < kMaxClaimOutputs; ++i) {
    const auto point = key_of("output" + std::to_string(i)).public_key();
    sealed.groups[i < kMaxOutputs ? 0 : 1].push_back({1ULL << 63, table.mint.prize_keyset().id, point});
  }
  Claim claim{
      .attempt = 8, .outcome = Outcome::aborted, .outputs_hash = outputs_hash(sealed.groups), .sealed = {}};
  claim.sealed = *nostr::nip44_encrypt(*nostr::conversation_key(table.creator.nostr, table.keys.pubkey()),
                                       dump_sealed_claim(sealed), hash_of("nonce"));
  const Pointers to{hash_of("match"),    table.creator.pubkey(),    hash_of("receipt"),
                    table.keys.pubkey(), {table.acceptor.pubkey()}, "wss://" + std::string(kMaxUrl - 6, 'r')};
  const Event event = table.creator.sign(to_draft(claim, to, table.seconds()));
  const Status fits = check_envelope(event);
  EXPECT_TRUE(fits) << fits.error().message << ": " << nostr::dump(event).size();
}

}  // namespace
}  // namespace manastr::match

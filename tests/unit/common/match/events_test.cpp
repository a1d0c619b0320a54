// What the engine makes of events that are wrong, late, early, repeated or not meant for it: rows of the
// protocol's list of things to survive, "Events".
#include <gtest/gtest.h>

#include "tests/unit/common/match/table.h"

namespace manastr::match {
namespace {

bool mentions(const std::vector<std::string>& reasons, std::string_view words) {
  return !reasons.empty() && reasons.back().find(words) != std::string::npos;
}

/// Nothing but a rejection (or silence) came of it.
void expect_refused(Table& table, const Event& event, std::string_view words) {
  const std::size_t before = table.match.chain().size();
  table.rejections.clear();
  table.send(event);
  EXPECT_EQ(table.match.chain().size(), before);
  EXPECT_TRUE(mentions(table.rejections, words))
      << (table.rejections.empty() ? "no rejection" : table.rejections.back());
}

void expect_taken(Table& table, const Event& event) {
  const std::size_t before = table.match.chain().size();
  table.send(event);
  EXPECT_GT(table.match.chain().size(), before) << (table.rejections.empty() ? "" : table.rejections.back());
}

void expect_played_out(Table& table) {
  EXPECT_EQ(table.match.phase(), Phase::claims);
  EXPECT_EQ(table.fault, "");
  EXPECT_NE(table.last<VerdictReceipt>()->reason.find("played out"), std::string::npos);
}

TEST(Events, StrangersGetNoAnswer) {
  Table table;
  table.to_seeds_open();
  const Player carol{"carol"};
  const Event event = carol.sign(to_draft(Commitment{1, hash_of("x")}, table.to(carol), table.seconds()));
  EXPECT_TRUE(table.feed(PartyInput{table.now, event}).empty());
}

TEST(Events, AnIdentityInContentMeansNothing) {
  Table table;
  table.to_seeds_open();
  auto draft = to_draft(Commitment{1, hash_of("x")}, table.to(table.creator), table.seconds());
  draft.content.insert(1, "\"pubkey\":\"" + table.acceptor.pubkey().hex() + "\",");
  expect_taken(table, table.creator.sign(draft));
  EXPECT_EQ(table.transcript.view().commitments[0].size(), 1U);
  EXPECT_TRUE(table.transcript.view().commitments[1].empty());
}

TEST(Events, CopiedCommitment) {
  Table table;
  table.to_seeds_open();
  table.send(table.move_commitment(table.creator, 1));
  const Hash32 copied = table.transcript.view().commitments[0].back();
  expect_refused(
      table, table.acceptor.sign(to_draft(Commitment{1, copied}, table.to(table.acceptor), table.seconds())),
      "opponent's commitment");
}

TEST(Events, CopiedSeedCommitmentCannotBeOpened) {
  Table table;
  table.open();
  Acceptance content = table.acceptance_content(table.acceptor);
  content.seed_commitment = table.challenge_content().seed_commitment;
  table.send(table.acceptor.sign(to_draft(content, table.to(table.acceptor), table.seconds())));
  table.fund(table.acceptor);
  table.answer_states();
  table.fund(table.creator);
  table.answer_states();
  table.send(table.seed_reveal(table.creator));
  table.acceptor.seed = table.creator.seed;
  expect_refused(table, table.seed_reveal(table.acceptor), "do not open");
}

TEST(Events, CommitmentOfAnotherMatch) {
  Table other;
  other.salt = "another";
  other.to_seeds_open();
  Table table;
  table.to_seeds_open();
  other.send(other.move_commitment(other.acceptor, 1));
  const Hash32 foreign = other.transcript.view().commitments[1].back();
  table.send(
      table.acceptor.sign(to_draft(Commitment{1, foreign}, table.to(table.acceptor), table.seconds())));
  table.send(table.move_commitment(table.creator, 1));
  expect_refused(table, table.move_reveal(table.acceptor, 1), "do not open");
  EXPECT_TRUE(table.feed(PartyInput{table.now, other.move_reveal(other.acceptor, 1)}).empty());
}

TEST(Events, RevealThatDoesNotOpenIsRejectedAndTheRightOneTaken) {
  Table table;
  table.to_seeds_open();
  table.send(table.move_commitment(table.creator, 1));
  table.send(table.move_commitment(table.acceptor, 1));
  auto bent = table;
  bent.creator.plan = {3, 1, 2};
  expect_refused(bent, bent.move_reveal(bent.creator, 1), "do not open");
  expect_taken(bent, table.move_reveal(table.creator, 1));
}

TEST(Events, RevealBeforeTheOpponentsCommitment) {
  Table table;
  table.to_seeds_open();
  table.send(table.move_commitment(table.creator, 1));
  expect_refused(table, table.move_reveal(table.creator, 1), "waits for nothing");
  table.pointer = table.match.chain().back().id;
  table.send(table.move_commitment(table.acceptor, 1));
  expect_refused(table, table.move_reveal(table.creator, 1), "at or after the start of this phase");
  table.pointer.reset();
  expect_taken(table, table.move_reveal(table.creator, 1));
}

TEST(Events, ASecondDifferentEventInASlot) {
  Table table;
  table.to_seeds_open();
  auto other = table;
  other.creator.plan = {3, 1, 2};
  const Event second = other.move_commitment(other.creator, 1);
  table.send(table.move_commitment(table.creator, 1));
  expect_refused(table, second, "slot is filled");
  EXPECT_EQ(table.records, 1);
  table.send(table.move_commitment(table.acceptor, 1));
  expect_taken(table, table.move_reveal(table.creator, 1));
}

TEST(Events, ARejectedEventFillsNoSlot) {
  Table table;
  table.to_seeds_open();
  table.pointer = table.match.chain().front().id;
  expect_refused(table, table.move_commitment(table.creator, 1), "at or after the start");
  table.pointer.reset();
  table.creator.plan = {2, 1, 0};
  expect_taken(table, table.move_commitment(table.creator, 1));
}

TEST(Events, AClientThatLostItsStateSaysTheSameAgain) {
  Table table;
  table.to_seeds_open();
  table.send(table.move_commitment(table.creator, 1));
  const std::size_t before = table.match.chain().size();
  table.wait(Millis{3000});
  table.send(table.move_commitment(table.creator, 1));  // another id: created_at and pointer differ
  EXPECT_EQ(table.match.chain().size(), before);
  EXPECT_EQ(table.offered_again, 1);
  EXPECT_EQ(table.records, 0);
  EXPECT_TRUE(table.rejections.empty());
}

TEST(Events, DuplicatesAreAnsweredAFewTimesOnly) {
  Table table;
  table.to_seeds_open();
  const Event event = table.move_commitment(table.creator, 1);
  for (int i = 0; i < 100; ++i) table.send(event);
  EXPECT_LE(table.offered_again, 8);
  for (int i = 0; i < 100; ++i) {
    table.wait(Millis{1});
    table.send(table.creator.sign(
        to_draft(Commitment{1, hash_of(std::to_string(i))}, table.to(table.creator), table.seconds())));
  }
  EXPECT_LE(table.rejections.size(), 16U);
  EXPECT_LE(table.records, 32);
}

TEST(Events, ForeignAndFinishedMatches) {
  Table other;
  other.salt = "another";
  other.to_seeds_open();
  Table table;
  table.to_seeds_open();
  EXPECT_TRUE(table.feed(PartyInput{table.now, other.move_commitment(other.creator, 1)}).empty());
  for (unsigned round = 1; round <= 3; ++round) table.play_round(round);
  table.send(table.claim(table.winner()));
  table.settle();
  ASSERT_TRUE(table.match.ended());
  EXPECT_TRUE(table.feed(PartyInput{table.now, table.claim(table.winner(), 2)}).empty());
}

TEST(Events, OutOfOrderIsHeldThenUsed) {
  Table table;
  table.to_seeds_open();
  table.send(table.move_commitment(table.creator, 1));
  Table ahead = table;
  const Event closing = table.move_commitment(table.acceptor, 1);
  ahead.send(closing);
  const Event early = ahead.move_reveal(ahead.creator, 1);  // names a receipt that `table` has yet to make
  const auto effects = table.feed(PartyInput{table.now, early});
  ASSERT_EQ(effects.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<Held>(effects[0]));
  table.send(closing);
  EXPECT_EQ(table.types().back(), "reveal");
  EXPECT_EQ(table.fault, "");
}

TEST(Events, HoldingIsBounded) {
  Table table;
  table.to_seeds_open();
  table.pointer = hash_of("no receipt");
  for (unsigned i = 0; i < 50; ++i) {
    table.send(table.creator.sign(to_draft(Commitment{1 + i % 3, hash_of(std::to_string(i))},
                                           table.to(table.creator), table.seconds())));
  }
  EXPECT_LE(table.match.state().held.size(), 4U);
  EXPECT_TRUE(mentions(table.rejections, "no receipt of this match"));
}

TEST(Events, TwoAcceptances) {
  Table table;
  const Player carol{"carol"};
  table.open();
  const Event late = table.acceptance(carol);
  table.send(table.acceptance());
  expect_refused(table, late, "unmatched");
  EXPECT_EQ(table.match.parties()[1], table.acceptor.pubkey());
}

TEST(Events, WhoMayAccept) {
  Table table;
  table.open();
  expect_refused(table, table.acceptance(table.creator), "own challenge");
  Table named;
  named.terms.opponent = named.acceptor.pubkey();
  named.open();
  expect_refused(named, named.acceptance(Player{"carol"}), "names another");
  expect_taken(named, named.acceptance());
}

TEST(Events, AcceptanceOfOtherTerms) {
  Table table;
  table.open();
  Acceptance content = table.acceptance_content(table.acceptor);
  content.terms_hash = hash_of("other");
  expect_refused(table, table.acceptor.sign(to_draft(content, table.to(table.acceptor), table.seconds())),
                 "terms_hash");
}

TEST(Events, AcceptanceThatNeverFundsLapsesAndTheNextMayTakeIt) {
  Table table;
  table.to_acceptance();
  table.fire();
  EXPECT_EQ(table.types().back(), "lapsed");
  EXPECT_EQ(table.match.phase(), Phase::open);
  EXPECT_EQ(table.records, 1);
  table.acceptor = Player{"carol"};
  table.send(table.acceptance());
  table.fund(table.acceptor);
  table.answer_states();
  table.fund(table.creator);
  table.answer_states();
  table.send(table.seed_reveal(table.creator));
  table.send(table.seed_reveal(table.acceptor));
  for (unsigned round = 1; round <= 3; ++round) table.play_round(round);
  expect_played_out(table);
}

TEST(Events, ChallengeExpires) {
  Table table;
  table.open();
  table.fire();
  EXPECT_TRUE(table.match.ended());
  EXPECT_EQ(table.types().back(), "closed");
}

TEST(Events, WithdrawnByDeletionOrReplacementBeforeAnAcceptanceOnly) {
  for (const bool deletes : {true, false}) {
    Table table;
    table.open();
    Event evidence =
        deletes ? table.creator.sign({table.seconds(), 5, {{"e", to_hex(table.match.id())}}, ""}) : [&] {
          Challenge again = table.challenge_content();
          again.seed_commitment = hash_of("new");
          return table.creator.sign(to_draft(again, table.seconds()));
        }();
    Table accepted = table;
    accepted.send(accepted.acceptance());
    EXPECT_TRUE(accepted.feed(Withdrawn{accepted.now, evidence}).empty());
    EXPECT_EQ(accepted.match.phase(), Phase::acceptor_stake);
    Event by_another = evidence;
    by_another.pubkey = table.acceptor.pubkey();
    EXPECT_TRUE(table.feed(Withdrawn{table.now, by_another}).empty());
    table.feed(Withdrawn{table.now, evidence});
    EXPECT_TRUE(table.match.ended());
    EXPECT_EQ(table.fault, "");
    // An engine restored from a backup takes the chain up again, though the evidence is not in it.
    const auto inputs = inputs_of_chain(table.match.chain(), table.mint.stake_keyset(), table.keys);
    ASSERT_TRUE(inputs.has_value()) << inputs.error().message;
    EXPECT_TRUE(decode_input(encode(inputs->back())).has_value());
  }
}

TEST(Events, OversizedAndOddlyTaggedEvents) {
  Table table;
  table.to_seeds_open();
  auto draft = to_draft(Commitment{1, hash_of("x")}, table.to(table.creator), table.seconds());
  auto big = draft;
  big.tags.push_back({"x", std::string(9000, 'x')});
  expect_refused(table, table.creator.sign(big), "larger than");
  auto quoted = draft;
  quoted.tags.push_back({"x", std::string(3500, '"')});
  expect_refused(table, table.creator.sign(quoted), "too many quotes");
  auto many = draft;
  for (int i = 0; i < 40; ++i) many.tags.push_back({"x"});
  expect_refused(table, table.creator.sign(many), "larger than");
  auto expiring = draft;
  expiring.tags.push_back({"expiration", "1"});
  expect_refused(table, table.creator.sign(expiring), "expiration");
  auto control = draft;
  control.content.insert(1, "\"x\":\"\x7f\",");
  expect_refused(table, table.creator.sign(control), "0x7F");
  auto twice = draft;
  twice.tags.push_back({"d", draft.tags[0][1]});
  expect_refused(table, table.creator.sign(twice), "exactly one d");
  auto unaddressed = draft;
  std::erase_if(unaddressed.tags, [](const nostr::Tag& tag) { return tag[0] == "p"; });
  expect_refused(table, table.creator.sign(unaddressed), "name the engine");
}

TEST(Events, ClocksOfPlayersMayBeAnHourOff) {
  for (const int hours : {-1, 1}) {
    Table table;
    table.to_seeds_open();
    auto draft = to_draft(Commitment{1, hash_of("x")}, table.to(table.creator),
                          table.seconds() + Seconds{hours * 3600});
    expect_taken(table, table.creator.sign(draft));
    draft = to_draft(Commitment{1, hash_of("x")}, table.to(table.acceptor),
                     table.seconds() + Seconds{hours * 3 * 3600});
    expect_refused(table, table.acceptor.sign(draft), "set the clock");
  }
}

TEST(Events, AUnitFightsOnce) {
  Table table;
  table.creator.plan = {1, 1, 2};
  table.to_seeds_open();
  table.play_round(1);
  table.send(table.move_commitment(table.creator, 2));
  table.send(table.move_commitment(table.acceptor, 2));
  expect_refused(table, table.move_reveal(table.creator, 2), "fights once");
}

TEST(Events, TermsThatTheOfferDoesNotCover) {
  const std::vector<std::pair<std::string, std::function<void(Table&)>>> cases{
      {"rake", [](Table& t) { t.terms.rake_ppm = 1; }},
      {"price", [](Table& t) { t.terms.prize_price_msat = 100; }},
      {"stake too large", [](Table& t) { t.terms.stake = 1'000'000; }},
      {"another mint", [](Table& t) { t.terms.mint = "http://other"; }},
      {"another engine", [](Table& t) { t.terms.engine = t.creator.pubkey(); }},
      {"another announcement", [](Table& t) { t.terms.announcement = hash_of("x"); }},
      {"a clock out of bounds", [](Table& t) { t.terms.clocks.party = Seconds{10'000'000}; }},
      {"open_until in the past", [](Table& t) { t.terms.open_until = t.seconds(); }},
      {"no relay", [](Table& t) { t.terms.relays.clear(); }},
      {"a relay of its own", [](Table& t) { t.terms.relays = {"ws://mine"}; }},
      {"itself as opponent", [](Table& t) { t.terms.opponent = t.creator.pubkey(); }},
      {"an unknown rulebook", [](Table& t) { t.terms.rulebook_version = 2; }}};
  for (const auto& [name, bend] : cases) {
    Table table;
    bend(table);
    table.open();
    EXPECT_FALSE(table.match.opened()) << name;
    EXPECT_EQ(table.rejections.size(), 1U) << name;
    EXPECT_EQ(table.ended, "refused") << name;
  }
}

}  // namespace
}  // namespace manastr::match

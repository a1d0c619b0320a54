// Rooms: player
// Rows "Events" of what must be survived: what a party or a stranger says that is wrong, copied, repeated,
// out of turn or not meant for this match. What takes a relay's help is in engine_rows_relays_test.cpp.
#include "tests/integration/duel_rows.h"

namespace manastr::test {
namespace {

using match::Phase;

struct EventRows : DuelRows {
  /// A reveal of this match in which `side` opens what it chose in this round, pointing where `like` points.
  /// Older by a second, so that relays take the true one later.
  static nostr::Event reveal_of(const Side& side, const nostr::Event& like, unsigned round) {
    const match::MatchId match = *match::match_of(like);
    const bool created = side.duelist->view().parties.front() == side.pubkey();
    const player::MatchSecrets secrets(side.seed, created ? side.duelist->view().challenge_d : match);
    const std::uint8_t unit = side.book->chosen(match, round)->value();
    const match::Reveal reveal{round, {unit}, secrets.move_nonce(match, round, unit)};
    nostr::Draft draft = match::to_draft(reveal, {}, like.created_at - Seconds{1});
    draft.tags = like.tags;
    return side.sign(draft);
  }
};

TEST_F(EventRows, ContentThatClaimsAnotherIdentity) {
  DuelTable table(*set_);
  table.acceptor().say = [&](const nostr::Event& event) -> std::optional<nostr::Event> {
    if (event.kind != match::kCommitment) return event;
    return rewrite(
        table.acceptor(), event,
        [&](json::Object& content) { content.emplace_back("pubkey", table.creator().pubkey().hex()); },
        Seconds{0});
  };
  table.sit_down();
  expect_played_out(table);
  for (const auto& receipt : bodies<match::CommitmentReceipt>(table.transcript())) {
    const bool claims = receipt.event.content.contains("pubkey");
    EXPECT_EQ(receipt.event.pubkey, claims ? table.acceptor().pubkey() : table.creator().pubkey());
  }
}

TEST_F(EventRows, CopiedCommitment) {
  DuelTable table(*set_, DuelTable::brisk());
  std::optional<nostr::Event> theirs;
  table.creator().say = [&](const nostr::Event& event) {
    if (is(event, match::kCommitment, 1)) theirs = event;
    return event;
  };
  std::optional<nostr::Event> own;
  table.acceptor().say = [&](const nostr::Event& event) -> std::optional<nostr::Event> {
    if (!is(event, match::kCommitment, 1)) return event;
    own = event;
    return std::nullopt;
  };
  table.sit_down();
  ASSERT_TRUE(table.play_until([&] { return !table.view().commitments[0].empty() && own; }));
  publish(table, rewrite(table.acceptor(), *own, [&](json::Object& content) {
            content = *json::parse(theirs->content).value().if_object();
          }));
  ASSERT_TRUE(play_until_rejected(table, "opponent's commitment"));
  expect_forfeit_of_acceptor(table);
}

TEST_F(EventRows, CommitmentReplayedFromAnotherMatch) {
  // The same key in both, so that the match alone makes the difference.
  DuelTable before(*set_);
  std::map<unsigned, std::string> commitment;
  std::map<unsigned, std::string> opening;
  before.acceptor().say = [&](const nostr::Event& event) -> std::optional<nostr::Event> {
    const unsigned round = event.kind == match::kCommitment || event.kind == match::kReveal
                               ? match::parse_slot(event.kind, event.d())->first
                               : 0;
    if (event.kind == match::kCommitment) commitment[round] = event.content;
    if (event.kind == match::kReveal) opening[round] = event.content;
    return event;
  };
  before.sit_down();
  expect_played_out(before);

  DuelTable table(*set_, DuelTable::brisk());
  table.acceptor().key = before.acceptor().key;
  table.acceptor().say = [&](const nostr::Event& event) -> std::optional<nostr::Event> {
    nostr::Draft draft{event.created_at, event.kind, event.tags, event.content};
    if (is(event, match::kCommitment, 1)) draft.content = commitment.at(1);
    if (is(event, match::kReveal, 1)) draft.content = opening.at(1);
    return table.acceptor().sign(draft);
  };
  table.sit_down();
  ASSERT_TRUE(play_until_rejected(table, "do not open"));
  expect_forfeit_of_acceptor(table);
}

TEST_F(EventRows, RevealThatDoesNotOpen) {
  DuelTable table(*set_, DuelTable::brisk());
  table.acceptor().say = [&](const nostr::Event& event) -> std::optional<nostr::Event> {
    if (!is(event, match::kReveal, 1)) return event;
    return rewrite(table.acceptor(), event,
                   [](json::Object& content) { member(content, "nonce") = std::string(64, '7'); });
  };
  table.sit_down();
  ASSERT_TRUE(play_until_rejected(table, "open"));
  expect_forfeit_of_acceptor(table);
}

TEST_F(EventRows, RevealBeforeTheOpponentsCommitment) {
  DuelTable table(*set_);
  std::optional<nostr::Event> kept;
  table.acceptor().say = [&](const nostr::Event& event) -> std::optional<nostr::Event> {
    if (!is(event, match::kCommitment, 1) || kept) return event;
    kept = event;
    return std::nullopt;
  };
  std::optional<nostr::Event> commitment;
  table.creator().say = [&](const nostr::Event& event) {
    if (is(event, match::kCommitment, 1)) commitment = event;
    return event;
  };
  table.sit_down();
  ASSERT_TRUE(table.play_until([&] { return table.view().commitments[0].size() == 1 && kept; }));
  publish(table, reveal_of(table.creator(), *commitment, 1));
  ASSERT_TRUE(play_until_rejected(table, "waits for nothing"));
  EXPECT_TRUE(table.view().moves[0].empty());
  publish(table, *kept);
  expect_played_out(table);
}

TEST_F(EventRows, SecondDifferentEventInOneSlotBeforeItsReceipt) {
  // The first that is in order fills the slot: one that is not fills nothing, however early it comes.
  DuelTable table(*set_);
  say_wrong_first(
      table, table.acceptor(), of_round(match::kReveal, 2),
      [&](const nostr::Event& event) {
        return rewrite(table.acceptor(), event,
                       [](json::Object& content) { member(content, "nonce") = std::string(64, '7'); });
      },
      "open");
  expect_played_out(table);
}

TEST_F(EventRows, SecondDifferentEventInOneSlotAfterItsReceipt) {
  DuelTable table(*set_);
  std::optional<nostr::Event> second;
  table.acceptor().say = [&](const nostr::Event& event) -> std::optional<nostr::Event> {
    if (is(event, match::kCommitment, 1) && !second) {
      second = rewrite(
          table.acceptor(), event,
          [](json::Object& content) { member(content, "commitment") = std::string(64, '5'); }, Seconds{1});
    }
    return event;
  };
  table.sit_down();
  ASSERT_TRUE(table.play_until(
      [&] { return table.view().head.phase == Phase::reveal || table.view().head.round > 1; }));
  publish(table, *second);
  ASSERT_TRUE(play_until_rejected(table, "filled"));
  expect_played_out(table);
}

TEST_F(EventRows, AClientThatLostItsStateAndRetriesSaysTheSame) {
  DuelTable table(*set_);
  table.acceptor().say = [&](const nostr::Event& event) -> std::optional<nostr::Event> {
    if (event.kind == match::kCommitment) publish(table, said_again(table.acceptor(), event, Seconds{-1}));
    return event;
  };
  table.sit_down();
  expect_played_out(table);
  EXPECT_FALSE(rejected(table, "filled"));
}

TEST_F(EventRows, EventForAnUnknownMatch) {
  DuelTable table(*set_);
  bool flooded = false;
  table.acceptor().say = [&](const nostr::Event& event) -> std::optional<nostr::Event> {
    if (event.kind != match::kAcceptance || flooded) return event;
    flooded = true;
    const std::string unknown = to_hex(system_random().bytes<32>());
    for (unsigned i = 0; i < 30; ++i) {  // more than are held until their match is known
      nostr::Draft draft{event.created_at, match::kFunding, event.tags, event.content};
      for (nostr::Tag& tag : draft.tags) {
        if (tag[0] == "d")
          tag[1] = unknown + ":" + std::to_string(1 + i / 12) + ":" + std::to_string(1 + i % 12);
      }
      publish(table, table.acceptor().sign(draft));
    }
    return event;
  };
  table.sit_down();
  expect_played_out(table);
  EXPECT_TRUE(eventually([&] { return metric(*set_, "engine_events_unknown_match_total") >= 14; }));
}

TEST_F(EventRows, EventForAForeignMatch) {
  DuelTable table(*set_);
  DuelTable strangers(*set_);
  std::vector<nostr::Event> said;
  table.creator().say = [&](const nostr::Event& event) -> std::optional<nostr::Event> {
    // A stranger says what a party says, of the same match and in the same words.
    if (event.kind != match::kChallenge) {
      said.push_back(strangers.creator().sign({event.created_at, event.kind, event.tags, event.content}));
      publish(table, said.back());
    }
    return event;
  };
  table.sit_down();
  expect_played_out(table);
  EXPECT_GE(said.size(), 8U);
  EXPECT_TRUE(table.rejections().empty()) << "a stranger gets no answer: " << table.rejections().front();
  for (const nostr::Event& receipt : table.transcript()) {
    EXPECT_FALSE(receipt.content.contains(strangers.creator().pubkey().hex()));
  }
}

TEST_F(EventRows, EventForAFinishedMatch) {
  // All that was said, once more and in other words; and a claim of a next attempt.
  DuelTable table(*set_);
  std::vector<nostr::Event> said;
  for (Side& side : table.sides) {
    side.say = [&](const nostr::Event& event) {
      if (event.kind == match::kChallenge) return event;
      said.push_back(said_again(side, event, Seconds{1}));
      said.push_back(side.sign({event.created_at + Seconds{2}, event.kind, event.tags, "{}"}));
      if (event.kind == match::kClaim) {
        nostr::Draft next{event.created_at, event.kind, event.tags, event.content};
        for (nostr::Tag& tag : next.tags) {
          if (tag[0] == "d") tag[1] = to_hex(table.match()) + ":2";
        }
        said.push_back(side.sign(next));
      }
      return event;
    };
  }
  table.sit_down();
  expect_played_out(table);
  const auto chain = table.transcript();
  const auto taken_in = [&] { return metric(*set_, "engine_events_total{outcome=\"accepted\"}"); };
  const double before = taken_in();
  for (const nostr::Event& each : said) publish(table, each);
  ASSERT_TRUE(eventually([&] { return taken_in() >= before + static_cast<double>(said.size()); }));
  // Whatever the engine answers to the next match, it has answered to this one before.
  DuelTable next(*set_);
  next.sit_down();
  expect_played_out(next);
  EXPECT_TRUE(table.play_until([] { return true; }));
  EXPECT_TRUE(table.rejections().empty()) << table.rejections().front();
  EXPECT_EQ(table.transcript(), chain);
  expect_conserved(table);
}

TEST_F(EventRows, OutOfOrderArrival) {
  // The parts of a stake, the last first; 127 are seven proofs.
  DuelTable table(*set_, DuelTable::quick(), 127);
  std::optional<nostr::Event> first;
  for (Side& side : table.sides) {
    side.say = [&](const nostr::Event& event) -> std::optional<nostr::Event> {
      if (event.kind != match::kFunding) return event;
      if (event.d().ends_with(":1:1") && !first) {
        first = event;
        return std::nullopt;
      }
      if (event.d().ends_with(":1:2") && first) {
        publish(table, event);
        return std::exchange(first, std::nullopt);
      }
      return event;
    };
  }
  table.sit_down();
  ASSERT_TRUE(table.play_until_finished());
  const auto judgement = match::judge(table.transcript());
  EXPECT_TRUE(judgement.in_order()) << judgement.faults.front();
  EXPECT_TRUE(judgement.duel.has_value());
  const auto parts = bodies<match::FundingReceipt>(table.transcript());
  ASSERT_EQ(parts.size(), 4U);
}

TEST_F(EventRows, TwoAcceptances) {
  DuelTable table(*set_);
  DuelTable other(*set_);
  std::optional<nostr::Event> first;
  table.acceptor().say = [&](const nostr::Event& event) -> std::optional<nostr::Event> {
    if (event.kind == match::kAcceptance) first = event;
    return event;
  };
  table.sit_down();
  ASSERT_TRUE(table.play_until([&] { return table.view().parties.size() == 2; }));
  publish(table, acceptance_of(other.acceptor(), *first, table.match(), match::terms_hash(table.terms())));
  ASSERT_TRUE(play_until_rejected(table, "taken"));
  EXPECT_EQ(table.view().parties[1], table.acceptor().pubkey());
  expect_played_out(table);
}

TEST_F(EventRows, AcceptanceByTheCreatorItself) {
  DuelTable table(*set_);
  say_wrong_first(
      table, table.acceptor(), of_kind(match::kAcceptance),
      [&](const nostr::Event& event) {
        return acceptance_of(table.creator(), event, table.match(), match::terms_hash(table.terms()));
      },
      "its own challenge");
  expect_played_out(table);
}

TEST_F(EventRows, AcceptanceThatNeverFunds) {
  DuelTable table(*set_, DuelTable::hasty());
  DuelTable other(*set_);
  std::optional<nostr::Event> first;
  table.acceptor().say = [&](const nostr::Event& event) -> std::optional<nostr::Event> {
    if (event.kind == match::kAcceptance) first = event;
    if (event.kind == match::kFunding) return std::nullopt;
    return event;
  };
  table.sit_down();
  ASSERT_TRUE(table.play_until([&] { return table.view().parties.size() == 2; }));
  ASSERT_TRUE(table.play_until(
      [&] { return table.view().head.phase == Phase::open && table.view().parties.size() == 1; }));
  // The next may take the challenge.
  nostr::Event second =
      acceptance_of(other.acceptor(), *first, table.match(), match::terms_hash(table.terms()));
  const std::string lapsed = to_hex(table.view().receipts.back());
  std::size_t pointers = 0;
  for (nostr::Tag& tag : second.tags) {
    if (tag[0] == "e" && ++pointers == 2) tag[1] = lapsed;
  }
  publish(table, other.acceptor().sign({second.created_at, second.kind, second.tags, second.content}));
  EXPECT_TRUE(table.play_until([&] {
    return table.view().parties.size() == 2 && table.view().parties[1] == other.acceptor().pubkey();
  }));
}

TEST_F(EventRows, SecondChallengeWithTheSameD) {
  DuelTable table(*set_);
  table.acceptor().say = [](const nostr::Event&) -> std::optional<nostr::Event> { return std::nullopt; };
  table.sit_down();
  ASSERT_TRUE(table.play_until([&] { return !table.view().receipts.empty(); }));
  const nostr::Event second = said_again(table.creator(), table.challenge_event(), Seconds{1});
  publish(table, second);
  ASSERT_TRUE(table.play_until([&] { return table.view().head.phase == Phase::closed; }));
  EXPECT_FALSE(http_get(set_->engine_url() + "/matches/" + to_hex(second.id) + "/transcript"))
      << "nor is the second a match";
}

struct Effacement {
  std::string name;
  std::function<nostr::Event(const Side&, const nostr::Event&)> of;
};
struct EffacementRows : EventRows, testing::WithParamInterface<Effacement> {};

TEST_P(EffacementRows, OfEveryKindAfterItsReceipt) {
  DuelTable table(*set_);
  std::map<std::uint32_t, std::pair<Side*, nostr::Event>> said;
  std::set<std::uint32_t> effaced;
  for (Side& side : table.sides) {
    side.say = [&](const nostr::Event& event) {
      said.insert_or_assign(event.kind, std::pair(&side, event));
      return event;
    };
  }
  table.sit_down();
  said.emplace(std::uint32_t{match::kChallenge}, std::pair(&table.creator(), table.challenge_event()));
  // As soon as an event of a kind stands in the chain, it is gone from the relays; a challenge, once
  // accepted.
  const auto efface = [&](const nostr::Event& receipted) {
    const auto found = said.find(receipted.kind);
    if (found == said.end() || found->second.second.id != receipted.id) return;
    if (receipted.kind == match::kChallenge && table.view().parties.size() < 2) return;
    if (!effaced.insert(receipted.kind).second) return;
    publish(table, GetParam().of(*found->second.first, receipted));
  };
  ASSERT_TRUE(table.play_until([&] {
    for (const nostr::Event& each : table.seen()) {
      const auto receipt = match::parse_receipt(each);
      if (!receipt) continue;
      std::visit(
          [&](const auto& body) {
            if constexpr (requires { body.event; }) efface(body.event);
          },
          receipt->body);
    }
    return table.creator().duelist->finished() && table.acceptor().duelist->finished();
  })) << set_->engine().log();
  EXPECT_EQ(effaced.size(), 6U) << "31000 to 31005";
  expect_played_out(table);
}

INSTANTIATE_TEST_SUITE_P(
    Of, EffacementRows,
    testing::Values(Effacement{"Deletion",
                               [](const Side& side, const nostr::Event& event) {
                                 return side.sign(
                                     {system_clock().now_seconds(),
                                      5,
                                      {{"e", to_hex(event.id)}, {"k", std::to_string(event.kind)}},
                                      ""});
                               }},
                    Effacement{"Replacement",
                               [](const Side& side, const nostr::Event& event) {
                                 return side.sign({event.created_at + Seconds{1}, event.kind, event.tags,
                                                   event.kind == match::kChallenge ? event.content : "{}"});
                               }}),
    [](const auto& effacement) { return effacement.param.name; });

TEST_F(EventRows, EventAboveTheProtocolsSizeLimit) {
  DuelTable table(*set_);
  std::optional<nostr::Event> big;
  const double before = metric(*set_, "engine_events_total{outcome=\"malformed\"}");
  table.acceptor().say = [&](const nostr::Event& event) -> std::optional<nostr::Event> {
    if (is(event, match::kCommitment, 1) && !big) {
      auto tags = event.tags;
      tags.push_back({"x", std::string(9000, 'x')});
      big = table.acceptor().sign({event.created_at - Seconds{1}, event.kind, tags, event.content});
      publish(table, *big);
    }
    return event;
  };
  table.sit_down();
  expect_played_out(table);
  EXPECT_GT(metric(*set_, "engine_events_total{outcome=\"malformed\"}"), before);
  for (const auto& receipt : bodies<match::CommitmentReceipt>(table.transcript()))
    EXPECT_NE(receipt.event.id, big->id);
}

}  // namespace
}  // namespace manastr::test

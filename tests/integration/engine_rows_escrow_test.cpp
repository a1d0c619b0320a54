// Rooms: player
// Rows "Escrow" of what must be survived: keys and stakes that are wrong, each signed by the mint as if it
// were right, and what the mint says of stakes. A good one afterwards is taken.
#include "tests/integration/duel_rows.h"
#include "tests/integration/mint_door.h"

namespace manastr::test {
namespace {

using match::Outcome;
using match::Phase;
using mintclient::HttpReply;

// --- keys ---

struct BadKey {
  std::string name;
  std::string words;  ///< of the rejection
  std::function<void(DuelTable&, const Side& acceptor, json::Object& content)> bend;
};
struct EscrowKeyRows : DuelRows, testing::WithParamInterface<BadKey> {};

void name_key_of_creator(DuelTable& table, const Side& acceptor, json::Object& content, bool twin) {
  const player::MatchSecrets secrets(table.creator().seed, *array_from_hex<32>(table.challenge_event().d()));
  std::string key = secrets.escrow().public_key().hex();
  if (twin) key[1] = key[1] == '2' ? '3' : '2';
  member(content, "escrow_key") = key;
  member(content, "escrow_proof") = to_hex(
      match::prove_escrow(secrets.escrow(), match::EscrowRole::accept, acceptor.pubkey(), table.match()));
}

TEST_P(EscrowKeyRows, IsRefused) {
  DuelTable table(*set_);
  say_wrong_first(
      table, table.acceptor(), of_kind(match::kAcceptance),
      [&](const nostr::Event& event) {
        return rewrite(table.acceptor(), event,
                       [&](json::Object& content) { GetParam().bend(table, table.acceptor(), content); });
      },
      GetParam().words);
  EXPECT_TRUE(table.play_until([&] { return table.view().parties.size() == 2; }));
}

INSTANTIATE_TEST_SUITE_P(
    Escrow, EscrowKeyRows,
    testing::Values(BadKey{"KeyEqualToTheOtherPartys", "are the same",
                           [](DuelTable& table, const Side& acceptor, json::Object& content) {
                             name_key_of_creator(table, acceptor, content, false);
                           }},
                    BadKey{"KeyThatIsTheTwinOfTheOtherPartys", "are the same",
                           [](DuelTable& table, const Side& acceptor, json::Object& content) {
                             name_key_of_creator(table, acceptor, content, true);
                           }},
                    BadKey{"KeyEqualToTheEngines", "escrow_proof",
                           [](DuelTable& table, const Side&, json::Object& content) {
                             member(content, "escrow_key") = table.announcement().escrow_key.hex();
                           }},
                    BadKey{"KeyOffTheCurve", "escrow_key",
                           [](DuelTable&, const Side&, json::Object& content) {
                             member(content, "escrow_key") = "02" + std::string(64, 'f');
                           }},
                    BadKey{"KeyWithoutProof", "escrow_proof",
                           [](DuelTable&, const Side&, json::Object& content) {
                             member(content, "escrow_proof") = std::string(128, '1');
                           }}),
    [](const auto& row) { return row.param.name; });

// --- stakes ---

/// What a row has at hand: the acceptor, and the proofs of the stake that it would have sent.
struct Bench {
  Side& acceptor;
  const DuelTable& table;
  std::vector<cashu::Proof> proofs;

  /// The first proof under another secret, which the mint has signed.
  std::vector<cashu::Proof> relocked(const std::function<void(std::string&)>& edit) {
    std::string secret = proofs.front().secret;
    edit(secret);
    EXPECT_NE(secret, proofs.front().secret);
    proofs.front() = buy_proofs(acceptor, "mana", {{proofs.front().amount, secret}}).front();
    return proofs;
  }
  /// Fresh proofs of these amounts under the right lock.
  std::vector<cashu::Proof> split(const std::string& unit, const std::vector<cashu::Amount>& amounts) {
    std::vector<std::pair<cashu::Amount, std::string>> wanted;
    for (const cashu::Amount amount : amounts) {
      std::string secret = proofs.front().secret;
      const std::size_t nonce = secret.find("\"nonce\":\"") + 9;
      secret.replace(nonce, 64, to_hex(system_random().bytes<32>()));
      wanted.emplace_back(amount, secret);
    }
    return buy_proofs(acceptor, unit, wanted);
  }
};

std::function<std::vector<cashu::Proof>(Bench&)> replacing(const std::string& from, const std::string& to) {
  return [from, to](Bench& bench) {
    return bench.relocked([&](std::string& secret) {
      const std::size_t at = secret.find(from);
      ASSERT_NE(at, std::string::npos) << from << " in " << secret;
      secret.replace(at, from.size(), to);
    });
  };
}

struct BadStake {
  std::string name;
  std::string words;  ///< of the rejection, or of the receipt that undoes the attempt
  std::function<std::vector<cashu::Proof>(Bench&)> bend;
};

struct StakeRowsBase : DuelRows {
  /// The acceptor's first attempt is a stake of bent proofs; it does not count, and a good one then does.
  static void expect_no_stake(DuelTable& table, const BadStake& row) {
    std::optional<nostr::Event> kept;
    table.acceptor().say = [&](const nostr::Event& event) -> std::optional<nostr::Event> {
      if (event.kind != match::kFunding || kept) return event;
      kept = event;
      const auto parsed = match::parse_party_event(event).value();
      Bench bench{table.acceptor(), table, std::get<match::Funding>(parsed.content).proofs};
      const auto proofs = row.bend(bench);
      const unsigned parts =
          static_cast<unsigned>((proofs.size() + match::kMaxProofsPerPart - 1) / match::kMaxProofsPerPart);
      for (unsigned part = 1; part <= parts; ++part) {
        const auto first =
            proofs.begin() + static_cast<std::ptrdiff_t>((part - 1) * match::kMaxProofsPerPart);
        const auto last = part == parts ? proofs.end() : first + match::kMaxProofsPerPart;
        nostr::Draft draft =
            match::to_draft(match::Funding{1, part, parts, {first, last}}, {}, event.created_at - Seconds{1});
        draft.tags = event.tags;
        for (nostr::Tag& tag : draft.tags) {
          if (tag[0] == "d") tag[1] = to_hex(table.match()) + ":1:" + std::to_string(part);
        }
        publish(table, table.acceptor().sign(draft));
      }
      return std::nullopt;
    };
    table.sit_down();
    bool undone = false;
    ASSERT_TRUE(table.play_until(
        [&] {
          for (const auto& body : bodies<match::UnstakedReceipt>(table.seen()))
            undone |= body.reason.contains(row.words);
          return undone || rejected(table, row.words);
        },
        Millis{15'000}))
        << (table.rejections().empty() ? "no rejection" : table.rejections().front());
    EXPECT_FALSE(table.view().staked[1]);
    if (!undone) publish(table, *kept);  // else the client tries again of itself
    EXPECT_TRUE(table.play_until([&] { return table.view().staked[1]; })) << "a good one";
  }
};
struct StakeRows : StakeRowsBase, testing::WithParamInterface<BadStake> {};

TEST_P(StakeRows, IsRefused) {
  DuelTable table(*set_);
  expect_no_stake(table, GetParam());
}

std::string refund_of(const Bench& bench) {
  return "[\"refund\",\"" + bench.table.sides[1].duelist->view().escrow[1].hex() + "\"],";
}

const std::vector<BadStake> kBadStakes{
    {"WrongLock", "n_sigs", replacing(R"(["n_sigs","2"])", R"(["n_sigs","1"])")},
    {"WrongSigflag", "sigflag", replacing("SIG_ALL", "SIG_INPUTS")},
    {"TooShortALocktime", "locktime",
     [](Bench& bench) {
       const std::int64_t locktime = count(*bench.table.sides[1].duelist->view().locktime);
       return replacing(std::to_string(locktime), std::to_string(locktime - 60))(bench);
     }},
    {"MissingRefundKey", "refund", [](Bench& bench) { return replacing(refund_of(bench), "")(bench); }},
    {"SecondRefundKey", "refund",
     [](Bench& bench) {
       const std::string own = refund_of(bench);
       const std::string thief = bench.table.sides[1].key.public_key().hex();
       return replacing(own, own.substr(0, own.size() - 2) + ",\"" + thief + "\"],")(bench);
     }},
    {"RefundKeyOfAnother", "refund",
     [](Bench& bench) {
       return replacing(refund_of(bench),
                        "[\"refund\",\"" + bench.table.sides[1].key.public_key().hex() + "\"],")(bench);
     }},
    {"ReorderedTags", "in that order",
     [](Bench& bench) {
       return bench.relocked([](std::string& secret) {
         const std::string tag = R"(["n_sigs","2"],)";
         secret.erase(secret.find(tag), tag.size());
         secret.insert(secret.find(R"("tags":[)") + 8, tag);
       });
     }},
    {"RepeatedTags", "more tags",
     [](Bench& bench) {
       return replacing("]]}]", "],[\"match\",\"" + to_hex(bench.table.match()) + "\"]]}]")(bench);
     }},
    {"OneStakeInTwoMatches", "match",
     [](Bench& bench) { return replacing(to_hex(bench.table.match()), std::string(64, 'a'))(bench); }},
    {"WrongUnit", "keyset", [](Bench& bench) { return bench.split("sat", {64, 32, 4}); }},
    {"WrongAmount", "sum to the stake", [](Bench& bench) { return bench.split("mana", {64, 32, 2}); }},
    {"AmountThatTheMintDidNotSign", "DLEQ",
     [](Bench& bench) {
       bench.proofs.front().amount *= 2;
       return bench.proofs;
     }},
    {"MoreThanTwelveProofs", "at most 12 proofs",
     [](Bench& bench) { return bench.split("mana", {32, 16, 8, 8, 8, 8, 8, 4, 2, 2, 2, 1, 1}); }},
    {"ForgedDleq", "DLEQ",
     [](Bench& bench) {
       bench.proofs.front().dleq->dleq.e[5] ^= 1;
       return bench.proofs;
     }},
    {"MissingDleq", "DLEQ", [](Bench& bench) {
       bench.proofs.front().dleq.reset();
       return bench.proofs;
     }}};
INSTANTIATE_TEST_SUITE_P(Escrow, StakeRows, testing::ValuesIn(kBadStakes),
                         [](const auto& row) { return row.param.name; });

// --- mints with something about them: each a set of its own ---

struct EscrowRows : StakeRowsBase {
  static void SetUpTestSuite() {}
};

TEST_F(EscrowRows, StakeThatDoesNotCoverItsFee) {
  Economy own({.announcement = DuelTable::allowance(), .input_fee_ppk = 100});
  DuelTable table(own);
  for (Side& side : table.sides) table.buy(side, "mana", 20);
  expect_no_stake(table, {"", "sum to the stake and its input fee",
                          [](Bench& bench) { return bench.split("mana", {64, 32, 4}); }});
}

TEST_F(EscrowRows, KeysetThatExpiresTooSoon) {
  // The mint has a second keyset, which it will forget a week less a day after a stake made now falls due.
  cashu::Keyset expiring;
  std::unique_ptr<MintDoor> door;
  Economy own({.announcement = DuelTable::allowance(), .door = [&](const std::string& url) {
                 const auto all = json::parse(http_get(url + "/v1/keys").value()).value();
                 for (const json::Value& each : *all.find("keysets")->if_array()) {
                   auto keyset = cashu::keyset_from_json(each, "keyset").value();
                   if (keyset.unit == "mana") expiring = std::move(keyset);
                 }
                 expiring.final_expiry = system_clock().now_seconds() + Seconds{8 * 86'400};
                 expiring.id = cashu::derive_keyset_id_v2(expiring.keys, expiring.unit,
                                                          expiring.input_fee_ppk, expiring.final_expiry);
                 const auto keys_of_it =
                     [&expiring](const MintDoor::Exchange& exchange) -> std::optional<HttpReply> {
                   if (exchange.path != "/v1/keys/" + expiring.id.hex()) return std::nullopt;
                   json::Value body;
                   body.set("keysets", json::Value(json::Array{cashu::to_json(expiring)}));
                   return HttpReply{200, body.dump()};
                 };
                 const auto list_it = [&expiring](const MintDoor::Exchange& exchange, HttpReply& reply) {
                   if (exchange.path != "/v1/keysets") return;
                   const auto body = json::parse(reply.body).value();
                   json::Array list = *body.find("keysets")->if_array();
                   list.push_back(cashu::to_json(static_cast<const cashu::KeysetInfo&>(expiring)));
                   json::Value changed;
                   changed.set("keysets", json::Value(std::move(list)));
                   reply.body = changed.dump();
                 };
                 door = std::make_unique<MintDoor>(url, MintDoor::Script{keys_of_it, list_it});
                 return door->url();
               }});
  DuelTable table(own);
  table.challenge([&](match::Terms& terms) { terms.keyset = expiring.id; });
  publish(table, table.challenge_event());
  ASSERT_TRUE(play_until_rejected(table, "expires less than seven days after")) << own.engine().log();
  EXPECT_FALSE(http_get(own.engine_url() + "/matches/" + to_hex(table.match()) + "/transcript"));
}

TEST_F(EscrowRows, KeysetRotatedBeforeFunding) {
  // The engine would not take a stake of the new one, and so none is locked.
  Economy own({.announcement = DuelTable::allowance()});
  DuelTable table(own, DuelTable::hasty());
  bool rotated = false;
  table.acceptor().say = [&](const nostr::Event& event) {
    if (event.kind == match::kAcceptance && !std::exchange(rotated, true)) own.rotate_keysets();
    return event;
  };
  table.sit_down();
  ASSERT_TRUE(table.play_until([&] { return !bodies<match::LapsedReceipt>(table.seen()).empty(); }));
  for (Side& side : table.sides) EXPECT_EQ(side.has("mana"), kStake);
  EXPECT_FALSE(table.acceptor().duelist->fault().empty());
}

TEST_F(EscrowRows, KeysetRotatedBetweenFundingAndSettlement) {
  Economy own({.announcement = DuelTable::allowance()});
  DuelTable table(own);
  table.sit_down();
  ASSERT_TRUE(table.play_until(
      [&] { return table.view().head.phase == Phase::commit && table.view().head.round == 2; }));
  own.rotate_keysets();
  expect_played_out(table);
  EXPECT_FALSE(table.view().settled.empty());
}

TEST_F(EscrowRows, KeysetRotatedBetweenClaimAndSettlement) {
  // The outputs were claimed in a keyset that signs no more: the claim is refused, the next is paid.
  Economy own({.announcement = DuelTable::allowance()});
  DuelTable table(own);
  bool rotated = false;
  for (Side& side : table.sides) {
    side.say = [&](const nostr::Event& event) {
      if (event.kind == match::kClaim && !std::exchange(rotated, true)) own.rotate_keysets();
      return event;
    };
  }
  table.sit_down();
  expect_played_out(table);
  ASSERT_FALSE(table.view().refusals.empty());
  EXPECT_EQ(table.view().refusals.front().code, int{cashu::kKeysetInactive});
}

/// The mint's answer to a question about states, with these called SPENT.
void call_spent(HttpReply& reply, const std::function<bool(const std::string& y)>& which) {
  const auto body = json::parse(reply.body).value();
  json::Array states;
  for (const json::Value& each : *body.find("states")->if_array()) {
    json::Object state = *each.if_object();
    if (which(*member(state, "Y").if_string())) member(state, "state") = "SPENT";
    states.emplace_back(std::move(state));
  }
  json::Value changed;
  changed.set("states", json::Value(std::move(states)));
  reply.body = changed.dump();
}

TEST_F(EscrowRows, StakeAlreadySpent) {
  std::atomic<int> asked = 0;
  std::unique_ptr<MintDoor> door;
  Economy own({.announcement = DuelTable::allowance(), .door = [&](const std::string& url) {
                 door = std::make_unique<MintDoor>(
                     url,
                     MintDoor::Script{{}, [&asked](const MintDoor::Exchange& exchange, HttpReply& reply) {
                                        if (exchange.path != "/v1/checkstate" || asked++ > 0) return;
                                        call_spent(reply, [](const std::string&) { return true; });
                                      }});
                 return door->url();
               }});
  DuelTable table(own);
  table.sit_down();
  expect_played_out(table);
  const auto undone = bodies<match::UnstakedReceipt>(table.transcript());
  ASSERT_EQ(undone.size(), 1U);
  EXPECT_EQ(undone.front().code, int{cashu::kProofsSpent});
  EXPECT_EQ(undone.front().party, table.acceptor().pubkey());
}

TEST_F(EscrowRows, StakeSpentBetweenCheckAndSettlement) {
  // The loser's, by its word to the mint; the winner gets its own back, and the chain says why.
  std::atomic<bool> spent = false;
  std::atomic<int> refused = 0;
  std::set<std::string> creators;
  std::unique_ptr<MintDoor> door;
  Economy own({.announcement = DuelTable::allowance(), .door = [&](const std::string& url) {
                 door = std::make_unique<MintDoor>(
                     url, MintDoor::Script{
                              [&](const MintDoor::Exchange& exchange) -> std::optional<HttpReply> {
                                if (exchange.path != "/game-engine/settle" || refused++ > 0)
                                  return std::nullopt;
                                spent = true;
                                return HttpReply{400, R"({"detail":"proof is spent","code":11001})"};
                              },
                              [&](const MintDoor::Exchange& exchange, HttpReply& reply) {
                                if (exchange.path != "/v1/checkstate" || !spent) return;
                                call_spent(reply, [&](const std::string& y) { return creators.contains(y); });
                              }});
                 return door->url();
               }});
  DuelTable table(own, DuelTable::brisk());
  table.creator().say = [&](const nostr::Event& event) -> std::optional<nostr::Event> {
    if (is(event, match::kCommitment, 2)) return std::nullopt;  // and so forfeits
    return event;
  };
  table.sit_down();
  ASSERT_TRUE(table.play_until([&] { return table.view().funded; }));
  for (const cashu::Proof& proof : table.view().stakes[0].proofs) creators.insert(proof.y().hex());
  ASSERT_TRUE(table.play_until([&] { return table.acceptor().has("mana") == kStake; })) << own.engine().log();
  const auto verdicts = bodies<match::VerdictReceipt>(table.transcript());
  ASSERT_EQ(verdicts.size(), 2U);
  EXPECT_EQ(verdicts[0].outcome, Outcome::win);
  EXPECT_EQ(verdicts[1].outcome, Outcome::void_match);
  EXPECT_TRUE(verdicts[1].reason.contains("spent")) << verdicts[1].reason;
  EXPECT_EQ(table.creator().has("loot") + table.acceptor().has("loot"), 0U);
  const auto judgement = match::judge(table.transcript());
  EXPECT_TRUE(judgement.in_order()) << judgement.faults.front();
}

}  // namespace
}  // namespace manastr::test

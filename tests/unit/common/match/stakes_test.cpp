// Locks and stakes that are wrong in every way the protocol's list of things to survive names under "Escrow".
#include <gtest/gtest.h>

#include "tests/unit/common/match/table.h"

namespace manastr::match {
namespace {

/// The acceptor sends `proofs`; the engine must not take them for a stake, and a good one afterwards must do.
void expect_no_stake(Table& table, const std::vector<cashu::Proof>& proofs, std::string_view words) {
  table.rejections.clear();
  table.asked.reset();
  table.send(table.funding(table.acceptor, proofs));
  EXPECT_FALSE(table.asked.has_value()) << words;
  std::string why = table.rejections.empty() ? "" : table.rejections.back();
  if (const auto unstaked = table.last<UnstakedReceipt>(); why.empty() && unstaked) why = unstaked->reason;
  EXPECT_NE(why.find(words), std::string::npos) << words << " / " << why;
  table.fund(table.acceptor, 2);
  table.answer_states();
  EXPECT_EQ(table.match.phase(), Phase::creator_stake) << words;
  EXPECT_EQ(table.fault, "");
}

struct Bend {
  std::string words;
  std::function<void(Table&, std::vector<cashu::Proof>&)> bend;
};

cashu::Proof relocked(const Table& table, const cashu::Proof& proof,
                      const std::function<void(std::string&)>& edit) {
  std::string secret = proof.secret;
  edit(secret);
  EXPECT_NE(secret, proof.secret);
  return table.mint.proof(table.mint.stake_keyset(), proof.amount, secret);
}

void replace(std::string& text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  ASSERT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
}

TEST(Stakes, WrongOnesAreRefusedWithASentence) {
  const auto lock_edit = [](std::string words, std::function<void(const Table&, std::string&)> edit) {
    return Bend{std::move(words), [edit](Table& table, std::vector<cashu::Proof>& proofs) {
                  proofs[0] = relocked(table, proofs[0], [&](std::string& secret) { edit(table, secret); });
                }};
  };
  const std::vector<Bend> cases{lock_edit("locktime",
                                          [](const Table& t, std::string& s) {
                                            replace(s, std::to_string(count(t.lock(t.acceptor).locktime)),
                                                    std::to_string(count(t.lock(t.acceptor).locktime) - 1));
                                          }),
                                lock_edit("refund",
                                          [](const Table& t, std::string& s) {
                                            replace(s,
                                                    "[\"refund\",\"" + t.acceptor.escrow.public_key().hex() +
                                                        "\"],",
                                                    "");
                                          }),
                                lock_edit("nobody could spend",
                                          [](const Table& t, std::string& s) {
                                            const std::string own =
                                                "\"" + t.acceptor.escrow.public_key().hex() + "\"]";
                                            replace(
                                                s, "[\"refund\"," + own,
                                                "[\"refund\"," + own.substr(0, own.size() - 1) + "," + own);
                                          }),
                                lock_edit("refund",
                                          [](const Table& t, std::string& s) {
                                            replace(s,
                                                    "[\"refund\",\"" + t.acceptor.escrow.public_key().hex(),
                                                    "[\"refund\",\"" + t.creator.escrow.public_key().hex());
                                          }),
                                lock_edit("n_sigs",
                                          [](const Table&, std::string& s) {
                                            replace(s, "[\"n_sigs\",\"2\"]", "[\"n_sigs\",\"1\"]");
                                          }),
                                lock_edit("sigflag",
                                          [](const Table&, std::string& s) {
                                            replace(s, "SIG_ALL", "SIG_INPUTS");
                                          }),
                                lock_edit("more tags",
                                          [](const Table&, std::string& s) {
                                            replace(s, "]]}]", "],[\"n_sigs_refund\",\"1\"]]}]");
                                          }),
                                lock_edit("more tags",
                                          [](const Table& t, std::string& s) {
                                            replace(s, "]]}]",
                                                    "],[\"match\",\"" + to_hex(t.match.id()) + "\"]]}]");
                                          }),
                                lock_edit("in that order",
                                          [](const Table&, std::string& s) {
                                            replace(s, "[\"n_sigs\",\"2\"],", "");
                                            replace(s, "\"tags\":[", "\"tags\":[[\"n_sigs\",\"2\"],");
                                          }),
                                lock_edit("match",
                                          [](const Table& t, std::string& s) {
                                            replace(s, to_hex(t.match.id()), to_hex(hash_of("x")));
                                          }),
                                lock_edit("data",
                                          [](const Table& t, std::string& s) {
                                            replace(s, "\"data\":\"" + t.creator.escrow.public_key().hex(),
                                                    "\"data\":\"" + key_of("thief").public_key().hex());
                                          }),
                                lock_edit("pubkeys",
                                          [](const Table& t, std::string& s) {
                                            replace(s, t.keys.escrow().hex(),
                                                    key_of("thief").public_key().hex());
                                          }),
                                lock_edit("white space",
                                          [](const Table&, std::string& s) {
                                            replace(s, ",\"data\"", ", \"data\"");
                                          }),
                                lock_edit("no NUT-11", [](const Table&, std::string& s) { s = "plain"; }),
                                {"keyset",
                                 [](Table& t, std::vector<cashu::Proof>& p) {
                                   p[0] = t.mint.proof(t.mint.prize_keyset(), p[0].amount, p[0].secret);
                                 }},
                                {"sum to the stake",
                                 [](Table&, std::vector<cashu::Proof>& p) { p.pop_back(); }},
                                {"sum to the stake",
                                 [](Table& t, std::vector<cashu::Proof>& p) {
                                   p.push_back(
                                       t.mint.proof(t.mint.stake_keyset(), 1,
                                                    stake_secret(t.lock(t.acceptor), hash_of("more"))));
                                 }},
                                {"DLEQ", [](Table&, std::vector<cashu::Proof>& p) { p[0].dleq.reset(); }},
                                {"DLEQ",
                                 [](Table&, std::vector<cashu::Proof>& p) { p[0].dleq->dleq.e[5] ^= 1; }},
                                {"DLEQ",
                                 [](Table& t, std::vector<cashu::Proof>& p) {  // signed for another amount
                                   p[0].dleq =
                                       t.mint.proof(t.mint.stake_keyset(), 2 * p[0].amount, p[0].secret).dleq;
                                 }},
                                {"DLEQ",
                                 [](Table&, std::vector<cashu::Proof>& p) {  // nothing that the mint ever saw
                                   p[0].c = key_of("invented").public_key().bytes();
                                 }},
                                {"same secret", [](Table&, std::vector<cashu::Proof>& p) { p[1] = p[0]; }},
                                {"power of two",
                                 [](Table&, std::vector<cashu::Proof>& p) { p[0].amount = 3; }},
                                {"without a witness", [](Table&, std::vector<cashu::Proof>& p) {
                                   p[0].witness = R"({"signatures":[]})";
                                 }}};
  for (const Bend& each : cases) {
    SCOPED_TRACE(each.words);
    Table table;
    table.to_acceptance();
    auto proofs = table.make_stake(table.acceptor);
    each.bend(table, proofs);
    expect_no_stake(table, proofs, each.words);
  }
}

TEST(Stakes, WhatTheMintSaysOfThem) {
  for (const auto& [state, code] :
       {std::pair{ProofState::spent, 11001}, {ProofState::pending, 11002}, {ProofState::reserved, 0}}) {
    Table table;
    table.to_acceptance();
    table.fund(table.acceptor);
    table.answer_states(state);
    ASSERT_TRUE(table.last<UnstakedReceipt>().has_value());
    EXPECT_EQ(table.last<UnstakedReceipt>()->code, code);
    table.fund(table.acceptor, 2);
    table.answer_states();
    EXPECT_EQ(table.match.phase(), Phase::creator_stake);
    EXPECT_EQ(table.fault, "");
  }
}

TEST(Stakes, AtMostEightAttempts) {
  Table table;
  table.to_acceptance();
  for (unsigned attempt = 1; attempt <= kMaxAttempts; ++attempt) {
    table.fund(table.acceptor, attempt);
    table.answer_states(ProofState::pending);
  }
  EXPECT_FALSE(parse_slot(kFunding, to_hex(table.match.id()) + ":9:1"));
  table.fire();
  EXPECT_EQ(table.match.phase(), Phase::open);
  EXPECT_EQ(table.fault, "");
}

TEST(Stakes, TheCreatorFundsSecond) {
  Table table;
  table.to_acceptance();
  const auto proofs = table.make_stake(table.creator);
  table.send(table.funding(table.creator, proofs));
  EXPECT_EQ(table.rejections.size(), 1U);
  table.fund(table.acceptor);
  table.answer_states();
  EXPECT_EQ(table.match.phase(), Phase::creator_stake);
}

TEST(Stakes, AcceptorsStakeSpentBeforeFundedAborts) {
  Table table;
  table.to_staked();
  table.fund(table.creator);
  const AskStates ask = *std::exchange(table.asked, std::nullopt);
  std::vector<ProofState> states(ask.ys.size(), ProofState::unspent);
  states.front() = ProofState::spent;  // the acceptor's, asked about once more
  table.feed(MintStates{table.now, ask.request, states});
  const auto verdict = table.last<VerdictReceipt>();
  ASSERT_TRUE(verdict.has_value());
  EXPECT_EQ(verdict->outcome, Outcome::aborted);
  ASSERT_EQ(verdict->payouts.size(), 1U);
  EXPECT_EQ(verdict->payouts[0].claimant, table.creator.pubkey());
  EXPECT_EQ(table.fault, "");
}

TEST(Stakes, FeesAreCoveredAndPartsTakeTheirTurn) {
  Table table(1000);  // a whole unit for each proof
  table.terms.stake = 1000;
  table.to_funded();
  EXPECT_EQ(table.match.phase(), Phase::seeds) << table.fault;
  EXPECT_EQ(table.acceptor.stake.size(), 8U);  // the least n for which 1000 + n is a sum of n powers of two
  EXPECT_EQ(cashu::sum_amounts(table.acceptor.stake), 1008U);
  Table many;
  many.terms.stake = 4095;  // twelve proofs, two parts
  many.to_funded();
  EXPECT_EQ(many.match.phase(), Phase::seeds) << many.fault;
  Table too_many;
  too_many.terms.stake = 8191;  // thirteen
  too_many.open();
  EXPECT_FALSE(too_many.match.opened());
}

TEST(Stakes, EscrowKeys) {
  Table table;
  table.open();
  const auto accept_with = [&](const crypto::SecretKey& escrow, const crypto::PublicKey& named) {
    Acceptance content = table.acceptance_content(table.acceptor);
    content.escrow_key = named;
    content.escrow_proof =
        prove_escrow(escrow, EscrowRole::accept, table.acceptor.pubkey(), table.match.id());
    table.send(table.acceptor.sign(to_draft(content, table.to(table.acceptor), table.seconds())));
  };
  const auto twin = [](const crypto::PublicKey& key) {
    auto bytes = key.bytes();
    bytes[0] ^= 1;
    return *crypto::PublicKey::parse(bytes);
  };
  accept_with(table.creator.escrow, table.creator.escrow.public_key());
  accept_with(table.creator.escrow, twin(table.creator.escrow.public_key()));
  EXPECT_EQ(table.match.phase(), Phase::open);
  EXPECT_EQ(table.rejections.size(), 2U);
  accept_with(table.acceptor.escrow, table.keys.escrow());  // no proof for it
  EXPECT_EQ(table.rejections.size(), 3U);
  auto draft = to_draft(table.acceptance_content(table.acceptor), table.to(table.acceptor), table.seconds());
  const std::string own = table.acceptor.escrow.public_key().hex();
  replace(draft.content, own, "02" + std::string(64, 'f'));  // off the curve
  table.send(table.acceptor.sign(draft));
  EXPECT_EQ(table.rejections.size(), 4U);
  table.send(table.acceptance());
  EXPECT_EQ(table.match.phase(), Phase::acceptor_stake);
}

TEST(Stakes, AKeysetThatExpiresTooSoon) {
  Table table;
  cashu::Keyset keyset = table.mint.stake_keyset();
  keyset.final_expiry = table.terms.open_until + table.terms.clocks.to_locktime() + Seconds{7 * 86400 - 1};
  table.feed(Opening{table.now, table.challenge(), table.announcement, keyset, 12});
  EXPECT_FALSE(table.match.opened());
  Table enough;
  keyset.final_expiry = *keyset.final_expiry + Seconds{1};
  enough.feed(Opening{enough.now, enough.challenge(), enough.announcement, keyset, 12});
  EXPECT_TRUE(enough.match.opened());
}

TEST(Stakes, WhoCanSpendAStake) {
  Table table;
  table.to_funded();
  std::vector<cashu::Proof> inputs = table.acceptor.stake;
  const Outputs outputs{{64, table.mint.stake_keyset().id, key_of("b").public_key()}};
  const Hash32 message = group_message(inputs, outputs);
  const auto engine = table.keys.sign_escrow(message);
  const auto alice = crypto::sign_schnorr(table.creator.escrow, message, {});
  const auto bob = crypto::sign_schnorr(table.acceptor.escrow, message, {});
  const auto spends = [&](std::vector<crypto::Signature> signatures, UnixSeconds at, const Outputs& to) {
    inputs.front().witness = cashu::p2pk_witness(signatures);
    return cashu::check_conditions(inputs, to, "", at).has_value();
  };
  const UnixSeconds locktime = *table.transcript.view().locktime;
  EXPECT_FALSE(spends({engine}, table.seconds(), outputs));
  EXPECT_FALSE(spends({bob}, table.seconds(), outputs));
  EXPECT_FALSE(spends({engine, engine}, table.seconds(), outputs));
  EXPECT_TRUE(spends({bob, engine}, table.seconds(), outputs));
  EXPECT_TRUE(spends({bob, alice}, table.seconds(), outputs));
  const Outputs bent{{64, table.mint.stake_keyset().id, key_of("thief").public_key()}};
  EXPECT_FALSE(spends({bob, engine}, table.seconds(), bent));
  EXPECT_FALSE(spends({engine}, locktime + Seconds{1}, outputs));
  EXPECT_FALSE(spends({alice}, locktime + Seconds{1}, outputs));
  EXPECT_TRUE(spends({bob}, locktime + Seconds{1}, outputs));
}

}  // namespace
}  // namespace manastr::match

// docs/protocol.md and the published vectors, against the code. With MANASTR_UPDATE_DOCUMENTS=1 in the
// environment the examples and vectors are written anew instead.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "tests/unit/common/match/table.h"

namespace manastr::match {
namespace {

const std::string kRoot = MANASTR_SOURCE_DIR;

bool updating() { return std::getenv("MANASTR_UPDATE_DOCUMENTS") != nullptr; }

std::string read(const std::string& path) {
  std::ifstream file(kRoot + path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

void write(const std::string& path, const std::string& text) { std::ofstream(kRoot + path) << text; }

/// The example events of the document, by name, from one played match.
std::map<std::string, Event> examples() {
  std::map<std::string, Event> out;
  Table table;
  out["announcement"] = table.announcement;
  out["challenge"] = table.challenge();
  table.open();
  table.wait(Millis{1500});
  out["acceptance"] = table.acceptance();
  table.send(out["acceptance"]);
  out["receipt-acceptance"] = table.match.chain().back();
  table.wait(Millis{7000});
  table.acceptor.stake = table.make_stake(table.acceptor);
  out["funding"] = table.funding(table.acceptor, table.acceptor.stake);
  table.send(out["funding"]);
  table.answer_states();
  Player carol{"carol"};
  table.send(table.acceptance(carol));
  Match copy = table.match;
  for (const Effect& effect : reduce(copy, PartyInput{table.now, table.acceptance(carol)}, table.keys)) {
    if (const auto* publish = std::get_if<Publish>(&effect)) out["rejection"] = publish->event;
  }
  table.wait(Millis{7000});
  table.fund(table.creator);
  table.answer_states();
  out["receipt-funded"] = table.match.chain().back();
  out["seed"] = table.seed_reveal(table.creator);
  table.send(out["seed"]);
  table.send(table.seed_reveal(table.acceptor));
  out["commitment"] = table.move_commitment(table.creator, 1);
  table.send(table.move_commitment(table.acceptor, 1));
  table.send(out["commitment"]);
  out["reveal"] = table.move_reveal(table.creator, 1);
  table.send(out["reveal"]);
  table.send(table.move_reveal(table.acceptor, 1));
  table.play_round(2);
  table.play_round(3);
  out["receipt-verdict"] = table.match.chain().back();
  out["claim"] = table.claim(table.winner());
  table.send(out["claim"]);
  table.settle();
  for (const Event& event : table.match.chain()) {
    if (std::holds_alternative<SettledReceipt>(parse_receipt(event)->body)) {
      out["receipt-settled"] = event;
      break;
    }
  }
  EXPECT_EQ(table.fault, "");
  return out;
}

TEST(ProtocolDocument, ExamplesAreWhatTheCodeMakes) {
  const auto made = examples();
  std::string document = read("/docs/protocol.md");
  const std::string mark = "<!-- example: ";
  std::size_t found = 0;
  for (std::size_t at = document.find(mark); at != std::string::npos; at = document.find(mark, at + 1)) {
    ++found;
    const std::size_t name_end = document.find(" -->", at);
    const std::string name = document.substr(at + mark.size(), name_end - at - mark.size());
    ASSERT_TRUE(made.contains(name)) << name;
    const std::size_t begin = document.find("```json\n", name_end) + 8;
    const std::size_t end = document.find("```", begin);
    const std::string wanted = nostr::dump(made.at(name)) + "\n";
    if (updating()) {
      document.replace(begin, end - begin, wanted);
      continue;
    }
    const std::string text = document.substr(begin, end - begin);
    EXPECT_EQ(text, wanted) << name;
    const auto event = nostr::parse_event(text);
    ASSERT_TRUE(event.has_value()) << name;
    EXPECT_TRUE(nostr::verify(*event)) << name;
    EXPECT_TRUE(check_envelope(*event)) << name;
    if (event->kind != kEngine) {
      EXPECT_TRUE(parse_party_event(*event)) << name;
    } else if (name == "announcement") {
      EXPECT_TRUE(parse_announcement(*event));
    } else if (name == "rejection") {
      EXPECT_TRUE(parse_rejection(*event));
    } else {
      EXPECT_TRUE(parse_receipt(*event)) << name;
    }
  }
  EXPECT_EQ(found, made.size());
  if (updating()) write("/docs/protocol.md", document);
}

json::Value army_json(const game::Army& army) {
  json::Value out{json::Array{}};
  for (const game::Unit& unit : army) {
    json::Value item{json::Object{}};
    item.set("kind", game::kind_name(unit.kind));
    item.set("league", game::league_name(unit.league));
    item.set("ability", game::ability_name(unit.ability));
    item.set("attack", unit.attack);
    item.set("defence", unit.defence);
    item.set("health", unit.health);
    out.push(std::move(item));
  }
  return out;
}

json::Value duel_case(unsigned number) {
  const std::string name = "duel " + std::to_string(number);
  const Hash32 seed = hash_of(name);
  const std::array<PubKey, 2> players{key_of(name + " creator").x_only(),
                                      key_of(name + " acceptor").x_only()};
  const std::array<game::Army, 2> armies{game::draw_army(seed, players[0].bytes),
                                         game::draw_army(seed, players[1].bytes)};
  std::array<game::Moves, 2> moves{};
  for (std::size_t i = 0; i < 2; ++i) {  // one of the 24 orders, by the seed
    std::array<std::uint8_t, 4> order{0, 1, 2, 3};
    for (unsigned k = 0; k < seed[i] % 24U; ++k) std::next_permutation(order.begin(), order.end());
    std::copy_n(order.begin(), moves[i].size(), moves[i].begin());
  }
  const game::Duel duel = *game::play_duel(armies[0], moves[0], armies[1], moves[1]);
  const auto side = [](std::optional<game::Side> winner) {
    if (!winner) return json::Value();
    return json::Value(*winner == game::Side::creator ? "creator" : "acceptor");
  };
  json::Value out{json::Object{}};
  out.set("match_seed", to_hex(seed));
  for (std::size_t i = 0; i < 2; ++i) {
    const std::string who = i == 0 ? "creator" : "acceptor";
    json::Value chosen{json::Array{}};
    for (const std::uint8_t unit : moves[i]) chosen.push(std::int64_t{unit});
    json::Value player{json::Object{}};
    player.set("pubkey", players[i].hex());
    player.set("army", army_json(armies[i]));
    player.set("moves", std::move(chosen));
    player.set("rounds_won", duel.rounds_won[i]);
    player.set("damage", duel.damage[i]);
    out.set(who, std::move(player));
  }
  json::Value rounds{json::Array{}};
  for (const game::Round& round : duel.rounds) {
    json::Value item{json::Object{}};
    json::Value fighters{json::Array{}};
    for (const game::Fighter& fighter : round.fighters) {
      json::Value each{json::Object{}};
      each.set("unit", std::int64_t{fighter.unit});
      each.set("damage", fighter.damage);
      each.set("health", fighter.health);
      fighters.push(std::move(each));
    }
    item.set("fighters", std::move(fighters));
    item.set("winner", side(round.winner));
    rounds.push(std::move(item));
  }
  out.set("rounds", std::move(rounds));
  out.set("winner", side(duel.winner));
  return out;
}

std::string duel_vectors() {
  std::string out = "{\"rulebook_hash\":\"" + to_hex(game::duel_rulebook_hash()) + "\",\n \"duels\":[\n";
  for (unsigned i = 0; i < 32; ++i) out += "  " + duel_case(i).dump() + (i < 31 ? ",\n" : "\n");
  return out + " ]}\n";
}

TEST(Vectors, Duel) {
  if (updating()) write("/tests/vectors/duel.json", duel_vectors());
  EXPECT_EQ(read("/tests/vectors/duel.json"), duel_vectors());
}

json::Value outputs_json(const std::vector<Outputs>& groups) {
  json::Value out{json::Array{}};
  for (const Outputs& group : groups) out.push(cashu::to_json(group));
  return out;
}

/// Every derived value of one match, with what it is derived from.
std::string match_vectors() {
  Table table;
  table.to_verdict();
  const Event claim = table.claim(table.winner());
  table.send(claim);
  const auto& view = table.transcript.view();
  const Settle& order = table.settlements.front();
  std::vector<Outputs> groups;
  for (const SignedGroup& group : order.groups) groups.push_back(group.outputs);

  json::Value out{json::Object{}};
  out.set("match", to_hex(view.match));
  out.set("engine", view.engine.hex());
  out.set("creator", view.parties[0].hex());
  out.set("acceptor", view.parties[1].hex());
  out.set("terms", to_json(view.terms));
  out.set("terms_hash", to_hex(view.terms_hash));
  out.set("d", to_hex(view.challenge_d));
  json::Value commitments{json::Array{}};
  const auto add = [&](std::string_view phase, Commits which, const Hash32& scope, const PubKey& author,
                       unsigned round, ByteView payload, const Hash32& nonce) {
    json::Value item{json::Object{}};
    item.set("phase", phase);
    item.set("scope", to_hex(scope));
    item.set("author", author.hex());
    item.set("round", std::uint64_t{round});
    item.set("payload", to_hex(payload));
    item.set("nonce", to_hex(nonce));
    item.set("commitment", to_hex(commitment(which, scope, author, round, payload, nonce)));
    commitments.push(std::move(item));
  };
  const auto nonce = [&](const Player& player, Commits phase, const Hash32& scope, unsigned round,
                         ByteView payload) { return table.nonce(player, phase, scope, round, payload); };
  const Player& alice = table.creator;
  const Player& bob = table.acceptor;
  add("seed-create", Commits::seed_create, view.challenge_d, alice.pubkey(), 0, alice.seed,
      nonce(alice, Commits::seed_create, view.challenge_d, 0, alice.seed));
  add("seed-accept", Commits::seed_accept, view.match, bob.pubkey(), 0, bob.seed,
      nonce(bob, Commits::seed_accept, view.match, 0, bob.seed));
  add("link", Commits::link, view.match, view.engine, 0, table.keys.link(view.match),
      table.keys.link_nonce(view.match));
  const Bytes unit{2};
  add("move", Commits::move, view.match, bob.pubkey(), 3, unit,
      nonce(bob, Commits::move, view.match, 3, unit));
  out.set("commitments", std::move(commitments));
  json::Value proofs{json::Array{}};
  const auto prove = [&](std::string_view role, EscrowRole which, const PubKey& author, ByteView scope,
                         const crypto::PublicKey& key) {
    json::Value item{json::Object{}};
    item.set("role", role);
    item.set("author", author.hex());
    item.set("scope", to_hex(scope));
    item.set("escrow_key", key.hex());
    item.set("message", to_hex(escrow_proof_message(which, author, scope)));
    proofs.push(std::move(item));
  };
  prove("create", EscrowRole::create, alice.pubkey(), view.challenge_d, view.escrow[0]);
  prove("accept", EscrowRole::accept, bob.pubkey(), view.match, view.escrow[1]);
  prove("engine", EscrowRole::engine, view.engine, as_bytes(kAnnouncementD), *view.engine_escrow);
  out.set("escrow_proofs", std::move(proofs));
  out.set("stake_secret", alice.stake.front().secret);
  json::Value cs{json::Array{}};
  for (const Stake& stake : view.stakes) {
    for (const cashu::Proof& proof : stake.proofs) cs.push(to_hex(proof.c));
  }
  out.set("seeds", [&] {
    json::Value seeds{json::Array{}};
    for (const auto& seed : view.seeds) seeds.push(to_hex(*seed));
    return seeds;
  }());
  out.set("stake_cs", std::move(cs));
  out.set("link", to_hex(table.keys.link(view.match)));
  out.set("match_seed", to_hex(*view.match_seed));
  json::Value ys{json::Array{}};
  json::Value messages{json::Array{}};
  for (const SignedGroup& group : order.groups) {
    json::Value of{json::Array{}};
    for (const cashu::Proof& proof : group.inputs) of.push(proof.y().hex());
    ys.push(std::move(of));
    messages.push(to_hex(group_message(group.inputs, group.outputs)));
  }
  out.set("groups_ys", std::move(ys));
  out.set("groups_outputs", outputs_json(groups));
  out.set("group_messages", std::move(messages));
  out.set("outputs_hash", to_hex(outputs_hash(groups)));
  out.set("settlement_key", to_hex(order.operation));
  std::string text = "{\n";
  const json::Object& members = *out.if_object();
  for (std::size_t i = 0; i < members.size(); ++i) {
    text += " \"" + members[i].first + "\": " + members[i].second.dump() +
            (i + 1 < members.size() ? ",\n" : "\n");
  }
  return text + "}\n";
}

TEST(Vectors, Match) {
  if (updating()) write("/tests/vectors/match.json", match_vectors());
  EXPECT_EQ(read("/tests/vectors/match.json"), match_vectors());
}

}  // namespace
}  // namespace manastr::match

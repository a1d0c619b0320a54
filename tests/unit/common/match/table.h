// A match on a table: both players, the engine's reduce() and a small mint in memory, all deterministic, one
// clock that the test moves. What the players send can be bent before it is sent.
#pragma once
#include <deque>
#include <functional>

#include "common/game/duel.h"
#include "common/match/commitment.h"
#include "common/match/lifecycle.h"
#include "common/match/lifecycle_state.h"
#include "common/match/referee.h"
#include "common/nostr/nip44.h"

namespace manastr::match {

inline Hash32 hash_of(std::string_view text) { return crypto::sha256(as_bytes(text)); }
inline crypto::SecretKey key_of(std::string_view text) { return *crypto::SecretKey::parse(hash_of(text)); }

/// Keys for every power of two, a ledger of what was spent, blind signatures by output.
class TestMint {
 public:
  explicit TestMint(std::uint64_t ppk = 0, std::string_view name = "mint") : name_(name) {
    stake_ = make("mana", ppk);
    prize_ = make("loot", 0);
  }
  const cashu::Keyset& stake_keyset() const { return stake_; }
  const cashu::Keyset& prize_keyset() const { return prize_; }

  cashu::BlindSignature sign(const cashu::BlindedMessage& output) const {
    const cashu::Keyset& keyset = output.id == stake_.id ? stake_ : prize_;
    const auto key = secret(keyset.unit, output.amount);
    const auto signed_blind = crypto::sign_blinded(key, keyset.keys.at(output.amount), output.b_blinded);
    return {output.amount, output.id, signed_blind.c_blinded, signed_blind.dleq};
  }
  /// A proof with DLEQ of a given secret.
  cashu::Proof proof(const cashu::Keyset& keyset, cashu::Amount amount,
                     const std::string& secret_text) const {
    const auto r = key_of("r" + secret_text);
    const auto y = crypto::hash_to_curve(as_bytes(secret_text));
    const auto signature = sign({amount, keyset.id, crypto::blind(y, r)});
    const auto c = crypto::unblind(signature.c_blinded, r, keyset.keys.at(amount));
    return {amount,     keyset.id,    secret_text,
            c->bytes(), std::nullopt, cashu::ProofDleq{*signature.dleq, r.reveal()}};
  }

  std::set<ByteArray<33>> spent;
  std::set<ByteArray<33>> signed_outputs;

 private:
  crypto::SecretKey secret(std::string_view unit, cashu::Amount amount) const {
    return key_of(name_ + std::string(unit) + std::to_string(amount));
  }
  cashu::Keyset make(const std::string& unit, std::uint64_t ppk) const {
    cashu::Keyset keyset;
    keyset.unit = unit;
    keyset.active = true;
    keyset.input_fee_ppk = ppk;
    for (int bit = 0; bit < 24; ++bit)
      keyset.keys.emplace(1ULL << bit, secret(unit, 1ULL << bit).public_key());
    keyset.id = cashu::derive_keyset_id_v2(keyset.keys, unit, ppk, std::nullopt);
    return keyset;
  }
  std::string name_;
  cashu::Keyset stake_;
  cashu::Keyset prize_;
};

struct Player {
  explicit Player(const std::string& name)
      : nostr(key_of("nostr" + name)),
        escrow(key_of("escrow" + name)),
        secret(hash_of("secret" + name)),
        seed(hash_of("seed" + name)) {}
  PubKey pubkey() const { return nostr.x_only(); }
  Event sign(const nostr::Draft& draft) const { return nostr::sign(draft, nostr, {}); }

  crypto::SecretKey nostr;
  crypto::SecretKey escrow;
  crypto::Secret<32> secret;
  Hash32 seed;
  std::vector<std::uint8_t> plan{0, 1, 2};  ///< units for rounds 1 to 3
  std::vector<cashu::Proof> stake;
};

class Table {
 public:
  explicit Table(std::uint64_t ppk = 0, std::uint32_t rake_ppm = 50'000)
      : mint(ppk),
        transcript(mint.stake_keyset()),
        keys(key_of("engine"), crypto::Secret<32>(hash_of("root"))) {
    Announcement offer{.escrow_key = keys.escrow()};
    offer.escrow_proof = keys.escrow_proof();
    offer.rulebooks = {"duel/1"};
    offer.offers.push_back(
        {"http://mint", true, "mana", 200, {mint.stake_keyset().id}, "loot", 200, 1, 100'000, rake_ppm});
    offer.min_clocks =
        Clocks{Seconds{0}, Seconds{1}, Seconds{1}, Seconds{1}, Seconds{1}, Seconds{0}, Seconds{60}};
    offer.max_clocks = Clocks{Seconds{60},   Seconds{600},   Seconds{3600},      Seconds{86400},
                              Seconds{3600}, Seconds{86400}, Seconds{30 * 86400}};
    offer.relays = {"ws://relay1", "ws://relay2", "ws://relay3"};
    announcement = keys.sign(announcement_draft(offer, seconds()));
    terms.engine = keys.pubkey();
    terms.announcement = announcement.id;
    terms.mint = "http://mint";
    terms.keyset = mint.stake_keyset().id;
    terms.stake_unit = "mana";
    terms.stake = 100;
    terms.stake_price_msat = 200;
    terms.prize_unit = "loot";
    terms.prize_price_msat = 200;
    terms.rake_ppm = rake_ppm;
    terms.relays = {"ws://relay1", "ws://relay2", "ws://relay3"};
    terms.open_until = seconds() + Seconds{86400};
  }

  UnixSeconds seconds() const { return std::chrono::floor<Seconds>(now); }

  // --- inputs ---
  std::vector<Effect> feed(const Input& input) {
    journal.push_back(input);
    auto effects = reduce(match, input, keys);
    for (const Effect& effect : effects) {
      if (const auto* publish = std::get_if<Publish>(&effect)) {
        if (!publish->in_chain) {
          rejections.push_back(parse_rejection(publish->event)->reason);
        } else if (const auto read = transcript.add(publish->event); !read && fault.empty()) {
          fault = read.error().message;  // a reader must agree with everything that an honest engine says
        }
      }
      if (const auto* ask = std::get_if<AskStates>(&effect)) asked = *ask;
      if (const auto* settle = std::get_if<Settle>(&effect)) settlements.push_back(*settle);
      if (const auto* rake = std::get_if<RakeReceived>(&effect)) rakes.push_back(*rake);
      if (std::holds_alternative<Misconduct>(effect)) ++records;
      if (std::holds_alternative<Republish>(effect)) ++offered_again;
      if (std::holds_alternative<Behind>(effect)) ++behind;
      if (const auto* end = std::get_if<Ended>(&effect)) ended = end->how;
    }
    return effects;
  }
  void send(const Event& event) { feed(PartyInput{now, event}); }
  void wait(Millis time) { now += time; }
  /// Moves the clock to the match's next timer and fires it.
  void fire() {
    now = std::max(now, *match.next_timer());
    feed(TimerFired{now});
  }
  void open() { feed(Opening{now, challenge(), announcement, mint.stake_keyset(), 12}); }
  void answer_states(ProofState state = ProofState::unspent) {
    must_be_asked();
    const AskStates ask = *std::exchange(asked, std::nullopt);
    feed(MintStates{now, ask.request, std::vector<ProofState>(ask.ys.size(), state)});
  }
  /// The mint does the oldest settlement, and checks what a mint checks.
  bool settle() {
    const Settle order = settlements.front();
    settlements.pop_front();
    std::vector<std::vector<cashu::BlindSignature>> signatures;
    for (const SignedGroup& group : order.groups) {
      if (!cashu::check_conditions(group.inputs, group.outputs, "", seconds())) return false;
      for (const cashu::Proof& proof : group.inputs) {
        if (!mint.spent.insert(proof.y().bytes()).second) return false;
      }
      auto& out = signatures.emplace_back();
      for (const auto& output : group.outputs) out.push_back(mint.sign(output));
    }
    feed(SettlementDone{now, order.operation, signatures});
    return true;
  }

  // --- what the players send ---
  Challenge challenge_content() const {
    Challenge content{.d = hash_of("d" + salt), .terms = terms, .escrow_key = creator.escrow.public_key()};
    content.escrow_proof = prove_escrow(creator.escrow, EscrowRole::create, creator.pubkey(), content.d);
    content.seed_commitment = commitment(Commits::seed_create, content.d, creator.pubkey(), 0, creator.seed,
                                         nonce(creator, Commits::seed_create, content.d, 0, creator.seed));
    return content;
  }
  Event challenge() const { return creator.sign(to_draft(challenge_content(), seconds())); }
  Pointers to(const Player& from) const {
    const Event& last = match.chain().back();
    Pointers out{match.id(), creator.pubkey(), pointer.value_or(last.id), keys.pubkey(), {}, ""};
    out.others.push_back(from.pubkey() == creator.pubkey() ? acceptor.pubkey() : creator.pubkey());
    return out;
  }
  Acceptance acceptance_content(const Player& from) const {
    Acceptance content{.terms_hash = terms_hash(terms), .escrow_key = from.escrow.public_key()};
    content.escrow_proof = prove_escrow(from.escrow, EscrowRole::accept, from.pubkey(), match.id());
    content.seed_commitment = commitment(Commits::seed_accept, match.id(), from.pubkey(), 0, from.seed,
                                         nonce(from, Commits::seed_accept, match.id(), 0, from.seed));
    return content;
  }
  Event acceptance(const Player& from) const {
    return from.sign(to_draft(acceptance_content(from), to(from), seconds()));
  }
  Event acceptance() const { return acceptance(acceptor); }

  template <class Body>
  std::optional<Body> last() const {
    for (auto event = match.chain().rbegin(); event != match.chain().rend(); ++event) {
      auto receipt = parse_receipt(*event);
      if (auto* body = std::get_if<Body>(&receipt->body)) return *body;
    }
    return std::nullopt;
  }
  ReceiptHead head() const { return parse_receipt(match.chain().back())->head; }
  std::vector<std::string> types() const {
    std::vector<std::string> out;
    for (const Event& event : match.chain()) out.emplace_back(type_name(parse_receipt(event)->body));
    return out;
  }

  Lock lock(const Player& owner) const {
    return {creator.escrow.public_key(), acceptor.escrow.public_key(),        keys.escrow(),
            owner.escrow.public_key(),   last<AcceptanceReceipt>()->locktime, match.id()};
  }
  std::vector<cashu::Proof> make_stake(const Player& owner, unsigned attempt = 1) const {
    std::vector<cashu::Proof> out;
    const auto amounts = stake_amounts(terms.stake, mint.stake_keyset().input_fee_ppk, 12);
    for (const cashu::Amount amount : *amounts) {
      const Hash32 stake_nonce =
          hash_of(owner.pubkey().hex() + std::to_string(attempt) + std::to_string(out.size()));
      out.push_back(mint.proof(mint.stake_keyset(), amount, stake_secret(lock(owner), stake_nonce)));
    }
    return out;
  }
  Event funding(const Player& from, const std::vector<cashu::Proof>& proofs, unsigned attempt = 1,
                unsigned part = 1, unsigned parts = 1) const {
    return from.sign(to_draft(Funding{attempt, part, parts, proofs}, to(from), seconds()));
  }
  void fund(Player& from, unsigned attempt = 1) {
    from.stake = make_stake(from, attempt);
    const std::size_t parts = (from.stake.size() + kMaxProofsPerPart - 1) / kMaxProofsPerPart;
    for (std::size_t part = 0; part < parts; ++part) {
      const auto begin = from.stake.begin() + static_cast<std::ptrdiff_t>(part * kMaxProofsPerPart);
      const auto end = part + 1 == parts ? from.stake.end() : begin + kMaxProofsPerPart;
      send(funding(from, {begin, end}, attempt, static_cast<unsigned>(part + 1),
                   static_cast<unsigned>(parts)));
    }
  }
  Hash32 nonce(const Player& from, Commits phase, const Hash32& scope, unsigned round,
               ByteView payload) const {
    return derive_nonce(from.secret, phase, scope, round, payload);
  }
  Event seed_reveal(const Player& from) const {
    const bool created = from.pubkey() == creator.pubkey();
    const Hash32 scope = created ? hash_of("d" + salt) : match.id();
    const Commits phase = created ? Commits::seed_create : Commits::seed_accept;
    Reveal reveal{.round = 0, .payload = {from.seed.begin(), from.seed.end()}};
    reveal.nonce = nonce(from, phase, scope, 0, from.seed);
    return from.sign(to_draft(reveal, to(from), seconds()));
  }
  Event move_commitment(const Player& from, unsigned round) const {
    const Bytes payload{from.plan.at(round - 1)};
    const Hash32 hash = commitment(Commits::move, match.id(), from.pubkey(), round, payload,
                                   nonce(from, Commits::move, match.id(), round, payload));
    return from.sign(to_draft(Commitment{round, hash}, to(from), seconds()));
  }
  Event move_reveal(const Player& from, unsigned round) const {
    Reveal reveal{.round = round, .payload = {from.plan.at(round - 1)}};
    reveal.nonce = nonce(from, Commits::move, match.id(), round, reveal.payload);
    return from.sign(to_draft(reveal, to(from), seconds()));
  }
  const Player& player(const PubKey& pubkey) const { return pubkey == creator.pubkey() ? creator : acceptor; }

  /// Outputs of a payout, the claimant's first and the opened rake's last in each group.
  std::vector<Outputs> outputs_for(const Player& from, const Payout& payout, unsigned attempt) const {
    RakeGroups rake;
    auto sealed = last<VerdictReceipt>()->rake;
    if (const auto refusal = last<RefusalReceipt>(); refusal && refusal->rake) sealed = refusal->rake;
    if (sealed)
      rake = *parse_rake(*nostr::nip44_decrypt(*nostr::conversation_key(from.nostr, keys.pubkey()), *sealed));
    std::vector<Outputs> groups;
    for (std::size_t i = 0; i < payout.groups.size(); ++i) {
      const cashu::Keyset& keyset =
          payout.groups[i].unit == mint.stake_keyset().unit ? mint.stake_keyset() : mint.prize_keyset();
      Outputs& outputs = groups.emplace_back();
      for (const cashu::Amount amount : cashu::split_amount(payout.groups[i].pay)) {
        const std::string name = "out" + std::to_string(attempt) + from.pubkey().hex() + std::to_string(i) +
                                 "-" + std::to_string(outputs.size());
        outputs.push_back(
            {amount, keyset.id, crypto::blind(crypto::hash_to_curve(as_bytes(name)), key_of("b" + name))});
      }
      if (i < rake.size()) {
        for (const RakeOutput& output : rake[i])
          outputs.push_back({output.amount, keyset.id, output.b_blinded});
      }
    }
    return groups;
  }
  Payout payout_of(const Player& from) const {
    const auto verdict = last<VerdictReceipt>();
    for (const Payout& payout : verdict->payouts) {
      if (payout.claimant == from.pubkey()) return payout;
    }
    return verdict->payouts.front();
  }
  Event claim(const Player& from, std::vector<Outputs> groups, unsigned attempt, Outcome outcome) const {
    const Payout payout = payout_of(from);
    SealedClaim sealed{std::move(groups), {}};
    for (std::size_t i = 0; i < sealed.groups.size(); ++i) {
      const auto& stake = player(payout.groups.at(std::min(i, payout.groups.size() - 1)).owner).stake;
      sealed.signatures.push_back(
          crypto::sign_schnorr(from.escrow, group_message(stake, sealed.groups[i]), {}));
    }
    Claim content{
        .attempt = attempt, .outcome = outcome, .outputs_hash = outputs_hash(sealed.groups), .sealed = {}};
    content.sealed =
        *nostr::nip44_encrypt(*nostr::conversation_key(from.nostr, keys.pubkey()), dump_sealed_claim(sealed),
                              hash_of("seal" + std::to_string(attempt)));
    return from.sign(to_draft(content, to(from), seconds()));
  }
  Event claim(const Player& from, unsigned attempt = 1) const {
    return claim(from, outputs_for(from, payout_of(from), attempt), attempt, last<VerdictReceipt>()->outcome);
  }

  // --- whole stretches of a match ---
  void to_acceptance() {
    open();
    wait(Millis{1500});
    send(acceptance());
  }
  void to_staked() {
    to_acceptance();
    wait(Millis{7000});
    fund(acceptor);
    answer_states();
  }
  void to_funded() {
    to_staked();
    wait(Millis{7000});
    fund(creator);
    answer_states();
  }
  void to_seeds_open() {
    to_funded();
    wait(Millis{2000});
    send(seed_reveal(creator));
    send(seed_reveal(acceptor));
  }
  void play_round(unsigned round) {
    wait(Millis{2000});
    send(move_commitment(acceptor, round));
    send(move_commitment(creator, round));
    send(move_reveal(creator, round));
    send(move_reveal(acceptor, round));
  }
  void to_verdict() {
    to_seeds_open();
    for (unsigned round = 1; round <= 3; ++round) play_round(round);
  }
  const Player& winner() const { return player(*last<VerdictReceipt>()->winner); }
  const Player& loser() const { return winner().pubkey() == creator.pubkey() ? acceptor : creator; }

  UnixMillis now = unix_millis(1'800'000'000'000);
  std::string salt;
  TestMint mint;
  Transcript transcript;  ///< a reader's copy
  std::string fault;      ///< what the reader found wrong first
  EngineKeys keys;
  Event announcement;
  Terms terms;
  Player creator{"alice"};
  Player acceptor{"bob"};
  Match match;
  std::optional<EventId> pointer;  ///< what players name instead of the last receipt

  std::vector<Input> journal;
  std::vector<std::string> rejections;
  std::optional<AskStates> asked;
  std::deque<Settle> settlements;
  std::vector<RakeReceived> rakes;
  int records = 0;
  int offered_again = 0;
  int behind = 0;
  std::string ended;

 private:
  void must_be_asked() const {
    if (!asked) std::abort();
  }
};

}  // namespace manastr::match

// Spending conditions: NUT-10, NUT-11 and NUT-14.
#include <fmt/format.h>

#include "common/base/random.h"
#include "common/cashu/conditions.h"
#include "common/crypto/hash.h"
#include "tests/conformance/mint.h"

namespace manastr::conformance {
namespace {

crypto::SecretKey fresh_key() { return crypto::SecretKey::generate(system_random()); }
std::string hex_of(const crypto::SecretKey& key) { return key.public_key().hex(); }
crypto::Signature sign(const crypto::SecretKey& key, std::string_view message) {
  return crypto::sign_schnorr(key, crypto::sha256(as_bytes(message)), system_random().bytes<32>());
}
std::string signed_by(std::initializer_list<const crypto::SecretKey*> keys, std::string_view message) {
  std::vector<crypto::Signature> signatures;
  for (const crypto::SecretKey* key : keys) signatures.push_back(sign(*key, message));
  return cashu::p2pk_witness(signatures);
}
Proofs locked(Mint& mint, const std::string& secret) { return mint.buy(Drafts{mint.draft(8, secret)}); }
Proofs with(Proofs proofs, const std::string& witness) {
  proofs[0].witness = witness;
  return proofs;
}
void opens(Mint& mint, const Proofs& proofs, std::string_view what) {
  require_ok(mint.swap(proofs, mint.drafts_for(proofs)), what);
}
void stays(Mint& mint, const Proofs& proofs, std::string_view what) {
  require_code(mint.swap(proofs, mint.drafts_for(proofs)), {10001}, what);
  mint.require_state(proofs, "UNSPENT", "after a refusal");
}
std::string past() { return R"(["locktime","1000000000"])"; }
std::string future() { return R"(["locktime","4000000000"])"; }

void p2pk(Mint& mint) {
  mint.need("11");
  const auto key = fresh_key(), other = fresh_key();
  const std::string secret = locked_secret("P2PK", hex_of(key));
  const Proofs proofs = locked(mint, secret);
  stays(mint, proofs, "P2PK without a witness");
  stays(mint, with(proofs, signed_by({&other}, secret)), "P2PK signed by another key");
  stays(mint, with(proofs, signed_by({&key}, "something else")), "P2PK signed over something else");
  stays(mint, with(proofs, R"({"signatures":["zz"]})"), "P2PK with a signature that is none");
  const std::string good = signed_by({&key}, secret);
  const auto swapped = mint.swap(with(proofs, good), mint.drafts_for(proofs));
  require_ok(swapped, "P2PK signed by its key");
  const auto states = mint.post("/v1/checkstate", states_body(proofs));
  require(states.body.find("signatures") != std::string::npos,
          "NUT-07: the witness of a spent lock is missing");
}

void multisig(Mint& mint) {
  mint.need("11");
  const auto one = fresh_key(), two = fresh_key(), three = fresh_key();
  const std::string tags = fmt::format(R"(["n_sigs","2"],["pubkeys","{}","{}"])", hex_of(two), hex_of(three));
  const std::string secret = locked_secret("P2PK", hex_of(one), tags);
  const Proofs proofs = locked(mint, secret);
  stays(mint, with(proofs, signed_by({&one}, secret)), "one of two signatures");
  stays(mint, with(proofs, signed_by({&one, &one}, secret)), "one key's signature twice");
  opens(mint, with(proofs, signed_by({&three, &one}, secret)), "two of three signatures");
}

void locktime(Mint& mint) {
  mint.need("11");
  const auto owner = fresh_key(), refund = fresh_key(), other = fresh_key();
  const std::string back = fmt::format(R"(,["refund","{}"])", hex_of(refund));
  const std::string waiting = locked_secret("P2PK", hex_of(owner), future() + back);
  const Proofs early = locked(mint, waiting);
  stays(mint, with(early, signed_by({&refund}, waiting)), "a refund before the locktime");
  opens(mint, with(early, signed_by({&owner}, waiting)), "the owner before the locktime");
  const std::string over = locked_secret("P2PK", hex_of(owner), past() + back);
  const Proofs late = locked(mint, over);
  stays(mint, with(late, signed_by({&other}, over)), "a stranger after the locktime");
  opens(mint, with(late, signed_by({&refund}, over)), "a refund after the locktime");
  const std::string again = locked_secret("P2PK", hex_of(owner), past() + back);
  opens(mint, with(locked(mint, again), signed_by({&owner}, again)), "the owner after the locktime");
  opens(mint, locked(mint, locked_secret("P2PK", hex_of(owner), past())),
        "anyone, expired without refund keys");
}

void sig_all(Mint& mint) {
  mint.need("11");
  const auto key = fresh_key();
  // SIG_ALL wants one and the same condition in all inputs; the nonces differ.
  const std::string tags = R"(["sigflag","SIG_ALL"])";
  Proofs proofs = mint.buy(Drafts{mint.draft(8, locked_secret("P2PK", hex_of(key), tags)),
                                  mint.draft(8, locked_secret("P2PK", hex_of(key), tags))});
  const Drafts outputs = mint.drafts_for(proofs);
  const auto witness = [&](const Drafts& over) {
    return signed_by({&key}, cashu::sig_all_message(proofs, messages_of(over)));
  };
  const std::string good = witness(outputs);
  require_code(mint.swap(with(proofs, good), mint.drafts_for(proofs)), {10001},
               "SIG_ALL with other outputs than signed");
  require_code(mint.swap(with(proofs, signed_by({&key}, proofs[0].secret)), outputs), {10001},
               "SIG_ALL signed over the first secret alone");
  Drafts turned(outputs.rbegin(), outputs.rend());
  if (turned.size() > 1)
    require_code(mint.swap(with(proofs, good), turned), {10001}, "SIG_ALL with its outputs in another order");
  require_ok(mint.swap(with(proofs, good), outputs), "SIG_ALL signed over inputs and outputs");
}

void sig_all_differs(Mint& mint) {
  mint.need("11");
  const auto key = fresh_key();
  const std::string tags = R"(["sigflag","SIG_ALL"])";
  const Proofs proofs = mint.buy(Drafts{mint.draft(8, locked_secret("P2PK", hex_of(key), tags)),
                                        mint.draft(8, locked_secret("P2PK", hex_of(key)))});
  const Drafts outputs = mint.drafts_for(proofs);
  Proofs both = with(proofs, signed_by({&key}, cashu::sig_all_message(proofs, messages_of(outputs))));
  both[1].witness = signed_by({&key}, proofs[1].secret);
  require_code(mint.swap(both, outputs), {10001}, "SIG_ALL beside another condition");
}

struct Hash {
  std::string preimage = to_hex(system_random().bytes<32>());
  std::string hash() const { return to_hex(crypto::sha256(*array_from_hex<32>(preimage))); }
  std::string with(const std::string& more = "") const {
    return R"({"preimage":")" + preimage + "\"" + more + "}";
  }
};

void htlc(Mint& mint) {
  mint.need("14");
  const Hash lock, other;
  const Proofs plain = locked(mint, locked_secret("HTLC", lock.hash()));
  stays(mint, plain, "HTLC without a preimage");
  stays(mint, with(plain, other.with()), "HTLC with another preimage");
  stays(mint, with(plain, R"({"preimage":"00"})"), "HTLC with a preimage that is too short");
  opens(mint, with(plain, lock.with()), "HTLC without keys, by the preimage alone");
  const auto key = fresh_key();
  const std::string secret = locked_secret("HTLC", lock.hash(), R"(["pubkeys",")" + hex_of(key) + "\"]");
  const Proofs keyed = locked(mint, secret);
  stays(mint, with(keyed, lock.with()), "HTLC with a key, by the preimage alone");
  const std::string signature = R"(,"signatures":[")" + to_hex(sign(key, secret)) + "\"]";
  stays(mint, with(keyed, signed_by({&key}, secret)), "HTLC by the signature alone");
  opens(mint, with(keyed, lock.with(signature)), "HTLC by preimage and signature");
}

void htlc_refund(Mint& mint) {
  mint.need("14");
  const auto receiver = fresh_key(), sender = fresh_key();
  for (const std::string start : {"{", R"({"preimage":null,)", R"({"preimage":"",)"}) {
    const std::string secret = locked_secret(
        "HTLC", Hash().hash(),
        fmt::format(R"(["pubkeys","{}"],{},["refund","{}"])", hex_of(receiver), past(), hex_of(sender)));
    const std::string witness = start + R"("signatures":[")" + to_hex(sign(sender, secret)) + "\"]}";
    opens(mint, with(locked(mint, secret), witness), "HTLC refund, witness " + start + "…");
  }
}

void witness_as_object(Mint& mint) {
  mint.need("11");
  const auto key = fresh_key();
  const std::string secret = locked_secret("P2PK", hex_of(key));
  const Proofs proofs = with(locked(mint, secret), signed_by({&key}, secret));
  std::string body = swap_body(proofs, mint.drafts_for(proofs));
  const auto at = body.find(R"("witness":")");
  const std::string escaped = json::Value(*proofs[0].witness).dump();
  body.replace(at + 10, escaped.size(), *proofs[0].witness);
  require_ok(mint.post("/v1/swap", body), "a witness that is an object and not a string");
}

}  // namespace

std::vector<Case> lock_cases() {
  return {
      {"p2pk", "NUT-11", "a lock opens to its key's signature alone, and shows it", p2pk},
      {"p2pk-multisig", "NUT-11", "keys are counted, not signatures", multisig},
      {"p2pk-locktime", "NUT-11", "refund keys count after the locktime, and the owner's go on to", locktime},
      {"p2pk-sig-all", "NUT-11", "SIG_ALL covers every output, in order", sig_all},
      {"p2pk-sig-all-same", "NUT-11", "SIG_ALL wants the same condition in all inputs", sig_all_differs},
      {"p2pk-witness-object", "NUT-11", "a witness may be an object", witness_as_object},
      {"htlc", "NUT-14", "a hash lock wants its preimage, and its keys' signatures", htlc},
      {"htlc-refund", "NUT-14", "a refund's witness has no preimage: left out, null or empty", htlc_refund},
  };
}

}  // namespace manastr::conformance

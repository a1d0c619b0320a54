// Malformed secrets (NUT-10, NUT-11) and malformed JSON: nothing of it spends or crashes anything.
#include <fmt/format.h>

#include <algorithm>

#include "common/base/random.h"
#include "common/cashu/conditions.h"
#include "common/crypto/hash.h"
#include "tests/conformance/mint.h"

namespace manastr::conformance {
namespace {

crypto::SecretKey fresh_key() { return crypto::SecretKey::generate(system_random()); }
std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char x) { return std::toupper(x); });
  return text;
}
std::string twin(std::string hex) {
  hex[1] = hex[1] == '2' ? '3' : '2';
  return hex;
}
Proofs signed_proof(Mint& mint, const std::string& secret, const crypto::SecretKey& key) {
  Proofs out = mint.buy(Drafts{mint.draft(8, secret)});
  out[0].witness = cashu::p2pk_witness(
      {crypto::sign_schnorr(key, crypto::sha256(as_bytes(secret)), system_random().bytes<32>())});
  return out;
}

void malformed_secrets(Mint& mint) {
  mint.need("11");
  const auto key = fresh_key();
  const std::string pub = key.public_key().hex();
  const auto tags = [&](const std::string& list) { return locked_secret("P2PK", pub, list); };
  const std::vector<std::pair<std::string, std::string>> secrets = {
      {"data that is no key", locked_secret("P2PK", "02abcd")},
      {"n_sigs \"+1\"", tags(R"(["n_sigs","+1"])")},
      {"n_sigs \"01\"", tags(R"(["n_sigs","01"])")},
      {"n_sigs \"0\"", tags(R"(["n_sigs","0"])")},
      {"n_sigs 1, a number", tags(R"(["n_sigs",1])")},
      {"n_sigs above the keys", tags(R"(["n_sigs","2"])")},
      {"n_sigs twice", tags(R"(["n_sigs","1"],["n_sigs","1"])")},
      {"sigflag twice", tags(R"(["sigflag","SIG_INPUTS"],["sigflag","SIG_INPUTS"])")},
      {"an unknown sigflag", tags(R"(["sigflag","SIG_SOME"])")},
      {"the same key twice", tags(R"(["pubkeys",")" + pub + "\"]")},
      {"the same key in upper case", tags(R"(["pubkeys",")" + upper(pub) + "\"]")},
      {"the same key by its twin", tags(R"(["pubkeys",")" + twin(pub) + "\"]")},
      {"an empty tag", tags("[]")},
      {"tags that are no arrays", tags(R"("n_sigs")")},
      {"a key that is none", tags(R"(["pubkeys","02zz"])")},
  };
  for (const auto& [what, secret] : secrets) {
    const Proofs proofs = signed_proof(mint, secret, key);
    require_code(mint.swap(proofs, mint.drafts_for(proofs)), {10001}, "a P2PK secret with " + what);
    mint.require_state(proofs, "UNSPENT", "after a refusal");
  }
}

void wellformed_secrets(Mint& mint) {
  mint.need("11");
  const auto key = fresh_key();
  const std::string pub = key.public_key().hex();
  for (const std::string& secret :
       {locked_secret("P2PK", upper(pub)), locked_secret("P2PK", pub, R"(["foreign","anything","at all"])"),
        locked_secret("P2PK", pub, R"(["n_sigs","1"],["sigflag","SIG_INPUTS"])")}) {
    const Proofs proofs = signed_proof(mint, secret, key);
    require_ok(mint.swap(proofs, mint.drafts_for(proofs)), "a P2PK secret: " + secret);
  }
}

void plain_secrets(Mint& mint) {
  for (const char* secret :
       {"a plain secret", "{\"kind\":\"P2PK\"}", "12", "\xc3\xbc\xe2\x82\xac", "\\u0041"}) {
    const Proofs proofs = mint.buy(Drafts{mint.draft(8, secret + fresh_secret())});
    require_ok(mint.swap(proofs, mint.drafts_for(proofs)),
               std::string("a secret that is no condition: ") + secret);
  }
}

void bodies(Mint& mint) {
  const Proofs inputs = mint.buy(Amounts{8});
  const std::string good = swap_body(inputs, mint.drafts_for(inputs));
  const std::string secret = inputs[0].secret;
  const auto with_secret = [&](const std::string& text) {
    std::string out = good;
    return out.replace(out.find(secret), secret.size(), text);
  };
  std::string twice = good;
  twice.insert(1, R"("inputs":[],)");
  const std::vector<std::pair<const char*, std::string>> all = {
      {"nothing", " "},
      {"half a body", good.substr(0, good.size() / 2)},
      {"two bodies", good + good},
      {"an array", "[" + good + "]"},
      {"no object", "\"swap\""},
      {"a hundred thousand brackets", std::string(100'000, '[')},
      {"nested objects",
       [] {
         std::string out;
         for (int i = 0; i < 20'000; ++i) out += R"({"inputs":)";
         return out;
       }()},
      {"invalid UTF-8", with_secret("\xff\xfe")},
      {"a lone surrogate", with_secret("\\ud800")},
      {"a raw control character", with_secret("\x01")},
      {"inputs that are null", R"({"inputs":null,"outputs":null})"},
      {"inputs of null", R"({"inputs":[null],"outputs":[null]})"},
      {"a very long secret", with_secret(std::string(100'000, 's'))},
  };
  for (const auto& [what, body] : all) {
    const auto reply = mint.post("/v1/swap", body);
    require(reply.status >= 400 && reply.status < 500,
            std::string("a body with ") + what + ": " + brief(reply));
  }
  require(mint.post("/v1/swap", twice).status != 500, "a body with a member twice: a fault of the mint");
  require_ok(mint.get("/v1/info"), "after all that, GET /v1/info");
}

void unknown_members(Mint& mint) {
  const Proofs inputs = mint.buy(Amounts{8});
  std::string body = swap_body(inputs, mint.drafts_for(inputs));
  body.insert(1, R"("future":{"a":[1,2]},)");
  const std::string point = mint.draft(1).message.b_blinded.hex();  // NUT-28, for wallets alone
  body.insert(body.find("\"secret\""), "\"p2pk_e\":\"" + point + R"(","spent":false,)");
  require_ok(mint.post("/v1/swap", body), "members that the mint doesn't know");
}

void nul_in_secret(Mint& mint) {
  const std::string secret = std::string("a\0b", 3) + fresh_secret();
  const Proofs proofs = mint.buy(Drafts{mint.draft(8, secret)});
  const auto reply = mint.swap(proofs, mint.drafts_for(proofs));
  require(reply.status == 200 || (reply.status >= 400 && reply.status < 500),
          "a NUL byte in a secret: " + brief(reply));
}

}  // namespace

std::vector<Case> json_cases() {
  return {
      {"edge-15", "NUT-11", "a malformed P2PK secret can't be spent", malformed_secrets},
      {"edge-15-lenient", "NUT-11", "upper case and foreign tags are no fault", wellformed_secrets},
      {"secret-plain", "NUT-10", "what is no well-known secret is a plain one", plain_secrets},
      {"edge-16", "NUT-00", "a malformed body is refused, and harms nothing", bodies},
      {"edge-16-nul", "NUT-00", "a NUL byte in a secret harms nothing", nul_in_secret},
      {"unknown-members", "NUT-00", "unknown members are passed over", unknown_members},
  };
}

}  // namespace manastr::conformance

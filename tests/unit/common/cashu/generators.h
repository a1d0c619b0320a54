// Arbitrary NUT-00 values for property tests.
#pragma once
#include <rapidcheck.h>

#include <algorithm>

#include "common/cashu/types.h"
#include "common/crypto/hash.h"

namespace manastr::cashu {

inline KeysetId keyset_id_of(std::uint32_t n) {
  const std::string hex = to_hex(crypto::sha256(as_bytes(std::to_string(n))));
  return *KeysetId::from_hex(n % 2 == 0 ? "00" + hex.substr(0, 14) : "01" + hex);
}

inline rc::Gen<std::string> utf8_text(std::size_t most) {
  return rc::gen::resize(static_cast<int>(most),
                         rc::gen::container<std::string>(rc::gen::inRange<char>(1, 127)));
}

inline rc::Gen<Proof> arbitrary_proof() {
  return rc::gen::exec([] {
    Proof proof;
    proof.amount = *rc::gen::map(rc::gen::inRange(0, 53), [](int bit) { return Amount{1} << bit; });
    proof.id = keyset_id_of(*rc::gen::inRange<std::uint32_t>(0, 5));
    proof.secret = "s" + *utf8_text(40);
    const Hash32 x = crypto::sha256(as_bytes(proof.secret));
    proof.c[0] = *rc::gen::element<Byte>(2, 3);
    std::copy(x.begin(), x.end(), proof.c.begin() + 1);
    if (*rc::gen::arbitrary<bool>()) proof.witness = *utf8_text(40);
    if (*rc::gen::arbitrary<bool>()) proof.dleq = ProofDleq{{x, crypto::sha256(x)}, crypto::sha256(proof.c)};
    return proof;
  });
}

inline bool same(const Proof& a, const Proof& b) {
  return a.amount == b.amount && a.id == b.id && a.secret == b.secret && a.c == b.c &&
         a.witness == b.witness && a.dleq == b.dleq;
}

}  // namespace manastr::cashu

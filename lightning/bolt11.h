// BOLT-11 invoices: decode, check the signature, encode and sign. For the mint (melt quotes), the fake node
// and the player. Every bound is checked before memory is spent: text at most 7 089 characters (the largest
// QR code), 10 route hints of 20 hops. Fuzz target: tests/fuzz/bolt11_fuzz.cpp.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/crypto/keys.h"
#include "lightning/lightning.h"

namespace manastr::lightning {

enum class Network { mainnet, testnet, signet, regtest, simnet };
/// "bc", "tb", "tbs", "bcrt", "sb": what follows "ln" in the prefix.
std::string_view prefix_of(Network network);
std::optional<Network> network_of(
    std::string_view name);  ///< "mainnet", "testnet", "signet", "regtest", "simnet"

/// One hop of an `r` field.
struct RouteHop {
  crypto::PublicKey node;
  std::uint64_t short_channel_id = 0;
  std::uint32_t fee_base_msat = 0;
  std::uint32_t fee_ppm = 0;
  std::uint16_t cltv_delta = 0;
  bool operator==(const RouteHop&) const = default;
};

struct Bolt11 {
  Network network = Network::regtest;
  std::optional<Msat> amount;  ///< never 0
  UnixSeconds timestamp{};     ///< 35 bits
  Hash32 payment_hash{};
  std::optional<Hash32> payment_secret;    ///< never missing in what was decoded or can be encoded
  std::string description;                 ///< at most 639 bytes of UTF-8
  std::optional<Hash32> description_hash;  ///< instead of a description
  Seconds expiry{3'600};
  std::uint64_t min_final_cltv_delta = 18;
  Bytes features;  ///< bit 0 is the lowest bit of the last byte; no leading zero byte
  std::optional<Bytes> metadata;
  std::vector<std::vector<RouteHop>> routes;
  struct Fallback {
    std::uint8_t version = 0;
    Bytes program;
    bool operator==(const Fallback&) const = default;
  };
  std::vector<Fallback> fallbacks;
  std::optional<crypto::PublicKey>
      payee;  ///< after decode(): always, from the `n` field or recovered from the signature

  UnixSeconds expires_at() const { return timestamp + expiry; }
  bool operator==(const Bolt11&) const = default;
};

/// Checks checksum, structure and signature. Refuses what a payer must not pay: no payment hash or secret, no
/// description or hash of one, an amount that is not a whole msat, a mandatory feature bit that is unknown.
/// Fields of unknown type or wrong length are skipped, as BOLT-11 wants. Any letter case, but not mixed; a
/// "lightning:" in front is taken off.
Result<Bolt11> decode_bolt11(std::string_view text);
/// Lower case, fields in the order timestamp, s, p, d or h, x, c, f, r, m, 9; signed deterministically (RFC
/// 6979). `payee` is not written, for the signature tells it. The error names the member that has no form in
/// BOLT-11.
Result<std::string> encode_bolt11(const Bolt11& invoice, const crypto::SecretKey& key);

}  // namespace manastr::lightning

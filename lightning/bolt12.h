// BOLT-12 offers: read, check, write. For the mint (melt quotes), the fake node and the player. What comes of
// an offer over onion messages (invoice requests, invoices) is a node's own affair. Bounds: text of at most
// 7 089 characters (the largest QR code). Fuzz target: tests/fuzz/bolt12_fuzz.cpp.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/base/clock.h"
#include "common/crypto/keys.h"
#include "lightning/bolt11.h"
#include "lightning/tlv.h"

namespace manastr::lightning {

/// A way to the payee that doesn't tell who it is (BOLT-4, "Route Blinding").
struct BlindedPath {
  /// One end of a channel, where a key would be longer.
  struct ChannelEnd {
    std::uint8_t direction = 0;  ///< 0 or 1
    std::uint64_t short_channel_id = 0;
    bool operator==(const ChannelEnd&) const = default;
  };
  struct Hop {
    crypto::PublicKey blinded_node;
    Bytes encrypted;  ///< at most 65 535 bytes
    bool operator==(const Hop&) const = default;
  };
  std::variant<ChannelEnd, crypto::PublicKey> first;
  crypto::PublicKey path_key;
  std::vector<Hop> hops;  ///< 1 to 255
  bool operator==(const BlindedPath&) const = default;
};

struct Offer {
  std::vector<Hash32> chains;  ///< of those that may pay; empty: bitcoin's mainnet alone
  std::optional<Bytes> metadata;
  std::optional<std::string> currency;  ///< ISO 4217, three capital letters; then `amount` is in its unit
  std::optional<std::uint64_t> amount;  ///< msat, unless there is a currency; of one item; never 0
  std::optional<std::string> description;
  std::optional<Bytes> features;            ///< bit 0 is the lowest bit of the last byte
  std::optional<std::uint64_t> expires_at;  ///< seconds since 1970
  std::vector<BlindedPath> paths;
  std::optional<std::string> issuer;
  std::optional<std::uint64_t> quantity_max;  ///< 0: any
  std::optional<crypto::PublicKey> issuer_id;
  std::vector<TlvRecord> others;  ///< fields of unknown odd types, by ascending type

  /// Whether it may be paid on this network.
  bool is_for(Network network) const;
  bool expired(UnixSeconds now) const;
  bool operator==(const Offer&) const = default;
};

/// The genesis block's hash as it is hashed, which BOLTs name a chain by.
const Hash32& chain_hash(Network network);

/// Refuses what BOLT-12 tells a reader not to respond to, but for chain and expiry, which depend on who reads
/// when. All lower or all upper case; `+` and white space within are taken out.
Result<Offer> decode_offer(std::string_view text);
/// Lower case. The error names the member that has no form in BOLT-12, or breaks its rules.
Result<std::string> encode_offer(const Offer& offer);
/// The Merkle root over its fields: the same for all writings of one offer.
Hash32 offer_id(const Offer& offer);

}  // namespace manastr::lightning

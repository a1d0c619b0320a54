#include <algorithm>

#include "common/crypto/ecdsa.h"
#include "common/nostr/bech32.h"
#include "lightning/bolt11.h"
#include "lightning/bolt11_form.h"

namespace manastr::lightning {
namespace {

std::unexpected<Error> bad(std::string_view why) { return invalid("the BOLT11 invoice " + std::string(why)); }

/// "ln" network [amount [multiplier]]
Status read_prefix(std::string_view prefix, Bolt11& out) {
  if (!prefix.starts_with("ln")) return bad("does not start with \"ln\"");
  prefix.remove_prefix(2);
  const std::size_t digits = std::min(prefix.find_first_of("0123456789"), prefix.size());
  const std::string_view name = prefix.substr(0, digits);
  bool known = false;
  for (const Network network :
       {Network::mainnet, Network::testnet, Network::signet, Network::regtest, Network::simnet}) {
    if (prefix_of(network) != name) continue;
    out.network = network;
    known = true;
  }
  if (!known) return bad("is for an unknown network");

  std::string_view amount = prefix.substr(digits);
  if (amount.empty()) return {};
  Msat unit = 100'000'000'000;
  bool in_pico = false;  // tenths of a millisatoshi
  switch (amount.back()) {
    case 'm':
      unit = 100'000'000;
      break;
    case 'u':
      unit = 100'000;
      break;
    case 'n':
      unit = 100;
      break;
    case 'p':
      in_pico = true;
      break;
    default:
      break;
  }
  if (in_pico || unit != 100'000'000'000) amount.remove_suffix(1);
  if (in_pico) {
    if (!amount.ends_with('0')) return bad("has an amount in fractions of a millisatoshi");
    amount.remove_suffix(1);
    unit = 1;
  }
  if (amount.empty() || amount.size() > 19 || amount.front() == '0')
    return bad("has an amount that is no positive number");
  Msat number = 0;  // 19 digits fit
  for (const char c : amount) {
    if (c < '0' || c > '9') return bad("has an amount that is no number");
    number = number * 10 + static_cast<Msat>(c - '0');
  }
  if (number > kMostMsat / unit) return bad("has an amount above all bitcoin");
  out.amount = number * unit;
  return {};
}

/// Big-endian number of at most `bits` bits without leading zero words; nullopt otherwise.
std::optional<std::uint64_t> read_number(WordView words, unsigned bits) {
  if (words.empty() || words.front() == 0 || words.size() > 12) return std::nullopt;
  std::uint64_t out = 0;
  for (const std::uint8_t word : words) out = out << 5 | word;
  if (bits < 64 && out >> bits != 0) return std::nullopt;
  return out;
}

Result<Hash32> read_hash(WordView words) {
  const auto bytes = nostr::from_words(words);
  if (!bytes || bytes->size() != 32) return bad("has a hash with bits behind its end");
  Hash32 out;
  std::copy(bytes->begin(), bytes->end(), out.begin());
  return out;
}

std::uint64_t big_endian(ByteView bytes) {
  std::uint64_t out = 0;
  for (const Byte byte : bytes) out = out << 8 | byte;
  return out;
}

Status read_route(WordView words, Bolt11& out) {
  const auto bytes = nostr::from_words(words);
  if (!bytes || bytes->empty() || bytes->size() % kHopBytes != 0 || bytes->size() / kHopBytes > kMostHops) {
    return bad("has a route hint of wrong length");
  }
  if (out.routes.size() == kMostRoutes) return bad("has too many route hints");
  std::vector<RouteHop> route;
  for (std::size_t at = 0; at < bytes->size(); at += kHopBytes) {
    const ByteView hop = ByteView(*bytes).subspan(at, kHopBytes);
    const auto node = crypto::PublicKey::parse(hop.first(33));
    if (!node) return bad("has a route hint with a key that is no point of the curve");
    route.push_back({*node, big_endian(hop.subspan(33, 8)),
                     static_cast<std::uint32_t>(big_endian(hop.subspan(41, 4))),
                     static_cast<std::uint32_t>(big_endian(hop.subspan(45, 4))),
                     static_cast<std::uint16_t>(big_endian(hop.subspan(49, 2)))});
  }
  out.routes.push_back(std::move(route));
  return {};
}

/// Unknown versions and lengths are skipped: an address that nobody can pay to is no harm.
void read_fallback(WordView words, Bolt11& out) {
  if (words.empty() || words[0] > 18 || out.fallbacks.size() == kMostRoutes) return;
  auto program = nostr::from_words(words.subspan(1));
  if (!program) return;
  const bool is_hash = words[0] >= 17;
  if (is_hash ? program->size() != 20 : program->size() < 2 || program->size() > 40) return;
  out.fallbacks.push_back({words[0], *std::move(program)});
}

/// var_onion_optin, payment_secret, basic_mpp, option_payment_metadata (BOLT-9): even bits that a payer may
/// find.
Status check_features(const Bytes& features) {
  for (std::size_t bit = 0; bit < features.size() * 8; bit += 2) {
    const bool set = (features[features.size() - 1 - bit / 8] >> bit % 8 & 1) != 0;
    if (set && bit != 8 && bit != 14 && bit != 16 && bit != 48) {
      return bad("requires feature " + std::to_string(bit) + ", which is unknown here");
    }
  }
  return {};
}

struct Seen {
  bool payment_hash = false, description = false, features = false, expiry = false, cltv = false;
  std::optional<crypto::PublicKey> payee;
};

Status read_field(std::uint8_t type, WordView words, Bolt11& out, Seen& seen) {
  // Of fields that may stand once, the first counts. A wrong length makes a field unknown, and that is
  // skipped.
  switch (type) {
    case kPaymentHash: {
      if (words.size() != kHashWords || std::exchange(seen.payment_hash, true)) return {};
      TRY(out.payment_hash, read_hash(words));
      return {};
    }
    case kPaymentSecret: {
      if (words.size() != kHashWords || out.payment_secret) return {};
      TRY(out.payment_secret, read_hash(words));
      return {};
    }
    case kDescriptionHash: {
      if (words.size() != kHashWords || out.description_hash) return {};
      TRY(out.description_hash, read_hash(words));
      return {};
    }
    case kDescription: {
      if (std::exchange(seen.description, true)) return {};
      const auto bytes = nostr::from_words(words);
      if (!bytes || !is_utf8(as_text(*bytes))) return bad("has a description that is not UTF-8");
      out.description = as_text(*bytes);
      return {};
    }
    case kMetadata: {
      if (out.metadata) return {};
      out.metadata = nostr::from_words(words);
      if (!out.metadata) return bad("has metadata with bits behind their end");
      return {};
    }
    case kPayee: {
      if (words.size() != kKeyWords || seen.payee) return {};
      const auto bytes = nostr::from_words(words);
      seen.payee = bytes ? crypto::PublicKey::parse(*bytes) : std::nullopt;
      if (!seen.payee) return bad("names a payee that is no point of the curve");
      return {};
    }
    case kExpiry: {
      if (std::exchange(seen.expiry, true)) return {};
      const auto seconds = read_number(words, 35);
      if (!seconds) return bad("has an expiry that is no number of seconds");
      out.expiry = Seconds{static_cast<std::int64_t>(*seconds)};
      return {};
    }
    case kFinalCltv: {
      if (std::exchange(seen.cltv, true)) return {};
      const auto blocks = read_number(words, 32);
      if (!blocks) return bad("has a min_final_cltv_expiry_delta that is no number");
      out.min_final_cltv_delta = *blocks;
      return {};
    }
    case kFeatures:
      if (std::exchange(seen.features, true)) return {};
      if (words.empty() || words.front() == 0) return bad("has features with leading zeros");
      out.features = right_aligned_bytes(words);
      return check_features(out.features);
    case kRoute:
      return read_route(words, out);
    case kFallback:
      read_fallback(words, out);
      return {};
    default:
      return {};
  }
}

/// s <= n / 2, which BOLT-11 demands where the payee is named.
bool is_low_s(const crypto::RecoverableSignature& signature) {
  static const auto kHalfOrder =
      *array_from_hex<32>("7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0");
  return std::lexicographical_compare_three_way(signature.begin() + 32, signature.begin() + 64,
                                                kHalfOrder.begin(), kHalfOrder.end()) <= 0;
}

}  // namespace

std::string_view prefix_of(Network network) {
  switch (network) {
    case Network::mainnet:
      return "bc";
    case Network::testnet:
      return "tb";
    case Network::signet:
      return "tbs";
    case Network::regtest:
      return "bcrt";
    case Network::simnet:
      return "sb";
  }
  return "";
}

std::optional<Network> network_of(std::string_view name) {
  if (name == "mainnet") return Network::mainnet;
  if (name == "testnet") return Network::testnet;
  if (name == "signet") return Network::signet;
  if (name == "regtest") return Network::regtest;
  if (name == "simnet") return Network::simnet;
  return std::nullopt;
}

Result<Bolt11> decode_bolt11(std::string_view text) {
  constexpr std::string_view kScheme = "lightning:";
  if (text.size() > kScheme.size()) {
    std::string head(text.substr(0, kScheme.size()));
    for (char& c : head) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (head == kScheme) text.remove_prefix(kScheme.size());
  }
  if (text.size() > kMostCharacters)
    return bad("is longer than " + std::to_string(kMostCharacters) + " characters");
  auto decoded = nostr::bech32_decode(text, kMostCharacters);
  if (!decoded) return bad("is damaged: " + decoded.error().message);

  Bolt11 out;
  TRY_STATUS(read_prefix(decoded->prefix, out));
  const WordView words = decoded->words;
  if (words.size() < kTimestampWords + kSignatureWords) return bad("is too short");
  std::int64_t timestamp = 0;
  for (const std::uint8_t word : words.first(kTimestampWords)) timestamp = timestamp << 5 | word;
  out.timestamp = unix_seconds(timestamp);

  Seen seen;
  const WordView data = words.first(words.size() - kSignatureWords);
  for (WordView rest = data.subspan(kTimestampWords); !rest.empty();) {
    if (rest.size() < 3) return bad("ends within a field");
    const std::size_t length = static_cast<std::size_t>(rest[1]) * 32 + rest[2];
    if (rest.size() < 3 + length) return bad("ends within a field");
    TRY_STATUS(read_field(rest[0], rest.subspan(3, length), out, seen));
    rest = rest.subspan(3 + length);
  }
  if (!seen.payment_hash) return bad("has no payment hash");
  if (!out.payment_secret) return bad("has no payment secret");
  if (seen.description == out.description_hash.has_value()) {
    return bad(seen.description ? "has both a description and the hash of one" : "has no description");
  }

  const auto bytes = nostr::from_words(words.last(kSignatureWords));
  crypto::RecoverableSignature signature{};
  if (!bytes || bytes->size() != signature.size() || bytes->back() > 3) return bad("has no valid signature");
  std::copy(bytes->begin(), bytes->end(), signature.begin());
  const Hash32 hash = signed_hash(decoded->prefix, data);
  if (seen.payee) {
    if (!is_low_s(signature) || !crypto::verify_ecdsa(*seen.payee, hash, signature)) {
      return bad("is not signed by the payee that it names");
    }
    out.payee = seen.payee;
  } else {
    out.payee = crypto::recover(hash, signature);
    if (!out.payee) return bad("has a signature that no key made");
  }
  return out;
}

}  // namespace manastr::lightning

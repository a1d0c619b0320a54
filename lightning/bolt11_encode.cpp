#include "common/crypto/ecdsa.h"
#include "common/nostr/bech32.h"
#include "lightning/bolt11.h"
#include "lightning/bolt11_form.h"

namespace manastr::lightning {
namespace {

std::string amount_text(Msat msat) {
  struct Multiplier {
    Msat msat;
    char letter;
  };
  if (msat % 100'000'000'000 == 0) return std::to_string(msat / 100'000'000'000);
  for (const auto& [unit, letter] :
       {Multiplier{100'000'000, 'm'}, Multiplier{100'000, 'u'}, Multiplier{100, 'n'}}) {
    if (msat % unit == 0) return std::to_string(msat / unit) + letter;
  }
  return std::to_string(msat) + "0p";
}

Words number_words(std::uint64_t value) {
  Words out;
  for (; value != 0; value >>= 5) out.insert(out.begin(), static_cast<std::uint8_t>(value & 31));
  return out;
}

void put_field(Words& out, Field type, WordView words) {
  out.push_back(type);
  out.push_back(static_cast<std::uint8_t>(words.size() >> 5));
  out.push_back(static_cast<std::uint8_t>(words.size() & 31));
  out.insert(out.end(), words.begin(), words.end());
}

Words hop_words(const std::vector<RouteHop>& route) {
  Bytes bytes;
  for (const RouteHop& hop : route) {
    append(bytes, hop.node.bytes());
    append_be64(bytes, hop.short_channel_id);
    append_be32(bytes, hop.fee_base_msat);
    append_be32(bytes, hop.fee_ppm);
    bytes.push_back(static_cast<Byte>(hop.cltv_delta >> 8));
    bytes.push_back(static_cast<Byte>(hop.cltv_delta));
  }
  return nostr::to_words(bytes);
}

Status check(const Bolt11& invoice) {
  if (invoice.amount && (*invoice.amount == 0 || *invoice.amount > kMostMsat)) {
    return invalid("amount: 0 or above all bitcoin");
  }
  const std::int64_t time = count(invoice.timestamp);
  if (time < 0 || time >> 35 != 0) return invalid("timestamp: not within 35 bits");
  if (invoice.expiry < Seconds{1} || invoice.expiry.count() >> 35 != 0)
    return invalid("expiry: 0 or beyond 35 bits");
  if (!invoice.payment_secret) return invalid("payment_secret: missing");
  if (invoice.description_hash && !invoice.description.empty()) {
    return invalid("description: stands beside the hash of one");
  }
  if (invoice.description.size() > 639 || !is_utf8(invoice.description)) {
    return invalid("description: longer than 639 bytes or not UTF-8");
  }
  if (invoice.min_final_cltv_delta == 0 || invoice.min_final_cltv_delta >> 32 != 0) {
    return invalid("min_final_cltv_delta: 0 or beyond 32 bits");
  }
  if (invoice.metadata && invoice.metadata->size() > 639) return invalid("metadata: longer than 639 bytes");
  if (invoice.features.size() > 600) return invalid("features: longer than 600 bytes");
  if (invoice.routes.size() > kMostRoutes || invoice.fallbacks.size() > kMostRoutes) {
    return invalid("routes, fallbacks: more than " + std::to_string(kMostRoutes));
  }
  for (const auto& route : invoice.routes) {
    // 639 bytes hold 12 hops.
    if (route.empty() || route.size() * kHopBytes > 639) return invalid("routes: no hop, or more than 12");
  }
  for (const auto& fallback : invoice.fallbacks) {
    const std::size_t size = fallback.program.size();
    if (fallback.version > 18 || (fallback.version >= 17 ? size != 20 : size < 2 || size > 40)) {
      return invalid("fallbacks: no witness program or hash");
    }
  }
  return {};
}

}  // namespace

Result<std::string> encode_bolt11(const Bolt11& invoice, const crypto::SecretKey& key) {
  TRY_STATUS(check(invoice));
  const std::string prefix =
      "ln" + std::string(prefix_of(invoice.network)) + (invoice.amount ? amount_text(*invoice.amount) : "");
  Words data;
  for (int shift = 30; shift >= 0; shift -= 5) {
    data.push_back(static_cast<std::uint8_t>(count(invoice.timestamp) >> shift & 31));
  }
  put_field(data, kPaymentSecret, nostr::to_words(*invoice.payment_secret));
  put_field(data, kPaymentHash, nostr::to_words(invoice.payment_hash));
  if (invoice.description_hash) {
    put_field(data, kDescriptionHash, nostr::to_words(*invoice.description_hash));
  } else {
    put_field(data, kDescription, nostr::to_words(as_bytes(invoice.description)));
  }
  if (invoice.expiry != Seconds{3'600}) {
    put_field(data, kExpiry, number_words(static_cast<std::uint64_t>(invoice.expiry.count())));
  }
  if (invoice.min_final_cltv_delta != 18)
    put_field(data, kFinalCltv, number_words(invoice.min_final_cltv_delta));
  for (const auto& fallback : invoice.fallbacks) {
    Words words = nostr::to_words(fallback.program);
    words.insert(words.begin(), fallback.version);
    put_field(data, kFallback, words);
  }
  for (const auto& route : invoice.routes) put_field(data, kRoute, hop_words(route));
  if (invoice.metadata) put_field(data, kMetadata, nostr::to_words(*invoice.metadata));
  if (const Words features = right_aligned_words(invoice.features); !features.empty()) {
    put_field(data, kFeatures, features);
  }
  const crypto::RecoverableSignature signature = crypto::sign_recoverable(key, signed_hash(prefix, data));
  const Words signature_words = nostr::to_words(signature);
  data.insert(data.end(), signature_words.begin(), signature_words.end());
  std::string out = nostr::bech32_encode(prefix, data);
  if (out.size() > kMostCharacters) return invalid("the invoice would be longer than 7089 characters");
  return out;
}

}  // namespace manastr::lightning

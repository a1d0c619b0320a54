#include <algorithm>

#include "common/nostr/bech32.h"
#include "lightning/bolt12_form.h"

namespace manastr::lightning {
namespace {

constexpr std::size_t kMostHopsOfPath = 255;
constexpr std::size_t kMostEncrypted = 65'535;

void append_path(Bytes& out, const BlindedPath& path) {
  if (const auto* channel = std::get_if<BlindedPath::ChannelEnd>(&path.first)) {
    out.push_back(channel->direction);
    append_be64(out, channel->short_channel_id);
  } else {
    append(out, std::get<crypto::PublicKey>(path.first).bytes());
  }
  append(out, path.path_key.bytes());
  out.push_back(static_cast<Byte>(path.hops.size()));
  for (const BlindedPath::Hop& hop : path.hops) {
    append(out, hop.blinded_node.bytes());
    out.push_back(static_cast<Byte>(hop.encrypted.size() >> 8));
    out.push_back(static_cast<Byte>(hop.encrypted.size()));
    append(out, hop.encrypted);
  }
}

Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

std::vector<TlvRecord> records_of(const Offer& offer) {
  std::vector<TlvRecord> out;
  const auto put = [&](std::uint64_t type, Bytes value) { out.push_back({type, std::move(value)}); };
  if (!offer.chains.empty()) {
    Bytes chains;
    for (const Hash32& chain : offer.chains) append(chains, chain);
    put(kOfferChains, std::move(chains));
  }
  if (offer.metadata) put(kOfferMetadata, *offer.metadata);
  if (offer.currency) put(kOfferCurrency, bytes_of(*offer.currency));
  if (offer.amount) put(kOfferAmount, write_truncated(*offer.amount));
  if (offer.description) put(kOfferDescription, bytes_of(*offer.description));
  if (offer.features) put(kOfferFeatures, *offer.features);
  if (offer.expires_at) put(kOfferExpiry, write_truncated(*offer.expires_at));
  if (!offer.paths.empty()) {
    Bytes paths;
    for (const BlindedPath& path : offer.paths) append_path(paths, path);
    put(kOfferPaths, std::move(paths));
  }
  if (offer.issuer) put(kOfferIssuer, bytes_of(*offer.issuer));
  if (offer.quantity_max) put(kOfferQuantityMax, write_truncated(*offer.quantity_max));
  if (offer.issuer_id)
    put(kOfferIssuerId, Bytes(offer.issuer_id->bytes().begin(), offer.issuer_id->bytes().end()));
  out.insert(out.end(), offer.others.begin(), offer.others.end());
  std::ranges::sort(out, {}, &TlvRecord::type);
  return out;
}

Status check_form(const Offer& offer) {
  for (const std::optional<std::string>* text : {&offer.description, &offer.issuer}) {
    if (*text && !is_utf8(**text)) return invalid("description, issuer: not UTF-8");
  }
  for (const BlindedPath& path : offer.paths) {
    if (path.hops.empty() || path.hops.size() > kMostHopsOfPath) return invalid("paths: 1 to 255 hops");
    const auto* channel = std::get_if<BlindedPath::ChannelEnd>(&path.first);
    if (channel != nullptr && channel->direction > 1) return invalid("paths: a channel has two ends");
    for (const BlindedPath::Hop& hop : path.hops) {
      if (hop.encrypted.size() > kMostEncrypted) return invalid("paths: a hop has at most 65535 bytes");
    }
  }
  return check_offer(offer);
}

}  // namespace

Result<std::string> encode_offer(const Offer& offer) {
  TRY_STATUS(check_form(offer));
  const std::vector<TlvRecord> records = records_of(offer);
  for (std::size_t i = 1; i < records.size(); ++i) {
    if (records[i].type == records[i - 1].type) return invalid("others: a field that stands twice");
  }
  std::string out(kOfferPrefix);
  out += nostr::characters_of(nostr::to_words(write_tlv_stream(records)));
  if (out.size() > kMostOfferCharacters) return invalid("the offer would be longer than 7089 characters");
  return out;
}

Hash32 offer_id(const Offer& offer) { return merkle_root(records_of(offer)); }

}  // namespace manastr::lightning

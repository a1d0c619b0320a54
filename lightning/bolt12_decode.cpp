#include <algorithm>

#include "common/nostr/bech32.h"
#include "lightning/bolt11_form.h"
#include "lightning/bolt12_form.h"

namespace manastr::lightning {
namespace {

std::unexpected<Error> bad(std::string_view why) { return invalid("the BOLT12 offer " + std::string(why)); }

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

/// In lower case, without the `+` and white space that join its pieces; nullopt if it is mixed or badly
/// joined.
std::optional<std::string> joined(std::string_view text) {
  std::string out;
  bool upper = false;
  bool lower = false;
  bool after_plus = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '+') {
      if (out.empty() || after_plus) return std::nullopt;
      after_plus = true;
      while (i + 1 < text.size() && is_space(text[i + 1])) ++i;
      continue;
    }
    if (c >= 'A' && c <= 'Z') {
      upper = true;
      c = static_cast<char>(c - 'A' + 'a');
    } else {
      lower = lower || (c >= 'a' && c <= 'z');
    }
    if (!is_letter_or_digit(c)) return std::nullopt;
    out.push_back(c);
    after_plus = false;
  }
  if (after_plus || (upper && lower)) return std::nullopt;
  return out;
}

/// Takes pieces off the front of a field's value.
class Cutter {
 public:
  explicit Cutter(ByteView bytes) : rest_(bytes) {}
  bool empty() const { return rest_.empty(); }
  std::optional<ByteView> take(std::size_t size) {
    if (rest_.size() < size) return std::nullopt;
    const ByteView out = rest_.first(size);
    rest_ = rest_.subspan(size);
    return out;
  }
  std::optional<std::uint64_t> number(std::size_t size) {
    const auto bytes = take(size);
    if (!bytes) return std::nullopt;
    std::uint64_t out = 0;
    for (const Byte byte : *bytes) out = out << 8 | byte;
    return out;
  }
  std::optional<crypto::PublicKey> point() {
    const auto bytes = take(33);
    return bytes ? crypto::PublicKey::parse(*bytes) : std::nullopt;
  }
  /// sciddir_or_pubkey of BOLT-1.
  std::optional<std::variant<BlindedPath::ChannelEnd, crypto::PublicKey>> first_node() {
    if (rest_.empty()) return std::nullopt;
    if (rest_[0] > 1) {
      const auto key = point();
      if (!key) return std::nullopt;
      return *key;
    }
    const auto direction = number(1);
    const auto channel = number(8);
    if (!channel) return std::nullopt;
    return BlindedPath::ChannelEnd{static_cast<std::uint8_t>(*direction), *channel};
  }

 private:
  ByteView rest_;
};

std::optional<BlindedPath> take_path(Cutter& from) {
  const auto first = from.first_node();
  const auto path_key = first ? from.point() : std::nullopt;
  const auto hops = path_key ? from.number(1) : std::nullopt;
  if (!hops || *hops == 0) return std::nullopt;
  BlindedPath out{*first, *path_key, {}};
  for (std::uint64_t i = 0; i < *hops; ++i) {
    const auto node = from.point();
    const auto length = node ? from.number(2) : std::nullopt;
    const auto encrypted = length ? from.take(*length) : std::nullopt;
    if (!encrypted) return std::nullopt;
    out.hops.push_back({*node, Bytes(encrypted->begin(), encrypted->end())});
  }
  return out;
}

Result<std::uint64_t> read_number(ByteView value, std::string_view what) {
  const auto out = read_truncated(value);
  if (!out) return bad("has " + std::string(what) + " that is no number in its shortest form");
  return *out;
}

Result<std::string> read_text(ByteView value, std::string_view what) {
  if (!is_utf8(as_text(value))) return bad("has " + std::string(what) + " that is not UTF-8");
  return std::string(as_text(value));
}

Status read_field(TlvRecord& record, Offer& out) {
  const ByteView value = record.value;
  switch (record.type) {
    case kOfferChains: {
      if (value.empty() || value.size() % 32 != 0) return bad("has chains that are no hashes");
      for (std::size_t at = 0; at < value.size(); at += 32)
        std::copy_n(value.begin() + static_cast<std::ptrdiff_t>(at), 32, out.chains.emplace_back().begin());
      return {};
    }
    case kOfferMetadata:
      out.metadata = std::move(record.value);
      return {};
    case kOfferCurrency: {
      TRY(out.currency, read_text(value, "a currency"));
      return {};
    }
    case kOfferAmount: {
      TRY(out.amount, read_number(value, "an amount"));
      return {};
    }
    case kOfferDescription: {
      TRY(out.description, read_text(value, "a description"));
      return {};
    }
    case kOfferFeatures:
      out.features = std::move(record.value);
      return {};
    case kOfferExpiry: {
      TRY(out.expires_at, read_number(value, "an expiry"));
      return {};
    }
    case kOfferPaths: {
      Cutter rest(value);
      while (!rest.empty()) {
        auto path = take_path(rest);
        if (!path) return bad("has a path that is cut off, without hops, or with a key that is no point");
        out.paths.push_back(*std::move(path));
      }
      if (out.paths.empty()) return bad("has a list of paths with none in it");
      return {};
    }
    case kOfferIssuer: {
      TRY(out.issuer, read_text(value, "an issuer"));
      return {};
    }
    case kOfferQuantityMax: {
      TRY(out.quantity_max, read_number(value, "a quantity"));
      return {};
    }
    case kOfferIssuerId:
      out.issuer_id = crypto::PublicKey::parse(value);
      if (!out.issuer_id) return bad("names an issuer_id that is no point of the curve");
      return {};
    default:
      out.others.push_back(std::move(record));
      return {};
  }
}

}  // namespace

Status check_offer(const Offer& offer) {
  if (offer.currency) {
    const bool code = offer.currency->size() == 3 &&
                      std::ranges::all_of(*offer.currency, [](char c) { return c >= 'A' && c <= 'Z'; });
    if (!code) return bad("has a currency that is no code of three letters");
    if (!offer.amount) return bad("has a currency, but no amount");
  }
  if (offer.amount) {
    if (*offer.amount == 0) return bad("has an amount of 0");
    if (!offer.currency && *offer.amount > kMostMsat) return bad("has an amount above all bitcoin");
    if (!offer.description) return bad("has an amount, but no description");
  }
  const Bytes none;
  const Bytes& features = offer.features ? *offer.features : none;
  for (std::size_t bit = 0; bit < features.size() * 8; bit += 2) {
    if ((features[features.size() - 1 - bit / 8] >> bit % 8 & 1) != 0)
      return bad("requires feature " + std::to_string(bit) + ", which is unknown here");
  }
  if (!offer.issuer_id && offer.paths.empty()) return bad("says neither by key nor by path who is paid");
  for (const TlvRecord& other : offer.others) {
    if (!is_offer_type(other.type))
      return bad("has a field of type " + std::to_string(other.type) + ", outside of an offer's");
    if (other.type % 2 == 0)
      return bad("requires field " + std::to_string(other.type) + ", which is unknown here");
  }
  return {};
}

Result<Offer> decode_offer(std::string_view text) {
  if (text.size() > kMostOfferCharacters)
    return bad("is longer than " + std::to_string(kMostOfferCharacters) + " characters");
  const auto whole = joined(text);
  if (!whole) return bad("mixes cases, or has a character or `+` where none can be");
  if (!whole->starts_with(kOfferPrefix)) return bad("does not start with \"lno1\"");
  const auto words = nostr::words_of(std::string_view(*whole).substr(kOfferPrefix.size()));
  const auto bytes = words ? nostr::from_words(*words) : std::nullopt;
  if (!bytes) return bad("has a character outside of bech32's, or bits behind its end");
  auto records = read_tlv_stream(*bytes);
  if (!records) return bad(records.error().message);
  Offer out;
  for (TlvRecord& record : *records) TRY_STATUS(read_field(record, out));
  TRY_STATUS(check_offer(out));
  return out;
}

bool Offer::is_for(Network network) const {
  if (chains.empty()) return network == Network::mainnet;
  return std::ranges::find(chains, chain_hash(network)) != chains.end();
}

bool Offer::expired(UnixSeconds now) const {
  return expires_at && *expires_at < static_cast<std::uint64_t>(std::max<std::int64_t>(count(now), 0));
}

const Hash32& chain_hash(Network network) {
  static const auto kMainnet =
      *array_from_hex<32>("6fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000");
  static const auto kTestnet =
      *array_from_hex<32>("43497fd7f826957108f4a30fd9cec3aeba79972084e90ead01ea330900000000");
  static const auto kSignet =
      *array_from_hex<32>("f61eee3b63a380a477a063af32b2bbc97c9ff9f01f2c4225e973988108000000");
  static const auto kRegtest =
      *array_from_hex<32>("06226e46111a0b59caaf126043eb5bbf28c34f3a5e332a1fc7b2b73cf188910f");
  static const auto kSimnet =
      *array_from_hex<32>("f67ad7695d9b662a72ff3d8edbbb2de0bfa67b13974bb9910d116d5cbd863e68");
  switch (network) {
    case Network::mainnet:
      return kMainnet;
    case Network::testnet:
      return kTestnet;
    case Network::signet:
      return kSignet;
    case Network::regtest:
      return kRegtest;
    case Network::simnet:
      return kSimnet;
  }
  return kMainnet;
}

}  // namespace manastr::lightning

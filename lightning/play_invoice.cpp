#include "lightning/play_invoice.h"

#include "common/crypto/hash.h"

namespace manastr::lightning {
namespace {

constexpr std::size_t kMostDescription = 639;  // what an invoice holds

/// var_onion_optin and payment_secret, required; basic_mpp, offered (BOLT-9).
const Bytes kFeatures{0x02, 0x41, 0x00};

}  // namespace

Hash32 play_preimage(const Hash32& payment_secret, Msat amount, std::string_view description) {
  Bytes amount_bytes;
  append_be64(amount_bytes, amount);
  return crypto::tagged_hash("manastr/fake-lightning/preimage",
                             {payment_secret, amount_bytes, crypto::sha256(as_bytes(description))});
}

Result<PlayInvoice> make_play_invoice(const crypto::SecretKey& node, Network network, Msat amount,
                                      std::string_view description, UnixSeconds now, Seconds expiry,
                                      Random& random) {
  if (expiry < Seconds{1} || expiry > std::chrono::years{1})
    return invalid("an invoice expires within 1 s to 1 year");
  PlayInvoice out;
  out.invoice.network = network;
  out.invoice.amount = amount;
  out.invoice.timestamp = now;
  out.invoice.expiry = expiry;
  out.invoice.description = description;
  out.invoice.features = kFeatures;
  out.invoice.payment_secret = random.bytes<32>();
  out.preimage = play_preimage(*out.invoice.payment_secret, amount, description);
  out.invoice.payment_hash = crypto::sha256(out.preimage);
  TRY(out.text, encode_bolt11(out.invoice, node));
  return out;
}

Result<PlayOffer> make_play_offer(const crypto::SecretKey& node, Network network, const OfferTerms& terms,
                                  UnixSeconds now, Random& random) {
  if (terms.expiry && (*terms.expiry < Seconds{1} || *terms.expiry > std::chrono::years{10}))
    return invalid("an offer expires within 1 s to 10 years, or never");
  if (terms.description.size() > kMostDescription)
    return invalid("an offer's description has at most 639 bytes");
  PlayOffer out;
  if (network != Network::mainnet) out.offer.chains = {chain_hash(network)};
  const auto nonce = random.bytes<16>();
  out.offer.metadata = Bytes(nonce.begin(), nonce.end());
  out.offer.amount = terms.amount;
  if (terms.amount || !terms.description.empty()) out.offer.description = terms.description;
  if (terms.expiry) out.offer.expires_at = static_cast<std::uint64_t>(count(now + *terms.expiry));
  out.offer.issuer_id = node.public_key();
  TRY(out.text, encode_offer(out.offer));
  return out;
}

Hash32 play_offer_preimage(const Hash32& offer, const Hash32& key, Msat amount) {
  Bytes amount_bytes;
  append_be64(amount_bytes, amount);
  return crypto::tagged_hash("manastr/fake-lightning/offer-preimage", {offer, key, amount_bytes});
}

}  // namespace manastr::lightning

// BOLT-11 invoices and BOLT-12 offers of play money. Whoever sees such an invoice can tell its preimage, so
// that every fake node can "pay" it. Made by the fake node, and such invoices by the player's `invoice` for
// trying out a melt.
#pragma once
#include "common/base/random.h"
#include "lightning/bolt11.h"
#include "lightning/bolt12.h"

namespace manastr::lightning {

/// tagged_hash("manastr/fake-lightning/preimage", payment_secret ‖ u64be amount_msat ‖ SHA-256(description))
Hash32 play_preimage(const Hash32& payment_secret, Msat amount, std::string_view description);

/// An invoice whose preimage is play_preimage(); `expiry` 1 s to 1 year, `description` at most 639 bytes.
struct PlayInvoice {
  Bolt11 invoice;
  Hash32 preimage{};
  std::string text;  ///< the invoice as BOLT-11 writes it
};
Result<PlayInvoice> make_play_invoice(const crypto::SecretKey& node, Network network, Msat amount,
                                      std::string_view description, UnixSeconds now, Seconds expiry,
                                      Random& random);

/// An offer by `node`, without paths.
struct PlayOffer {
  Offer offer;
  std::string text;  ///< the offer as BOLT-12 writes it
};
/// Terms as of Offers::create_offer(). Two offers of the same terms differ.
Result<PlayOffer> make_play_offer(const crypto::SecretKey& node, Network network, const OfferTerms& terms,
                                  UnixSeconds now, Random& random);

/// Of the payment that its payer calls `key`, there being no invoice to tell it:
/// tagged_hash("manastr/fake-lightning/offer-preimage", offer id ‖ key ‖ u64be amount_msat)
Hash32 play_offer_preimage(const Hash32& offer, const Hash32& key, Msat amount);

}  // namespace manastr::lightning

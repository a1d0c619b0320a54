// BOLT-11 invoices of play money: whoever sees one can tell its preimage, so that every fake node can "pay"
// it. Made by the fake node, and by the player's `invoice` for trying out a melt.
#pragma once
#include "common/base/random.h"
#include "lightning/bolt11.h"

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

}  // namespace manastr::lightning

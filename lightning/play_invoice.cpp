#include "lightning/play_invoice.h"

#include "common/crypto/hash.h"

namespace manastr::lightning {
namespace {

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

}  // namespace manastr::lightning

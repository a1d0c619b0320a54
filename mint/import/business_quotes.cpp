#include <algorithm>

#include "common/crypto/hash.h"
#include "lightning/bolt11.h"
#include "mint/import/business.h"

namespace manastr::mint {
namespace {

Hash32 operation_of(std::string_view kind, std::string_view quote) {
  return crypto::tagged_hash("manastr/import", {as_bytes(kind), as_bytes(quote)});
}

struct Invoice {
  Hash32 payment_hash{};
  UnixSeconds made{};
  UnixSeconds expires{};
};

/// Of the request if it is an invoice, else of what the source looked it up by; nullopt if neither tells.
std::optional<Invoice> invoice_of(const std::string& request, const std::string& lookup) {
  if (const auto decoded = lightning::decode_bolt11(request))
    return Invoice{decoded->payment_hash, decoded->timestamp, decoded->expires_at()};
  if (const auto hash = array_from_hex<32>(lookup, HexCase::any)) return Invoice{*hash, {}, {}};
  return std::nullopt;
}

bool fits(Wide amount) { return amount >= 0 && amount < (Wide{1} << 62); }

}  // namespace

// --- mint quotes

Status Business::take_mint_quotes() {
  TRY(const std::vector<SourceMintQuote> quotes, source_->mint_quotes());
  std::set<Hash32> hashes;
  std::vector<std::pair<const SourceMintQuote*, PaymentReceived>> taken;
  std::size_t unpaid = 0;
  std::size_t open = 0;
  for (const SourceMintQuote& quote : quotes) {
    if (quote.paid == 0) {
      ++unpaid;
      continue;
    }
    const Wide price = price_of(quote.unit);
    const std::string name =
        "mint quote " + quote.id + " (" + std::to_string(quote.paid) + " " + quote.unit + ")";
    if (quote.method != "bolt11" || price == 0 || !fits(Wide{quote.paid} * price)) {
      if (quote.issued < quote.paid)
        report.left.push_back(name + " is paid by " + quote.method +
                              " and not issued: not taken, see to it by hand");
      continue;
    }
    if (quote.unclear) {
      report.left.push_back(name + " was being issued when the source ended: taken as issued");
    } else if (quote.issued < quote.paid) {
      ++open;
    }
    const Invoice invoice =
        invoice_of(quote.request, quote.lookup).value_or(Invoice{operation_of("hash", quote.id), {}, {}});
    MintQuote out;
    out.id = quote.id;
    out.node_key =
        hashes.insert(invoice.payment_hash).second ? invoice.payment_hash : operation_of("hash", quote.id);
    out.request = quote.request;
    out.unit = quote.unit;
    out.amount = std::max(quote.amount, quote.paid);
    out.invoice_msat = static_cast<Msat>(Wide{out.amount} * price);
    if (!quote.pubkey.empty()) {
      out.pubkey = crypto::PublicKey::from_hex(quote.pubkey);
      if (!out.pubkey) return invalid(name + " is locked to a key that is none");
    }
    out.created_at = invoice.made;
    out.expires_at = invoice.expires;
    out.updated_at = now_;
    taken.emplace_back(
        &quote, PaymentReceived{out.id, out.node_key, static_cast<Msat>(Wide{quote.paid} * price), now_});
    TRY_STATUS(loader_.add(NewMintQuote{std::move(out)}));
  }
  TRY_STATUS(loader_.flush());
  for (const auto& [quote, paid] : taken) TRY_STATUS(loader_.add(paid));
  TRY_STATUS(loader_.flush());
  for (const auto& [quote, paid] : taken) {
    if (quote->issued == 0) continue;
    TRY_STATUS(
        loader_.add(MintWrite{operation_of("mint", quote->id), {{quote->id, quote->issued}}, {}, now_}));
  }
  TRY_STATUS(loader_.flush());
  report.taken.push_back(std::to_string(taken.size()) + " paid mint quotes, " + std::to_string(open) +
                         " of them with something left to issue");
  if (unpaid > 0)
    report.left.push_back(std::to_string(unpaid) +
                          " unpaid mint quotes: their invoices must not be paid any more");
  return {};
}

// --- melts

Result<cashu::Amount> Business::fee_of(const std::vector<CheckedProof>& inputs) const {
  std::uint64_t ppk = 0;
  for (const CheckedProof& each : inputs) ppk += keys_->by_number(each.spend.keyset)->record.input_fee_ppk;
  const auto fee = cashu::fee_of_ppk_sum(ppk);
  if (!fee) return invalid("the fee of a melt is beyond 64 bits");
  return *fee;
}

Status Business::begin_melts(const std::vector<Melt*>& melts) {
  std::set<Hash32> hashes;
  for (const Melt* melt : melts) {
    const SourceMeltQuote& quote = melt->quote;
    const Wide price = price_of(quote.unit);
    if (!fits(Wide{quote.amount} * price))
      return invalid("melt quote " + quote.id + " is beyond what can be counted");
    const Invoice invoice =
        invoice_of(quote.request, quote.lookup).value_or(Invoice{operation_of("hash", quote.id), {}, {}});
    MeltQuote out;
    out.id = quote.id;
    // An invoice that was paid in parts, or twice: one of the quotes stands for it.
    out.node_key =
        hashes.insert(invoice.payment_hash).second ? invoice.payment_hash : operation_of("hash", quote.id);
    out.request = quote.request;
    out.unit = quote.unit;
    out.amount = quote.amount;
    out.fee_reserve = quote.fee_reserve;
    out.invoice_msat = static_cast<Msat>(Wide{quote.amount} * price);
    out.price_msat = static_cast<std::uint64_t>(price);
    out.created_at = unix_seconds(quote.created_at);
    out.expires_at = invoice.expires;
    TRY_STATUS(loader_.add(NewMeltQuote{std::move(out)}));
  }
  TRY_STATUS(loader_.flush());
  for (Melt* melt : melts) {
    BeginMelt write;
    write.operation = operation_of("melt", melt->quote.id);
    write.quote = melt->quote.id;
    for (const CheckedProof& each : melt->inputs) write.spends.push_back(each.spend);
    TRY(write.input_fee, fee_of(melt->inputs));
    std::ranges::sort(melt->change, {}, &CheckedSignature::order);
    std::ranges::stable_sort(melt->blanks, {}, [](const auto& each) { return each.first; });
    for (const CheckedSignature& each : melt->change)
      write.blanks.push_back({each.issue.b_blinded, each.issue.keyset});
    for (const auto& [order, blank] : melt->blanks) write.blanks.push_back(blank);
    TRY_STATUS(loader_.add(std::move(write)));
  }
  return loader_.flush();
}

Status Business::take_melts() {
  // Before what was spent in swaps: of no keyset is more redeemed than signed at any time.
  TRY_STATUS(take_proofs(true));
  std::vector<Melt*> begun;
  std::size_t unpaid = 0;
  for (auto& [id, melt] : melts_) {
    if (!melt.begun()) {
      ++unpaid;
    } else if (price_of(melt.quote.unit) > 0) {
      begun.push_back(&melt);
    }
  }
  std::ranges::stable_sort(begun, {}, [](const Melt* melt) { return melt->quote.created_at; });
  TRY_STATUS(begin_melts(begun));
  TakeOver foreign;
  std::size_t paid = 0;
  for (Melt* melt : begun) {
    if (melt->pending) {
      foreign.foreign_melts.push_back(melt->quote.id);
      report.left.push_back("melt " + melt->quote.id + " of " + std::to_string(melt->quote.amount) + " " +
                            melt->quote.unit +
                            " is pending: find out at the Lightning node, then manastr-mint resolve-melt");
      continue;
    }
    ++paid;
    Wide change = 0;
    FinishMelt write;
    write.quote = melt->quote.id;
    write.preimage = array_from_hex<32>(melt->quote.preimage, HexCase::any);
    for (const CheckedSignature& each : melt->change) {
      change += each.issue.amount;
      write.change.push_back(each.issue);
    }
    Wide inputs = 0;
    for (const CheckedProof& each : melt->inputs) inputs += each.spend.amount;
    TRY(const cashu::Amount fee, fee_of(melt->inputs));
    // What the source doesn't tell was paid for the route; never more than what was held for it.
    const Wide most = std::max(inputs - change, Wide{0});
    const Wide cost = melt->quote.fee_paid ? Wide{melt->quote.amount} + *melt->quote.fee_paid : most - fee;
    write.paid = static_cast<Msat>(std::clamp(cost, Wide{0}, most) * price_of(melt->quote.unit));
    TRY_STATUS(loader_.add(std::move(write)));
  }
  TRY_STATUS(loader_.flush());
  if (!foreign.foreign_melts.empty()) TRY_STATUS(loader_.add(std::move(foreign)));
  TRY_STATUS(loader_.flush());
  report.taken.push_back(std::to_string(paid) + " paid melts, whose invoices are not paid again");
  if (unpaid > 0) report.left.push_back(std::to_string(unpaid) + " melt quotes that were never begun");
  return {};
}

}  // namespace manastr::mint

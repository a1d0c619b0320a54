// cdk-mintd's database (0.13 to 0.18; the same tables in SQLite and PostgreSQL). Points are bytes; a melt's
// request is a JSON object of one member; `payment_method` is in whichever case.
#include "common/json/reader.h"
#include "mint/import/source_mint.h"

namespace manastr::mint {
namespace {

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

Bytes copy(ByteView bytes) { return {bytes.begin(), bytes.end()}; }

/// {"Bolt11":{"bolt11":"lnbc…"}}, or the invoice itself.
std::string invoice_of(const std::string& request) {
  const auto value = json::parse(request);
  if (!value) return request;
  const json::Value* kind = value->find("Bolt11");
  const json::Value* invoice = kind == nullptr ? nullptr : kind->find("bolt11");
  const std::string* text = invoice == nullptr ? nullptr : invoice->if_string();
  return text == nullptr ? request : *text;
}

class CdkMint final : public SourceMint {
 public:
  explicit CdkMint(SourceDatabase& database) : database_(&database) {}
  std::string_view name() const override { return "cdk-mintd"; }

  Result<std::vector<SourceKeyset>> keysets() override {
    return database_->list<SourceKeyset>(
        "SELECT id, unit, active, valid_to, derivation_path, amounts, input_fee_ppk FROM keyset "
        "ORDER BY derivation_path_index, id",
        [](const SourceRow& row, SourceKeyset& keyset) -> Status {
          keyset.id = row.text(0);
          keyset.unit = lower(row.text(1));
          keyset.active = row.integer(2) != 0;
          if (!row.is_null(3)) keyset.final_expiry = row.integer(3);
          keyset.path = row.text(4);
          TRY(keyset.amounts, read_amounts(row.text(5), 32));
          keyset.input_fee_ppk = row.amount(6);
          return {};
        });
  }

  Result<std::map<std::string, SourceSum>> sums() override {
    std::map<std::string, SourceSum> out;
    TRY_STATUS(database_->each(
        "SELECT keyset_id, CAST(sum(amount) AS BIGINT) FROM blind_signature WHERE c IS NOT NULL GROUP BY "
        "keyset_id",
        [&](const SourceRow& row) -> Status {
          out[row.text(0)].issued = row.integer(1);
          return {};
        }));
    TRY(const bool states, database_->has_table("keyset_amounts"));
    if (!states) return out;
    TRY_STATUS(database_->each("SELECT keyset_id, total_issued, total_redeemed FROM keyset_amounts",
                               [&](const SourceRow& row) -> Status {
                                 SourceSum& sum = out[row.text(0)];
                                 sum.stated_issued = row.integer(1);
                                 sum.stated_redeemed = row.integer(2);
                                 return {};
                               }));
    return out;
  }

  Result<std::vector<SourceMintQuote>> mint_quotes() override {
    return database_->list<SourceMintQuote>(
        "SELECT id, payment_method, request, request_lookup_id, unit, amount, amount_paid, amount_issued, "
        "pubkey FROM mint_quote",
        [](const SourceRow& row, SourceMintQuote& quote) -> Status {
          quote.id = row.text(0);
          quote.method = lower(row.text(1));
          quote.request = row.text(2);
          quote.lookup = row.text(3);
          quote.unit = lower(row.text(4));
          quote.amount = row.amount(5);
          quote.paid = row.amount(6);
          quote.issued = row.amount(7);
          quote.pubkey = row.text(8);
          return {};
        });
  }

  Result<std::vector<SourceMeltQuote>> melt_quotes() override {
    TRY(const bool renamed, database_->has_column("melt_quote", "payment_proof"));
    return database_->list<SourceMeltQuote>(
        std::string(
            "SELECT id, payment_method, request, request_lookup_id, unit, amount, fee_reserve, state, ") +
            (renamed ? "payment_proof" : "payment_preimage") +
            ", created_time FROM melt_quote ORDER BY created_time, id",
        [](const SourceRow& row, SourceMeltQuote& quote) -> Status {
          quote.id = row.text(0);
          quote.method = lower(row.text(1));
          quote.request = invoice_of(row.text(2));
          quote.lookup = row.text(3);
          quote.unit = lower(row.text(4));
          quote.amount = row.amount(5);
          quote.fee_reserve = row.amount(6);
          const std::string state = row.text(7);
          quote.state = state == "PAID"                          ? SourceMeltQuote::State::paid
                        : state == "UNPAID" || state == "FAILED" ? SourceMeltQuote::State::unpaid
                                                                 : SourceMeltQuote::State::pending;
          quote.preimage = row.text(8);
          quote.created_at = row.integer(9);
          return {};
        });
  }

  Status each_signature(const std::function<Status(SourceSignature)>& take) override {
    TRY(const std::string order, database_->column_or("blind_signature", "order_index", "0"));
    return database_->each(
        "SELECT blinded_message, amount, keyset_id, c, quote_id, " + order + " FROM blind_signature",
        [&](const SourceRow& row) -> Status {
          SourceSignature out;
          out.b_blinded = copy(row.blob(0));
          out.amount = row.amount(1);
          out.keyset = row.text(2);
          out.c_blinded = copy(row.blob(3));
          out.quote = row.text(4);
          out.order = row.integer(5);
          return take(std::move(out));
        });
  }

  Status each_proof(const std::function<Status(SourceProof)>& take) override {
    return database_->each("SELECT y, amount, keyset_id, secret, c, witness, state, quote_id FROM proof",
                           [&](const SourceRow& row) -> Status {
                             SourceProof out;
                             out.y = copy(row.blob(0));
                             out.amount = row.amount(1);
                             out.keyset = row.text(2);
                             out.secret = row.text(3);
                             out.c = copy(row.blob(4));
                             out.witness = row.text(5);
                             out.pending = row.text(6) != "SPENT";
                             out.melt = row.text(7);
                             return take(std::move(out));
                           });
  }

 private:
  SourceDatabase* database_;
};

}  // namespace

std::unique_ptr<SourceMint> read_cdk_mint(SourceDatabase& database) {
  return std::make_unique<CdkMint>(database);
}

Result<std::vector<std::uint64_t>> read_amounts(const std::string& text, std::size_t fallback) {
  std::vector<std::uint64_t> out;
  if (!text.empty()) {
    TRY(const json::Value value, json::parse(text));
    const json::Array* list = value.if_array();
    if (list == nullptr) return invalid("the amounts of a keyset are no list");
    for (const json::Value& each : *list) {
      const auto amount = each.if_uint64();
      if (!amount) return invalid("an amount of a keyset is no number");
      out.push_back(*amount);
    }
  }
  for (std::size_t i = 0; out.size() < fallback && text.size() <= 2; ++i)
    out.push_back(std::uint64_t{1} << i);
  return out;
}

}  // namespace manastr::mint

// nutshell's database (0.16 to 0.21; the same tables in SQLite and PostgreSQL). Points are hex; keysets that
// a version before 0.15 made have keys by SHA-256; `amounts` is empty for those of 64 powers of two.
#include <charconv>

#include "mint/import/source_mint.h"

namespace manastr::mint {
namespace {

/// "0.15.3" as 15; of 1.x and later a number beyond.
int minor_version(const std::string& version) {
  int major = 0;
  int minor = 0;
  const auto [dot, error] = std::from_chars(version.data(), version.data() + version.size(), major);
  if (error == std::errc() && dot < version.data() + version.size())
    std::from_chars(dot + 1, version.data() + version.size(), minor);
  return major > 0 ? 1'000 : minor;
}

Result<Bytes> bytes_of(const std::string& hex, const char* what) {
  auto out = from_hex(hex, HexCase::any);
  if (!out) return invalid(std::string(what) + " is no hex: the database is damaged");
  return *std::move(out);
}

class NutshellMint final : public SourceMint {
 public:
  explicit NutshellMint(SourceDatabase& database) : database_(&database) {}
  std::string_view name() const override { return "nutshell"; }

  Result<std::vector<SourceKeyset>> keysets() override {
    TRY(const std::string expiry, database_->column_or("keysets", "final_expiry"));
    return database_->list<SourceKeyset>(
        "SELECT id, unit, active, derivation_path, amounts, input_fee_ppk, version, " + expiry +
            " FROM keysets ORDER BY derivation_path, id",
        [](const SourceRow& row, SourceKeyset& keyset) -> Status {
          keyset.id = row.text(0);
          keyset.unit = row.text(1);
          keyset.active = row.integer(2) != 0;
          keyset.path = row.text(3);
          TRY(keyset.amounts, read_amounts(row.text(4), 64));
          keyset.input_fee_ppk = row.amount(5);
          const int version = minor_version(row.text(6));
          if (version < 12) {
            return invalid("keyset " + keyset.id + " was made by nutshell " + row.text(6) +
                           ", whose keys this program does not derive");
          }
          keyset.hashed = version < 15;
          if (!row.is_null(7)) keyset.final_expiry = row.integer(7);
          return {};
        });
  }

  Result<std::map<std::string, SourceSum>> sums() override {
    std::map<std::string, SourceSum> out;
    TRY_STATUS(database_->each(
        "SELECT id, CAST(sum(amount) AS BIGINT) FROM promises WHERE c_ IS NOT NULL GROUP BY id",
        [&](const SourceRow& row) -> Status {
          out[row.text(0)].issued = row.integer(1);
          return {};
        }));
    TRY(const bool states, database_->has_column("keysets", "balance"));
    if (!states) return out;
    TRY_STATUS(database_->each("SELECT id, CAST(balance AS BIGINT) FROM keysets",
                               [&](const SourceRow& row) -> Status {
                                 out[row.text(0)].stated_balance = row.integer(1);
                                 return {};
                               }));
    return out;
  }

  Result<std::vector<SourceMintQuote>> mint_quotes() override {
    TRY(const std::string paid, database_->column_or("mint_quotes", "amount_paid"));
    TRY(const std::string issued, database_->column_or("mint_quotes", "amount_issued"));
    return database_->list<SourceMintQuote>(
        "SELECT quote, method, request, checking_id, unit, amount, state, pubkey, " + paid + ", " + issued +
            " FROM mint_quotes",
        [](const SourceRow& row, SourceMintQuote& quote) -> Status {
          quote.id = row.text(0);
          quote.method = row.text(1);
          quote.request = row.text(2);
          quote.lookup = row.text(3);
          quote.unit = row.text(4);
          quote.amount = row.amount(5);
          const std::string state = row.text(6);
          quote.pubkey = row.text(7);
          quote.unclear = state == "PENDING";
          quote.paid = state == "UNPAID" ? 0 : quote.amount;
          quote.issued = state == "ISSUED" || quote.unclear ? quote.amount : 0;
          // Written by the versions that mint a quote in parts.
          if (!row.is_null(8)) quote.paid = std::max(quote.paid, row.amount(8));
          if (!row.is_null(9) && state == "PAID") quote.issued = row.amount(9);
          return {};
        });
  }

  Result<std::vector<SourceMeltQuote>> melt_quotes() override {
    return database_->list<SourceMeltQuote>(
        "SELECT quote, method, request, checking_id, unit, amount, fee_reserve, state, proof, fee_paid FROM "
        "melt_quotes ORDER BY created_time, quote",
        [](const SourceRow& row, SourceMeltQuote& quote) -> Status {
          quote.id = row.text(0);
          quote.method = row.text(1);
          quote.request = row.text(2);
          quote.lookup = row.text(3);
          quote.unit = row.text(4);
          quote.amount = row.amount(5);
          quote.fee_reserve = row.amount(6);
          const std::string state = row.text(7);
          quote.state = state == "PAID"     ? SourceMeltQuote::State::paid
                        : state == "UNPAID" ? SourceMeltQuote::State::unpaid
                                            : SourceMeltQuote::State::pending;
          quote.preimage = row.text(8);
          if (!row.is_null(9)) quote.fee_paid = row.amount(9);
          return {};
        });
  }

  Status each_signature(const std::function<Status(SourceSignature)>& take) override {
    TRY(const std::string melt, database_->column_or("promises", "melt_quote"));
    TRY(const std::string order, database_->column_or("promises", "order_index", "0"));
    return database_->each("SELECT b_, amount, id, c_, " + melt + ", " + order + " FROM promises",
                           [&](const SourceRow& row) -> Status {
                             SourceSignature out;
                             TRY(out.b_blinded, bytes_of(row.text(0), "a B_"));
                             out.amount = row.amount(1);
                             out.keyset = row.text(2);
                             TRY(out.c_blinded, bytes_of(row.text(3), "a C_"));
                             out.quote = row.text(4);
                             out.order = row.integer(5);
                             return take(std::move(out));
                           });
  }

  Status each_proof(const std::function<Status(SourceProof)>& take) override {
    for (const bool pending : {false, true}) {
      TRY_STATUS(database_->each(std::string("SELECT y, amount, id, secret, c, witness, melt_quote FROM ") +
                                     (pending ? "proofs_pending" : "proofs_used"),
                                 [&](const SourceRow& row) -> Status {
                                   SourceProof out;
                                   TRY(out.y, bytes_of(row.text(0), "a Y"));
                                   out.amount = row.amount(1);
                                   out.keyset = row.text(2);
                                   out.secret = row.text(3);
                                   TRY(out.c, bytes_of(row.text(4), "a C"));
                                   out.witness = row.text(5);
                                   out.pending = pending;
                                   out.melt = row.text(6);
                                   return take(std::move(out));
                                 }));
    }
    return {};
  }

 private:
  SourceDatabase* database_;
};

}  // namespace

std::unique_ptr<SourceMint> read_nutshell_mint(SourceDatabase& database) {
  return std::make_unique<NutshellMint>(database);
}

}  // namespace manastr::mint

#include "engine/daemon/rake.h"

#include "common/cashu/token.h"
#include "common/json/reader.h"
#include "common/mintclient/client.h"
#include "common/mintclient/curl_transport.h"
#include "common/storage/database.h"

namespace manastr::engine {
namespace {

constexpr std::size_t kStatesAtOnce = 100;

struct RakeRow {
  match::MatchId match{};
  unsigned issue = 0;
  unsigned group = 0;
  cashu::Unit unit;
  std::vector<cashu::BlindSignature> signatures;
};

Result<std::vector<RakeRow>> read_rows(const std::string& file) {
  TRY(storage::Database database, storage::Database::open(file, {.create = false, .read_only = true}));
  TRY(storage::Query rows,
      database.query("SELECT match, issue, payout_group, unit, signatures FROM rake ORDER BY rowid"));
  std::vector<RakeRow> out;
  while (true) {
    TRY(const bool more, rows.next());
    if (!more) return out;
    RakeRow row;
    TRY(row.match, rows.array<32>(0));
    row.issue = static_cast<unsigned>(rows.integer(1));
    row.group = static_cast<unsigned>(rows.integer(2));
    row.unit = rows.text(3);
    TRY(const json::Value signatures, json::parse(rows.text(4)));
    if (!signatures.is_array()) return broken("the journal holds a damaged row of rake");
    for (const json::Value& each : *signatures.if_array()) {
      TRY(const cashu::BlindSignature signature, cashu::blind_signature_from_json(each));
      row.signatures.push_back(signature);
    }
    out.push_back(std::move(row));
  }
}

Result<std::vector<cashu::Proof>> unblind(const RakeRow& row, const match::EngineKeys& keys,
                                          const std::map<cashu::KeysetId, cashu::Keyset>& keysets) {
  const auto total = cashu::sum_amounts(row.signatures);
  if (!total) return broken("the journal holds a damaged row of rake");
  const auto outputs = keys.rake(row.match, row.issue, row.group, *total);
  if (outputs.size() != row.signatures.size())
    return broken("rake outputs and signatures don't belong together");
  std::vector<cashu::Proof> out;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const cashu::BlindSignature& signature = row.signatures[i];
    const cashu::Keys& mint_keys = keysets.at(signature.id).keys;
    const auto key = mint_keys.find(signature.amount);
    if (key == mint_keys.end() || !signature.dleq ||
        !crypto::verify_dleq(key->second, outputs[i].b_blinded, signature.c_blinded, *signature.dleq)) {
      return broken("the mint's signature over the rake of match " + to_hex(row.match) + " is not valid");
    }
    const auto c = crypto::unblind(signature.c_blinded, outputs[i].r, key->second);
    if (!c)
      return broken("the mint's signature over the rake of match " + to_hex(row.match) + " is not valid");
    out.push_back({.amount = signature.amount,
                   .id = signature.id,
                   .secret = outputs[i].secret,
                   .c = c->bytes(),
                   .witness = std::nullopt,
                   .dleq = cashu::ProofDleq{*signature.dleq, outputs[i].r.reveal()}});
  }
  return out;
}

Result<std::vector<cashu::Proof>> unspent(mintclient::MintClient& mint,
                                          const std::vector<cashu::Proof>& proofs) {
  std::vector<cashu::Proof> out;
  for (std::size_t from = 0; from < proofs.size(); from += kStatesAtOnce) {
    const std::size_t to = std::min(proofs.size(), from + kStatesAtOnce);
    std::vector<crypto::PublicKey> ys;
    for (std::size_t i = from; i < to; ++i) ys.push_back(proofs[i].y());
    TRY(const auto states, mint.checkstate(ys));
    for (std::size_t i = from; i < to; ++i) {
      if (states[i - from].state == mintclient::ProofState::unspent) out.push_back(proofs[i]);
    }
  }
  return out;
}

}  // namespace

Result<std::vector<std::string>> rake_tokens(const Configuration& configuration,
                                             const std::filesystem::path& data,
                                             const match::EngineKeys& keys) {
  TRY(const std::vector<RakeRow> rows, read_rows(configuration.sqlite_file(data.string())));
  TRY(const auto mint,
      mintclient::MintClient::make(configuration.mint.primary_url, mintclient::make_curl_transport(),
                                   {.timeout = configuration.mint.timeout}));
  std::map<cashu::KeysetId, cashu::Keyset> keysets;
  std::map<cashu::Unit, std::vector<cashu::Proof>> earned;
  for (const RakeRow& row : rows) {
    for (const cashu::BlindSignature& each : row.signatures) {
      if (keysets.contains(each.id)) continue;
      TRY(cashu::Keyset keyset, mint->keys(each.id));
      keysets.emplace(each.id, std::move(keyset));
    }
    TRY(std::vector<cashu::Proof> proofs, unblind(row, keys, keysets));
    std::ranges::move(proofs, std::back_inserter(earned[row.unit]));
  }
  std::vector<std::string> out;
  for (const auto& [unit, proofs] : earned) {
    TRY(std::vector<cashu::Proof> left, unspent(*mint, proofs));
    if (left.empty()) continue;
    out.push_back(cashu::dump_token_v4(
        {.mint = mint->mint_url(), .unit = unit, .memo = "rake", .proofs = std::move(left)}));
  }
  return out;
}

}  // namespace manastr::engine

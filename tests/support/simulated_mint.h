// A Cashu mint in the same process, behind the Transport interface: real cryptography and ledger rules, no
// network, and faults on request. For tests of what talks to a mint; the product's own mint is tested
// elsewhere.
#pragma once
#include <bit>
#include <functional>
#include <map>
#include <set>

#include "common/cashu/conditions.h"
#include "common/cashu/quote_signature.h"
#include "common/crypto/hash.h"
#include "common/json/reader.h"
#include "common/mintclient/transport.h"

namespace manastr::test {

using cashu::Amount;

class SimulatedMint : public mintclient::Transport {
 public:
  enum class Fault {
    none,
    lose_request,  ///< the mint never sees it
    lose_reply,    ///< the mint acts, the client hears nothing
    fail,          ///< HTTP 500 before anything is done
  };
  enum class Lightning { pays, fails, hangs };

  static constexpr const char* kUrl = "http://mint.test";

  /// Asked for each request; path as in "/v1/swap".
  std::function<Fault(const std::string& path)> fault = [](const std::string&) { return Fault::none; };
  /// May change a reply's body: a hostile mint.
  std::function<void(const std::string& path, std::string& body)> tamper;
  bool durable_replies = true;      ///< an identical request gets the identical reply
  bool invoices_are_paid = false;   ///< every mint quote at once
  std::size_t most_at_once = 1000;  ///< inputs, outputs, Ys; said in NUT-06
  Lightning lightning = Lightning::pays;
  Amount lightning_fee = 0;
  UnixSeconds now = unix_seconds(1'800'000'000);
  std::map<std::string, int> requests;  ///< count by path without ids

  /// A new active keyset of `unit`; older ones of the unit become inactive.
  cashu::KeysetId add_keyset(const cashu::Unit& unit, std::uint64_t input_fee_ppk = 0) {
    for (auto& [id, keyset] : keysets_) {
      if (keyset.info.unit == unit) keyset.info.active = false;
    }
    SignedKeyset fresh;
    for (int bit = 0; bit < 32; ++bit) {
      const std::string name = unit + std::to_string(keysets_.size()) + "/" + std::to_string(bit);
      const auto secret = crypto::SecretKey::parse(crypto::sha256(as_bytes(name))).value();
      fresh.info.keys.emplace(Amount{1} << bit, secret.public_key());
      fresh.secrets.emplace(Amount{1} << bit, secret);
    }
    fresh.info.unit = unit;
    fresh.info.active = true;
    fresh.info.input_fee_ppk = input_fee_ppk;
    fresh.info.id = cashu::derive_keyset_id_v2(fresh.info.keys, unit, input_fee_ppk, std::nullopt);
    const cashu::KeysetId id = fresh.info.id;
    keysets_.emplace(id, std::move(fresh));
    return id;
  }
  cashu::KeysetId active(const cashu::Unit& unit) const {
    for (const auto& [id, keyset] : keysets_) {
      if (keyset.info.unit == unit && keyset.info.active) return id;
    }
    throw std::runtime_error("no active keyset of " + unit);
  }
  void pay(const std::string& quote) { mint_quotes_.at(quote).paid = true; }
  /// A pending Lightning payment comes to its end.
  void settle_lightning(bool paid) {
    lightning = paid ? Lightning::pays : Lightning::fails;
    for (auto& [id, quote] : melt_quotes_) {
      if (quote.state == "PENDING") end_melt(quote, paid);
    }
  }
  /// Ecash in circulation, all units together.
  Amount outstanding() const {
    Amount sum = 0;
    for (const auto& [unit, amount] : circulating_) sum += amount;
    return sum;
  }
  Amount outstanding(const cashu::Unit& unit) const {
    const auto found = circulating_.find(unit);
    return found == circulating_.end() ? 0 : found->second;
  }
  /// Input fees kept of `unit`, and what quotes of it were issued.
  Amount fees(const cashu::Unit& unit) { return fees_[unit]; }
  Amount minted(const cashu::Unit& unit) { return minted_[unit]; }
  bool is_spent(const crypto::PublicKey& y) const { return spent_.contains(y); }
  /// Signs for anyone, once: what a settlement does for a winner.
  std::vector<cashu::BlindSignature> issue(const std::vector<cashu::BlindedMessage>& outputs) {
    return sign(outputs);
  }

  void send(mintclient::HttpRequest request, mintclient::OnReply on_reply) override {
    const std::string path = request.url.substr(std::string(kUrl).size());
    ++requests[path.substr(
        0, path.find_last_of('/') > 3 && path.size() > 40 ? path.find_last_of('/') : path.size())];
    const Fault what = fault(path);
    if (what == Fault::lose_request) return on_reply(unavailable("connection refused"));
    if (what == Fault::fail) return on_reply(mintclient::HttpReply{500, "oops"});
    mintclient::HttpReply reply = answer(path, request.body);
    if (what == Fault::lose_reply) return on_reply(unavailable("connection reset"));
    if (tamper && reply.status == 200) tamper(path, reply.body);
    on_reply(std::move(reply));
  }

 protected:
  struct SignedKeyset {
    cashu::Keyset info;
    std::map<Amount, crypto::SecretKey> secrets;
  };
  struct MintQuote {
    cashu::Unit unit;
    Amount amount = 0;
    std::optional<crypto::PublicKey> pubkey;
    bool paid = false;
    bool issued = false;
  };
  struct MeltQuote {
    cashu::Unit unit;
    Amount amount = 0;
    Amount reserve = 0;
    std::string state = "UNPAID";
    std::vector<cashu::Proof> inputs;
    std::vector<cashu::BlindedMessage> outputs;
    std::vector<cashu::BlindSignature> change;
  };

  mintclient::HttpReply answer(const std::string& path, const std::string& body) {
    const Hash32 identity = crypto::sha256({as_bytes(path), as_bytes(body)});
    if (durable_replies && replies_.contains(identity)) return {200, replies_.at(identity)};
    const auto result = handle(path, body.empty() ? json::Value() : json::parse(body).value());
    if (!result) {
      json::Value error;
      error.set("detail", result.error().message);
      error.set("code", result.error().code);
      return {400, error.dump()};
    }
    std::string text = result->dump();
    const bool spends = path == "/v1/swap" || path == "/v1/mint/bolt11";
    if (spends) replies_.emplace(identity, text);
    return {200, std::move(text)};
  }

  virtual Result<json::Value> handle(const std::string& path, const json::Value& body) {
    if (path == "/v1/info") {
      TRY(json::Value info,
          json::parse(R"({"name":"simulated","nuts":{"4":{"methods":[],"disabled":false}}})"));
      info.set("max_array_length", std::uint64_t{most_at_once});
      return info;
    }
    if (path == "/v1/keysets") return list_keysets();
    if (path.starts_with("/v1/keys/")) return keys(path.substr(9));
    if (path == "/v1/mint/quote/bolt11") return new_mint_quote(body);
    if (path.starts_with("/v1/mint/quote/bolt11/")) return show_mint_quote(path.substr(22));
    if (path == "/v1/mint/bolt11") return mint(body);
    if (path == "/v1/melt/quote/bolt11") return new_melt_quote(body);
    if (path.starts_with("/v1/melt/quote/bolt11/")) return show_melt_quote(path.substr(22));
    if (path == "/v1/melt/bolt11") return melt(body);
    if (path == "/v1/swap") return swap(body);
    if (path == "/v1/checkstate") return checkstate(body);
    if (path == "/v1/restore") return restore(body);
    return invalid("no such path");
  }

  Result<json::Value> list_keysets() {
    json::Array array;
    for (const auto& [id, keyset] : keysets_)
      array.push_back(to_json(static_cast<const cashu::KeysetInfo&>(keyset.info)));
    json::Value out;
    out.set("keysets", json::Value(std::move(array)));
    return out;
  }
  Result<json::Value> keys(const std::string& hex) {
    const auto id = cashu::KeysetId::from_hex(hex);
    if (!id || !keysets_.contains(*id)) return invalid("unknown keyset", cashu::kKeysetUnknown);
    json::Value out;
    out.set("keysets", json::Value(json::Array{to_json(keysets_.at(*id).info)}));
    return out;
  }

  Result<json::Value> new_mint_quote(const json::Value& body) {
    MintQuote quote;
    TRY(quote.unit, json::get_string(body, "unit"));
    TRY(quote.amount, json::get_uint64(body, "amount"));
    TRY(const auto pubkey, json::get_optional_string(body, "pubkey"));
    if (pubkey) quote.pubkey = crypto::PublicKey::from_hex(*pubkey);
    quote.paid = invoices_are_paid;
    const std::string id = "mint-" + std::to_string(mint_quotes_.size());
    mint_quotes_[id] = quote;
    return show_mint_quote(id);
  }
  Result<json::Value> show_mint_quote(const std::string& id) {
    if (!mint_quotes_.contains(id)) return invalid("unknown quote");
    const MintQuote& quote = mint_quotes_.at(id);
    json::Value out;
    out.set("quote", id);
    out.set("request", "lnbc-" + id);
    out.set("unit", quote.unit);
    out.set("amount", quote.amount);
    out.set("state", quote.issued ? "ISSUED" : quote.paid ? "PAID" : "UNPAID");
    out.set("expiry", nullptr);
    if (quote.pubkey) out.set("pubkey", quote.pubkey->hex());
    return out;
  }
  Result<json::Value> mint(const json::Value& body) {
    TRY(const std::string id, json::get_string(body, "quote"));
    if (!mint_quotes_.contains(id)) return invalid("unknown quote");
    MintQuote& quote = mint_quotes_.at(id);
    TRY(const auto outputs, outputs_of(body));
    if (!quote.paid) return refused(cashu::kQuoteNotPaid, "not paid");
    if (quote.issued) return refused(cashu::kAlreadyIssued, "issued already");
    TRY_STATUS(check_outputs(outputs, true));
    if (cashu::sum_amounts(outputs) != quote.amount)
      return refused(cashu::kNotBalanced, "not the quote's amount");
    if (quote.pubkey) {
      TRY(const auto signature, json::get_optional_string(body, "signature"));
      if (!cashu::verify_quote_signature(*quote.pubkey, signature.value_or(""), id, outputs)) {
        return refused(cashu::kQuoteSignatureInvalid, "signature");
      }
    }
    quote.issued = true;
    minted_[quote.unit] += quote.amount;
    return signatures(sign(outputs));
  }

  Result<json::Value> new_melt_quote(const json::Value& body) {
    MeltQuote quote;
    TRY(quote.unit, json::get_string(body, "unit"));
    TRY(const std::string request, json::get_string(body, "request"));
    quote.amount = std::stoull(request.substr(4));  // "lnbc100": 100 of the unit
    quote.reserve = 4;
    const std::string id = "melt-" + std::to_string(melt_quotes_.size());
    melt_quotes_[id] = quote;
    return show_melt_quote(id);
  }
  Result<json::Value> show_melt_quote(const std::string& id) {
    if (!melt_quotes_.contains(id)) return invalid("unknown quote");
    const MeltQuote& quote = melt_quotes_.at(id);
    json::Value out;
    out.set("quote", id);
    out.set("request", "lnbc" + std::to_string(quote.amount));
    out.set("unit", quote.unit);
    out.set("amount", quote.amount);
    out.set("fee_reserve", quote.reserve);
    out.set("state", quote.state);
    out.set("expiry", 4'000'000'000);
    if (quote.state == "PAID") out.set("payment_preimage", std::string(64, 'a'));
    if (!quote.change.empty()) out.set("change", cashu::to_json(quote.change));
    return out;
  }
  Result<json::Value> melt(const json::Value& body) {
    TRY(const std::string id, json::get_string(body, "quote"));
    if (!melt_quotes_.contains(id)) return invalid("unknown quote");
    MeltQuote& quote = melt_quotes_.at(id);
    if (quote.state == "PAID") return refused(cashu::kInvoiceAlreadyPaid, "paid already");
    if (quote.state == "PENDING") return refused(cashu::kQuotePending, "pending");
    TRY(const auto inputs, inputs_of(body));
    std::vector<cashu::BlindedMessage> outputs;
    if (body.find("outputs") != nullptr) {
      TRY(outputs, outputs_of(body));
    }
    TRY_STATUS(check_outputs(outputs, false));
    TRY(const Amount fee, check_inputs(inputs, outputs, id));
    if (cashu::sum_amounts(inputs).value() < quote.amount + quote.reserve + fee) {
      return refused(cashu::kNotBalanced, "too little");
    }
    quote.inputs = inputs;
    quote.outputs = outputs;
    quote.state = "PENDING";
    for (const auto& input : inputs) pending_.insert(input.y());
    if (lightning == Lightning::hangs) return show_melt_quote(id);
    end_melt(quote, lightning == Lightning::pays);
    if (quote.state != "PAID") return refused(cashu::kLightningFailed, "no route");
    return show_melt_quote(id);
  }
  void end_melt(MeltQuote& quote, bool paid) {
    for (const auto& input : quote.inputs) pending_.erase(input.y());
    quote.state = paid ? "PAID" : "UNPAID";
    if (!paid) return;
    const Amount fee = fee_of(quote.inputs);
    Amount change = cashu::sum_amounts(quote.inputs).value() - fee - quote.amount - lightning_fee;
    spend(quote.inputs);
    std::vector<cashu::BlindedMessage> filled;
    for (int bit = 63; bit >= 0 && filled.size() < quote.outputs.size(); --bit) {
      if ((change >> bit & 1) == 0) continue;
      filled.push_back(quote.outputs[filled.size()]);
      filled.back().amount = Amount{1} << bit;
    }
    quote.change = sign(filled);
  }

  Result<json::Value> swap(const json::Value& body) {
    TRY(const auto inputs, inputs_of(body));
    TRY(const auto outputs, outputs_of(body));
    TRY(const Amount fee, check_inputs(inputs, outputs, ""));
    TRY_STATUS(check_outputs(outputs, true));
    if (cashu::sum_amounts(inputs).value() != cashu::sum_amounts(outputs).value() + fee) {
      return refused(cashu::kNotBalanced, "inputs - fee is not outputs");
    }
    spend(inputs);
    return signatures(sign(outputs));
  }

  Result<json::Value> checkstate(const json::Value& body) {
    TRY(const json::Array* ys, json::get_array(body, "Ys"));
    if (ys->size() > most_at_once) return refused(0, "too many Ys");
    json::Array states;
    for (const auto& item : *ys) {
      const auto y = crypto::PublicKey::from_hex(*item.if_string()).value();
      json::Value state;
      state.set("Y", y.hex());
      state.set("state", spent_.contains(y) ? "SPENT" : pending_.contains(y) ? "PENDING" : "UNSPENT");
      states.push_back(std::move(state));
    }
    json::Value out;
    out.set("states", json::Value(std::move(states)));
    return out;
  }
  Result<json::Value> restore(const json::Value& body) {
    TRY(const auto asked, outputs_of(body));
    std::vector<cashu::BlindedMessage> outputs;
    std::vector<cashu::BlindSignature> found;
    for (const auto& output : asked) {
      const auto signature = signed_.find(output.b_blinded);
      if (signature == signed_.end()) continue;
      outputs.push_back(output);
      found.push_back(signature->second);
    }
    json::Value out;
    out.set("outputs", cashu::to_json(outputs));
    out.set("signatures", cashu::to_json(found));
    return out;
  }

  Result<std::vector<cashu::Proof>> inputs_of(const json::Value& body) {
    TRY(const json::Array* array, json::get_array(body, "inputs"));
    return cashu::proofs_from_json(*array, most_at_once, "inputs");
  }
  Result<std::vector<cashu::BlindedMessage>> outputs_of(const json::Value& body) {
    TRY(const json::Array* array, json::get_array(body, "outputs"));
    return cashu::blinded_messages_from_json(*array, most_at_once, "outputs");
  }
  Status check_outputs(const std::vector<cashu::BlindedMessage>& outputs, bool with_amounts) {
    std::set<crypto::PublicKey> seen;
    for (const auto& output : outputs) {
      if (!keysets_.contains(output.id)) return refused(cashu::kKeysetUnknown, "keyset unknown");
      if (!keysets_.at(output.id).info.active) return refused(cashu::kKeysetInactive, "keyset inactive");
      if (with_amounts && !keysets_.at(output.id).secrets.contains(output.amount))
        return invalid("no such amount");
      if (!seen.insert(output.b_blinded).second)
        return refused(cashu::kDuplicateOutputs, "duplicate outputs");
      if (signed_.contains(output.b_blinded))
        return refused(cashu::kOutputsAlreadySigned, "outputs signed already");
    }
    return {};
  }
  Result<Amount> check_inputs(const std::vector<cashu::Proof>& inputs,
                              const std::vector<cashu::BlindedMessage>& outputs, const std::string& quote) {
    std::set<crypto::PublicKey> seen;
    for (const auto& input : inputs) {
      const crypto::PublicKey y = input.y();
      if (!seen.insert(y).second) return refused(cashu::kDuplicateInputs, "duplicate inputs");
      if (spent_.contains(y)) return refused(cashu::kProofsSpent, "spent");
      if (pending_.contains(y)) return refused(cashu::kProofsPending, "pending");
      if (!keysets_.contains(input.id)) return refused(cashu::kKeysetUnknown, "keyset unknown");
      const auto& secrets = keysets_.at(input.id).secrets;
      if (!secrets.contains(input.amount) ||
          !crypto::verify_unblinded(secrets.at(input.amount), y, input.c)) {
        return refused(cashu::kProofInvalid, "proof invalid");
      }
    }
    TRY_STATUS(cashu::check_conditions(inputs, outputs, quote, now));
    return fee_of(inputs);
  }
  Amount fee_of(const std::vector<cashu::Proof>& inputs) const {
    std::uint64_t ppk = 0;
    for (const auto& input : inputs) ppk += keysets_.at(input.id).info.input_fee_ppk;
    return cashu::fee_of_ppk_sum(ppk).value();
  }
  void spend(const std::vector<cashu::Proof>& inputs) {
    for (const auto& input : inputs) {
      const cashu::Unit& unit = keysets_.at(input.id).info.unit;
      spent_.insert(input.y());
      circulating_[unit] -= input.amount;
    }
    fees_[keysets_.at(inputs.front().id).info.unit] += fee_of(inputs);
  }
  std::vector<cashu::BlindSignature> sign(const std::vector<cashu::BlindedMessage>& outputs) {
    std::vector<cashu::BlindSignature> out;
    for (const auto& output : outputs) {
      const crypto::SecretKey& key = keysets_.at(output.id).secrets.at(output.amount);
      const auto made = crypto::sign_blinded(key, key.public_key(), output.b_blinded);
      out.push_back({output.amount, output.id, made.c_blinded, made.dleq});
      if (!signed_.emplace(output.b_blinded, out.back()).second) continue;
      circulating_[keysets_.at(output.id).info.unit] += output.amount;
    }
    return out;
  }
  static json::Value signatures(const std::vector<cashu::BlindSignature>& made) {
    json::Value out;
    out.set("signatures", cashu::to_json(made));
    return out;
  }

  std::map<cashu::KeysetId, SignedKeyset> keysets_;
  std::map<std::string, MintQuote> mint_quotes_;
  std::map<std::string, MeltQuote> melt_quotes_;
  std::map<Hash32, std::string> replies_;
  std::set<crypto::PublicKey> spent_;
  std::set<crypto::PublicKey> pending_;
  std::map<crypto::PublicKey, cashu::BlindSignature> signed_;
  std::map<cashu::Unit, Amount> circulating_;
  std::map<cashu::Unit, Amount> fees_;
  std::map<cashu::Unit, Amount> minted_;
};

}  // namespace manastr::test

#include "common/mintclient/replies.h"

#include <algorithm>
#include <charconv>

#include "common/json/reader.h"

namespace manastr::mintclient {
namespace {

constexpr json::Limits kReplyLimits{
    .bytes = 4 << 20, .depth = 16, .values = 400'000, .string_bytes = 1 << 20};
constexpr std::size_t kMaxItems = 10'000;
constexpr std::size_t kMaxDetail = 300;
constexpr std::size_t kMaxQuoteId = 128;

/// One line of printable text, cut to a bound: what a stranger wrote goes to logs and terminals.
std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, kMaxDetail))
    out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  while (!is_utf8(out)) out.pop_back();  // the cut may have split a character
  return out;
}

Result<json::Value> read_object(std::string_view body) {
  TRY(json::Value value, json::parse(body, kReplyLimits));
  if (!value.is_object()) return invalid("expected an object");
  return value;
}

Result<std::optional<UnixSeconds>> get_time(const json::Value& object, std::string_view key) {
  TRY(const auto seconds, json::get_optional_uint64(object, key));
  if (!seconds || *seconds == 0) return std::nullopt;
  if (*seconds > std::uint64_t{1} << 53)
    return invalid(std::string(key) + ": expected a time in seconds since 1970");
  return unix_seconds(static_cast<std::int64_t>(*seconds));
}

Result<QuoteState> read_quote_state(std::string_view text) {
  if (text == "UNPAID") return QuoteState::unpaid;
  if (text == "PENDING") return QuoteState::pending;
  if (text == "PAID") return QuoteState::paid;
  if (text == "ISSUED") return QuoteState::issued;
  return invalid("state: expected UNPAID, PENDING, PAID or ISSUED");
}

Result<std::string> get_quote_id(const json::Value& object) {
  TRY(std::string id, json::get_string(object, "quote"));
  const bool plain = !id.empty() && id.size() <= kMaxQuoteId && std::ranges::all_of(id, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_';
  });
  if (!plain) return invalid("quote: expected 1 to 128 letters, digits, - or _");
  return id;
}

std::vector<MintInfo::Method> read_methods(const json::Value* setting) {
  std::vector<MintInfo::Method> out;
  if (setting == nullptr) return out;
  if (const auto disabled = json::get_optional_bool(*setting, "disabled");
      disabled && disabled->value_or(false)) {
    return out;
  }
  const json::Value* methods = setting->find("methods");
  if (methods == nullptr || !methods->is_array()) return out;
  for (const json::Value& item : *methods->if_array()) {
    const auto method = json::get_string(item, "method");
    const auto unit = json::get_string(item, "unit");
    if (!method || !unit || !cashu::is_unit(*unit)) continue;  // a method this client can't use anyway
    out.push_back({*method, *unit, json::get_optional_uint64(item, "min_amount").value_or(std::nullopt),
                   json::get_optional_uint64(item, "max_amount").value_or(std::nullopt)});
  }
  return out;
}

Result<std::vector<cashu::BlindSignature>> get_signatures(const json::Value& object, std::string_view key) {
  TRY(const json::Array* array, json::get_array(object, key));
  return cashu::blind_signatures_from_json(*array, kMaxItems, key);
}

}  // namespace

Result<MintInfo> read_info(std::string_view body) {
  TRY(const json::Value object, read_object(body));
  MintInfo info;
  const auto text = [&](std::string_view key) {
    return printable(json::get_optional_string(object, key).value_or(std::nullopt).value_or(""));
  };
  info.name = text("name");
  info.version = text("version");
  info.motd = text("motd");
  info.pubkey = crypto::PublicKey::from_hex(text("pubkey"));
  info.max_array_length = json::get_optional_uint64(object, "max_array_length").value_or(std::nullopt);
  TRY(const json::Value* nuts, json::get_object(object, "nuts"));
  for (const auto& [name, setting] : *nuts->if_object()) {
    int nut = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), nut);
    if (error != std::errc{} || end != name.data() + name.size()) continue;
    const json::Value* supported = setting.find("supported");
    if (supported != nullptr && supported->if_bool() != nullptr && !*supported->if_bool()) continue;
    info.nuts.insert(nut);
  }
  info.mint_methods = read_methods(nuts->find("4"));
  info.melt_methods = read_methods(nuts->find("5"));
  if (const json::Value* game = object.find(gameapi::kInfoMember); game != nullptr) {
    if (auto known = gameapi::game_info_from_json(*game)) info.game = *std::move(known);
  }
  return info;
}

Result<std::vector<cashu::KeysetInfo>> read_keysets(std::string_view body) {
  TRY(const json::Value object, read_object(body));
  TRY(const json::Array* array, json::get_array(object, "keysets"));
  if (array->size() > kMaxItems) return invalid("keysets: too many");
  std::vector<cashu::KeysetInfo> out;
  for (const json::Value& item : *array) {
    const auto info = cashu::keyset_info_from_json(item);
    // Keysets of versions or units that this client doesn't know can't hold its money: passed over, not an
    // error.
    if (info) out.push_back(*info);
  }
  return out;
}

Result<cashu::Keyset> read_keyset(std::string_view body, const cashu::KeysetId& id) {
  TRY(const json::Value object, read_object(body));
  TRY(const json::Array* array, json::get_array(object, "keysets"));
  if (array->size() > kMaxItems) return invalid("keysets: too many");
  for (const json::Value& item : *array) {
    const json::Value* member = item.find("id");
    if (member == nullptr || !member->is_string() || *member->if_string() != id.hex()) continue;
    TRY(cashu::Keyset keyset, cashu::keyset_from_json(item, "keysets[]"));
    if (!cashu::id_matches(keyset)) return invalid("the keys of " + id.hex() + " don't hash to this id");
    return keyset;
  }
  return invalid("it lacks keyset " + id.hex());
}

Result<MintQuote> read_mint_quote(std::string_view body) {
  TRY(const json::Value object, read_object(body));
  MintQuote quote;
  TRY(quote.id, get_quote_id(object));
  TRY(quote.request, json::get_string(object, "request"));
  TRY(const auto unit, json::get_optional_string(object, "unit"));
  quote.unit = unit.value_or("");
  TRY(const auto amount, json::get_optional_uint64(object, "amount"));
  quote.amount = amount.value_or(0);
  TRY(quote.expiry, get_time(object, "expiry"));
  TRY(const auto paid, json::get_optional_uint64(object, "amount_paid"));
  TRY(const auto issued, json::get_optional_uint64(object, "amount_issued"));
  TRY(const auto state, json::get_optional_string(object, "state"));
  if (state) {
    TRY(quote.state, read_quote_state(*state));
  } else if (!paid) {
    return invalid("neither state nor amount_paid is there");
  } else {
    quote.state = *paid == 0                    ? QuoteState::unpaid
                  : issued.value_or(0) >= *paid ? QuoteState::issued
                                                : QuoteState::paid;
  }
  const bool is_paid = quote.state == QuoteState::paid || quote.state == QuoteState::issued;
  quote.amount_paid = paid.value_or(is_paid ? quote.amount : 0);
  quote.amount_issued = issued.value_or(quote.state == QuoteState::issued ? quote.amount : 0);
  TRY(const auto pubkey, json::get_optional_string(object, "pubkey"));
  if (pubkey && !pubkey->empty()) {  // nutshell 0.21 says "" for a quote that is not locked
    quote.pubkey = crypto::PublicKey::from_hex(*pubkey);
    if (!quote.pubkey) return invalid("pubkey: expected a compressed public key");
  }
  return quote;
}

Result<MeltQuote> read_melt_quote(std::string_view body, const std::vector<cashu::BlindedMessage>* outputs) {
  TRY(const json::Value object, read_object(body));
  MeltQuote quote;
  TRY(quote.id, get_quote_id(object));
  TRY(const auto request, json::get_optional_string(object, "request"));
  quote.request = request.value_or("");
  TRY(const auto unit, json::get_optional_string(object, "unit"));
  quote.unit = unit.value_or("");
  TRY(quote.amount, json::get_uint64(object, "amount"));
  TRY(const auto reserve, json::get_optional_uint64(object, "fee_reserve"));
  quote.fee_reserve = reserve.value_or(0);
  TRY(quote.expiry, get_time(object, "expiry"));
  TRY(const std::string state, json::get_string(object, "state"));
  TRY(quote.state, read_quote_state(state));
  TRY(const auto preimage, json::get_optional_string(object, "payment_preimage"));
  quote.payment_preimage = printable(preimage.value_or(""));
  const json::Value* change = object.find("change");
  if (change == nullptr || change->is_null()) return quote;
  TRY(quote.change, get_signatures(object, "change"));
  if (outputs == nullptr) return quote;
  if (quote.change.size() > outputs->size()) return invalid("change: more signatures than blank outputs");
  for (std::size_t i = 0; i < quote.change.size(); ++i) {
    if (quote.change[i].id != (*outputs)[i].id)
      return invalid("change: signed by another keyset than the outputs name");
  }
  return quote;
}

Result<std::vector<cashu::BlindSignature>> read_signatures(
    std::string_view body, const std::vector<cashu::BlindedMessage>& outputs) {
  TRY(const json::Value object, read_object(body));
  TRY(auto signatures, get_signatures(object, "signatures"));
  if (signatures.size() != outputs.size()) return invalid("signatures: not one for each output");
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (signatures[i].id != outputs[i].id || signatures[i].amount != outputs[i].amount) {
      return invalid("signatures: amount or keyset differ from the output's");
    }
  }
  return signatures;
}

Result<std::vector<ProofStatus>> read_states(std::string_view body,
                                             const std::vector<crypto::PublicKey>& ys) {
  TRY(const json::Value object, read_object(body));
  TRY(const json::Array* array, json::get_array(object, "states"));
  if (array->size() != ys.size()) return invalid("states: not one for each Y");
  std::vector<ProofStatus> out;
  for (std::size_t i = 0; i < ys.size(); ++i) {
    const json::Value& item = (*array)[i];
    TRY(const std::string y, json::get_string(item, "Y", "states[]"));
    if (crypto::PublicKey::from_hex(y) != ys[i]) return invalid("states: another order than asked");
    TRY(const std::string state, json::get_string(item, "state", "states[]"));
    TRY(const auto witness, json::get_optional_string(item, "witness", "states[]"));
    ProofStatus status{ys[i], ProofState::unspent, witness};
    if (state == "SPENT") {
      status.state = ProofState::spent;
    } else if (state == "PENDING") {
      status.state = ProofState::pending;
    } else if (state != "UNSPENT") {
      return invalid("states: expected UNSPENT, PENDING or SPENT");
    }
    out.push_back(std::move(status));
  }
  return out;
}

Result<Restored> read_restored(std::string_view body, const std::vector<cashu::BlindedMessage>& asked) {
  TRY(const json::Value object, read_object(body));
  TRY(const json::Array* array, json::get_array(object, "outputs"));
  Restored out;
  TRY(out.outputs, cashu::blinded_messages_from_json(*array, asked.size(), "outputs"));
  TRY(out.signatures, get_signatures(object, "signatures"));
  if (out.outputs.size() != out.signatures.size()) return invalid("signatures: not one for each output");
  std::size_t next = 0;
  for (std::size_t i = 0; i < out.outputs.size(); ++i) {
    while (next < asked.size() && asked[next].b_blinded != out.outputs[i].b_blinded) ++next;
    if (next == asked.size()) return invalid("outputs: not those asked for, or in another order");
    if (out.signatures[i].id != asked[next].id)
      return invalid("signatures: of another keyset than the output's");
    ++next;
  }
  return out;
}

Error read_error(const HttpReply& reply) {
  const std::string status = "HTTP " + std::to_string(reply.status);
  if (reply.status == 429 || reply.status >= 500) {
    return {ErrorKind::unavailable, 0, "the mint is busy or failing (" + status + "); try again later"};
  }
  if (const auto object = read_object(reply.body)) {
    const auto detail = json::get_optional_string(*object, "detail").value_or(std::nullopt);
    const auto code = json::get_optional_uint64(*object, "code").value_or(std::nullopt);
    if (detail || code) {
      const int number = code && *code <= 99'999 ? static_cast<int>(*code) : 0;
      return {ErrorKind::refused, number, "the mint refused: " + printable(detail.value_or(status))};
    }
  }
  return {ErrorKind::refused, 0, "the mint answered " + status + "; is this the URL of a Cashu mint?"};
}

}  // namespace manastr::mintclient

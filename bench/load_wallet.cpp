#include "bench/load_wallet.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <thread>

#include "common/mintclient/client.h"
#include "common/mintclient/curl_transport.h"
#include "common/mintclient/replies.h"
#include "lightning/bolt11.h"

namespace manastr::bench {
namespace {

constexpr unsigned kPreparing = 8;  ///< connections outside the timed part
constexpr Seconds kPaidWithin{60};

Status all_succeeded(const LoadResult& result, std::string_view what) {
  if (result.succeeded() == result.status.size()) return {};
  return unavailable(std::string(what) + " failed: " + result.first_error);
}

}  // namespace

void in_parallel(std::size_t n, const std::function<void(std::size_t)>& f) {
  std::atomic<std::size_t> next = 0;
  std::vector<std::jthread> threads;
  for (unsigned t = 0; t < std::max(1U, std::thread::hardware_concurrency()); ++t) {
    threads.emplace_back([&] {
      for (std::size_t i; (i = next++) < n;) f(i);
    });
  }
}

Result<LoadWallet> LoadWallet::open(const std::string& mint_url, const std::string& unit,
                                    std::size_t max_outputs) {
  LoadWallet wallet;
  TRY(wallet.target_, target_of(mint_url));
  TRY(const auto client, mintclient::MintClient::make(mint_url, mintclient::make_curl_transport()));
  TRY(const auto keysets, client->keysets());
  const auto found =
      std::ranges::find_if(keysets, [&](const auto& info) { return info.active && info.unit == unit; });
  if (found == keysets.end()) return invalid("the mint has no active keyset of unit " + unit);
  TRY(wallet.keyset_, client->keys(found->id));
  wallet.keyset_.input_fee_ppk = found->input_fee_ppk;
  wallet.id_hex_ = found->id.hex();
  TRY(const auto info, client->info());
  wallet.max_outputs_ = std::min<std::size_t>(max_outputs, info.max_array_length.value_or(max_outputs));
  return wallet;
}

std::vector<Blank> LoadWallet::blanks(const std::vector<cashu::Amount>& amounts) const {
  std::vector<std::optional<Blank>> made(amounts.size());
  in_parallel(amounts.size(), [&](std::size_t i) {
    std::string secret = to_hex(system_random().bytes<32>());
    auto r = crypto::SecretKey::generate(system_random());
    const auto b = crypto::blind(crypto::hash_to_curve(as_bytes(secret)), r);
    made[i].emplace(Blank{amounts[i], std::move(secret), std::move(r), b});
  });
  std::vector<Blank> out;
  out.reserve(made.size());
  for (auto& blank : made) out.push_back(*std::move(blank));
  return out;
}

std::vector<cashu::BlindedMessage> LoadWallet::messages(const Blank* blanks, std::size_t n) const {
  std::vector<cashu::BlindedMessage> out;
  for (std::size_t i = 0; i < n; ++i) out.push_back({blanks[i].amount, keyset_.id, blanks[i].b});
  return out;
}

Result<std::vector<std::string>> LoadWallet::paid_quotes(const std::vector<cashu::Amount>& amounts) const {
  std::vector<std::string> requests;
  for (const auto amount : amounts) {
    requests.push_back(
        post_bytes(target_, "/v1/mint/quote/bolt11",
                   "{\"unit\":\"" + keyset_.unit + "\",\"amount\":" + std::to_string(amount) + '}'));
  }
  TRY(const auto made, run_load(target_, requests, {kPreparing, 0, 1}));
  TRY_STATUS(all_succeeded(made, "a mint quote"));
  std::vector<std::string> ids;
  std::vector<std::string> unpaid;
  for (const auto& body : made.bodies) {
    TRY(auto quote, mintclient::read_mint_quote(body));
    if (quote.state != mintclient::QuoteState::paid) unpaid.push_back(quote.id);
    ids.push_back(std::move(quote.id));
  }
  const auto until = std::chrono::steady_clock::now() + kPaidWithin;
  while (!unpaid.empty()) {
    if (std::chrono::steady_clock::now() > until) {
      return unavailable("a mint quote was not paid within 60 s; is the mint's Lightning node a fake one?");
    }
    std::this_thread::sleep_for(Millis{50});
    requests.clear();
    for (const auto& id : unpaid) requests.push_back(get_bytes(target_, "/v1/mint/quote/bolt11/" + id));
    TRY(const auto asked, run_load(target_, requests, {kPreparing, 0, 1}));
    TRY_STATUS(all_succeeded(asked, "the state of a mint quote"));
    unpaid.clear();
    for (const auto& body : asked.bodies) {
      TRY(auto quote, mintclient::read_mint_quote(body));
      if (quote.state != mintclient::QuoteState::paid) unpaid.push_back(std::move(quote.id));
    }
  }
  return ids;
}

Result<std::vector<Coin>> LoadWallet::buy(const std::vector<cashu::Amount>& amounts) const {
  const auto outputs = blanks(amounts);
  std::vector<cashu::Amount> sums;
  for (std::size_t i = 0; i < amounts.size(); ++i) {
    if (i % max_outputs_ == 0) sums.push_back(0);
    sums.back() += amounts[i];
  }
  TRY(const auto quotes, paid_quotes(sums));
  std::vector<std::string> requests;
  const auto size_of = [&](std::size_t batch) {
    return std::min(max_outputs_, outputs.size() - batch * max_outputs_);
  };
  for (std::size_t i = 0; i < quotes.size(); ++i) {
    requests.push_back(post_bytes(
        target_, "/v1/mint/bolt11",
        "{\"quote\":\"" + quotes[i] + "\"," + outputs_json(&outputs[i * max_outputs_], size_of(i)) + '}'));
  }
  TRY(const auto minted, run_load(target_, requests, {kPreparing, 0, 1}));
  TRY_STATUS(all_succeeded(minted, "minting"));
  std::vector<std::optional<Coin>> made(outputs.size());
  for (std::size_t batch = 0; batch < quotes.size(); ++batch) {
    const std::size_t first = batch * max_outputs_;
    TRY(const auto signatures,
        mintclient::read_signatures(minted.bodies[batch], messages(&outputs[first], size_of(batch))));
    in_parallel(signatures.size(), [&](std::size_t i) {
      const Blank& blank = outputs[first + i];
      const auto c = crypto::unblind(signatures[i].c_blinded, blank.r, keyset_.keys.at(blank.amount));
      if (c) {
        made[first + i].emplace(Coin{blank.amount, blank.secret, c->hex(),
                                     crypto::hash_to_curve(as_bytes(blank.secret)), blank.b});
      }
    });
  }
  std::vector<Coin> coins;
  coins.reserve(made.size());
  for (auto& coin : made) {
    if (!coin) return invalid("the mint sent a signature that doesn't unblind");
    coins.push_back(*std::move(coin));
  }
  return coins;
}

Result<std::vector<LoadWallet::Melt>> LoadWallet::melt_quotes(std::size_t n, std::uint64_t sat) const {
  const auto node = crypto::SecretKey::generate(system_random());
  std::vector<std::string> requests;
  for (std::size_t i = 0; i < n; ++i) {
    lightning::Bolt11 invoice;
    invoice.amount = static_cast<decltype(invoice.amount)::value_type>(sat * 1000);
    invoice.timestamp = system_clock().now_seconds();
    invoice.payment_hash = system_random().bytes<32>();
    invoice.payment_secret = system_random().bytes<32>();
    invoice.description = "load";
    TRY(const auto text, lightning::encode_bolt11(invoice, node));
    requests.push_back(post_bytes(target_, "/v1/melt/quote/bolt11",
                                  "{\"unit\":\"" + keyset_.unit + "\",\"request\":\"" + text + "\"}"));
  }
  TRY(const auto made, run_load(target_, requests, {kPreparing, 0, 1}));
  TRY_STATUS(all_succeeded(made, "a melt quote"));
  std::vector<Melt> out;
  for (const auto& body : made.bodies) {
    TRY(auto quote, mintclient::read_melt_quote(body, nullptr));
    out.push_back({std::move(quote.id), quote.amount + quote.fee_reserve});
  }
  return out;
}

std::string LoadWallet::inputs_json(const Coin* coins, std::size_t n) const {
  std::string out = "\"inputs\":[";
  for (std::size_t i = 0; i < n; ++i) {
    if (i != 0) out += ',';
    out += "{\"amount\":" + std::to_string(coins[i].amount) + ",\"id\":\"" + id_hex_ + "\",\"secret\":\"" +
           coins[i].secret + "\",\"C\":\"" + coins[i].c_hex + "\"}";
  }
  return out + ']';
}

std::string LoadWallet::outputs_json(const Blank* blanks, std::size_t n) const {
  std::string out = "\"outputs\":[";
  for (std::size_t i = 0; i < n; ++i) {
    if (i != 0) out += ',';
    out += "{\"amount\":" + std::to_string(blanks[i].amount) + ",\"id\":\"" + id_hex_ + "\",\"B_\":\"" +
           blanks[i].b.hex() + "\"}";
  }
  return out + ']';
}

LoadWallet::Checked LoadWallet::check_signatures(const std::string& body, const Blank* blanks,
                                                 std::size_t n) const {
  Checked checked;
  const auto signatures = mintclient::read_signatures(body, messages(blanks, n));
  if (!signatures) {
    checked.wrong = n;
    return checked;
  }
  for (std::size_t i = 0; i < n; ++i) {
    const auto& signature = (*signatures)[i];
    if (!signature.dleq) {
      ++checked.without_dleq;
    } else if (crypto::verify_dleq(keyset_.keys.at(blanks[i].amount), blanks[i].b, signature.c_blinded,
                                   *signature.dleq)) {
      ++checked.right;
    } else {
      ++checked.wrong;
    }
  }
  return checked;
}

}  // namespace manastr::bench

// The wallet behind mint-load: buys real proofs at the mint under test (BOLT11 quotes that its fake node pays
// by itself) and prepares requests from them, all outside the timed part.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/http_load.h"
#include "common/cashu/types.h"

namespace manastr::bench {

/// An output with what unblinds its signature.
struct Blank {
  cashu::Amount amount = 0;
  std::string secret;
  crypto::SecretKey r;
  crypto::PublicKey b;
};
/// A proof, and the output it came from.
struct Coin {
  cashu::Amount amount = 0;
  std::string secret;
  std::string c_hex;
  crypto::PublicKey y;
  crypto::PublicKey b;
};

/// Runs f(0) .. f(n-1) on all cores.
void in_parallel(std::size_t n, const std::function<void(std::size_t)>& f);

class LoadWallet {
 public:
  /// Fetches the active keyset of `unit` and checks its id. `max_outputs`: of one mint request.
  static Result<LoadWallet> open(const std::string& mint_url, const std::string& unit,
                                 std::size_t max_outputs);

  const HttpTarget& target() const { return target_; }
  const cashu::Keyset& keyset() const { return keyset_; }
  const std::string& unit() const { return keyset_.unit; }

  std::vector<Blank> blanks(const std::vector<cashu::Amount>& amounts) const;
  /// One coin per amount, in their order.
  Result<std::vector<Coin>> buy(const std::vector<cashu::Amount>& amounts) const;
  /// Ids of paid quotes of `amount` each.
  Result<std::vector<std::string>> paid_quotes(const std::vector<cashu::Amount>& amounts) const;
  struct Melt {
    std::string quote;
    cashu::Amount needed = 0;  ///< amount + fee reserve
  };
  /// Quotes for invoices of `sat` each, signed by a node key of our own.
  Result<std::vector<Melt>> melt_quotes(std::size_t n, std::uint64_t sat) const;

  std::string inputs_json(const Coin* coins, std::size_t n) const;
  std::string outputs_json(const Blank* blanks, std::size_t n) const;

  struct Checked {
    std::size_t right = 0;  ///< signatures whose DLEQ proof holds
    std::size_t without_dleq = 0;
    std::size_t wrong = 0;
  };
  /// A {"signatures":[...]} reply against its outputs.
  Checked check_signatures(const std::string& body, const Blank* blanks, std::size_t n) const;

 private:
  std::vector<cashu::BlindedMessage> messages(const Blank* blanks, std::size_t n) const;

  HttpTarget target_;
  cashu::Keyset keyset_;
  std::string id_hex_;
  std::size_t max_outputs_ = 0;
};

}  // namespace manastr::bench

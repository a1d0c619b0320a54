// What an import reads of another mint, in the words that both kinds have in common. Facts on the schemas:
// cdk_mint.cpp, nutshell_mint.cpp.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mint/import/source_database.h"
#include "mint/ledger/money.h"

namespace manastr::mint {

struct SourceKeyset {
  std::string id;  ///< hex, or base64 of 12 characters (nutshell of old)
  std::string unit;
  bool active = false;
  std::uint64_t input_fee_ppk = 0;
  std::optional<std::int64_t> final_expiry;
  std::string path;
  bool hashed = false;                 ///< keys by SHA-256, not BIP-32
  std::vector<std::uint64_t> amounts;  ///< of the keys, in the order of their indices
};

struct SourceProof {
  Bytes y;  ///< as stored
  std::string keyset;
  std::uint64_t amount = 0;
  std::string secret;  ///< "" where the source has forgotten it
  Bytes c;             ///< empty where the source has not kept it
  std::string witness;
  bool pending = false;
  std::string melt;  ///< quote that it was spent for; "" for swaps
};

struct SourceSignature {
  Bytes b_blinded;
  Bytes c_blinded;  ///< empty: an output that was reserved and never signed
  std::string keyset;
  std::uint64_t amount = 0;
  std::string quote;  ///< a melt's or a mint quote's; "" for swaps
  std::int64_t order = 0;
};

struct SourceMintQuote {
  std::string id;
  std::string method;  ///< lower case
  std::string request;
  std::string lookup;  ///< mostly the payment hash
  std::string unit;
  std::uint64_t amount = 0;
  std::uint64_t paid = 0;
  std::uint64_t issued = 0;
  std::string pubkey;
  bool unclear = false;  ///< was being issued when the source ended
};

struct SourceMeltQuote {
  std::string id;
  std::string method;
  std::string request;
  std::string lookup;
  std::string unit;
  std::uint64_t amount = 0;
  std::uint64_t fee_reserve = 0;
  std::optional<std::uint64_t> fee_paid;
  enum class State { unpaid, pending, paid } state = State::unpaid;
  std::string preimage;
  std::int64_t created_at = 0;
};

/// Of one keyset, as the source itself has summed it up.
struct SourceSum {
  Wide issued = 0;
  std::optional<Wide> stated_issued;    ///< in a table of its own
  std::optional<Wide> stated_redeemed;  ///< likewise
  std::optional<Wide> stated_balance;   ///< likewise: issued less redeemed
};

class SourceMint {
 public:
  virtual ~SourceMint() = default;
  /// "cdk-mintd".
  virtual std::string_view name() const = 0;
  virtual Result<std::vector<SourceKeyset>> keysets() = 0;
  virtual Result<std::map<std::string, SourceSum>> sums() = 0;
  virtual Result<std::vector<SourceMintQuote>> mint_quotes() = 0;
  virtual Result<std::vector<SourceMeltQuote>> melt_quotes() = 0;
  virtual Status each_signature(const std::function<Status(SourceSignature)>& take) = 0;
  virtual Status each_proof(const std::function<Status(SourceProof)>& take) = 0;
};

std::unique_ptr<SourceMint> read_cdk_mint(SourceDatabase& database);
std::unique_ptr<SourceMint> read_nutshell_mint(SourceDatabase& database);

/// Of a JSON list of amounts; 2^0 … 2^(n-1) of `fallback` where it is empty.
Result<std::vector<std::uint64_t>> read_amounts(const std::string& json, std::size_t fallback);

}  // namespace manastr::mint

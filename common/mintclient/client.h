// A NUT client for engine and player: typed calls over a Transport, each asynchronous (last argument:
// callback) or blocking (without). Thread-safe; hold it by shared_ptr if callbacks outlive the caller.
//
// Every reply is hostile: bounded, its shape checked, signatures matched with the outputs by count, order,
// amount and keyset id, keysets matched with their ids. DLEQ proofs are the caller's to verify (it knows the
// keys it wants).
//
// Errors of every call:
//   unavailable  it is unknown whether the mint acted: connection lost, timeout, 429, 5xx, a reply that makes
//   no sense.
//                The identical request may be sent again.
//   refused      the mint said no; `code` is its NUT code, 0 if it named none. (That *this* request was
//   refused doesn't
//                mean that an identical earlier one was not executed: 11001, 11003 and 20002 may just say
//                that.)
//   invalid      nothing was sent.
#pragma once
#include <map>
#include <memory>
#include <set>

#include "common/cashu/types.h"
#include "common/gameapi/info.h"
#include "common/mintclient/transport.h"

namespace manastr::mintclient {

template <class T>
using Callback = std::function<void(Result<T>)>;

/// NUT-06, as far as a client acts on it.
struct MintInfo {
  struct Method {
    std::string method;
    cashu::Unit unit;
    std::optional<cashu::Amount> min_amount;
    std::optional<cashu::Amount> max_amount;
  };
  std::string name;
  std::string version;
  std::optional<crypto::PublicKey> pubkey;
  std::string motd;
  std::set<int> nuts;                ///< those announced, and not with "supported": false
  std::vector<Method> mint_methods;  ///< empty if minting is disabled
  std::vector<Method> melt_methods;
  std::optional<std::uint64_t> max_array_length;  ///< most inputs or outputs of one request
  std::optional<gameapi::GameInfo> game;          ///< absent: a mint without the game endpoints
};

enum class QuoteState { unpaid, pending, paid, issued };

/// NUT-04 and NUT-23.
struct MintQuote {
  std::string id;
  std::string request;  ///< BOLT11 invoice
  cashu::Unit unit;
  cashu::Amount amount = 0;
  QuoteState state = QuoteState::unpaid;
  cashu::Amount amount_paid = 0;  ///< of the state, where the mint doesn't say
  cashu::Amount amount_issued = 0;
  std::optional<UnixSeconds> expiry;
  std::optional<crypto::PublicKey> pubkey;  ///< NUT-20
};
struct MintQuoteRequest {
  cashu::Unit unit;
  cashu::Amount amount = 0;
  std::string description;
  std::optional<crypto::PublicKey> pubkey;
};

/// NUT-05 and NUT-23, with NUT-08 change.
struct MeltQuote {
  std::string id;
  std::string request;
  cashu::Unit unit;
  cashu::Amount amount = 0;
  cashu::Amount fee_reserve = 0;
  QuoteState state = QuoteState::unpaid;
  std::optional<UnixSeconds> expiry;
  std::string payment_preimage;               ///< "" until paid
  std::vector<cashu::BlindSignature> change;  ///< change[i] belongs to outputs[i] of the melt
};

enum class ProofState { unspent, pending, spent };
/// NUT-07.
struct ProofStatus {
  crypto::PublicKey y;
  ProofState state = ProofState::unspent;
  std::optional<std::string> witness;
};
/// NUT-09: those of the asked outputs that the mint has signed, in the order asked.
struct Restored {
  std::vector<cashu::BlindedMessage> outputs;
  std::vector<cashu::BlindSignature> signatures;
};

struct ClientOptions {
  Millis timeout{20'000};
  Millis melt_timeout{120'000};  ///< a Lightning payment may take its time
};

class MintClient {
 public:
  /// `mint_url`: http or https, without query; trailing slashes are dropped.
  static Result<std::shared_ptr<MintClient>> make(std::string_view mint_url,
                                                  std::shared_ptr<Transport> transport,
                                                  const ClientOptions& options = {});

  const std::string& mint_url() const { return mint_url_; }
  /// mint_url() + path, as NIP-98 wants it in `u`.
  std::string url(std::string_view path) const { return mint_url_ + std::string(path); }

  void info(Callback<MintInfo> done);
  /// NUT-02: all keysets, without keys.
  void keysets(Callback<std::vector<cashu::KeysetInfo>> done);
  /// NUT-01: the keys of one keyset (also an inactive one); its id is verified.
  void keys(const cashu::KeysetId& id, Callback<cashu::Keyset> done);

  void mint_quote(const MintQuoteRequest& request, Callback<MintQuote> done);
  void mint_quote_state(const std::string& quote_id, Callback<MintQuote> done);
  /// `signature`: NUT-20, 128 hex digits, or "" for a quote that is not locked.
  void mint(const std::string& quote_id, const std::vector<cashu::BlindedMessage>& outputs,
            const std::string& signature, Callback<std::vector<cashu::BlindSignature>> done);

  void melt_quote(const std::string& invoice, const cashu::Unit& unit, Callback<MeltQuote> done);
  void melt_quote_state(const std::string& quote_id, Callback<MeltQuote> done);
  /// `outputs`: blank outputs of NUT-08. A reply in state `pending` is no error.
  void melt(const std::string& quote_id, const std::vector<cashu::Proof>& inputs,
            const std::vector<cashu::BlindedMessage>& outputs, Callback<MeltQuote> done);

  void swap(const std::vector<cashu::Proof>& inputs, const std::vector<cashu::BlindedMessage>& outputs,
            Callback<std::vector<cashu::BlindSignature>> done);
  void checkstate(const std::vector<crypto::PublicKey>& ys, Callback<std::vector<ProofStatus>> done);
  void restore(const std::vector<cashu::BlindedMessage>& outputs, Callback<Restored> done);

  /// Any other endpoint (/game-engine/...): the body of a 200. `authorization` is the NIP-98 header value, or
  /// "".
  void get(std::string_view path, const std::string& authorization, Callback<std::string> done);
  void post(std::string_view path, std::string body, const std::string& authorization,
            Callback<std::string> done);

  // The same, blocking until the reply or the timeout. Never call one from a callback.
  Result<MintInfo> info();
  Result<std::vector<cashu::KeysetInfo>> keysets();
  Result<cashu::Keyset> keys(const cashu::KeysetId& id);
  Result<MintQuote> mint_quote(const MintQuoteRequest& request);
  Result<MintQuote> mint_quote_state(const std::string& quote_id);
  Result<std::vector<cashu::BlindSignature>> mint(const std::string& quote_id,
                                                  const std::vector<cashu::BlindedMessage>& outputs,
                                                  const std::string& signature);
  Result<MeltQuote> melt_quote(const std::string& invoice, const cashu::Unit& unit);
  Result<MeltQuote> melt_quote_state(const std::string& quote_id);
  Result<MeltQuote> melt(const std::string& quote_id, const std::vector<cashu::Proof>& inputs,
                         const std::vector<cashu::BlindedMessage>& outputs);
  Result<std::vector<cashu::BlindSignature>> swap(const std::vector<cashu::Proof>& inputs,
                                                  const std::vector<cashu::BlindedMessage>& outputs);
  Result<std::vector<ProofStatus>> checkstate(const std::vector<crypto::PublicKey>& ys);
  Result<Restored> restore(const std::vector<cashu::BlindedMessage>& outputs);
  Result<std::string> get(std::string_view path, const std::string& authorization);
  Result<std::string> post(std::string_view path, std::string body, const std::string& authorization);

 private:
  MintClient(std::string mint_url, std::shared_ptr<Transport> transport, const ClientOptions& options)
      : mint_url_(std::move(mint_url)), transport_(std::move(transport)), options_(options) {}
  void exchange(HttpRequest request, Callback<std::string> done);

  std::string mint_url_;
  std::shared_ptr<Transport> transport_;
  ClientOptions options_;
};

}  // namespace manastr::mintclient

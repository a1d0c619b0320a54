// The mint under test, and the bare wallet moves that cases are made of. Each case buys what it needs.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/cashu/types.h"
#include "common/json/value.h"
#include "common/mintclient/transport.h"
#include "tests/conformance/suite.h"

namespace manastr::conformance {

using Amounts = std::vector<cashu::Amount>;
using Proofs = std::vector<cashu::Proof>;

/// An output and what unblinds its signature.
struct Draft {
  cashu::BlindedMessage message;
  std::string secret;
  crypto::SecretKey r;
};
using Drafts = std::vector<Draft>;

struct Options {
  std::string url;  ///< without a slash at the end
  cashu::Unit unit = "sat";
  bool fake = false;     ///< its Lightning node takes failure modes from an invoice's description
  Seconds patience{60};  ///< for a quote to be paid, or a payment to end
  std::string restart;   ///< shell command that kills the mint and starts it again; "" if there is none
  std::string rotate;    ///< shell command that gives the unit new keys; "" if there is none
};

class Mint {
 public:
  explicit Mint(Options options);

  const Options& options() const { return options_; }
  const cashu::Unit& unit() const { return options_.unit; }
  /// GET /v1/info.
  const json::Value& info();
  /// nuts.N of it; nullptr if the mint doesn't say that it has it.
  const json::Value* nut(const std::string& number);
  /// Throws Skipped unless the mint says that it has it.
  void need(const std::string& number);
  void need_fake() const;
  /// Another unit that can be minted by Lightning; Skipped if there is none.
  cashu::Unit other_unit();

  mintclient::HttpReply get(const std::string& path);
  mintclient::HttpReply post(const std::string& path, const std::string& body);
  struct Request {
    std::string path;
    std::string body;
  };
  /// All at once, each on a connection of its own; replies in their order.
  std::vector<mintclient::HttpReply> at_once(const std::vector<Request>& requests);

  /// The active keyset of the unit; its id is checked.
  const cashu::Keyset& keyset() { return keyset(unit()); }
  const cashu::Keyset& keyset(const cashu::Unit& unit);
  std::vector<cashu::KeysetInfo> keysets();
  /// Runs Options::rotate: keyset() is another one then. Skipped if there is no such command.
  void rotate();
  /// NUT-02: of this many inputs of the active keyset.
  cashu::Amount fee(std::size_t inputs);

  Draft draft(cashu::Amount amount, std::string secret = "");
  Draft draft_of(const cashu::Unit& unit, cashu::Amount amount, std::string secret = "");
  Drafts drafts(const Amounts& amounts);
  /// What the inputs are worth less the fee.
  Drafts drafts_for(const Proofs& inputs);
  /// Of a {"signatures":[...]} or {"change":[...]} body; counts, amounts, ids and DLEQ are checked.
  Proofs unblind(const std::string& body, const Drafts& drafts);

  /// The quote as requested, and its id once it is paid (Skipped if nobody pays).
  json::Value quote(cashu::Amount amount, const std::string& more = "");
  std::string paid_quote(cashu::Amount amount, const std::string& more = "");
  std::string paid_quote_of(const cashu::Unit& unit, cashu::Amount amount, const std::string& more = "");
  Proofs buy(const Amounts& amounts);
  Proofs buy(const Drafts& drafts);

  mintclient::HttpReply swap(const Proofs& inputs, const Drafts& outputs);
  mintclient::HttpReply mint(const std::string& quote, const Drafts& outputs,
                             const std::string& signature = "");
  mintclient::HttpReply ask_melt(const std::string& invoice, const std::string& more = "");
  mintclient::HttpReply melt(const std::string& quote, const Proofs& inputs, const Drafts& blanks = {});
  /// A melt quote for a fresh invoice of nobody's, and inputs that cover it.
  struct Melt {
    std::string quote;
    std::string invoice;
    cashu::Amount amount = 0;
    cashu::Amount reserve = 0;
    Proofs inputs;
  };
  Melt prepared_melt(const std::string& description = "", std::uint64_t sat = 8);
  Melt prepared_melt_of(const std::string& invoice, const std::string& more = "");
  std::string melt_state(const std::string& quote);

  /// NUT-07 state of one.
  std::string state_of(const cashu::Proof& proof);
  void require_state(const Proofs& proofs, const std::string& state, const std::string& when);
  /// True once it holds; false if it does not within the patience.
  bool eventually(const std::function<bool()>& holds) const;

  /// BOLT11 of a key of nobody's, on the network of the mint's own invoices.
  std::string invoice(std::optional<std::uint64_t> sat, const std::string& description = "");

 private:
  const Options options_;
  std::shared_ptr<mintclient::Transport> transport_;
  std::optional<json::Value> info_;
  std::map<cashu::Unit, cashu::Keyset> keysets_;
  std::vector<cashu::Keyset> former_;  // active before a rotation
  std::string network_;
};

std::string outputs_json(const Drafts& drafts);
std::string swap_body(const Proofs& inputs, const Drafts& outputs);
std::string mint_body(const std::string& quote, const Drafts& outputs, const std::string& signature = "");
std::string melt_body(const std::string& quote, const Proofs& inputs, const Drafts& blanks = {});
/// {"Ys":[...]}
std::string states_body(const Proofs& proofs);
/// A member of a JSON object as text; "" if it is missing.
std::string member(const std::string& body, const std::string& name);
json::Value parsed(const mintclient::HttpReply& reply);
std::vector<cashu::BlindedMessage> messages_of(const Drafts& drafts);
std::string fresh_secret();
/// An array of two, as NUT-10 wants it.
std::string locked_secret(std::string_view kind, const std::string& data, const std::string& tags = "");

}  // namespace manastr::conformance

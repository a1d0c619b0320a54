// A mint as a process of its own, and the bare wallet moves that its tests are made of: outputs, proofs, raw
// requests.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/json/value.h"
#include "common/mintclient/client.h"
#include "lightning/fake_node.h"
#include "process.h"

namespace manastr::test {

/// An output and what unblinds its signature.
struct Draft {
  cashu::BlindedMessage message;
  std::string secret;
  crypto::SecretKey r;
};

/// With MANASTR_TEST_DATABASE=postgresql its ledger is in a database of its own there, else in a file.
class MintHouse {
 public:
  struct Options {
    std::string toml;  ///< added to a mint on a free port whose invoices are paid after 10 ms
    std::string auth;  ///< game-engine-auth.toml; "" for none
    std::map<std::string, std::string> environment;
    std::string server = {};  ///< lines of [server]
  };
  explicit MintHouse(Options options);
  MintHouse() : MintHouse(Options{}) {}
  ~MintHouse();

  /// The same for ever, also while it is down.
  const std::string& url() const { return url_; }
  Daemon& daemon() { return *daemon_; }
  const std::string& folder() const { return folder_; }
  /// "": the ledger is in a file, data/mint.sqlite.
  const std::string& database_url() const { return database_url_; }
  /// What another mint on the same ledger must have in its environment.
  std::map<std::string, std::string> environment() const {
    if (database_url_.empty()) return {};
    return {{"DATABASE_URL", database_url_}};
  }
  /// SIGKILL if it runs, and up again on the same port, with this in the environment (another DATABASE_URL:
  /// another way to the same database).
  void restart(const std::map<std::string, std::string>& environment = {});

  /// Behind the mint's back: SQL in its ledger, where '@' stands before each table.
  void tamper(std::string sql) const;
  /// What `manastr-mint verify` finds wrong with the ledger, as it stands: "" if nothing. `after`: the file
  /// of a checkpoint that was kept.
  std::string faults(const std::string& after = "") const;

  /// Another configuration (instead of Options::toml) for the next start.
  void configure(const std::string& toml);
  /// While it is down: the keyset has expired long ago. Of version 1, whose id doesn't bind the expiry.
  void expire_keyset(const std::string& id);
  /// Asks the mint for its active keysets again when they are needed.
  void forget_keysets() { keysets_.clear(); }

  // Raw HTTP. A reply that never came is status 0.
  mintclient::HttpReply post(const std::string& path, const std::string& body,
                             const std::string& authorization = "");
  mintclient::HttpReply get(const std::string& path, const std::string& authorization = "");
  /// All at once, each on a connection of its own; replies in the order of the bodies.
  std::vector<mintclient::HttpReply> post_at_once(const std::string& path,
                                                  const std::vector<std::string>& bodies);
  /// "code" of an error body, 0 if there is none.
  static int code_of(const mintclient::HttpReply& reply);

  // A wallet. The active keyset of each unit is fetched once.
  const cashu::Keyset& keyset(const std::string& unit);
  Draft draft(const std::string& unit, cashu::Amount amount, std::string secret = "");
  std::vector<Draft> drafts(const std::string& unit, const std::vector<cashu::Amount>& amounts);
  /// Of a {"signatures":[...]} body; DLEQ verified. Throws if it doesn't fit the drafts.
  std::vector<cashu::Proof> unblind(const std::string& body, const std::vector<Draft>& drafts,
                                    const std::string& unit);
  /// Id of a paid quote.
  std::string paid_quote(const std::string& unit, cashu::Amount amount);
  std::vector<cashu::Proof> buy(const std::string& unit, const std::vector<cashu::Amount>& amounts);
  /// Mints for a quote onto secrets of one's own making.
  std::vector<cashu::Proof> buy(const std::string& unit, const std::vector<Draft>& drafts);
  /// Of these, what NUT-07 calls UNSPENT.
  cashu::Amount unspent(const std::vector<cashu::Proof>& proofs);
  /// BOLT11 of a node of nobody's.
  static std::string foreign_invoice(std::uint64_t sat, const std::string& description = "");

  /// The fake node's book: received less sent less fees, in msat.
  std::int64_t book_msat() const;
  lightning::FakeNodeBook book() const;

 private:
  std::string folder_;
  std::string url_;
  std::string database_url_;  ///< "" for SQLite
  bool has_auth_ = false;
  std::string server_;
  std::shared_ptr<mintclient::Transport> transport_;
  std::unique_ptr<Daemon> daemon_;
  std::map<std::string, cashu::Keyset> keysets_;
};

/// Half of them to each, all at once; replies in the order of the bodies.
std::vector<mintclient::HttpReply> post_at_both(MintHouse& first, MintHouse& second, const std::string& path,
                                                const std::vector<std::string>& bodies);

std::string outputs_json(const std::vector<Draft>& drafts);
std::string inputs_json(const std::vector<cashu::Proof>& proofs);
std::string swap_body(const std::vector<cashu::Proof>& inputs, const std::vector<Draft>& outputs);
std::string mint_body(const std::string& quote, const std::vector<Draft>& outputs,
                      const std::string& signature = "");
std::string melt_body(const std::string& quote, const std::vector<cashu::Proof>& inputs,
                      const std::vector<Draft>& blanks = {});
/// A member of a JSON object as text; "" if it is missing.
std::string member(const std::string& body, const std::string& name);

}  // namespace manastr::test

// What the requests under way hold: proofs, outputs and quotes, each by one request at a time, in memory.
// Joins a request to an identical one under way, and turns conflicting ones away before they cost any
// cryptography. What is done or locked for longer stands in the ledger.
#pragma once
#include <memory>
#include <mutex>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "common/base/random.h"
#include "common/cashu/types.h"
#include "mint/pipeline/reply.h"

namespace manastr::mint {

class Flight;

class Reservations {
 public:
  explicit Reservations(Random& random = system_random());
  using Key = ByteArray<34>;
  /// By secret, so that the conflict shows before Y is computed.
  static Key of_proof(const cashu::Proof& proof);
  static Key of_output(const cashu::BlindedMessage& output);
  static Key of_quote(std::string_view id);
  static Key of_operation(const Hash32& key);

  struct Request {
    Hash32 operation{};  ///< fingerprint
    Hash32 witnesses{};  ///< witness_fingerprint
    std::vector<Key> keys;
    Answer answer;
    /// Runs the request anew, if the identical one that it joined is refused and had other witnesses.
    std::move_only_function<void(Answer)> again;
  };
  /// The place of a request that may go on; nullptr if it has joined an identical one, or was answered since
  /// it conflicts (11002, 11004, 20005).
  std::shared_ptr<Flight> enter(Request request);
  std::size_t size() const;

 private:
  friend class Flight;
  struct Follower {
    Hash32 witnesses;
    Answer answer;
    std::move_only_function<void(Answer)> again;
  };
  struct Leader {
    std::vector<Follower> followers;
  };
  std::vector<Follower> leave(const Hash32& operation, std::span<const Key> keys);

  /// Salted: clients choose most bytes of a B_, and must not choose where many of them fall.
  struct SaltedHash {
    std::uint64_t salt;
    std::size_t operator()(const Key& key) const;
  };
  mutable std::mutex mutex_;
  std::unordered_set<Key, SaltedHash> held_;
  std::unordered_map<Hash32, Leader, UniformBytesHash> leaders_;
};

/// One request under way. Ends by finish(), once; destroyed before, it answers 500.
class Flight {
 public:
  Flight(Reservations& owner, Reservations::Request request) : owner_(&owner), request_(std::move(request)) {}
  ~Flight();
  Flight(const Flight&) = delete;
  Flight& operator=(const Flight&) = delete;

  const Hash32& operation() const { return request_.operation; }
  /// Gives everything back, then answers this request and those that joined it.
  void finish(Reply reply);
  void fail(const Error& error) { finish(error_reply(error)); }

 private:
  Reservations* owner_;
  Reservations::Request request_;
  bool finished_ = false;
};

}  // namespace manastr::mint

// Wire types of /game-engine/*: shared by mint, engine and player. docs/mint-api.md. Pure codecs; NIP-98 is
// elsewhere. `operation` is the idempotency key: 32 bytes of the caller's; the same operation with the same
// body gets the same reply.
#pragma once
#include "common/match/referee.h"

namespace manastr::gameapi {

inline constexpr std::string_view kBurnManaPath = "/game-engine/burn-mana";
inline constexpr std::string_view kMintLootPath = "/game-engine/mint-loot";
inline constexpr std::string_view kSpentStatusPath = "/game-engine/spent-status";
inline constexpr std::string_view kSettlePath = "/game-engine/settle";
inline constexpr std::string_view kVerdictsPath = "/game-engine/verdicts/";  ///< + match id, 64 hex

/// A `match` proof was offered to a swap, a melt or a burn before its locktime. HTTP 400, beyond the NUTs'
/// own codes.
inline constexpr int kMatchLocked = 16001;
inline constexpr int kVerdictInvalid = 16002;  ///< the settlement's events don't bear it out
inline constexpr int kNoBurnCredit = 16003;    ///< mint-loot beyond what was burned for the match

inline constexpr std::size_t kMaxYs = 1000;
inline constexpr std::size_t kMaxGroups = 16;

struct BurnManaRequest {
  Hash32 operation{};
  match::MatchId match{};
  std::vector<cashu::Proof> inputs;
};
struct BurnManaResponse {
  cashu::Unit unit;
  cashu::Amount burned = 0;       ///< by this operation, after input fees
  std::uint64_t credit_msat = 0;  ///< what may still be minted for the match
};
struct MintLootRequest {
  Hash32 operation{};
  match::MatchId match{};
  std::vector<cashu::BlindedMessage> outputs;
};
struct MintLootResponse {
  std::vector<cashu::BlindSignature> signatures;
  std::uint64_t credit_msat = 0;
};
struct SpentStatusRequest {
  std::vector<crypto::PublicKey> ys;
};
enum class SpentState { unspent, pending, spent };
std::string_view state_name(SpentState state);  ///< NUT-07: "UNSPENT", "PENDING", "SPENT"
struct SpentStatusResponse {
  struct Entry {
    crypto::PublicKey y;
    SpentState state = SpentState::unspent;
    std::optional<match::MatchId> match;  ///< the match it was burned for
  };
  std::vector<Entry> states;
};
struct SettleRequest {
  Hash32 operation{};  ///< match::settlement_key of the groups, checked
  nostr::Event announcement;
  nostr::Event verdict;
  nostr::Event claim;
  std::vector<match::SignedGroup> groups;
};
struct SettleResponse {
  std::vector<std::vector<cashu::BlindSignature>> signatures;  ///< by group, in the order of outputs
};
/// What the mint stored; several claims after a draw, a void or an aborted match.
struct VerdictsResponse {
  nostr::Event announcement;
  nostr::Event verdict;
  std::vector<nostr::Event> claims;
};

json::Value to_json(const BurnManaRequest& request);
json::Value to_json(const BurnManaResponse& response);
json::Value to_json(const MintLootRequest& request);
json::Value to_json(const MintLootResponse& response);
json::Value to_json(const SpentStatusRequest& request);
json::Value to_json(const SpentStatusResponse& response);
json::Value to_json(const SettleRequest& request);
json::Value to_json(const SettleResponse& response);
json::Value to_json(const VerdictsResponse& response);

/// Precise errors with the member's path; counts above `max_inputs`/`max_outputs` have codes 11014/11015.
Result<BurnManaRequest> burn_mana_request_from_json(const json::Value& value, std::size_t max_inputs);
Result<BurnManaResponse> burn_mana_response_from_json(const json::Value& value);
Result<MintLootRequest> mint_loot_request_from_json(const json::Value& value, std::size_t max_outputs);
Result<MintLootResponse> mint_loot_response_from_json(const json::Value& value);
Result<SpentStatusRequest> spent_status_request_from_json(const json::Value& value);
Result<SpentStatusResponse> spent_status_response_from_json(const json::Value& value);
Result<SettleRequest> settle_request_from_json(const json::Value& value, std::size_t max_inputs,
                                               std::size_t max_outputs);
Result<SettleResponse> settle_response_from_json(const json::Value& value);
Result<VerdictsResponse> verdicts_response_from_json(const json::Value& value);

}  // namespace manastr::gameapi

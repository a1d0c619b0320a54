#include <algorithm>

#include "common/gameapi/requests.h"
#include "common/json/reader.h"
#include "engine/settlement/settlement.h"

namespace manastr::engine {
namespace {

/// Another request holds the proofs or outputs at this moment: what becomes of it is not known yet.
bool is_in_flight(int code) { return code == cashu::kProofsPending || code == cashu::kOutputsPending; }

Result<GroupSignatures> read_answer(std::string_view body, const std::vector<match::SignedGroup>& groups) {
  TRY(const json::Value value, json::parse(body));
  TRY(gameapi::SettleResponse response, gameapi::settle_response_from_json(value));
  if (response.signatures.size() != groups.size())
    return invalid("another number of groups than was asked for");
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const auto& signatures = response.signatures[i];
    if (!std::ranges::equal(signatures, groups[i].outputs, [](const auto& signature, const auto& output) {
          return signature.amount == output.amount && signature.id == output.id;
        })) {
      return invalid("signatures that don't belong to the outputs");
    }
  }
  return std::move(response.signatures);
}

class AtomicSettlement final : public Settlement {
 public:
  explicit AtomicSettlement(std::shared_ptr<mintclient::MintClient> mint) : mint_(std::move(mint)) {}

  void settle(const match::Settle& order, mintclient::Callback<GroupSignatures> done) override {
    const gameapi::SettleRequest request{.operation = order.operation,
                                         .announcement = order.announcement,
                                         .verdict = order.verdict,
                                         .claim = order.claim,
                                         .groups = order.groups};
    mint_->post(gameapi::kSettlePath, gameapi::to_json(request).dump(), "",
                [groups = order.groups, done = std::move(done)](Result<std::string> body) {
                  if (!body) {
                    Error error = std::move(body).error();
                    if (is_in_flight(error.code)) error.kind = ErrorKind::unavailable;
                    return done(std::unexpected(std::move(error)));
                  }
                  auto signatures = read_answer(*body, groups);
                  if (!signatures) {
                    return done(unavailable("the mint's answer to a settlement makes no sense: " +
                                            signatures.error().message));
                  }
                  done(std::move(signatures));
                });
  }

 private:
  std::shared_ptr<mintclient::MintClient> mint_;
};

}  // namespace

std::unique_ptr<Settlement> make_atomic_settlement(std::shared_ptr<mintclient::MintClient> mint) {
  return std::make_unique<AtomicSettlement>(std::move(mint));
}

}  // namespace manastr::engine

// NUT-10 secrets and their witnesses (behind the first 0x00 byte): no crash, and no well-known kind is ever
// taken for a plain secret.
#include <cstdlib>

#include "common/cashu/conditions.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace manastr;
  const std::string_view text = as_text(ByteView(data, size));
  const auto split = text.find('\0');
  const std::string secret(text.substr(0, split));
  const auto condition = cashu::parse_condition(secret);
  if (condition.kind == cashu::ConditionKind::none &&
      (secret.starts_with("[\"P2PK\"") || secret.starts_with("[\"HTLC\""))) {
    std::abort();
  }
  const bool locked =
      condition.kind == cashu::ConditionKind::p2pk || condition.kind == cashu::ConditionKind::htlc;
  if (locked && condition.n_sigs > condition.pubkeys.size()) std::abort();
  cashu::Proof proof;
  proof.secret = secret;
  proof.c[0] = 2;
  if (split != std::string_view::npos) proof.witness = std::string(text.substr(split + 1));
  const bool spendable = cashu::check_conditions({proof}, {}, "", unix_seconds(1)).has_value();
  if (condition.kind == cashu::ConditionKind::unspendable && spendable) std::abort();
  if (condition.kind == cashu::ConditionKind::none && !spendable) std::abort();
  return 0;
}

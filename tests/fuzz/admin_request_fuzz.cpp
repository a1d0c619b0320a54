// Bodies of /admin/v1/*: refused with a sentence, or read into bounds; what is logged of them is JSON.
#include <cstdlib>

#include "common/base/bytes.h"
#include "common/json/reader.h"
#include "mint/admin/requests.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace manastr;
  if (size == 0) return 0;
  const mint::AdminAction& action = mint::kAdminActions[data[0] % std::size(mint::kAdminActions)];
  const auto request = mint::read_admin_request(action.name, "mana", as_text(ByteView(data + 1, size - 1)));
  if (!request) {
    if (request.error().message.empty()) std::abort();
    return 0;
  }
  if (!cashu::is_unit(request->unit) || !json::parse(request->canonical)) std::abort();
  if (const auto* fresh = std::get_if<mint::CreateUnit>(&request->change)) {
    if (fresh->terms.price_msat == 0 || fresh->terms.fee_reserve_ppm > 1'000'000) std::abort();
  }
  return 0;
}

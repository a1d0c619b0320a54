// What wallets say on the mint's WebSocket (NUT-17): read within its bounds, or answered with valid JSON.
#include <cstdlib>

#include "common/base/bytes.h"
#include "common/json/reader.h"
#include "mint/subscriptions/rpc.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace manastr;
  const auto request = mint::parse_rpc(as_text(ByteView(data, size)));
  const std::string answer = request ? mint::rpc_result(*request) : mint::rpc_error(request.error());
  if (!json::parse(answer)) std::abort();
  if (request && (request->filters.size() > mint::kMaxFilters || request->sub_id.empty() ||
                  request->sub_id.size() > mint::kMaxIdBytes)) {
    std::abort();
  }
  return 0;
}

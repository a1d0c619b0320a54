// JSON arrays of proofs, blinded messages and signatures: what is read is written and read again to the same
// text.
#include <cstdlib>

#include "common/cashu/types.h"
#include "common/json/reader.h"

namespace {

template <class Parse>
void check(const manastr::json::Array& array, Parse parse) {
  const auto items = parse(array, 100, "items");
  if (!items) return;
  const auto written = manastr::cashu::to_json(*items);
  const std::string text = written.dump();
  if (items->empty()) return;
  const auto reread = manastr::json::parse(text);
  if (!reread) std::abort();
  const auto again = parse(*reread->if_array(), 100, "items");
  if (!again || manastr::cashu::to_json(*again).dump() != text) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace manastr;
  const auto value = json::parse(as_text(ByteView(data, size)));
  if (!value || !value->is_array()) return 0;
  const json::Array& array = *value->if_array();
  check(array, [](const auto& a, auto n, auto w) { return cashu::proofs_from_json(a, n, w); });
  check(array, [](const auto& a, auto n, auto w) { return cashu::blinded_messages_from_json(a, n, w); });
  check(array, [](const auto& a, auto n, auto w) { return cashu::blind_signatures_from_json(a, n, w); });
  return 0;
}

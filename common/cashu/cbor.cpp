#include "common/cashu/cbor.h"

namespace manastr::cashu {
namespace {

enum Major : unsigned {
  kUnsigned = 0,
  kNegative = 1,
  kBytes = 2,
  kText = 3,
  kArray = 4,
  kMap = 5,
  kTag = 6,
  kSimple = 7
};

void append_head(Bytes& out, Major major, std::uint64_t value) {
  const auto top = static_cast<Byte>(major << 5);
  if (value < 24) {
    out.push_back(static_cast<Byte>(top | value));
    return;
  }
  const int width = value <= 0xff ? 1 : value <= 0xffff ? 2 : value <= 0xffffffff ? 4 : 8;
  out.push_back(static_cast<Byte>(top | (width == 1 ? 24 : width == 2 ? 25 : width == 4 ? 26 : 27)));
  for (int shift = 8 * (width - 1); shift >= 0; shift -= 8) out.push_back(static_cast<Byte>(value >> shift));
}

}  // namespace

Result<ByteView> CborReader::take(std::uint64_t size) {
  if (size > rest_.size()) return invalid("the CBOR ends too early");
  const ByteView out = rest_.first(size);
  rest_ = rest_.subspan(size);
  return out;
}

Result<CborReader::Head> CborReader::head() {
  TRY(const ByteView first, take(1));
  Head out{.major = static_cast<unsigned>(first[0]) >> 5, .value = first[0] & 31U};
  if (out.value < 24) return out;
  if (out.value > 27) return invalid("CBOR of indefinite length is not taken");
  TRY(const ByteView wide, take(std::uint64_t{1} << (out.value - 24)));
  out.value = 0;
  for (const Byte byte : wide) out.value = out.value << 8 | byte;
  return out;
}

Result<std::uint64_t> CborReader::expect(unsigned major, std::string_view what) {
  TRY(const Head next, head());
  if (next.major != major) return invalid("expected " + std::string(what) + " in the CBOR");
  return next.value;
}

Result<std::uint64_t> CborReader::unsigned_integer() { return expect(kUnsigned, "an unsigned integer"); }

Result<ByteView> CborReader::byte_string() {
  TRY(const auto size, expect(kBytes, "a byte string"));
  return take(size);
}

Result<std::string> CborReader::text() {
  TRY(const auto size, expect(kText, "a text"));
  TRY(const ByteView bytes, take(size));
  std::string out(as_text(bytes));
  if (!is_utf8(out)) return invalid("a text of the CBOR is not UTF-8");
  return out;
}

Result<std::size_t> CborReader::array() {
  TRY(const auto elements, expect(kArray, "an array"));
  if (elements > rest_.size()) return invalid("the CBOR ends too early");
  return elements;
}

Result<std::size_t> CborReader::map() {
  TRY(const auto pairs, expect(kMap, "a map"));
  if (pairs > rest_.size() / 2) return invalid("the CBOR ends too early");
  return pairs;
}

Status CborReader::skip(int depth) {
  if (depth < 0) return invalid("the CBOR is nested too deeply");
  TRY(const Head next, head());
  std::uint64_t children = 0;
  switch (next.major) {
    case kBytes:
    case kText:
      TRY_STATUS(take(next.value));
      return {};
    case kArray:
      children = next.value;
      break;
    case kMap:
      if (next.value > rest_.size()) return invalid("the CBOR ends too early");
      children = 2 * next.value;
      break;
    case kTag:
      children = 1;
      break;
    default:
      return {};  // integers, simple values and floats end with their head
  }
  if (children > rest_.size()) return invalid("the CBOR ends too early");
  for (; children > 0; --children) TRY_STATUS(skip(depth - 1));
  return {};
}

void cbor_unsigned(Bytes& out, std::uint64_t value) { append_head(out, kUnsigned, value); }
void cbor_bytes(Bytes& out, ByteView bytes) {
  append_head(out, kBytes, bytes.size());
  append(out, bytes);
}
void cbor_text(Bytes& out, std::string_view text) {
  append_head(out, kText, text.size());
  append(out, as_bytes(text));
}
void cbor_array(Bytes& out, std::size_t elements) { append_head(out, kArray, elements); }
void cbor_map(Bytes& out, std::size_t pairs) { append_head(out, kMap, pairs); }

}  // namespace manastr::cashu

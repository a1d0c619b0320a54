#include "lightning/tlv.h"

#include "common/crypto/hash.h"

namespace manastr::lightning {
namespace {

constexpr std::uint64_t kFirstSignature = 240;
constexpr std::uint64_t kLastSignature = 1000;

void append_number(Bytes& out, std::uint64_t value, unsigned bytes) {
  for (unsigned i = bytes; i-- > 0;) out.push_back(static_cast<Byte>(value >> 8 * i));
}

/// bigsize: one byte, or 0xfd, 0xfe, 0xff and 2, 4, 8 bytes.
void append_bigsize(Bytes& out, std::uint64_t value) {
  if (value < 0xfd) return out.push_back(static_cast<Byte>(value));
  const unsigned bytes = value <= 0xffff ? 2 : value <= 0xffff'ffff ? 4 : 8;
  out.push_back(bytes == 2 ? 0xfd : bytes == 4 ? 0xfe : 0xff);
  append_number(out, value, bytes);
}

/// Takes it off the front; nullopt if it is cut off, or longer than it need be.
std::optional<std::uint64_t> take_bigsize(ByteView& bytes) {
  if (bytes.empty()) return std::nullopt;
  const Byte first = bytes[0];
  bytes = bytes.subspan(1);
  if (first < 0xfd) return first;
  const std::size_t size = first == 0xfd ? 2 : first == 0xfe ? 4 : 8;
  if (bytes.size() < size) return std::nullopt;
  std::uint64_t out = 0;
  for (const Byte byte : bytes.first(size)) out = out << 8 | byte;
  bytes = bytes.subspan(size);
  const std::uint64_t least = size == 2 ? 0xfd : size == 4 ? 0x1'0000 : 0x1'0000'0000;
  return out < least ? std::nullopt : std::optional(out);
}

void append_record(Bytes& out, const TlvRecord& record) {
  append_bigsize(out, record.type);
  append_bigsize(out, record.value.size());
  append(out, record.value);
}

Hash32 branch(const Hash32& a, const Hash32& b) {
  return a < b ? crypto::tagged_hash("LnBranch", {a, b}) : crypto::tagged_hash("LnBranch", {b, a});
}

}  // namespace

Result<std::vector<TlvRecord>> read_tlv_stream(ByteView bytes) {
  std::vector<TlvRecord> out;
  while (!bytes.empty()) {
    const auto type = take_bigsize(bytes);
    const auto length = type ? take_bigsize(bytes) : std::nullopt;
    if (!length) return invalid("has a type or length that is cut off or not in its shortest form");
    if (*length > bytes.size()) return invalid("ends within a field");
    if (!out.empty() && *type <= out.back().type) return invalid("has fields out of order");
    const ByteView value = bytes.first(*length);
    out.push_back({*type, Bytes(value.begin(), value.end())});
    bytes = bytes.subspan(*length);
  }
  return out;
}

Bytes write_tlv_stream(const std::vector<TlvRecord>& records) {
  Bytes out;
  for (const TlvRecord& record : records) append_record(out, record);
  return out;
}

std::optional<std::uint64_t> read_truncated(ByteView bytes) {
  if (bytes.size() > 8 || (!bytes.empty() && bytes[0] == 0)) return std::nullopt;
  std::uint64_t out = 0;
  for (const Byte byte : bytes) out = out << 8 | byte;
  return out;
}

Bytes write_truncated(std::uint64_t value) {
  unsigned bytes = 0;
  while (bytes < 8 && value >> 8 * bytes != 0) ++bytes;
  Bytes out;
  append_number(out, value, bytes);
  return out;
}

Hash32 merkle_root(const std::vector<TlvRecord>& records) {
  std::string nonce_tag = "LnNonce";
  std::vector<Hash32> level;
  for (const TlvRecord& record : records) {
    Bytes whole;
    append_record(whole, record);
    if (&record == &records.front()) nonce_tag += as_text(whole);
    if (record.type >= kFirstSignature && record.type <= kLastSignature) continue;
    Bytes type;
    append_bigsize(type, record.type);
    level.push_back(branch(crypto::tagged_hash("LnLeaf", whole), crypto::tagged_hash(nonce_tag, type)));
  }
  // One that is left over goes up as it is, so the lowest are the deepest.
  while (level.size() > 1) {
    std::vector<Hash32> above;
    for (std::size_t i = 0; i < level.size(); i += 2)
      above.push_back(i + 1 < level.size() ? branch(level[i], level[i + 1]) : level[i]);
    level = std::move(above);
  }
  return level.empty() ? Hash32{} : level.front();
}

}  // namespace manastr::lightning

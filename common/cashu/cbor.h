// The part of CBOR (RFC 8949) that NUT-00 V4 tokens are made of: definite lengths, unsigned integers,
// strings, arrays and maps; other items can be skipped. The reader spends no memory that the input doesn't
// pay for.
#pragma once
#include "common/base/bytes.h"
#include "common/base/error.h"

namespace manastr::cashu {

class CborReader {
 public:
  explicit CborReader(ByteView bytes) : rest_(bytes) {}
  bool at_end() const { return rest_.empty(); }
  Result<std::uint64_t> unsigned_integer();
  Result<ByteView> byte_string();
  Result<std::string> text();  ///< UTF-8
  /// Number of elements, or of key-value pairs; never more than there are bytes left.
  Result<std::size_t> array();
  Result<std::size_t> map();
  /// Skips one item of any kind, at most `depth` arrays, maps or tags deep.
  Status skip(int depth = 16);

 private:
  struct Head {
    unsigned major = 0;
    std::uint64_t value = 0;
  };
  Result<Head> head();
  Result<std::uint64_t> expect(unsigned major, std::string_view what);
  Result<ByteView> take(std::uint64_t size);
  ByteView rest_;
};

void cbor_unsigned(Bytes& out, std::uint64_t value);
void cbor_bytes(Bytes& out, ByteView bytes);
void cbor_text(Bytes& out, std::string_view text);
void cbor_array(Bytes& out, std::size_t elements);
void cbor_map(Bytes& out, std::size_t pairs);

}  // namespace manastr::cashu

// BOLT-1's type-length-value streams and their numbers, for BOLT-12. Reading is strict: numbers in their
// shortest form, types strictly ascending, nothing behind the last record.
#pragma once
#include <vector>

#include "common/base/bytes.h"
#include "common/base/error.h"

namespace manastr::lightning {

struct TlvRecord {
  std::uint64_t type = 0;
  Bytes value;
  bool operator==(const TlvRecord&) const = default;
};

/// The error says what is wrong, as the end of a sentence ("ends within a record").
Result<std::vector<TlvRecord>> read_tlv_stream(ByteView bytes);
/// `records` by ascending type.
Bytes write_tlv_stream(const std::vector<TlvRecord>& records);

/// tu64: big-endian without leading zero bytes; 0 is empty.
std::optional<std::uint64_t> read_truncated(ByteView bytes);
Bytes write_truncated(std::uint64_t value);

/// BOLT-12, "Signature Calculation": the root of the Merkle tree over all records that are no signatures
/// (types 240 to 1000). `records` by ascending type, at least one.
Hash32 merkle_root(const std::vector<TlvRecord>& records);

}  // namespace manastr::lightning

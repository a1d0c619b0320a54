// Makes sure of what another mint's database says, row by row, with the keys: each signature is made again,
// each proof's Y and C too. All cores work on a batch.
#pragma once
#include "mint/import/source_keys.h"
#include "mint/ledger/writes.h"

namespace manastr::mint {

struct CheckedSignature {
  Issue issue;  ///< with a DLEQ proof of ours
  std::string quote;
  std::int64_t order = 0;
};
/// Of signatures that were given. The error names the first that the keys did not make.
Result<std::vector<CheckedSignature>> check_signatures(const std::vector<SourceSignature>& rows,
                                                       const SourceKeys& keys);

struct CheckedProof {
  Spend spend;
  std::string melt;
  bool pending = false;
  enum class How { verified, by_older_hash, by_y_alone } how = How::verified;
};
/// Y from the secret, C from the key. Proofs from before NUT-00's present hash to the curve are made sure of
/// by the older one; where the source kept no secret or no C there is only the Y.
Result<std::vector<CheckedProof>> check_proofs(const std::vector<SourceProof>& rows, const SourceKeys& keys);

}  // namespace manastr::mint

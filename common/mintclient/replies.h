// What a mint's replies say, read with distrust. For client.cpp; each function takes the body of a 200.
#pragma once
#include "common/mintclient/client.h"

namespace manastr::mintclient {

Result<MintInfo> read_info(std::string_view body);
Result<std::vector<cashu::KeysetInfo>> read_keysets(std::string_view body);
/// The one keyset `id` of a /v1/keys/{id} reply; its id is derived again.
Result<cashu::Keyset> read_keyset(std::string_view body, const cashu::KeysetId& id);
Result<MintQuote> read_mint_quote(std::string_view body);
/// `outputs`: the blank outputs sent along; change must fit them one by one.
Result<MeltQuote> read_melt_quote(std::string_view body, const std::vector<cashu::BlindedMessage>* outputs);
/// As many signatures as outputs, each with its output's amount and keyset.
Result<std::vector<cashu::BlindSignature>> read_signatures(std::string_view body,
                                                           const std::vector<cashu::BlindedMessage>& outputs);
Result<std::vector<ProofStatus>> read_states(std::string_view body, const std::vector<crypto::PublicKey>& ys);
Result<Restored> read_restored(std::string_view body, const std::vector<cashu::BlindedMessage>& asked);
/// The error that a reply other than 200 stands for.
Error read_error(const HttpReply& reply);

}  // namespace manastr::mintclient

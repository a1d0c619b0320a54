// Who may use a protected endpoint (NUT-21, NUT-22), and when a blind token is spent: in the transaction of
// the request's own write, or where it writes nothing before its answer is given, and only if that is a
// success. A token that was spent for a request
// whose reply is kept (NUT-19) lets the same request in again, and no other.
#pragma once
#include "mint/authentication/authentication.h"
#include "mint/pipeline/parts.h"

namespace manastr::mint {

/// What a request was let in by.
struct Admission {
  Hash32 subject{};                 ///< of a clear token: whose, as a hash
  std::optional<TokenSpend> token;  ///< a blind one
  std::optional<Hash32> spent_for;  ///< it is spent already, for the request of this fingerprint
  bool spent = false;               ///< by the request's own write, for good
  std::shared_ptr<const void> hold;
};
/// Null where everyone may pass.
using Admitted = std::shared_ptr<Admission>;

struct Credentials {
  Access wanted = Access::open;
  bool repeatable = false;  ///< the endpoint keeps its replies and calls bind_token()
  std::string token;        ///< the header of the wanted kind; "" if there is none
};

/// Answers 30001, 30002, 31001, 31002, or 503 while no key of the provider is known; or calls `operation`, on
/// a crypto worker.
void admit(Parts& parts, Credentials credentials,
           std::move_only_function<void(const Admitted&, Answer)> operation, Answer answer);

// For the operations that write; each does nothing with a null Admitted.
/// The request is the one of this fingerprint, and its reply is kept. 31002 if its token was spent for
/// another.
Status bind_token(const Admitted& admitted, const Hash32& operation);
/// To be spent in the request's write.
std::optional<TokenSpend> token_of(const Admitted& admitted);
/// The write is done, and has spent the token for good.
void note_spent(const Admitted& admitted, const Written& written);

}  // namespace manastr::mint

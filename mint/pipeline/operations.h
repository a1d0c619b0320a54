// The operations of NUT-03, 04, 05, 07, 09, 23, 25 and 29. Each takes a request's body on a crypto worker and
// answers once, from there or from the committing thread, or (melts, quotes) from one that waits for
// Lightning. Nothing here waits for anything itself. Those that write spend the blind token that let them in
// with their own write.
#pragma once
#include "mint/pipeline/admission.h"

namespace manastr::mint {

void swap(Parts& parts, std::string body, const Admitted& admitted, Answer answer);
void check_state(Parts& parts, const std::string& body, Answer answer);
void restore(Parts& parts, const std::string& body, Answer answer);

// `method` is the path's; a quote of another one is unknown there.
void request_mint_quote(Parts& parts, Method method, std::string body, const Admitted& admitted,
                        Answer answer);
void show_mint_quote(Parts& parts, Method method, const std::string& id, Answer answer);
void mint(Parts& parts, Method method, std::string body, const Admitted& admitted, Answer answer);
/// NUT-29.
void check_mint_quotes(Parts& parts, Method method, const std::string& body, Answer answer);
void mint_batch(Parts& parts, Method method, std::string body, const Admitted& admitted, Answer answer);

void request_melt_quote(Parts& parts, Method method, std::string body, const Admitted& admitted,
                        Answer answer);
void show_melt_quote(Parts& parts, Method method, const std::string& id, Answer answer);
/// `prefer_async` as a header said it, beside the body's member.
void melt(Parts& parts, Method method, std::string body, bool prefer_async, const Admitted& admitted,
          Answer answer);

/// NUT-22: blind tokens for the subject of `admitted`.
void mint_tokens(Parts& parts, const std::string& body, const Admitted& admitted, Answer answer);

}  // namespace manastr::mint

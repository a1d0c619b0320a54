#include "mint/pipeline/admission.h"

namespace manastr::mint {
namespace {

using Operation = std::move_only_function<void(const Admitted&, Answer)>;

/// Of a request with a clear token, while the provider is looked at.
struct Waiting {
  std::string token;
  Operation operation;
  Answer answer;
};

void check_clear(Parts& parts, const std::shared_ptr<Waiting>& waiting, bool looked) {
  Authentication& authentication = *parts.authentication;
  const auto subject = authentication.check_clear(waiting->token, parts.clock->now_seconds());
  if (!subject) return waiting->answer(error_reply(subject.error()));
  if (*subject) {
    auto admitted = std::make_shared<Admission>();
    admitted->subject = **subject;
    return waiting->operation(admitted, std::move(waiting->answer));
  }
  const auto go_on = [&parts, waiting] {
    parts.crypto->post_next([&parts, waiting] { check_clear(parts, waiting, true); });
  };
  if (looked || !authentication.provider().look_again(go_on))
    waiting->answer(error_reply(authentication.unknown_key()));
}

/// Spends the token before a success is told, unless the request's own write has. Whoever has heard the
/// answer may come again with the token, so that is let go first.
Answer spending(Parts& parts, Admitted admitted, Answer answer) {
  return [&parts, admitted = std::move(admitted), answer = std::move(answer)](Reply reply) mutable {
    if (reply.status != 200 || admitted->spent) {
      admitted->hold.reset();
      return answer(std::move(reply));
    }
    const auto shared = std::make_shared<Answer>(std::move(answer));
    const bool queued =
        parts.ledger->write(UseToken{*admitted->token},
                            [admitted, shared, reply = std::move(reply)](Result<Written> used) mutable {
                              admitted->hold.reset();
                              (*shared)(used ? std::move(reply) : error_reply(used.error()));
                            });
    if (queued) return;
    admitted->hold.reset();
    (*shared)(overloaded());
  };
}

Result<Admitted> check_blind(Parts& parts, const Credentials& credentials) {
  auto admitted = std::make_shared<Admission>();
  TRY(admitted->token, parts.authentication->check_blind(credentials.token, parts.clock->now_seconds()));
  TRY(const auto spent, parts.ledger->spent_token(admitted->token->y));
  if (spent) {
    if (!credentials.repeatable || !spent->request) return refused_token();
    admitted->spent_for = spent->request;
  }
  if (credentials.repeatable) return admitted;
  admitted->hold = parts.authentication->hold(admitted->token->y);
  if (!admitted->hold) return refused_token();
  return admitted;
}

}  // namespace

void admit(Parts& parts, Credentials credentials, Operation operation, Answer answer) {
  if (credentials.wanted == Access::open) return operation(nullptr, std::move(answer));
  if (credentials.wanted == Access::clear) {
    if (credentials.token.empty()) {
      return answer(error_reply(
          {ErrorKind::refused, cashu::kClearAuthRequired,
           "log in with the OpenID provider of /v1/info and send its token as Clear-auth (NUT-21)"}));
    }
    return check_clear(
        parts,
        std::make_shared<Waiting>(std::move(credentials.token), std::move(operation), std::move(answer)),
        false);
  }
  if (credentials.token.empty()) {
    return answer(error_reply({ErrorKind::refused, cashu::kBlindAuthRequired,
                               "send a token of /v1/auth/blind/mint as Blind-auth (NUT-22)"}));
  }
  auto admitted = check_blind(parts, credentials);
  if (!admitted) return answer(error_reply(admitted.error()));
  operation(*admitted, spending(parts, *admitted, std::move(answer)));
}

Status bind_token(const Admitted& admitted, const Hash32& operation) {
  if (!admitted || !admitted->token) return {};
  if (admitted->spent_for && *admitted->spent_for != operation) return refused_token();
  admitted->token->request = operation;
  return {};
}

std::optional<TokenSpend> token_of(const Admitted& admitted) {
  return admitted ? admitted->token : std::nullopt;
}

void note_spent(const Admitted& admitted, const Written& written) {
  if (admitted && !written.repeated) admitted->spent = true;
}

}  // namespace manastr::mint

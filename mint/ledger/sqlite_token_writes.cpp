// Blind authentication tokens (NUT-22) in the SQLite ledger: no money, so the books know nothing of them.
#include "mint/ledger/sqlite_writes.h"

namespace manastr::mint {

using storage::Query;

std::unexpected<Error> refused_token() {
  return refused(cashu::kBlindAuthFailed,
                 "Blind-auth: this token was spent for another request: use a fresh one");
}
std::unexpected<Error> refused_more_tokens() {
  return refused(cashu::kBlindTokensTooOften,
                 "no more blind tokens for this user in this hour: ask again in the next");
}

Status SqliteWrites::use(const std::optional<TokenSpend>& token, std::string_view melt) {
  if (!token) return {};
  if (books_->pruned(token->keyset)) return refused_token();  // spent ones of it are forgotten
  TRY_STATUS(database_->run(
      "INSERT INTO auth_tokens VALUES(?1, ?2, ?3, ?4) ON CONFLICT(y) DO UPDATE SET melt = ?4 WHERE request = "
      "?3",
      token->y, token->keyset, token->request, melt.empty() ? std::nullopt : std::optional(melt)));
  if (database_->changes() == 0) return refused_token();
  return {};
}

Result<Written> SqliteWrites::operator()(const UseToken& write) {
  TRY_STATUS(use(write.token));
  return Written{};
}

Result<Written> SqliteWrites::operator()(const IssueTokens& write) {
  if (write.most > 0) {
    // An hour that is more than one ahead was counted by a clock that was wrong: it locks nobody out.
    TRY_STATUS(database_->run(
        "INSERT INTO auth_subjects VALUES(?1, ?2, ?3) ON CONFLICT(subject) DO UPDATE SET "
        "hour = CASE WHEN hour = ?2 + 1 THEN hour ELSE ?2 END, "
        "issued = ?3 + CASE WHEN hour BETWEEN ?2 AND ?2 + 1 THEN issued ELSE 0 END "
        "WHERE hour NOT BETWEEN ?2 AND ?2 + 1 OR issued + ?3 <= ?4",
        write.subject, write.hour, static_cast<std::uint64_t>(write.issues.size()), write.most));
    if (database_->changes() == 0) return refused_more_tokens();
  }
  for (const Issue& output : write.issues) {
    TRY_STATUS(database_->run(
        "INSERT INTO auth_signatures VALUES(?, ?, ?, ?, ?, ?) ON CONFLICT(b_) DO NOTHING", output.b_blinded,
        output.keyset, output.c_blinded, output.dleq.e, output.dleq.s, write.operation));
    if (database_->changes() == 0) {
      return refused(cashu::kOutputsAlreadySigned, "an output has been signed before: use fresh outputs");
    }
  }
  return Written{};
}

}  // namespace manastr::mint

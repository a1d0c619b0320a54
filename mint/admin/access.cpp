#include "mint/admin/access.h"

#include "common/crypto/hash.h"
#include "common/nostr/nip98.h"
#include "common/telemetry/log.h"

namespace manastr::mint {
namespace {

constexpr Seconds kIdKept{120};
constexpr const char* kCalls = "mint_admin_calls_total";
constexpr const char* kHelp = "Calls of /admin/v1 by outcome";

/// What a key stands for: the arguments name the unit, too. The same at whichever mint.
Hash32 fingerprint_of(const AdminTask& task) {
  return crypto::sha256(as_bytes(task.action + "\n" + task.arguments));
}

}  // namespace

AdminAccess::AdminAccess(Admins& admins, Parts& parts, telemetry::Metrics& metrics)
    : admins_(&admins),
      parts_(&parts),
      done_(&metrics.counter(kCalls, kHelp, {{"outcome", "done"}})),
      refused_(&metrics.counter(kCalls, kHelp, {{"outcome", "refused"}})),
      unauthorized_(&metrics.counter(kCalls, kHelp, {{"outcome", "unauthorized"}})) {}

Reply AdminAccess::refuse(const AdminHttp& request, int status, int code, std::string_view why,
                          Millis retry_after) {
  unauthorized_->add();
  telemetry::log_warn("a call of /admin/v1 was refused",
                      {{"why", why}, {"from", request.client}, {"url", request.url}, {"status", status}});
  return error_reply(status, code, why, retry_after);
}

void AdminAccess::call(AdminHttp request, std::function<AdminTask(const AdminHttp&)> task, Answer answer) {
  if (admins_->empty()) return answer(error_reply(404, 0, "There is nothing at this path."));
  if (request.authorization.empty()) {
    return answer(refuse(request, 401, kUnauthorized,
                         "Authorization: Nostr <base64 of a kind 27235 event> is missing (NIP-98)"));
  }
  const auto authorized = nostr::check_authorization(request.authorization, request.url, request.method,
                                                     request.body, parts_->clock->now_seconds());
  if (!authorized) return answer(refuse(request, 401, kUnauthorized, authorized.error().message));
  auto admin = admins_->find(authorized->pubkey);
  if (!admin) return answer(refuse(request, 403, kForbidden, "this key is no admin of the mint"));
  if (const auto wait = admins_->admit(*admin)) {
    return answer(refuse(request, 429, kRateLimited,
                         "this admin has called too often: wait as Retry-After says", *wait));
  }
  const auto shared = std::make_shared<Answer>(std::move(answer));
  const bool posted = parts_->lightning->try_post(
      [this, admin = *std::move(admin), event = authorized->id, request = std::move(request),
       task = std::move(task), shared] { run(admin, event, task(request), std::move(*shared)); });
  if (!posted) (*shared)(overloaded());
}

void AdminAccess::run(const Admin& admin, const Hash32& event, const AdminTask& task, Answer answer) {
  AdminCall call;
  call.at = parts_->clock->now();
  call.admin = admin.name;
  call.pubkey = admin.key.bytes;
  call.roles = roles_text(admin);
  call.action = task.action;
  call.arguments = task.arguments;
  call.event = event;
  call.event_until = std::chrono::floor<Seconds>(call.at) + kIdKept;
  const bool may = !task.needs || admin.has(*task.needs);
  if (may) call.key = task.key;
  call.operation = fingerprint_of(task);
  const AdminPlan forbidden = [&](const AdminView&) -> Result<AdminEffect> {
    return refused(kForbidden, task.action + " needs the role \"" + std::string(name_of(*task.needs)) +
                                   "\", and " + admin.name + " has " + call.roles);
  };
  auto outcome = parts_->ledger->administrate(call, may ? task.plan : forbidden);
  if (!outcome) return answer(error_reply(outcome.error()));
  const bool done = outcome->status == 200;
  (done ? done_ : refused_)->add();
  telemetry::log_info(
      "an admin called",
      {{"admin", call.admin}, {"action", call.action}, {"outcome", done ? "done" : outcome->text}});
  if (!done) return answer(error_reply(outcome->status, outcome->code, outcome->text));
  if (task.done) task.done(outcome->repeated);
  answer({200, std::move(outcome->text), Millis{0}});
}

}  // namespace manastr::mint

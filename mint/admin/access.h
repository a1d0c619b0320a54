// Who calls /admin/v1/*, and that each call leaves its line in the log: NIP-98 as the engines'
// (docs/mint-api.md), then the admin's rate and role, then the ledger decides and logs in one transaction. A
// call without a valid signature of an admin is counted and told to the daemon's log alone, so that nobody
// fills the ledger.
#pragma once
#include <functional>

#include "common/telemetry/metrics.h"
#include "mint/admin/admins.h"
#include "mint/ledger/ledger.h"
#include "mint/pipeline/parts.h"

namespace manastr::mint {

/// A request of an admin endpoint as it came in.
struct AdminHttp {
  std::string authorization;  ///< header
  std::string url;            ///< configured base URL + path + query
  std::string method;
  std::string body;
  std::string client;  ///< its address
};

/// What a call is to the log and to the roles, and what it does.
struct AdminTask {
  std::string action;
  std::string arguments;      ///< JSON
  std::optional<Role> needs;  ///< absent: any
  std::optional<Hash32> key;  ///< idempotency; absent for what only reads
  AdminPlan plan;
  std::function<void(bool repeated)> done;  ///< after the commit, before the answer; may be null
};

class AdminAccess {
 public:
  /// All must outlive this.
  AdminAccess(Admins& admins, Parts& parts, telemetry::Metrics& metrics);

  /// 404 if nobody is an admin, 401, 403 or 429, or the task's outcome. `task` is made from the request once
  /// its caller is known. On a crypto worker; goes on in a thread that may wait.
  void call(AdminHttp request, std::function<AdminTask(const AdminHttp&)> task, Answer answer);

 private:
  Reply refuse(const AdminHttp& request, int status, int code, std::string_view why,
               Millis retry_after = Millis{0});
  void run(const Admin& admin, const Hash32& event, const AdminTask& task, Answer answer);

  Admins* admins_;
  Parts* parts_;
  telemetry::Counter* done_;
  telemetry::Counter* refused_;
  telemetry::Counter* unauthorized_;
};

}  // namespace manastr::mint

// The calls of /admin/v1/* (docs/mint-api.md): what each needs, how it is logged, what it does and answers.
#pragma once
#include "mint/admin/access.h"
#include "mint/admin/live_units.h"

namespace manastr::mint {

/// POST …: `action` is one of kAdminActions; `unit` of the path, "" for "create".
AdminTask change_task(LiveUnits& units, const Clock& clock, const AdminAction& action, std::string_view unit,
                      const std::string& body);
/// GET /admin/v1/units.
AdminTask units_task(LiveUnits& units, const Clock& clock);
/// GET /admin/v1/audit: `query` may say before=NUMBER and limit=1..1000. Blocks for the ledger.
AdminTask audit_task(Ledger& ledger, std::string_view query);

}  // namespace manastr::mint

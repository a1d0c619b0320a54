// Whether what stands between us and the server, if anything, leaves a connection the session that it is:
// statements stay prepared, settings set, and notifications come. A pooler like PgBouncer does so with
// pool_mode = session alone.
#pragma once
#include "common/postgres/connection.h"

namespace manastr::postgres {

/// `invalid` with what to change if each transaction may run in another session. Opens two connections.
Status check_sessions(const Address& address);

}  // namespace manastr::postgres

// The engine over HTTP: the chain of a match and where it stands, for whoever lacks a receipt. GET only,
// public.
#pragma once
#include "common/net/router.h"
#include "engine/match/journal.h"

namespace manastr::engine {

/// GET /matches/{id}: phase, clocks and deadlines as the newest receipt says. GET /matches/{id}/transcript:
/// the chain, a JSON array of events in order, byte for byte as published. Only what is durable is shown.
/// `journal` outlives the server.
void add_match_routes(net::Router& router, const Journal& journal);

}  // namespace manastr::engine

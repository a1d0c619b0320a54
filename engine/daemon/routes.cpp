#include "engine/daemon/routes.h"

#include "common/match/receipt.h"

namespace manastr::engine {
namespace {

constexpr std::string_view kNoMatch = "this engine knows no such match";

std::optional<MatchId> match_in(const net::Request& request) {
  return array_from_hex<32>(request.parameter("id"));
}

json::Value status_of(const MatchId& match, const nostr::Event& newest, const match::Receipt& receipt) {
  json::Array clocks;
  json::Array deadlines;
  for (const Millis left : receipt.head.clocks) clocks.push_back(std::int64_t{left.count()});
  for (const auto& deadline : receipt.head.deadlines) {
    deadlines.push_back(deadline ? json::Value(count(*deadline)) : json::Value(nullptr));
  }
  json::Value out;
  out.set("match", to_hex(match))
      .set("phase", match::phase_name(receipt.head.phase))
      .set("round", std::uint64_t{receipt.head.round})
      .set("receipts", std::uint64_t{receipt.head.sequence} + 1)
      .set("newest", json::Value(json::Object{{"id", to_hex(newest.id)},
                                              {"type", match::type_name(receipt.body)},
                                              {"at_ms", count(receipt.head.at)}}))
      .set("clocks_ms", std::move(clocks))
      .set("deadlines_ms", std::move(deadlines));
  return out;
}

net::Response show_status(const Journal& journal, const net::Request& request) {
  const auto match = match_in(request);
  if (!match) return net::Response::error(400, "a match id is 64 lower-case hex digits");
  const auto newest = journal.last_receipt(*match);
  if (!newest) return net::Response::error(newest.error());
  if (!*newest) return net::Response::error(404, kNoMatch);
  const auto receipt = match::parse_receipt(**newest);
  if (!receipt) return net::Response::error(500, "the newest receipt can't be read");
  return net::Response::json(status_of(*match, **newest, *receipt).dump());
}

net::Response show_transcript(const Journal& journal, const net::Request& request) {
  const auto match = match_in(request);
  if (!match) return net::Response::error(400, "a match id is 64 lower-case hex digits");
  auto transcript = journal.transcript(*match);
  if (!transcript) return net::Response::error(transcript.error());
  if (!*transcript) return net::Response::error(404, kNoMatch);
  return net::Response::json(**std::move(transcript));
}

}  // namespace

void add_match_routes(net::Router& router, const Journal& journal) {
  router.get("/matches/{id}", net::DirectHandler([&journal](const net::Request& request) {
               return show_status(journal, request);
             }));
  router.get("/matches/{id}/transcript", net::DirectHandler([&journal](const net::Request& request) {
               return show_transcript(journal, request);
             }));
}

}  // namespace manastr::engine

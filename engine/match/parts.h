// What all match writers share. Everything here is thread-safe and outlives them.
#pragma once
#include <atomic>

#include "common/match/engine_keys.h"
#include "common/telemetry/metrics.h"
#include "engine/match/challenge_slots.h"
#include "engine/match/journal.h"
#include "engine/match/reputation.h"
#include "engine/publish/announcement_book.h"
#include "engine/publish/publisher.h"
#include "engine/settlement/mint_book.h"
#include "engine/settlement/mint_calls.h"
#include "engine/settlement/stake_reservations.h"

namespace manastr::engine {

/// Changed by a reload of the configuration.
struct MatchLimits {
  std::atomic<std::size_t> in_play{100};  ///< matches between acceptance and verdict
  std::atomic<std::size_t> open{10'000};  ///< matches in any state but finished
};

struct MatchFigures {
  explicit MatchFigures(telemetry::Metrics& metrics);
  telemetry::Gauge& open;
  telemetry::Gauge& in_play;
  telemetry::Counter& opened;
  telemetry::Counter& finished;
  telemetry::Counter& receipts;
  telemetry::Counter& rejections;
  telemetry::Counter& unknown_match;
  telemetry::Histogram& claim_to_settlement;
  std::atomic<std::size_t> open_now{0};
  std::atomic<std::size_t> in_play_now{0};
};

struct MatchParts {
  const match::EngineKeys& keys;
  const Clock& clock;
  Journal& journal;
  Publisher& publisher;
  MintCalls& mint_calls;
  const MintBook& mints;
  StakeReservations& reservations;
  const AnnouncementBook& announcements;
  Reputation& reputation;
  ChallengeSlots& slots;
  const MatchLimits& limits;
  MatchFigures& figures;
};

}  // namespace manastr::engine

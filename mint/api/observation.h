// What an operator sees of the mint: /health and the figures of /metrics.
#pragma once
#include <memory>
#include <mutex>
#include <set>

#include "common/telemetry/health.h"
#include "common/telemetry/metrics.h"
#include "lightning/lightning.h"
#include "mint/pipeline/parts.h"
#include "mint/subscriptions/hub.h"

namespace manastr::mint {

class Observation {
 public:
  /// Histograms of commits; made before the ledger, which reports to them.
  void committed(std::size_t writes, double seconds);
  Observation();

  /// The rest, once there is something to look at. All of them outlive this.
  void watch(const Parts& parts, lightning::Node& node, const Hub& hub);
  /// Asks the Lightning node how it is, tells the log what has changed for the ledger, and finds units and
  /// keysets that are new; called now and then by one thread, may block.
  void look();

  telemetry::Metrics metrics;
  telemetry::HealthRegistry health;

 private:
  void watch_journal(const Ledger& ledger);
  void watch_units();
  void watch_keysets();
  telemetry::Histogram* commit_seconds_;
  telemetry::Histogram* commit_writes_;
  lightning::Node* node_ = nullptr;
  Ledger* ledger_ = nullptr;
  const Keysets* keysets_ = nullptr;
  std::set<cashu::Unit> watched_units_;
  std::set<std::uint32_t> watched_keysets_;
  std::string ledger_trouble_;  // as the log has it
  std::mutex lightning_mutex_;
  telemetry::Health lightning_;
};

}  // namespace manastr::mint

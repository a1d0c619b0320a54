#include "mint/api/observation.h"

#include "common/telemetry/log.h"

namespace manastr::mint {

using telemetry::Health;
using telemetry::HealthStatus;

Observation::Observation()
    : commit_seconds_(&metrics.histogram("mint_commit_seconds", "Time of a ledger commit, sync included",
                                         telemetry::duration_bounds())),
      commit_writes_(&metrics.histogram("mint_commit_writes", "Transactions that shared a ledger commit",
                                        {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000})) {}

void Observation::committed(std::size_t writes, double seconds) {
  commit_seconds_->observe(seconds);
  commit_writes_->observe(static_cast<double>(writes));
}

void Observation::watch(const Parts& parts, lightning::Node& node, const Hub& hub) {
  node_ = &node;
  ledger_ = parts.ledger;
  keysets_ = parts.keysets;
  const Parts* all = &parts;
  metrics.gauge_from("mint_liabilities_msat", "All that could still be asked for, at the units' prices",
                     [all] { return approximate(all->ledger->totals().liabilities_msat()); });
  metrics.gauge_from("mint_assets_msat", "Received less paid out over Lightning",
                     [all] { return approximate(all->ledger->totals().assets_msat()); });
  metrics.gauge_from("mint_received_msat", "Received over Lightning",
                     [all] { return approximate(all->ledger->totals().received_msat); });
  metrics.gauge_from("mint_paid_out_msat", "Paid over Lightning, fees included",
                     [all] { return approximate(all->ledger->totals().paid_out_msat); });
  watch_journal(*all->ledger);
  metrics.gauge_from("mint_queue_crypto", "Requests waiting for a worker",
                     [all] { return static_cast<double>(all->crypto->queued()); });
  metrics.gauge_from("mint_queue_ledger", "Transactions waiting for a commit",
                     [all] { return static_cast<double>(all->ledger->queued()); });
  metrics.gauge_from("mint_requests_in_flight", "Requests that hold proofs, outputs or quotes",
                     [all] { return static_cast<double>(all->reservations->size()); });
  metrics.gauge_from("mint_melts_pending", "Payments without a known end",
                     [all] { return static_cast<double>(all->melt_payments->pending()); });

  watch_units();
  watch_keysets();
  metrics.gauge_from("mint_subscription_filters", "Quotes and proofs that WebSocket clients wait for",
                     [&hub] { return static_cast<double>(hub.filters()); });

  if (parts.authentication != nullptr) {
    health.add("openid", [all] {
      const std::string trouble = all->authentication->provider().trouble();
      return trouble.empty() ? Health{} : Health{HealthStatus::degraded, trouble};
    });
  }
  health.add("ledger", [all] {
    const Status status = all->ledger->health();
    if (status) return Health{};
    // Degraded: payments under way still come to their end here.
    if (!all->ledger->standing().alarm.empty())
      return Health{HealthStatus::degraded, "ALARM: " + status.error().message};
    // Degraded still answers 200: what is asked next shows whether there is room again.
    const bool for_now = status.error().kind == ErrorKind::unavailable;
    return Health{for_now ? HealthStatus::degraded : HealthStatus::failed, status.error().message};
  });
  health.add("solvency", [all] {
    if (all->ledger->totals().solvent()) return Health{};
    return Health{HealthStatus::degraded,
                  "the mint owes more than it has taken in; it issues nothing that widens the gap"};
  });
  health.add("lightning", [this] {
    const std::lock_guard lock(lightning_mutex_);
    return lightning_;
  });
}

void Observation::watch_journal(const Ledger& ledger) {
  const Ledger* one = &ledger;
  const auto age = [](UnixSeconds since) {
    if (since == UnixSeconds{}) return -1.0;
    return static_cast<double>(count(system_clock().now_seconds()) - count(since));
  };
  metrics.gauge_from("mint_journal_sequence", "Entries of this mint's chain of the journal",
                     [one] { return static_cast<double>(one->standing().sequence); });
  metrics.gauge_from("mint_checkpoint_age_seconds", "Since the last signed checkpoint; -1: there is none",
                     [one, age] { return age(one->standing().checkpoint_at); });
  metrics.gauge_from("mint_audit_age_seconds", "Since the totals were last found to add up; -1: never",
                     [one, age] { return age(one->standing().audited_at); });
  metrics.gauge_from("mint_checkpointer_wait_seconds",
                     "That commits have waited for SQLite's log to be moved into the file, in all",
                     [one] { return one->standing().checkpointer_wait_seconds; });
  metrics.gauge_from("mint_alarm", "1: the books don't add up, nothing is issued",
                     [one] { return one->standing().alarm.empty() ? 0.0 : 1.0; });
}

/// Units come while the mint runs, and go; those that have gone may still be owed.
void Observation::watch_units() {
  const auto watch = [this](const cashu::Unit& unit) {
    if (!watched_units_.insert(unit).second) return;
    const auto gauge = [&](std::string_view name, std::string_view help, Wide (*amount)(const UnitTotals&)) {
      metrics.gauge_from(name, help,
                         [ledger = ledger_, unit, amount] {
                           for (const UnitTotals& each : ledger->totals().units) {
                             if (each.unit == unit) return approximate(amount(each));
                           }
                           return 0.0;
                         },
                         {{"unit", unit}});
    };
    gauge("mint_outstanding", "Amount in circulation, in the unit",
          [](const UnitTotals& totals) { return totals.outstanding(); });
    gauge("mint_expired", "Issued, never redeemed, and past its keyset's final expiry, in the unit",
          [](const UnitTotals& totals) { return totals.expired; });
  };
  for (const CurrencyConfiguration& currency : keysets_->now()->currencies()) watch(currency.unit);
  for (const UnitTotals& totals : ledger_->totals().units) watch(totals.unit);
}

/// Keysets come while the mint runs: each gets its gauges when it is first seen.
void Observation::watch_keysets() {
  const Totals totals = ledger_->totals();
  for (const KeysetTotals& keyset : totals.keysets) {
    if (!watched_keysets_.insert(keyset.number).second) continue;
    const auto gauge = [&](std::string_view name, std::string_view help, Wide KeysetTotals::* what) {
      metrics.gauge_from(name, help,
                         [ledger = ledger_, number = keyset.number, what] {
                           for (const KeysetTotals& each : ledger->totals().keysets) {
                             if (each.number == number) return approximate(each.*what);
                           }
                           return 0.0;
                         },
                         {{"keyset", std::to_string(keyset.number)}});
    };
    gauge("mint_issued", "Amount signed, by the number of the keyset in /v1/supply", &KeysetTotals::issued);
    gauge("mint_redeemed", "Amount spent, by the number of the keyset in /v1/supply",
          &KeysetTotals::redeemed);
  }
}

void Observation::look() {
  watch_units();
  watch_keysets();
  const Status ledger = ledger_->health();
  const std::string trouble = ledger ? "" : ledger.error().message;
  if (trouble != ledger_trouble_) {
    if (ledger) {
      telemetry::log_info("the ledger is written again");
    } else {
      telemetry::log_error(ledger_->standing().alarm.empty() ? "the ledger can't be written"
                                                             : "ALARM: nothing is issued any more",
                           {{"why", trouble}});
    }
    ledger_trouble_ = trouble;
  }
  const Status status = node_->health();
  Health now = status ? Health{} : Health{HealthStatus::degraded, status.error().message};
  const std::lock_guard lock(lightning_mutex_);
  if (now.status != lightning_.status) {
    telemetry::log_warn(status ? "the Lightning node is well again" : "the Lightning node is not well",
                        {{"detail", now.detail}});
  }
  lightning_ = std::move(now);
}

}  // namespace manastr::mint

#include "engine/daemon/daemon.h"

#include <algorithm>
#include <fstream>

#include "common/base/failpoint.h"
#include "common/config/file_watcher.h"
#include "common/mintclient/curl_transport.h"
#include "common/net/operations.h"
#include "common/net/server.h"
#include "common/storage/directory_lock.h"
#include "common/telemetry/log.h"
#include "engine/daemon/mint_watch.h"
#include "engine/daemon/offer.h"
#include "engine/daemon/rake.h"
#include "engine/daemon/restoration.h"
#include "engine/daemon/routes.h"
#include "engine/daemon/secrets.h"
#include "engine/intake/intake.h"
#include "relay-client/relay_pool.h"

namespace manastr::engine {
namespace {

constexpr Millis kTick{200};
constexpr Millis kRelaysMissed{1000};  // without a quorum for so long, the clocks stop
constexpr Millis kDrain{2000};         // for receipts on their way to the relays
constexpr Seconds kRelayMemory{3600};  // how far before the journal's end own chains are read back
constexpr Seconds kEventMemory{2 * 3600};

using telemetry::Health;
using telemetry::HealthStatus;

bool is_loopback(const std::string& url) {
  return url.starts_with("ws://127.") || url.starts_with("ws://localhost") || url.starts_with("ws://[::1]");
}

class KeySigner final : public relay::Signer {
 public:
  explicit KeySigner(const match::EngineKeys& keys) : keys_(keys) {}
  nostr::Event sign(const nostr::Draft& draft) override { return keys_.sign(draft); }

 private:
  const match::EngineKeys& keys_;
};

enum class Stage { starting, reading_chains, judging, failed };

class Daemon {
 public:
  Daemon(DaemonOptions options, resilience::Termination& termination)
      : options_(std::move(options)),
        termination_(termination),
        clock_(system_clock()),
        random_(system_random()) {}

  Result<int> run() {
    TRY_STATUS(open());
    const Status served = serve();
    drain();
    if (!served && !(stopping_ && served.error().kind == ErrorKind::unavailable)) {
      return std::unexpected(served.error());
    }
    const std::lock_guard lock(failure_mutex_);
    if (failure_) return std::unexpected(*failure_);
    return 0;
  }

 private:
  const Configuration& configuration() const { return options_.configuration; }
  std::filesystem::path data(std::string_view name) const { return options_.data / name; }

  /// Keys, journal, HTTP: everything that can be wrong about this machine.
  Status open() {
    TRY(lock_, storage::DirectoryLock::acquire(options_.data.string()));
    std::error_code ignored;
    std::filesystem::remove(data("port"), ignored);  // who waits for it must not find that of an earlier run
    TRY_STATUS(open_keys());
    TRY(journal_,
        Journal::open(configuration().sqlite_file(options_.data.string()), keys_->pubkey(), clock_));
    TRY(std::vector<nostr::Event> announcements, journal_->announcements());
    TRY_STATUS(check_escrow_key(announcements));
    for (nostr::Event& each : announcements) announcements_.add(std::move(each));
    TRY(const std::vector<Journal::Slot> slots, journal_->slots());
    for (const Journal::Slot& each : slots) {
      if (const auto d = array_from_hex<32>(each.d)) slots_.take(each.creator, *d, each.match);
    }
    reputation_ = std::make_unique<Reputation>(configuration().announcement.quitter_work_bits);
    TRY(const auto misconduct, journal_->misconduct(clock_.now() - Reputation::kMemory));
    for (const auto& [author, at] : misconduct) reputation_->note(author, at);
    TRY(const auto last_alive, journal_->last_alive());
    last_alive_ = last_alive;
    figures_ = std::make_unique<MatchFigures>(metrics_);
    apply_limits(configuration());
    TRY_STATUS(open_mints());
    TRY_STATUS(open_relays());
    add_figures();
    return open_http();
  }

  /// Stakes are locked to the escrow key that was announced; another one could never release them.
  Status check_escrow_key(const std::vector<nostr::Event>& announcements) const {
    if (announcements.empty()) return {};
    TRY(const auto announced, match::parse_announcement(announcements.back()));
    if (announced.escrow_key == keys_->escrow()) return {};
    return invalid(configuration().sqlite_file(options_.data.string()) +
                   " was written with another link secret (" +
                   (configuration().escrow.link_secret ? "[escrow] link_secret" : data("link.key").string()) +
                   "): put that one back, or use another data folder");
  }

  Status open_keys() {
    TRY(Secrets secrets, open_secrets(configuration(), options_.data, true, random_));
    keys_ = std::make_unique<match::EngineKeys>(secrets.identity, crypto::Secret<32>(secrets.root.reveal()));
    signer_ = std::make_unique<KeySigner>(*keys_);
    return {};
  }

  Status open_mints() {
    MintBook::Options options{.primary_url = configuration().mint.primary_url,
                              .backup_url = configuration().mint.backup_url,
                              .units = configuration().announcement.stake_units,
                              .timeout = configuration().mint.timeout};
    for (const cashu::Unit& each : configuration().announcement.prize_units) options.units.push_back(each);
    TRY(mints_, MintBook::make(std::move(options), mintclient::make_curl_transport()));
    return {};
  }

  Status open_relays() {
    const std::vector<std::string>& urls = configuration().nostr.relay_urls;
    relay::PoolOptions options = std::ranges::all_of(urls, is_loopback)
                                     ? relay::PoolOptions::for_loopback(urls)
                                     : relay::PoolOptions{.urls = urls};
    options.quorum = configuration().nostr.quorum;
    options.signer = signer_.get();
    TRY(relays_, relay::RelayPool::start(std::move(options), clock_, random_));
    return {};
  }

  Status open_http() {
    health_.add("engine", [this] { return stage_health(); });
    health_.add("relays", [this] { return relay_health(); });
    health_.add("mint", [this] { return mint_health(); });
    net::Router router;
    net::add_operations_routes(router, health_, metrics_);
    add_match_routes(router, *journal_);
    net::ServerOptions options{.address = configuration().server.host,
                               .port = configuration().server.port,
                               .cors_origins = configuration().server.cors_origins,
                               .metrics = &metrics_};
    TRY(server_, net::Server::start(std::move(options), std::move(router)));
    std::ofstream(data("port")) << server_->port() << '\n';
    telemetry::log_info("Serving", {{"url", server_->url()}, {"engine", keys_->pubkey().hex()}});
    return {};
  }

  void add_figures() {
    metrics_.gauge_from("engine_relays_live", "Relays connected with every subscription in force.",
                        [this] { return static_cast<double>(relays_->status().live()); });
    metrics_.gauge_from(
        "engine_receipts_unacknowledged", "Receipts published that no quorum of relays has yet.",
        [this] { return publisher_ready_ ? static_cast<double>(publisher_->figures().waiting) : 0.0; });
    metrics_.gauge_from("engine_mint_calls_open", "Calls to a mint not answered yet.",
                        [this] { return publisher_ready_ ? static_cast<double>(mint_calls_->open()) : 0.0; });
    metrics_.gauge_from("engine_journal_steps", "Steps journaled since the start.",
                        [this] { return static_cast<double>(journal_->figures().steps); });
    metrics_.gauge_from("engine_journal_commits", "Commits since the start; steps / commits is the batch.",
                        [this] { return static_cast<double>(journal_->figures().commits); });
    metrics_.gauge_from(
        "engine_journal_slowest_commit_seconds", "The slowest commit since the start.",
        [this] { return std::chrono::duration<double>(journal_->figures().slowest_commit).count(); });
    metrics_.gauge_from("engine_inputs_queued", "Inputs waiting for their match's writer.",
                        [this] { return publisher_ready_ ? static_cast<double>(writers_->queued()) : 0.0; });
    metrics_.gauge_from("engine_relay_events_received", "Events received from all relays since the start.",
                        [this] { return static_cast<double>(relays_->figures().received); });
    metrics_.gauge_from("engine_relay_events_bad", "Of those, with a wrong id or signature.",
                        [this] { return static_cast<double>(relays_->figures().bad_events); });
  }

  Health stage_health() const {
    switch (stage_.load()) {
      case Stage::starting:
        return {HealthStatus::failed, "waiting for a quorum of relays before signing anything"};
      case Stage::reading_chains:
        return {HealthStatus::failed, "reading its own chains back from the relays"};
      case Stage::failed:
        return {HealthStatus::failed, "the journal can't be written: see the log"};
      case Stage::judging:
        break;
    }
    if (!announcements_.current())
      return {HealthStatus::failed, "nothing to announce yet: the mint was not reached"};
    if (untouched_ > 0) return {HealthStatus::degraded, "some matches could not be restored: see the log"};
    return {};
  }
  Health relay_health() const {
    const relay::CourierStatus status = relays_->status();
    if (status.has_quorum() && status.live() == status.relays.size()) return {};
    std::string detail =
        std::to_string(status.live()) + " of " + std::to_string(status.relays.size()) + " relays live";
    for (const relay::RelayStatus& each : status.relays) {
      if (!each.live && !each.trouble.empty()) detail += "; " + each.url + ": " + each.trouble;
    }
    return {HealthStatus::degraded, std::move(detail)};
  }
  Health mint_health() const {
    if (!mint_watch_ready_) return {HealthStatus::degraded, "not asked yet"};
    const std::string trouble = mint_watch_->trouble();
    if (trouble.empty()) return {};
    return {HealthStatus::degraded, trouble};
  }

  /// Restores, then judges until the end.
  Status serve() {
    mint_watch_ = std::make_unique<MintWatch>(*mints_);
    mint_watch_ready_ = true;
    TRY_STATUS(wait_until([this] { return relays_->status().has_quorum(); }));
    stage_ = Stage::reading_chains;
    const auto give_up = [this] { return stopping(); };
    std::optional<UnixSeconds> since;
    if (last_alive_) since = std::chrono::floor<Seconds>(*last_alive_) - kRelayMemory;
    TRY(const OwnChains published, read_own_chains(*relays_, keys_->pubkey(), since, give_up));
    TRY(Restoration restored,
        restore(
            *journal_, *keys_, *relays_, published,
            [this](const match::Terms& terms) { return wait_for_keyset(terms); }, give_up));
    TRY_STATUS(start_judging(restored));
    return supervise();
  }

  Status start_judging(Restoration& restored) {
    TRY(std::vector<nostr::Event> unacknowledged, journal_->unacknowledged_of_finished());
    for (const std::string& each : restored.untouched)
      telemetry::log_error("A match is left alone", {{"why", each}});
    untouched_ = restored.untouched.size();
    for (const match::MatchId& each : restored.found) slots_.leave_alone(each);
    publisher_ = std::make_unique<Publisher>(
        *relays_, clock_, [this](const nostr::EventId& id) { journal_->acknowledged(id); });
    mint_calls_ = std::make_unique<MintCalls>(
        MintCalls::Options{.retry_attempts = configuration().mint.retry_attempts}, *mints_, reservations_,
        clock_, random_, metrics_, [this](const match::MatchId& match, match::Input input) {
          writers_->of(match).push_reply(MatchWriter::MintAnswer{.match = match, .input = std::move(input)});
        });
    const MatchParts parts{.keys = *keys_,
                           .clock = clock_,
                           .journal = *journal_,
                           .publisher = *publisher_,
                           .mint_calls = *mint_calls_,
                           .mints = *mints_,
                           .reservations = reservations_,
                           .announcements = announcements_,
                           .reputation = *reputation_,
                           .slots = slots_,
                           .limits = limits_,
                           .figures = *figures_};
    writers_ = std::make_unique<MatchWriters>(parts, std::clamp(std::thread::hardware_concurrency(), 1u, 8u));
    publisher_ready_ = true;
    journal_->start([this](const Error& error) { fail(error); });
    for (nostr::Event& each : unacknowledged) publisher_->publish(std::move(each));
    const std::size_t restored_matches = restored.matches.size();
    for (RestoredMatch& each : restored.matches) {
      const match::MatchId id = each.match.id();
      writers_->of(id).take_up(std::move(each));
    }
    // Before a writer looks at the first timer.
    if (last_alive_) writers_->to_all(MatchWriter::Restart{.down_since = *last_alive_});
    writers_->to_all(MatchWriter::RelaysChanged{.lost = false});
    writers_->start();
    for (nostr::Event& each : restored.foreign) {
      if (const auto match = match::match_of(each)) {
        writers_->of(*match).push(MatchWriter::Foreign{.match = *match, .event = std::move(each)});
      }
    }
    renew_announcement();
    intake_ = std::make_unique<Intake>(
        Intake::Options{.engine = keys_->pubkey(), .kinds = configuration().nostr.event_kinds}, *writers_,
        slots_, clock_, metrics_);
    const UnixSeconds now = clock_.now_seconds();
    const Seconds open_for = std::chrono::ceil<Seconds>(configuration().announcement.max_open);
    const UnixSeconds awake = last_alive_ ? std::chrono::floor<Seconds>(*last_alive_) : now;
    intake_->subscribe(*relays_, now - open_for - kEventMemory, std::min(awake, now) - kEventMemory);
    stage_ = Stage::judging;
    telemetry::log_info("Judging",
                        {{"matches_restored", restored_matches}, {"matches_adopted", restored.adopted}});
    return {};
  }

  /// The loop of the process: relays, mints, configuration, signals.
  Status supervise() {
    std::unique_ptr<config::Reloading<Configuration>> reloading;
    if (auto started = config::Reloading<Configuration>::start(
            options_.configuration_file, configuration(),
            [file = options_.configuration_file] { return load_configuration(file); },
            [this](const Status& status) {
              if (!status)
                telemetry::log_error("The changed configuration is refused; the old one stays",
                                     {{"error", status.error().message}});
              reloaded_ = true;
            })) {
      reloading = *std::move(started);
    }
    std::optional<Monotonic> quorum_missed_since;
    bool lost = false;
    while (!stopping()) {
      const bool quorum = relays_->status().has_quorum();
      const Monotonic now = clock_.monotonic();
      if (quorum) {
        quorum_missed_since.reset();
      } else if (!quorum_missed_since) {
        quorum_missed_since = now;
      }
      const bool lost_now = quorum_missed_since && now - *quorum_missed_since >= kRelaysMissed;
      if (lost_now != lost) {
        lost = lost_now;
        telemetry::log_warn(lost ? "Fewer relays than the quorum: clocks stop"
                                 : "Relays are back: clocks run");
        writers_->to_all(MatchWriter::RelaysChanged{.lost = lost});
      }
      if (reloaded_.exchange(false) && reloading) {
        const Configuration& fresh = *reloading->current();
        options_.configuration.announcement = fresh.announcement;
        options_.configuration.validation = fresh.validation;
        apply_limits(fresh);
        renew_announcement();
      }
      if (mint_watch_->take_news()) renew_announcement();
    }
    return {};
  }

  void apply_limits(const Configuration& configuration) {
    limits_.in_play = configuration.validation.max_concurrent_matches;
    limits_.open = 10 * configuration.validation.max_concurrent_matches + 1000;
  }

  /// Publishes the announcement: as it stood, or a new one if what it says has changed.
  void renew_announcement() {
    const auto wanted = make_announcement(configuration(), *mints_, *keys_);
    if (!wanted) {
      if (mint_watch_->reached()) {
        telemetry::log_warn(
            "Nothing to offer: the mint lacks the settlement endpoint, or an active keyset or a price of the "
            "configured units");
      }
      return;
    }
    const auto current = announcements_.current();
    UnixSeconds at = clock_.now_seconds();
    if (current) at = std::max(at, current->created_at + Seconds{1});
    const nostr::Draft draft = match::announcement_draft(*wanted, at);
    const bool is_same = current && current->content == draft.content && current->tags == draft.tags;
    if (is_same && announced_) return;
    nostr::Event event = is_same ? *current : keys_->sign(draft);
    if (!is_same && !journal_->add_announcement(event)) return;
    announcements_.add(event);
    announced_ = true;
    telemetry::log_info("Announced", {{"announcement", to_hex(event.id)}, {"offers", wanted->offers.size()}});
    publisher_->publish(std::move(event));
  }

  Result<cashu::Keyset> wait_for_keyset(const match::Terms& terms) {
    std::optional<cashu::Keyset> out;
    TRY_STATUS(wait_until([&] {
      out = mints_->keyset(terms.mint, terms.keyset);
      return out.has_value() || mint_watch_->reached();
    }));
    if (!out) {
      return broken("the mint " + terms.mint + " doesn't serve the keyset " + terms.keyset.hex() +
                    " of a match found on the relays: configure the mint that does");
    }
    return *std::move(out);
  }

  /// Sees to signals at each tick. `unavailable` once the process is to end.
  template <class Condition>
  Status wait_until(const Condition& condition) {
    while (!condition()) {
      if (stopping()) return unavailable("stopped");
    }
    return {};
  }
  bool stopping() {
    if (!stopping_ && termination_.wait_for(kTick)) stopping_ = true;
    return stopping_;
  }

  void fail(const Error& error) {
    {
      const std::lock_guard lock(failure_mutex_);
      failure_ = error;
    }
    stage_ = Stage::failed;
    telemetry::log_error("The journal failed: nothing more is signed", {{"error", error.message}});
    termination_.request();
  }

  void drain() {
    termination_.second_kills();
    telemetry::log_info("Draining");
    if (intake_) intake_->unsubscribe(*relays_);
    if (writers_) writers_->stop();
    if (mint_calls_) mint_calls_->stop();
    journal_->stop();
    if (publisher_) {
      const Monotonic until = clock_.monotonic() + kDrain;
      while (publisher_->figures().waiting > 0 && relays_->status().live() > 0 &&
             clock_.monotonic() < until) {
        std::this_thread::sleep_for(Millis{10});
      }
    }
    server_->drain(Millis{500});
    server_.reset();
    relays_.reset();
    mint_watch_ready_ = false;
    mints_->stop();
    mint_watch_.reset();
    mints_.reset();  // ends the transport, whose last answers go nowhere
  }

  DaemonOptions options_;
  resilience::Termination& termination_;
  const Clock& clock_;
  Random& random_;
  std::optional<storage::DirectoryLock> lock_;
  telemetry::Metrics metrics_;
  telemetry::HealthRegistry health_;
  MatchLimits limits_;
  StakeReservations reservations_;
  ChallengeSlots slots_;
  AnnouncementBook announcements_;
  std::unique_ptr<Reputation> reputation_;
  std::unique_ptr<MatchFigures> figures_;
  std::unique_ptr<match::EngineKeys> keys_;
  std::unique_ptr<KeySigner> signer_;
  std::optional<UnixMillis> last_alive_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<MintCalls> mint_calls_;
  std::unique_ptr<Publisher> publisher_;
  std::unique_ptr<MatchWriters> writers_;
  std::unique_ptr<Intake> intake_;
  std::unique_ptr<MintBook> mints_;
  std::unique_ptr<MintWatch> mint_watch_;
  std::unique_ptr<relay::RelayPool> relays_;
  std::unique_ptr<net::Server> server_;
  std::atomic<Stage> stage_{Stage::starting};
  std::atomic<bool> publisher_ready_{false};
  std::atomic<bool> mint_watch_ready_{false};
  std::atomic<std::size_t> untouched_{0};
  std::atomic<bool> reloaded_{false};
  bool announced_ = false;
  bool stopping_ = false;
  std::mutex failure_mutex_;
  std::optional<Error> failure_;
};

}  // namespace

Result<crypto::XOnlyKey> engine_pubkey(const Configuration& configuration,
                                       const std::filesystem::path& data) {
  const auto lock = storage::DirectoryLock::acquire(data.string());
  // An engine that runs has made its keys already.
  if (!lock && lock.error().kind != ErrorKind::refused) return std::unexpected(lock.error());
  TRY(const Secrets secrets, open_secrets(configuration, data, lock.has_value(), system_random()));
  return secrets.identity.x_only();
}

Result<std::vector<std::string>> earned_rake(const Configuration& configuration,
                                             const std::filesystem::path& data) {
  TRY(const Secrets secrets, open_secrets(configuration, data, false, system_random()));
  return rake_tokens(configuration, data, {secrets.identity, crypto::Secret<32>(secrets.root.reveal())});
}

Result<int> run_daemon(DaemonOptions options, resilience::Termination& termination) {
  return Daemon(std::move(options), termination).run();
}

}  // namespace manastr::engine

// crash [CYCLES] [--database sqlite|postgresql] [--seed N] [--cycle K]: a mint under a hostile load that is
// killed, CYCLES times on each database, at random moments and at each step of its journal, and whose
// database is crashed and cut off. After each cycle: every reply that was given is given again, byte for
// byte; what got no answer has been sent again and has ended; the money is counted, row by row, in purses and
// (now and then) from the mint's journal, and is all there; nothing is locked that no payment holds. Prints
// what was wrong with the seed and the cycle; --seed N --cycle K does those draws again on a fresh mint (it
// is the scheduler that is not drawn). Exit code 1 if something was wrong.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <mutex>
#include <thread>

#include "tests/crash/customer.h"
#include "tests/crash/disaster.h"
#include "tests/crash/ledger_count.h"
#include "tests/support/postgres_cluster.h"

namespace {

using namespace manastr;
using namespace manastr::crash;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kCustomers = 6;
constexpr std::size_t kOlder = 20;  // earlier replies that each customer asks for again after each cycle
constexpr int kPasses = 40;         // of a step of the journal: the most until the mint dies there
constexpr std::int64_t kManaMsat = 200, kLootMsat = 200, kSatMsat = 1000;

constexpr const char* kToml =
    "fee_percent = 1.0\npayment_timeout_seconds = 2\n[currencies.sat]\nfee_reserve = 2.0\n[currencies.mana]\n"
    "fee_reserve = 2.0\n[currencies.loot]\nissued_by = [\"engine\"]\n";

struct Arguments {
  std::uint64_t cycles = 20;
  std::string database;  // "": both
  std::uint64_t seed = 20261121;
  std::int64_t cycle = -1;
  bool verbose = false;
};

class Run {
 public:
  Run(const Arguments& arguments, bool postgres)
      : arguments_(arguments),
        postgres_(postgres),
        mint_({.toml = kToml, .auth = auth(), .environment = place()}) {
    for (const char* unit : {"sat", "mana", "loot"}) mint_.keyset(unit);  // by one thread, once
    for (std::size_t i = 0; i < kCustomers; ++i) customers_.emplace_back(mint_, engine_, counters_);
    all_ = disasters(postgres);
    std::mt19937_64 order(arguments.seed);
    std::ranges::shuffle(all_, order);
  }

  /// False: something was wrong, and was said.
  bool cycle(std::uint64_t number) {
    const Disaster& disaster = all_[number % all_.size()];
    try {
      play(number, disaster);
    } catch (const std::exception& wrong) {
      fail(wrong.what());
    }
    if (wrong_.empty()) {
      ++done_[disaster.name()];
      return true;
    }
    std::printf("FAILED on %s: seed %llu, cycle %llu (%s)\n%s\n--- the end of the mint's log\n%s", name(),
                static_cast<unsigned long long>(arguments_.seed), static_cast<unsigned long long>(number),
                disaster.name().c_str(), wrong_.c_str(), end_of_log().c_str());
    return false;
  }

  void report(double seconds, std::uint64_t cycles) const {
    std::string kinds;
    for (const auto& [kind, times] : done_) kinds += fmt::format(" {} {}", kind, times);
    fmt::print(
        "{}: {} cycles in {:.0f} s ({:.1f}/min), {} starts; {} deeds, {} requests, {} without an answer, {} "
        "replies "
        "asked for again;{}\n",
        name(), cycles, seconds, static_cast<double>(cycles) * 60 / seconds, starts_,
        counters_.actions.load(), counters_.requests.load(), counters_.unanswered.load(),
        counters_.compared.load(), kinds);
    std::fflush(stdout);
  }
  const char* name() const { return postgres_ ? "postgresql" : "sqlite"; }

  /// All replies of the whole run.
  bool last_look() {
    try {
      for (Customer& each : customers_) each.verify(~std::size_t{0} >> 1);
      rebuild_from_journal();
    } catch (const std::exception& wrong) {
      std::printf("FAILED on %s: seed %llu, at the end\n%s\n", name(),
                  static_cast<unsigned long long>(arguments_.seed), wrong.what());
      return false;
    }
    return true;
  }

 private:
  std::string auth() const {
    return fmt::format(
        "[[authorized_game_engines]]\nname = \"crash\"\nnostr_pubkey_hex = \"{}\"\nactive = true\n"
        "[authorized_game_engines.permissions]\ncan_burn_mana = true\ncan_mint_loot = true\n"
        "can_query_spent_status = true\nmax_tokens_per_request = 100000\n",
        engine_.x_only().hex());
  }
  std::map<std::string, std::string> place() const {
    if (!postgres_) return {};
    return {{"DATABASE_URL", test::PostgresCluster::instance().make_database()}};
  }

  void fail(const std::string& what) {
    const std::lock_guard lock(mutex_);
    if (wrong_.empty()) wrong_ = what;
    failed_ = true;
  }

  void play(std::uint64_t number, const Disaster& disaster) {
    std::seed_seq sequence{arguments_.seed, number};
    std::mt19937_64 random(sequence);
    const auto draw = [&](int from, int to) { return std::uniform_int_distribution<int>(from, to)(random); };
    for (std::size_t i = 0; i < kCustomers; ++i) {
      std::seed_seq own{arguments_.seed, number, std::uint64_t{i} + 1};
      customers_[i].seed(own);
    }
    std::optional<test::PostgresProxy> proxy;
    if (postgres_) proxy.emplace(test::PostgresCluster::instance().folder());
    test::PostgresProxy* between = proxy ? &*proxy : nullptr;
    const auto first = preparation(disaster, draw(1, kPasses), between, mint_);
    if (!first.empty() || first != environment_) start(first);

    quiet_ = false;
    std::vector<std::thread> threads;
    for (Customer& customer : customers_) threads.emplace_back([this, &customer] { load(customer); });
    std::this_thread::sleep_for(milliseconds(draw(10, 400)));
    strike(disaster, mint_, between, milliseconds(draw(100, 1500)));
    revive({});
    if (draw(0, 2) == 0) {  // again while it recovers
      std::this_thread::sleep_for(milliseconds(draw(0, 150)));
      mint_.daemon().process().kill();
      const auto points = failpoints_of_the_mint();
      const std::string again =
          points[static_cast<std::size_t>(draw(0, static_cast<int>(points.size()) - 1))];
      revive({{"MANASTR_FAILPOINT", fmt::format("{}:{}", again, draw(1, 4))}});
    }
    const auto until = Clock::now() + milliseconds(draw(50, 250));
    while (Clock::now() < until) look_after();
    quiet_ = true;
    while (busy_ > 0) look_after();
    for (std::thread& each : threads) each.join();
    if (failed_) return;
    if (!environment_.empty()) start({});
    revive({});
    verify();
    constexpr std::uint64_t kJournalEvery = 20;
    if (number % kJournalEvery == kJournalEvery - 1) rebuild_from_journal();
  }

  void load(Customer& customer) {
    ++busy_;
    try {
      while (!quiet_ && !failed_) customer.act();
    } catch (const std::exception& wrong) {
      fail(wrong.what());
    }
    --busy_;
  }

  /// Starts the mint again if it has died.
  void look_after() {
    revive({});
    std::this_thread::sleep_for(milliseconds(3));
  }
  void revive(const std::map<std::string, std::string>& environment) {
    if (!mint_.daemon().process().running()) start(environment);
  }
  void start(const std::map<std::string, std::string>& environment) {
    auto with = environment;
    for (int tries = 0;; ++tries) {
      try {
        ++starts_;
        mint_.restart(with);
        environment_ = with;
        return;
      } catch (const std::runtime_error& why) {
        if (tries >= 100) throw;
        with.clear();  // it may have died at its failpoint before it served, or the database is not back yet
        std::this_thread::sleep_for(milliseconds(50));
      }
    }
  }

  void verify() {
    for (Customer& each : customers_) each.verify(kOlder);
    std::map<std::string, std::int64_t> held;
    std::int64_t credit = 0, endless = 0;
    for (const Customer& each : customers_) {
      for (const auto& [unit, amount] : each.held()) held[unit] += static_cast<std::int64_t>(amount);
      credit += static_cast<std::int64_t>(each.credit_msat());
      endless += static_cast<std::int64_t>(each.payments_without_end());
    }
    std::string why;
    const bool agree = test::eventually(
        [&] {
          why = difference(held, credit, endless);
          return why.empty();
        },
        std::chrono::seconds(20));
    if (!agree) throw std::runtime_error(why);
  }

  /// By the mint's own auditor: every balance again from the journal.
  void rebuild_from_journal() {
    const std::string output = mint_.folder() + "/verify.log";
    test::Process auditor("manastr-mint", {{"verify", "--config", mint_.folder() + "/mint.toml", "--data",
                                            mint_.folder() + "/data"},
                                           mint_.environment(),
                                           output});
    if (auditor.wait(std::chrono::minutes(5)) != 0)
      throw std::runtime_error("manastr-mint verify: " + test::read_file(output));
  }

  std::string difference(const std::map<std::string, std::int64_t>& held, std::int64_t credit,
                         std::int64_t endless) {
    const LedgerCount count = count_ledger(mint_);
    const auto told = [](const char* what, std::int64_t a, std::int64_t b) {
      return fmt::format("{}: {} and {}", what, a, b);
    };
    std::int64_t owed = count.unclaimed_msat + count.credit_msat;
    for (const auto& [unit, amount] : held) {
      const auto found = count.outstanding.find(unit);
      const std::int64_t counted = found == count.outstanding.end() ? 0 : found->second;
      if (counted != amount)
        return told(("outstanding in purses and in the ledger, " + unit).c_str(), amount, counted);
      owed += amount * (unit == "sat" ? kSatMsat : unit == "mana" ? kManaMsat : kLootMsat);
    }
    if (count.orphans != 0)
      return fmt::format("{} proofs or outputs are locked by no payment", count.orphans);
    if (count.overissued != 0)
      return fmt::format("{} quotes are issued beyond what was paid", count.overissued);
    if (count.pending_melts != endless)
      return told("payments without end, and melts under way", endless, count.pending_melts);
    if (count.credit_msat != credit)
      return told("credit of matches, known and in the ledger", credit, count.credit_msat);
    if (count.unheard_invoices != 0)
      return fmt::format("of {} paid invoices the ledger has not heard", count.unheard_invoices);
    const lightning::FakeNodeBook book = mint_.book();
    const auto sent = static_cast<std::int64_t>(book.sent + book.fees);
    const auto received = static_cast<std::int64_t>(book.received);
    if (sent != count.paid_out_msat)
      return told("paid out by the node and by the ledger", sent, count.paid_out_msat);
    if (received != count.received_msat + count.unknown_invoices_msat)
      return told("received by the node and by the ledger", received,
                  count.received_msat + count.unknown_invoices_msat);
    if (owed > count.received_msat - count.paid_out_msat)
      return told("owed and there", owed, count.received_msat - count.paid_out_msat);
    const auto whole = [&](const char* name) { return std::llround(metric(mint_, name)); };
    if (whole("mint_liabilities_msat") != owed)
      return told("owed, counted and said", owed, whole("mint_liabilities_msat"));
    if (whole("mint_assets_msat") != count.received_msat - count.paid_out_msat)
      return told("there, counted and said", count.received_msat - count.paid_out_msat,
                  whole("mint_assets_msat"));
    if (const auto health = mint_.get("/health"); health.status != 200) return "/health: " + health.body;
    return "";
  }

  std::string end_of_log() const {
    std::string log = const_cast<test::MintHouse&>(mint_).daemon().log();
    std::size_t from = log.size();
    for (int lines = 0; lines < 30 && from != std::string::npos && from > 0; ++lines)
      from = log.rfind('\n', from - 1);
    return log.substr(from == std::string::npos ? 0 : from + 1);
  }

  const Arguments arguments_;
  const bool postgres_;
  const crypto::SecretKey engine_ = crypto::SecretKey::generate(system_random());
  test::MintHouse mint_;
  Counters counters_;
  std::deque<Customer> customers_;
  std::vector<Disaster> all_;
  std::map<std::string, int> done_;
  std::map<std::string, std::string> environment_;  // of the mint that runs
  std::uint64_t starts_ = 1;
  std::atomic<bool> quiet_ = true;
  std::atomic<bool> failed_ = false;
  std::atomic<int> busy_ = 0;
  std::mutex mutex_;
  std::string wrong_;
};

bool run(const Arguments& arguments, bool postgres) {
  Run run(arguments, postgres);
  const auto from = Clock::now();
  const auto seconds = [&] { return std::chrono::duration<double>(Clock::now() - from).count(); };
  if (arguments.cycle >= 0) return run.cycle(static_cast<std::uint64_t>(arguments.cycle)) && run.last_look();
  constexpr std::uint64_t kReportEvery = 50;
  for (std::uint64_t i = 0; i < arguments.cycles; ++i) {
    if (!run.cycle(i)) return false;
    if ((i + 1) % kReportEvery == 0 && i + 1 < arguments.cycles) run.report(seconds(), i + 1);
  }
  if (!run.last_look()) return false;
  run.report(seconds(), arguments.cycles);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Kills a mint again and again under load, and counts the money."};
  Arguments arguments;
  app.add_option("cycles", arguments.cycles, "on each database (default: 20)");
  app.add_option("--database", arguments.database, "sqlite or postgresql (default: both)")
      ->check(CLI::IsMember({"sqlite", "postgresql"}));
  app.add_option("--seed", arguments.seed, "of all draws");
  app.add_option("--cycle", arguments.cycle, "this one alone, on a fresh mint");
  CLI11_PARSE(app, argc, argv);
  std::printf("seed %llu\n", static_cast<unsigned long long>(arguments.seed));
  std::fflush(stdout);
  bool well = true;
  try {
    if (arguments.database != "postgresql") well = run(arguments, false) && well;
    if (arguments.database != "sqlite") well = run(arguments, true) && well;
  } catch (const std::exception& wrong) {
    std::printf("FAILED: %s\n", wrong.what());
    return 1;
  }
  return well ? 0 : 1;
}

// Load for any Cashu mint over plain NUT HTTP: swaps, mints, melts, checks, restores, prepared beforehand and
// then sent as fast as they are answered (closed loop) or at a given rate (open loop). See bench/README.md.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>

#include "bench/load_wallet.h"
#include "common/mintclient/replies.h"

namespace {

using namespace manastr;
using namespace manastr::bench;

constexpr std::size_t kSamples = 200;  ///< replies looked at after each run

constexpr std::string_view kUsage =
    R"(usage: mint-load --mint URL [--mint URL ...] [options]     (several: mints of one ledger, in turn by connection)
  --kind swap|mint|melt|check|restore   what to send (default swap: 2 inputs, 2 outputs)
  --unit UNIT          of the mint's keyset (default sat)
  --requests N         a run (default 40000)
  --runs N             the median of so many counts (default 3)
  --connections N      (default 32)
  --rate R             open loop: R requests a second, latency from the moment each was due; 0: closed loop (default)
  --batch N            entries of one check or restore (default 10)
  --max-outputs N      of one mint request while buying proofs (default 500)
  --pid PID            the mint's process on this machine (or each of several): CPU time per request and memory too
  --server PID         a process whose children work for the mint (a database server): their CPU time likewise
  --json               one object on standard output
)";

struct Options {
  std::vector<std::string> mints;
  std::string kind = "swap";
  std::string unit = "sat";
  std::size_t requests = 40'000;
  std::size_t runs = 3;
  std::size_t connections = 32;
  double rate = 0;
  std::size_t batch = 10;
  std::size_t max_outputs = 500;
  std::vector<std::size_t> pids;
  std::size_t server = 0;
  bool json = false;
};

using Checked = LoadWallet::Checked;

/// Requests of one run, and what to make of the reply to one of them.
struct Workload {
  std::vector<std::string> requests;
  std::function<Checked(std::size_t request, const std::string& body)> check;
};

Checked right_if(bool right) { return {right ? 1U : 0U, 0, right ? 0U : 1U}; }

/// Amounts of two inputs and two outputs, powers of two, that balance under the keyset's fee.
struct SwapShape {
  cashu::Amount in[2];
  cashu::Amount out[2];
};
Result<SwapShape> swap_shape(std::uint64_t fee_ppk) {
  const auto fee = cashu::fee_of_ppk_sum(2 * fee_ppk).value_or(UINT64_MAX);
  for (cashu::Amount in = 2; in < 1 << 20; in *= 2) {
    for (cashu::Amount out = 1; out <= in; out *= 2) {
      const cashu::Amount rest = 2 * in - out - std::min(fee, 2 * in - out);
      if (2 * in == out + rest + fee && std::has_single_bit(rest))
        return SwapShape{{in, in}, {std::min(out, rest), std::max(out, rest)}};
    }
  }
  return invalid("no two powers of two balance under this keyset's fee");
}

Result<Workload> swaps(const LoadWallet& wallet, const Options& options) {
  TRY(const auto shape, swap_shape(wallet.keyset().input_fee_ppk));
  std::vector<cashu::Amount> inputs;
  std::vector<cashu::Amount> outputs;
  for (std::size_t i = 0; i < options.requests; ++i) {
    inputs.insert(inputs.end(), shape.in, shape.in + 2);
    outputs.insert(outputs.end(), shape.out, shape.out + 2);
  }
  TRY(const auto coins, wallet.buy(inputs));
  const auto blanks = std::make_shared<std::vector<Blank>>(wallet.blanks(outputs));
  Workload work;
  work.requests.resize(options.requests);
  in_parallel(options.requests, [&](std::size_t i) {
    work.requests[i] = post_bytes(
        wallet.target(), "/v1/swap",
        '{' + wallet.inputs_json(&coins[2 * i], 2) + ',' + wallet.outputs_json(&(*blanks)[2 * i], 2) + '}');
  });
  work.check = [&wallet, blanks](std::size_t i, const std::string& body) {
    return wallet.check_signatures(body, &(*blanks)[2 * i], 2);
  };
  return work;
}

Result<Workload> mints(const LoadWallet& wallet, const Options& options) {
  TRY(const auto quotes, wallet.paid_quotes(std::vector<cashu::Amount>(options.requests, 3)));
  std::vector<cashu::Amount> outputs;
  for (std::size_t i = 0; i < options.requests; ++i) outputs.insert(outputs.end(), {1, 2});
  const auto blanks = std::make_shared<std::vector<Blank>>(wallet.blanks(outputs));
  Workload work;
  for (std::size_t i = 0; i < options.requests; ++i) {
    work.requests.push_back(
        post_bytes(wallet.target(), "/v1/mint/bolt11",
                   "{\"quote\":\"" + quotes[i] + "\"," + wallet.outputs_json(&(*blanks)[2 * i], 2) + '}'));
  }
  work.check = [&wallet, blanks](std::size_t i, const std::string& body) {
    return wallet.check_signatures(body, &(*blanks)[2 * i], 2);
  };
  return work;
}

/// Powers of two that pay `needed` and their own fee.
std::vector<cashu::Amount> payment(cashu::Amount needed, std::uint64_t fee_ppk) {
  cashu::Amount fee = 0;
  while (true) {
    auto parts = cashu::split_amount(needed + fee);
    const auto wanted = cashu::fee_of_ppk_sum(fee_ppk * parts.size()).value_or(0);
    if (wanted <= fee) return parts;
    fee = wanted;
  }
}

Result<Workload> melts(const LoadWallet& wallet, const Options& options) {
  TRY(const auto quotes, wallet.melt_quotes(options.requests, 4));
  std::vector<cashu::Amount> amounts;
  std::vector<std::size_t> first;
  for (const auto& quote : quotes) {
    first.push_back(amounts.size());
    const auto parts = payment(quote.needed, wallet.keyset().input_fee_ppk);
    amounts.insert(amounts.end(), parts.begin(), parts.end());
  }
  first.push_back(amounts.size());
  TRY(const auto coins, wallet.buy(amounts));
  Workload work;
  for (std::size_t i = 0; i < options.requests; ++i) {
    work.requests.push_back(post_bytes(wallet.target(), "/v1/melt/bolt11",
                                       "{\"quote\":\"" + quotes[i].quote + "\"," +
                                           wallet.inputs_json(&coins[first[i]], first[i + 1] - first[i]) +
                                           '}'));
  }
  work.check = [](std::size_t, const std::string& body) {
    const auto quote = mintclient::read_melt_quote(body, nullptr);
    return right_if(quote && quote->state == mintclient::QuoteState::paid);
  };
  return work;
}

/// Checks and restores ask about the same coins again and again, at shifting places.
struct Asked {
  std::vector<Coin> coins;
  std::size_t batch;
  const Coin& at(std::size_t request, std::size_t entry) const {
    return coins[(request * 7 + entry) % coins.size()];
  }
};
Result<std::shared_ptr<Asked>> coins_to_ask_about(const LoadWallet& wallet, const Options& options) {
  TRY(auto coins, wallet.buy(std::vector<cashu::Amount>(std::max<std::size_t>(1'000, options.batch), 1)));
  return std::make_shared<Asked>(Asked{std::move(coins), options.batch});
}

Result<Workload> checks(const LoadWallet& wallet, const Options& options) {
  TRY(const auto asked, coins_to_ask_about(wallet, options));
  Workload work;
  for (std::size_t i = 0; i < options.requests; ++i) {
    std::string body = "{\"Ys\":[";
    for (std::size_t k = 0; k < asked->batch; ++k)
      body += (k == 0 ? "\"" : ",\"") + asked->at(i, k).y.hex() + '"';
    work.requests.push_back(post_bytes(wallet.target(), "/v1/checkstate", body + "]}"));
  }
  work.check = [asked](std::size_t i, const std::string& body) {
    std::vector<crypto::PublicKey> ys;
    for (std::size_t k = 0; k < asked->batch; ++k) ys.push_back(asked->at(i, k).y);
    const auto states = mintclient::read_states(body, ys);
    return right_if(states && std::ranges::all_of(*states, [](const auto& status) {
                      return status.state == mintclient::ProofState::unspent;
                    }));
  };
  return work;
}

Result<Workload> restores(const LoadWallet& wallet, const Options& options) {
  TRY(const auto asked, coins_to_ask_about(wallet, options));
  const auto id = wallet.keyset().id;
  Workload work;
  for (std::size_t i = 0; i < options.requests; ++i) {
    std::string body = "{\"outputs\":[";
    for (std::size_t k = 0; k < asked->batch; ++k) {
      const Coin& coin = asked->at(i, k);
      body += (k == 0 ? "{\"amount\":" : ",{\"amount\":") + std::to_string(coin.amount) + ",\"id\":\"" +
              id.hex() + "\",\"B_\":\"" + coin.b.hex() + "\"}";
    }
    work.requests.push_back(post_bytes(wallet.target(), "/v1/restore", body + "]}"));
  }
  work.check = [asked, id](std::size_t i, const std::string& body) {
    std::vector<cashu::BlindedMessage> messages;
    for (std::size_t k = 0; k < asked->batch; ++k)
      messages.push_back({asked->at(i, k).amount, id, asked->at(i, k).b});
    const auto restored = mintclient::read_restored(body, messages);
    return right_if(restored && restored->signatures.size() == asked->batch);
  };
  return work;
}

struct Run {
  double per_second = 0;
  double p50 = 0, p90 = 0, p99 = 0, p999 = 0, worst = 0;  ///< ms
  std::size_t succeeded = 0;
  std::size_t failed = 0;
  double client_cpu_us = 0;  ///< per request
  double mint_cpu_us = 0;    ///< per request, of all mints; 0: not asked for
  double server_cpu_us = 0;  ///< likewise
  double mint_mb = 0;        ///< resident after the run, of all mints
  Checked checked;
  std::string first_error;
};

/// User and system time of a process so far, in seconds; 0 if there is no such process.
double process_cpu_seconds(std::size_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text);
  std::istringstream fields(
      text.substr(std::min(text.size(), text.rfind(')') + 2)));  // the name may hold anything
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  double user = 0;
  double system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

/// Of a process and of its children that run.
double family_cpu_seconds(std::size_t pid) {
  if (pid == 0) return 0;
  double out = process_cpu_seconds(pid);
  const std::string own = std::to_string(pid);
  std::ifstream children("/proc/" + own + "/task/" + own + "/children");
  for (std::size_t child = 0; children >> child;) out += process_cpu_seconds(child);
  return out;
}

double cpu_seconds_of(const std::vector<std::size_t>& pids) {
  double out = 0;
  for (const std::size_t pid : pids) out += process_cpu_seconds(pid);
  return out;
}

double megabytes_of(const std::vector<std::size_t>& pids) {
  double out = 0;
  for (const std::size_t pid : pids) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/statm");
    double pages = 0;
    file >> pages >> pages;  // the second number is what is resident
    out += pages * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1e6;
  }
  return out;
}

Result<Run> run_once(const LoadWallet& wallet, const Options& options) {
  using Make = Result<Workload> (*)(const LoadWallet&, const Options&);
  static const std::map<std::string, Make> kKinds = {
      {"swap", swaps}, {"mint", mints}, {"melt", melts}, {"check", checks}, {"restore", restores}};
  TRY(const auto work, kKinds.at(options.kind)(wallet, options));
  const std::size_t every = std::max<std::size_t>(1, options.requests / kSamples);
  fmt::print(stderr, "{} requests prepared\n", options.requests);
  std::vector<HttpTarget> others;
  for (std::size_t i = 1; i < options.mints.size(); ++i) {
    TRY(auto other, target_of(options.mints[i]));
    others.push_back(std::move(other));
  }
  const double before = cpu_seconds_of(options.pids);
  const double server_before = family_cpu_seconds(options.server);
  TRY(const auto load, run_load(wallet.target(), work.requests,
                                {static_cast<unsigned>(options.connections), options.rate, every, others}));
  const double requests = static_cast<double>(options.requests);
  Run run;
  run.per_second = load.per_second();
  run.p50 = load.quantile_ms(0.5);
  run.p90 = load.quantile_ms(0.9);
  run.p99 = load.quantile_ms(0.99);
  run.p999 = load.quantile_ms(0.999);
  run.worst = load.quantile_ms(1);
  run.succeeded = load.succeeded();
  run.failed = options.requests - load.succeeded();
  run.client_cpu_us = 1e6 * load.client_cpu_seconds / requests;
  run.mint_cpu_us = 1e6 * (cpu_seconds_of(options.pids) - before) / requests;
  run.server_cpu_us = 1e6 * (family_cpu_seconds(options.server) - server_before) / requests;
  run.mint_mb = megabytes_of(options.pids);
  run.first_error = load.first_error;
  for (std::size_t i = 0; i < load.bodies.size(); ++i) {
    if (load.status[i * every] != 200) continue;
    const Checked checked = work.check(i * every, load.bodies[i]);
    run.checked.right += checked.right;
    run.checked.without_dleq += checked.without_dleq;
    run.checked.wrong += checked.wrong;
  }
  return run;
}

std::string run_json(const Run& run) {
  return fmt::format(
      R"({{"per_second":{:.1f},"p50_ms":{:.3f},"p90_ms":{:.3f},"p99_ms":{:.3f},"p999_ms":{:.3f},"max_ms":{:.3f},)"
      R"("succeeded":{},"failed":{},"client_cpu_us":{:.2f},"mint_cpu_us":{:.1f},"server_cpu_us":{:.1f},"mint_mb":{:.0f},"verified":{},"without_dleq":{},"wrong":{}}})",
      run.per_second, run.p50, run.p90, run.p99, run.p999, run.worst, run.succeeded, run.failed,
      run.client_cpu_us, run.mint_cpu_us, run.server_cpu_us, run.mint_mb, run.checked.right,
      run.checked.without_dleq, run.checked.wrong);
}

void print_run(std::string_view name, const Run& run) {
  fmt::print(stderr,
             "{:7} {:8.0f}/s   p50 {:7.2f}  p90 {:7.2f}  p99 {:7.2f}  p99.9 {:7.2f}  max {:7.2f} ms   {} ok, "
             "{} failed   "
             "{} verified{}\n",
             name, run.per_second, run.p50, run.p90, run.p99, run.p999, run.worst, run.succeeded, run.failed,
             run.checked.right, run.checked.wrong != 0 ? fmt::format(", {} WRONG", run.checked.wrong) : "");
}

bool read_options(int argc, char** argv, Options& options) {
  const auto number = [](std::string_view text, std::size_t& out) {
    const auto end = text.data() + text.size();
    return std::from_chars(text.data(), end, out).ptr == end && out >= 1 && out <= 100'000'000;
  };
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--json") {
      options.json = true;
      continue;
    }
    if (++i >= argc) return false;
    const std::string_view value = argv[i];
    bool good = true;
    if (name == "--mint") {
      options.mints.emplace_back(value);
    } else if (name == "--kind") {
      options.kind = value;
      good = value == "swap" || value == "mint" || value == "melt" || value == "check" || value == "restore";
    } else if (name == "--unit") {
      options.unit = value;
    } else if (name == "--requests") {
      good = number(value, options.requests);
    } else if (name == "--runs") {
      good = number(value, options.runs);
    } else if (name == "--connections") {
      good = number(value, options.connections);
    } else if (name == "--batch") {
      good = number(value, options.batch);
    } else if (name == "--max-outputs") {
      good = number(value, options.max_outputs);
    } else if (name == "--pid") {
      good = number(value, options.pids.emplace_back());
    } else if (name == "--server") {
      good = number(value, options.server);
    } else if (name == "--rate") {
      options.rate = std::atof(argv[i]);
      good = options.rate >= 0;
    } else {
      good = false;
    }
    if (!good) {
      fmt::print(stderr, "mint-load: {} {} is not an option\n", name, value);
      return false;
    }
  }
  return !options.mints.empty();
}

int run(const Options& options) {
  const auto wallet = LoadWallet::open(options.mints.front(), options.unit, options.max_outputs);
  if (!wallet) {
    fmt::print(stderr, "mint-load: {}\n", wallet.error().message);
    return 1;
  }
  std::vector<Run> runs;
  for (std::size_t i = 0; i < options.runs; ++i) {
    auto done = run_once(*wallet, options);
    if (!done) {
      fmt::print(stderr, "mint-load: {}\n", done.error().message);
      return 1;
    }
    print_run(fmt::format("run {}", i + 1), *done);
    if (!done->first_error.empty()) fmt::print(stderr, "  first refusal: {}\n", done->first_error);
    runs.push_back(*std::move(done));
  }
  std::string all;
  for (const Run& each : runs) all += (all.empty() ? "" : ",") + run_json(each);
  const bool clean =
      std::ranges::all_of(runs, [](const Run& each) { return each.failed == 0 && each.checked.wrong == 0; });
  std::ranges::sort(runs, {}, &Run::per_second);
  const Run& median = runs[runs.size() / 2];
  print_run("median", median);
  if (options.json) {
    fmt::print(
        R"({{"kind":"{}","unit":"{}","requests":{},"connections":{},"rate":{},"runs":[{}],"median":{}}})"
        "\n",
        options.kind, options.unit, options.requests, options.connections, options.rate, all,
        run_json(median));
  }
  return clean ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!read_options(argc, argv, options)) {
    fmt::print(stderr, "{}", kUsage);
    return 2;
  }
  return run(options);
}

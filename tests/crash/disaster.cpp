#include "tests/crash/disaster.h"

#include <fmt/format.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "tests/support/postgres_cluster.h"

namespace manastr::crash {
namespace {

using Kind = Disaster::Kind;
using test::PostgresCluster;
using test::PostgresProxy;

constexpr std::chrono::seconds kLongestWait(3);  // for what comes by itself

void kill_a_backend(const test::MintHouse& mint) {
  const auto connection = PostgresCluster::instance().connect(mint.database_url());
  const auto rows = connection->ask({"backends",
                                     "SELECT pid::int8 FROM pg_stat_activity WHERE datname = "
                                     "current_database() AND pid <> pg_backend_pid() ORDER BY "
                                     "state = 'active' DESC, random() LIMIT 1"});
  if (!rows || rows->size() == 0) return;  // the mint is down: nothing to kill
  ::kill(static_cast<pid_t>(rows->integer(0, 0)), SIGKILL);
}

}  // namespace

std::string Disaster::name() const {
  switch (kind) {
    case Kind::kill:
      return "kill";
    case Kind::failpoint:
      return failpoint;
    case Kind::server_crash:
      return "server-crash";
    case Kind::backend_kill:
      return "backend-kill";
    case Kind::cut:
      return "cut";
    case Kind::away:
      return "away";
    case Kind::both:
      return "mint-and-server";
    case Kind::lost_commit:
      return "lost-commit";
    case Kind::lost_answer:
      return "lost-answer";
  }
  return "";
}

std::vector<std::string> failpoints_of_the_mint() {
  std::set<std::string> out;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(MANASTR_SOURCE_DIR "/mint")) {
    if (entry.path().extension() != ".cpp") continue;
    const std::string text = test::read_file(entry.path());
    constexpr std::string_view kCall = "failpoint(\"mint.";  // those of other commands no load reaches
    for (std::size_t at = text.find(kCall); at != std::string::npos; at = text.find(kCall, at + 1)) {
      const std::size_t from = text.find('"', at) + 1;
      out.insert(text.substr(from, text.find('"', from) - from));
    }
  }
  if (out.empty()) throw std::runtime_error("no failpoint in " MANASTR_SOURCE_DIR "/mint");
  return {out.begin(), out.end()};
}

std::vector<Disaster> disasters(bool postgres) {
  std::vector<Disaster> out(5);
  for (const std::string& each : failpoints_of_the_mint()) out.push_back({Kind::failpoint, each});
  if (!postgres) return out;
  for (const Kind each : {Kind::server_crash, Kind::backend_kill, Kind::cut, Kind::away, Kind::both,
                          Kind::lost_commit, Kind::lost_answer})
    out.push_back({each});
  return out;
}

std::map<std::string, std::string> preparation(const Disaster& disaster, int pass, PostgresProxy* proxy,
                                               const test::MintHouse& mint) {
  if (disaster.kind == Kind::failpoint)
    return {{"MANASTR_FAILPOINT", fmt::format("{}:{}", disaster.failpoint, pass)}};
  if (disaster.kind == Kind::lost_commit || disaster.kind == Kind::lost_answer) {
    std::string url = mint.database_url();
    const std::string& folder = PostgresCluster::instance().folder();
    return {{"DATABASE_URL", url.replace(url.find(folder), folder.size(), proxy->folder())}};
  }
  return {};
}

void strike(const Disaster& disaster, test::MintHouse& mint, PostgresProxy* proxy,
            std::chrono::milliseconds away) {
  test::Process& process = mint.daemon().process();
  const auto cluster = [] -> PostgresCluster& { return PostgresCluster::instance(); };
  switch (disaster.kind) {
    case Kind::kill:
      return process.kill();
    case Kind::failpoint:
      test::eventually([&] { return !process.running(); }, kLongestWait);
      return process.kill();
    case Kind::server_crash:
      cluster().crash();
      return cluster().await();
    case Kind::backend_kill:
      return kill_a_backend(mint);
    case Kind::cut:
      return cluster().cut_connections(mint.database_url());
    case Kind::away:
      cluster().pause();
      std::this_thread::sleep_for(away);
      return cluster().resume();
    case Kind::both:
      process.signal(SIGKILL);
      cluster().crash();
      process.kill();
      return cluster().await();
    case Kind::lost_commit:
    case Kind::lost_answer:
      proxy->lose(disaster.kind == Kind::lost_commit ? PostgresProxy::Loss::request
                                                     : PostgresProxy::Loss::answer);
      test::eventually([&] { return proxy->lost(); }, kLongestWait);
  }
}

}  // namespace manastr::crash

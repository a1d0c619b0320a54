// kill -9, for real: a child process uses the wallet over HTTP and dies at a failpoint; the next one goes on
// from its file.
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include <mutex>
#include <random>

#include "common/mintclient/curl_transport.h"
#include "tests/support/loopback_server.h"
#include "tests/unit/player/wallet_fixture.h"

namespace manastr::player {
namespace {

constexpr const char* kSteps[] = {"wallet.before-journal", "wallet.after-journal", "wallet.before-mint",
                                  "wallet.after-mint",     "wallet.before-swap",   "wallet.after-swap",
                                  "wallet.before-melt",    "wallet.after-melt",    "wallet.before-finish",
                                  "wallet.after-finish"};

std::unique_ptr<Wallet> open_over_http(const std::string& file, const std::string& url) {
  auto client = must(mintclient::MintClient::make(url, mintclient::make_curl_transport()));
  return must(Wallet::open(file, seed_of(1), client, system_clock()));
}

Lock expired_lock() {
  return {key_of(1).public_key().hex(),
          {{"locktime", "1000"}, {"refund", key_of(1).public_key().hex()}, {"sigflag", "SIG_ALL"}}};
}

/// The body of the child: one round of everything that moves money. Labels make a second run go on with the
/// first.
void play_round(Wallet& wallet, const std::string& round) {
  must(wallet.resume());
  must(wallet.mint_paid(must(wallet.request_mint("mana", 200)).id));
  must(wallet.lock(round, "mana", 50, expired_lock()));
  must(wallet.take_back(round, [](const Hash32& hash) {
    return std::vector<crypto::Signature>{crypto::sign_schnorr(key_of(1), hash, {})};
  }));
  must(wallet.melt(must(wallet.request_melt("lnbc30", "mana"))));
  must(wallet.send("mana", 11));
}

TEST(WalletChild, DISABLED_PlaysARound) {
  const char* file = std::getenv("WALLET_FILE");
  const char* url = std::getenv("MINT_URL");
  const char* round = std::getenv("WALLET_ROUND");
  ASSERT_TRUE(file != nullptr && url != nullptr && round != nullptr);
  play_round(*open_over_http(file, url), round);
}

/// Exit status of the child as waitpid gives it.
int run_child(const std::vector<std::string>& environment) {
  std::vector<std::string> all = environment;
  std::vector<char*> envp;
  for (auto& entry : all) envp.push_back(entry.data());
  envp.push_back(nullptr);
  std::string program = "/proc/self/exe";
  std::string filter = "--gtest_filter=WalletChild.DISABLED_PlaysARound";
  std::string disabled = "--gtest_also_run_disabled_tests";
  char* argv[] = {program.data(), filter.data(), disabled.data(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  const int failed = ::posix_spawn(&child, program.c_str(), &actions, nullptr, argv, envp.data());
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) throw std::runtime_error("no child process");
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

TEST(WalletKill, NothingIsLostWhereverTheProcessDies) {
  const test::TemporaryFolder folder;
  SimulatedMint mint;
  mint.add_keyset("mana", 100);
  mint.invoices_are_paid = true;
  std::mutex mutex;  // guards the mint: the server has a thread of its own
  test::LoopbackServer server([&](const std::string& request) {
    const auto path_at = request.find(' ') + 1;
    const std::string path = request.substr(path_at, request.find(' ', path_at) - path_at);
    std::string answer;
    const std::lock_guard lock(mutex);
    mint.send({request.substr(0, path_at - 1), SimulatedMint::kUrl + path,
               request.substr(request.find("\r\n\r\n") + 4)},
              [&](const auto& reply) {
                answer = test::reply_of(reply->body, reply->status == 200 ? "200 OK" : "400 Bad Request");
              });
    return answer;
  });
  const std::string url = server.url("");
  const std::string file = folder.path("wallet.db");
  std::mt19937 random(20'261'121);  // NOLINT: the same deaths each time
  int killed = 0;
  for (int round = 0; round < 20; ++round) {
    const std::string step = kSteps[round % std::size(kSteps)];
    const int pass = 1 + static_cast<int>(random() % 2);
    SCOPED_TRACE("round " + std::to_string(round) + ", " + step + ":" + std::to_string(pass));
    {
      const std::lock_guard lock(mutex);
      mint.durable_replies = round % 4 < 2;
    }
    const std::vector<std::string> environment = {"WALLET_FILE=" + file, "MINT_URL=" + url,
                                                  "WALLET_ROUND=" + std::to_string(round)};
    auto deadly = environment;
    deadly.push_back("MANASTR_FAILPOINT=" + step + ":" + std::to_string(pass));
    const int status = run_child(deadly);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) ++killed;
    const int again = run_child(environment);
    ASSERT_TRUE(WIFEXITED(again) && WEXITSTATUS(again) == 0);
    auto wallet = open_over_http(file, url);
    EXPECT_TRUE(must(wallet->resume()).open.empty());
    Amount held = 0;
    for (const auto& token : must(wallet->sent())) held += cashu::sum_amounts(token.proofs).value();
    for (const Balance& one : must(wallet->balances())) {
      EXPECT_EQ(one.under_way, 0U);
      held += one.available + one.locked;
    }
    const std::lock_guard lock(mutex);
    ASSERT_EQ(held, mint.outstanding());
  }
  EXPECT_GE(killed, 15);
}

}  // namespace
}  // namespace manastr::player

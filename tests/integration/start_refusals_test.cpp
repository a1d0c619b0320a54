// What stands in the way of a start: one clear line on standard error and an exit code that is not 0, from
// each program for each cause; and a disk that fills up while a daemon runs. Rooms: player
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "tests/integration/mint_house.h"
#include "tests/integration/process.h"
#include "tests/support/loopback_server.h"
#include "tests/support/temporary_folder.h"

namespace manastr::test {
namespace {

constexpr const char* kSomeKey = "50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0";
constexpr const char* kNobodysKey = "0000000000000000000000000000000000000000000000000000000000000003";

/// One program on a folder of its own.
struct Scene {
  TemporaryFolder folder;
  std::string program;
  std::vector<std::string> arguments;
  std::map<std::string, std::string> environment = {{"MANASTR_PASSPHRASE", "open"}};

  std::string data(std::string_view name = "") const {
    return folder.path(name.empty() ? "data" : "data/" + std::string(name));
  }
  Process start(const std::string& output) const {
    return {program, {arguments, environment, folder.path(output)}};
  }
};

std::string config_of(const std::string& program, const std::string& port = "0") {
  if (program == "manastr-relay") return "[network]\nport = " + port + "\n";
  std::string out = "[server]\nport = " + port + "\n";
  if (program == "manastr-engine")
    out += "[nostr]\nrelay_urls = [\"ws://127.0.0.1:1\"]\n[mint]\nprimary_url = \"http://127.0.0.1:1\"\n";
  return out;
}

void use(Scene& scene, const std::string& program, const std::string& config) {
  scene.program = program;
  scene.arguments = {"--config", scene.folder.write("config.toml", config), "--data", scene.data()};
}

/// Runs the daemon once, so that its folder is as a first start leaves it.
void run_once(Scene& scene) {
  Daemon daemon(scene.program, scene.arguments[1], scene.data());
  daemon.process().signal(SIGTERM);
  EXPECT_EQ(daemon.process().wait(), 0);
}

void make_player(Scene& scene, const std::string& mint, const std::string& relay) {
  scene.program = "manastr-player";
  scene.arguments = {"--home", scene.data(), "init",   "--mint",  mint, "--relay",
                     relay,    "--engine",   kSomeKey, "--log-n", "10"};
  Process made = scene.start("init.log");
  EXPECT_EQ(made.wait(), 0) << read_file(scene.folder.path("init.log"));
}

void player(Scene& scene, std::vector<std::string> command, const std::string& mint = "http://127.0.0.1:1") {
  make_player(scene, mint, "ws://127.0.0.1:1");
  scene.arguments = {"--home", scene.data()};
  scene.arguments.insert(scene.arguments.end(), command.begin(), command.end());
}

void overwrite(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << text;
}

/// Its first half alone, without the log beside it.
void truncate_database(const std::string& path) {
  ::unlink((path + "-wal").c_str());
  ::unlink((path + "-shm").c_str());
  EXPECT_EQ(::truncate(path.c_str(), static_cast<off_t>(read_file(path).size() / 2 + 1)), 0);
}

struct Row {
  const char* name;
  std::function<void(Scene&)> prepare;
  const char* says;
  int exit_code = 1;
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

std::vector<Row> rows() {
  std::vector<Row> out;
  for (const std::string program : {"manastr-mint", "manastr-engine", "manastr-relay"}) {
    static std::vector<std::unique_ptr<std::string>> names;
    const auto add = [&](const std::string& what, std::function<void(Scene&)> prepare, const char* says,
                         int code = 1) {
      std::string name = program.substr(8) + "_" + what;
      names.push_back(std::make_unique<std::string>(std::move(name)));
      out.push_back({names.back()->c_str(), std::move(prepare), says, code});
    };
    add(
        "port_in_use",
        [program](Scene& s) {
          static const LoopbackServer server([](const std::string&) { return std::string(); });
          const std::string url = server.url("");
          use(s, program, config_of(program, url.substr(url.rfind(':') + 1)));
        },
        "the port is in use");
    add(
        "data_is_a_file",
        [program](Scene& s) {
          use(s, program, config_of(program));
          s.folder.write("data", "x");
        },
        "cannot make the data folder");
    add(
        "data_not_writable",
        [program](Scene& s) {
          use(s, program, config_of(program));
          s.arguments[3] = "/proc";
        },
        "cannot write in the data folder /proc");
    add(
        "data_in_use",
        [program](Scene& s) {
          static std::map<std::string, std::unique_ptr<Daemon>> running;
          static const TemporaryFolder shared;
          use(s, program, config_of(program));
          const std::string data = shared.path(program);
          running[program] = std::make_unique<Daemon>(program, s.arguments[1], data);
          s.arguments[3] = data;
        },
        "is already used by process");
    add(
        "no_configuration",
        [program](Scene& s) {
          use(s, program, "");
          s.arguments[1] = "/nowhere.toml";
        },
        "/nowhere.toml: there is no such file");
    add("broken_toml", [program](Scene& s) { use(s, program, "[server\n"); }, "config.toml:1:");
    add(
        "unknown_argument",
        [program](Scene& s) {
          use(s, program, "");
          s.arguments.push_back("--fast");
        },
        "unknown argument '--fast'");
    add(
        "damaged_database",
        [program](Scene& s) {
          use(s, program, config_of(program));
          run_once(s);
          truncate_database(s.data(program == "manastr-mint"     ? "mint.sqlite"
                                   : program == "manastr-engine" ? "engine.sqlite"
                                                                 : "events.sqlite"));
        },
        "sqlite is damaged; restore it from a backup");
  }
  const auto mint = [](auto change) {
    return [change](Scene& s) {
      use(s, "manastr-mint", config_of("manastr-mint"));
      run_once(s);
      change(s);
    };
  };
  const auto engine = [](auto change) {
    return [change](Scene& s) {
      use(s, "manastr-engine", config_of("manastr-engine"));
      run_once(s);
      change(s);
    };
  };
  out.push_back({"mint_other_mnemonic", mint([](Scene& s) {
                   overwrite(s.data("mnemonic"),
                             "abandon abandon abandon abandon abandon abandon abandon abandon abandon "
                             "abandon abandon about\n");
                 }),
                 "the mnemonic is not this ledger's"});
  out.push_back({"mint_no_mnemonic", mint([](Scene& s) { ::unlink(s.data("mnemonic").c_str()); }),
                 "put the backup of it back"});
  out.push_back({"mint_mnemonic_for_all", mint([](Scene& s) { ::chmod(s.data("mnemonic").c_str(), 0644); }),
                 "can be read by others; run: chmod 600"});
  out.push_back({"mint_lost_ledger", mint([](Scene& s) { overwrite(s.data("mint.sqlite"), ""); }),
                 "mint.sqlite is missing or empty"});
  out.push_back({"engine_other_key", engine([](Scene& s) { overwrite(s.data("nostr.key"), kNobodysKey); }),
                 "belongs to the engine key"});
  out.push_back({"engine_no_key", engine([](Scene& s) { ::unlink(s.data("nostr.key").c_str()); }),
                 "nostr.key is missing"});
  out.push_back({"engine_no_link_key", engine([](Scene& s) { ::unlink(s.data("link.key").c_str()); }),
                 "link.key is missing"});
  out.push_back({"engine_key_for_all", engine([](Scene& s) { ::chmod(s.data("link.key").c_str(), 0640); }),
                 "can be read by others; run: chmod 600"});
  out.push_back({"engine_damaged_key", engine([](Scene& s) { overwrite(s.data("nostr.key"), "zz\n"); }),
                 "expected 64 lower-case hex digits"});

  out.push_back({"player_no_folder",
                 [](Scene& s) {
                   s.program = "manastr-player";
                   s.arguments = {"--home", s.data(), "balance"};
                 },
                 "is no player's folder yet"});
  out.push_back({"player_wrong_passphrase",
                 [](Scene& s) {
                   player(s, {"balance"});
                   s.environment["MANASTR_PASSPHRASE"] = "shut";
                 },
                 "the passphrase is wrong"});
  out.push_back({"player_key_for_all",
                 [](Scene& s) {
                   player(s, {"balance"});
                   ::chmod(s.data("keys.json").c_str(), 0644);
                 },
                 "can be read by others; run: chmod 600"});
  out.push_back({"player_keys_are_kept",
                 [](Scene& s) {
                   player(s, {"init", "--mint", "http://127.0.0.1:1", "--relay", "ws://127.0.0.1:1",
                              "--engine", kSomeKey, "--log-n", "10"});
                 },
                 "never overwritten"});
  out.push_back({"player_damaged_wallet",
                 [](Scene& s) {
                   player(s, {"balance"});
                   EXPECT_EQ(s.start("first.log").wait(), 0);
                   truncate_database(s.data("wallet.sqlite"));
                 },
                 "wallet.sqlite is damaged"});
  out.push_back({"player_unknown_command",
                 [](Scene& s) {
                   s.program = "manastr-player";
                   s.arguments = {"dance"};
                 },
                 "no command 'dance'", 2});
  out.push_back({"player_mint_url_is_none",
                 [](Scene& s) {
                   s.program = "manastr-player";
                   s.arguments = {"--home",  s.data(),           "init",     "--mint", "ftp://x",
                                  "--relay", "ws://127.0.0.1:1", "--engine", kSomeKey};
                 },
                 "the mint's URL must be http:// or https://"});
  out.push_back({"player_relay_url_is_none",
                 [](Scene& s) {
                   s.program = "manastr-player";
                   s.arguments = {"--home",  s.data(),   "init",     "--mint", "http://127.0.0.1:1",
                                  "--relay", "http://x", "--engine", kSomeKey};
                 },
                 "expected ws:// or wss://"});
  out.push_back({"player_mint_is_no_mint",
                 [](Scene& s) {
                   static const LoopbackServer server([](const std::string&) {
                     return std::string(
                         "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                   });
                   player(s, {"mint", "5"}, server.url(""));
                 },
                 "is this the URL of a Cashu mint?"});
  out.push_back(
      {"player_mint_is_away", [](Scene& s) { player(s, {"mint", "5"}); }, "no reply from the mint", 3});
  out.push_back({"player_unknown_match", [](Scene& s) { player(s, {"play", "abcdef"}); },
                 "no match of yours has an id that begins with"});
  // A whole id may be a match whose files are lost: the relays are asked.
  out.push_back({"player_no_relay", [](Scene& s) { player(s, {"play", kSomeKey}); }, "no relay answers", 3});
  return out;
}

class Refusal : public testing::TestWithParam<Row> {};

TEST_P(Refusal, IsOneClearLine) {
  Scene scene;
  ASSERT_NO_FATAL_FAILURE(GetParam().prepare(scene));
  Process process = scene.start("said.log");
  EXPECT_EQ(process.wait(), GetParam().exit_code);
  const std::string said = read_file(scene.folder.path("said.log"));
  // A first start tells of the keys that it has made; then comes the one line.
  std::vector<std::string> lines;
  std::istringstream in(said);
  for (std::string line; std::getline(in, line);) {
    const bool of_keys = line.find(" warn  ") != std::string::npos ||
                         line.find(" info  a keyset is active") != std::string::npos;
    if (!of_keys) lines.push_back(line);
  }
  ASSERT_EQ(lines.size(), 1U) << said;
  EXPECT_TRUE(lines[0].starts_with(scene.program.substr(scene.program.rfind('/') + 1) + ": ")) << said;
  EXPECT_NE(lines[0].find(GetParam().says), std::string::npos) << said;
}

INSTANTIATE_TEST_SUITE_P(Start, Refusal, testing::ValuesIn(rows()),
                         [](const auto& each) { return std::string(each.param.name); });

/// A file system of a few MiB that can be filled to the last byte; what is below it needs CAP_SYS_ADMIN.
class SmallDisk {
 public:
  SmallDisk() {
    mounted_ = ::unshare(CLONE_NEWNS) == 0 &&
               ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
               ::mount("tmpfs", folder_.path().c_str(), "tmpfs", 0, "size=8m") == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(folder_.path().c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }
  std::string path(std::string_view name = "") const { return folder_.path(name); }
  void fill() const {
    std::ofstream filler(path("filler"), std::ios::binary);
    for (const std::string block(4096, 'x'); filler.write(block.data(), 4096).flush();) {
    }
  }
  void make_room() const { ::unlink(path("filler").c_str()); }

 private:
  TemporaryFolder folder_;
  bool mounted_ = false;
};

TEST(FullDisk, TheMintRefusesSaysSoAndGoesOnWhenThereIsRoom) {
  const SmallDisk disk;
  if (!disk.mounted())
    GTEST_SKIP() << "a full disk is a small tmpfs here, and mounting one needs root outside of a container";
  ::setenv("TMPDIR", disk.path().c_str(), 1);
  MintHouse mint;
  ::unsetenv("TMPDIR");
  const auto proofs = mint.buy("sat", std::vector<cashu::Amount>{8, 8});
  const std::int64_t book = mint.book_msat();
  const std::string body = swap_body({proofs[0]}, mint.drafts("sat", {4, 4}));
  disk.fill();
  int refused = 0;
  const auto refusal = [&] {
    const auto reply = mint.post("/v1/swap", body);
    if (reply.status == 503) ++refused;
    return reply.status == 503 && MintHouse::code_of(reply) == 50300;
  };
  EXPECT_TRUE(eventually(refusal));
  const std::string health = mint.get("/health").body;
  EXPECT_NE(health.find("is full"), std::string::npos) << health;
  EXPECT_TRUE(eventually(
      [&] { return mint.daemon().log().find("the ledger can't be written") != std::string::npos; }));
  const auto issues = [&](const char* value) {
    return mint.get("/v1/supply").body.find("\"issues\":" + std::string(value)) != std::string::npos;
  };
  EXPECT_TRUE(eventually([&] { return issues("false"); }));
  disk.make_room();
  EXPECT_TRUE(eventually([&] { return issues("true"); })) << "before anybody asks for a signature";
  EXPECT_TRUE(eventually([&] { return mint.post("/v1/swap", body).status == 200; }));
  EXPECT_EQ(mint.get("/health").body.find("is full"), std::string::npos);
  EXPECT_EQ(mint.unspent(proofs), 8U) << "swapped once, and only once";
  EXPECT_EQ(mint.book_msat(), book);
  EXPECT_GT(refused, 0);
}

TEST(FullDisk, TheEngineStopsWithOneLine) {
  const SmallDisk disk;
  if (!disk.mounted())
    GTEST_SKIP() << "a full disk is a small tmpfs here, and mounting one needs root outside of a container";
  const TemporaryFolder elsewhere;
  MintHouse mint;
  Daemon relay("manastr-relay", elsewhere.write("relay.toml", config_of("manastr-relay")),
               elsewhere.path("relay"));
  std::filesystem::create_directory(disk.path("engine"));
  std::filesystem::create_directory_symlink(disk.path("engine"),
                                            elsewhere.path("engine"));  // its log has room
  Daemon engine(
      "manastr-engine",
      elsewhere.write("engine.toml", "[server]\nport = 0\n[nostr]\nrelay_urls = [\"ws://127.0.0.1:" +
                                         std::to_string(relay.port()) + "\"]\n[mint]\nprimary_url = \"" +
                                         mint.url() + "\"\n"),
      elsewhere.path("engine"));
  ASSERT_TRUE(eventually([&] { return engine.log().find("Judging") != std::string::npos; }));
  disk.fill();
  EXPECT_EQ(engine.process().wait(std::chrono::seconds(60)), 1);
  EXPECT_NE(engine.log().find("engine.sqlite is full; make room and try again"), std::string::npos)
      << engine.log();
}

}  // namespace
}  // namespace manastr::test

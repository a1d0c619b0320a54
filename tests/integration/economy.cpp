#include "economy.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "common/json/reader.h"
#include "common/match/referee.h"
#include "lightning/fake_node.h"

namespace manastr::test {
namespace {

constexpr std::uint64_t kManaMsat = 200;
constexpr std::uint64_t kLootMsat = 200;
constexpr std::uint64_t kSatMsat = 1000;
constexpr int kTryAgain = 3;  // what a player ends with when the relays can't help yet

std::string make_folder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "manastr-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
  return pattern;
}

void write_file(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::trunc) << text;
}

std::vector<json::Value> json_lines(const std::string& text) {
  std::vector<json::Value> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    json::Limits limits;
    limits.bytes = 16 << 20;
    if (auto value = json::parse(line, limits)) out.push_back(std::move(*value));
  }
  return out;
}

}  // namespace

std::string json_field(const std::string& lines, const std::string& name) {
  for (const json::Value& line : json_lines(lines)) {
    if (const json::Value* found = line.find(name))
      return found->is_string() ? *found->if_string() : found->dump();
  }
  return "";
}

Economy::Economy(Options options) : options_(std::move(options)), folder_(make_folder()) {
  for (int i = 1; i <= 3; ++i) {
    const std::string data = fmt::format("{}/relay{}", folder_, i);
    write_file(data + "/relay.toml", "[network]\nport = 0\n" + (i == 1 ? options_.first_relay : ""));
    relays_.push_back(std::make_unique<Daemon>("manastr-relay", data + "/relay.toml", data));
  }
  // The engine's key first, for the mint's list of engines.
  const std::string engine_data = folder_ + "/engine";
  write_file(engine_data + "/game-engine.toml",
             "[nostr]\nrelay_urls = [\"ws://127.0.0.1:1\"]\n[mint]\nprimary_url = "
             "\"http://127.0.0.1:1\"\n");
  const std::string key_output = folder_ + "/pubkey";
  Process key(
      "manastr-engine",
      {{"pubkey", "--config", engine_data + "/game-engine.toml", "--data", engine_data}, {}, key_output});
  if (key.wait() != 0) throw std::runtime_error("manastr-engine pubkey: " + read_file(key_output));
  std::istringstream words(read_file(key_output));
  for (std::string word; words >> word;) {
    if (word.size() == 64) engine_pubkey_ = word;
  }
  write_file(
      folder_ + "/mint/game-engine-auth.toml",
      fmt::format(
          "[[authorized_game_engines]]\nname = \"test\"\nnostr_pubkey_hex = \"{}\"\nactive = true\n\n"
          "[authorized_game_engines.permissions]\ncan_burn_mana = true\ncan_query_spent_status = true\n"
          "can_mint_loot = true\nmax_tokens_per_request = 1000000\n",
          engine_pubkey_));
  restart_mint();
  engines_mint_ = options_.door ? options_.door(mint_url()) : mint_url();
  restart_engine();
}

Economy::~Economy() {
  engine_.reset();
  mint_.reset();
  relays_.clear();
  if (std::getenv("MANASTR_KEEP") == nullptr) {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
}

std::string Economy::mint_url() const { return fmt::format("http://127.0.0.1:{}", mint_port_); }

std::string Economy::engine_url() const { return fmt::format("http://127.0.0.1:{}", engine_port_); }

std::vector<std::string> Economy::relay_urls() const {
  std::vector<std::string> out;
  for (const auto& relay : relays_) out.push_back(fmt::format("ws://127.0.0.1:{}", relay->port()));
  return out;
}

void Economy::write_mint_config(std::uint16_t port) {
  std::string text =
      fmt::format("[server]\nport = {}\n\n[lightning]\nbackend = \"fake\"\ninvoice_delay_ms = 20\n\n", port);
  for (const auto& [unit, price, issuer] : {std::tuple{"sat", kSatMsat, "lightning"},
                                            {"mana", kManaMsat, "lightning"},
                                            {"loot", kLootMsat, "engine"}}) {
    text += fmt::format(
        "[currencies.{0}]\nunit = \"{0}\"\nprice_msat = {1}\nissued_by = [\"{2}\"]\ninput_fee_ppk = {3}\n"
        "fee_reserve = 0.0\nkeyset_index = {4}\n\n",
        unit, price, issuer, options_.input_fee_ppk, keyset_index_);
  }
  write_file(folder_ + "/mint/mint.toml",
             text + "[authorization]\nauth_config_file = \"game-engine-auth.toml\"\n");
}

void Economy::write_engine_config(std::uint16_t port) {
  std::string urls;
  for (const auto& relay : relays_) urls += fmt::format("\"ws://127.0.0.1:{}\", ", relay->port());
  for (const std::string& url : options_.more_relays) urls += "\"" + url + "\", ";
  write_file(
      folder_ + "/engine/game-engine.toml",
      fmt::format("[server]\nport = {}\n\n[nostr]\nrelay_urls = [{}]\n\n[mint]\nprimary_url = \"{}\"\n\n"
                  "[announcement]\nrake_ppm = 50000\n{}",
                  port, urls, engines_mint_, options_.announcement));
}

void Economy::restart_mint(const std::map<std::string, std::string>& environment) {
  mint_.reset();
  write_mint_config(mint_port_);
  mint_ =
      std::make_unique<Daemon>("manastr-mint", folder_ + "/mint/mint.toml", folder_ + "/mint", environment);
  mint_port_ = mint_->port();
}

void Economy::rotate_keysets() {
  ++keyset_index_;
  restart_mint();
}

void Economy::restart_engine(const std::map<std::string, std::string>& environment) {
  engine_.reset();
  write_engine_config(engine_port_);
  engine_ = std::make_unique<Daemon>("manastr-engine", folder_ + "/engine/game-engine.toml",
                                     folder_ + "/engine", environment);
  engine_port_ = engine_->port();
}

Process::Options Economy::player_options(const std::string& name, std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), {"--home", folder_ + "/" + name, "--json"});
  return {std::move(arguments), {{"MANASTR_PASSPHRASE", "test"}}, folder_ + "/" + name + ".out"};
}

Process Economy::start(const std::string& name, std::vector<std::string> arguments,
                       std::map<std::string, std::string> environment) {
  Process::Options options = player_options(name, std::move(arguments));
  options.environment.merge(environment);
  return Process("manastr-player", std::move(options));
}

std::string Economy::said_at(int expected, const std::string& name, const Ended& ended) {
  if (ended.code == expected) return ended.said;
  throw std::runtime_error(fmt::format("player {} ended with {}: {}", name, ended.code, ended.said));
}

Economy::Ended Economy::attempt(const std::string& name, std::vector<std::string> arguments) {
  const std::string file = folder_ + "/" + name + ".out";
  const std::size_t before = std::filesystem::exists(file) ? std::filesystem::file_size(file) : 0;
  Process process("manastr-player", player_options(name, std::move(arguments)));
  const int code = process.wait().value_or(-1);
  return {code, read_file(file).substr(before)};
}

std::string Economy::run(const std::string& name, std::vector<std::string> arguments, int expected) {
  return said_at(expected, name, attempt(name, std::move(arguments)));
}

std::string Economy::output(const std::string& name) const {
  return read_file(folder_ + "/" + name + ".out");
}

void Economy::add_player(const std::string& name, std::uint64_t mana) {
  std::vector<std::string> arguments{"init",         "--mint",  mint_url(), "--engine",
                                     engine_pubkey_, "--log-n", "10"};
  for (const auto& relay : relays_) {
    arguments.push_back("--relay");
    arguments.push_back(fmt::format("ws://127.0.0.1:{}", relay->port()));
  }
  run(name, arguments);
  players_.push_back(name);
  if (mana > 0) run(name, {"mint", std::to_string(mana), "--unit", "mana"});
}

std::string Economy::challenge(const std::string& name, std::uint64_t stake) {
  // "Try again" while the engine's announcement is on its way to the relays.
  Ended ended;
  eventually([&] {
    ended = attempt(name, {"challenge", "--stake", std::to_string(stake), "--no-play"});
    return ended.code != kTryAgain;
  });
  return json_field(said_at(0, name, ended), "match");
}

std::string Economy::fault_of(const std::string& name, const std::string& match) {
  std::string fault;
  eventually([&] { return (fault = judge_chain(name, match)).empty(); });
  return fault;
}

std::string Economy::judge_chain(const std::string& name, const std::string& match) {
  const std::string file = folder_ + "/" + match + ".json";
  run(name, {"transcript", match, "--out", file});
  json::Limits limits;
  limits.bytes = 16 << 20;
  const auto value = json::parse(read_file(file), limits);
  if (!value || !value->is_array()) return "the transcript is no JSON array";
  std::vector<nostr::Event> events;
  for (const json::Value& each : *value->if_array()) {
    auto event = nostr::event_from_json(each);
    if (!event) return event.error().message;
    events.push_back(std::move(*event));
  }
  const match::Judgement judged = match::judge(std::move(events));
  if (!judged.in_order()) return judged.faults.front();
  if (!judged.outcome) return "no verdict";
  if (!judged.duel) return "the match was not played to its end";
  if (!judged.settled) return "not settled";
  rake_[match] = judged.rake;
  return "";
}

std::string Economy::unbalanced() {
  std::uint64_t held = 0;
  std::string sums;
  bool agree = true;
  for (const std::string& name : players_) {
    const auto balances = [&](const char* command) {
      std::vector<json::Value> out = json_lines(run(name, {command}));
      std::erase_if(out, [](const json::Value& line) {
        const json::Value* what = line.find("what");
        return what == nullptr || *what != json::Value("balance");
      });
      return out;
    };
    run(name, {"resume"});  // a loser's client ends before its stake is spent
    const auto known = balances("balance");
    const auto restored = balances("restore");  // asks NUT-07 about every proof
    for (std::size_t i = 0; i < restored.size(); ++i) {
      const std::string unit = *restored[i].find("unit")->if_string();
      std::uint64_t amount = 0;
      for (const char* member : {"available", "under_way", "locked"})
        amount += *restored[i].find(member)->if_uint64();
      held += amount * (unit == "sat" ? kSatMsat : kManaMsat);
      sums += fmt::format("{} {} {}, ", name, amount, unit);
      if (i < known.size() && known[i] == restored[i]) continue;
      agree = false;
      sums += fmt::format("but its wallet said {}, ", i < known.size() ? known[i].dump() : "nothing");
    }
  }
  std::uint64_t rake = 0;
  for (const auto& [match, amount] : rake_) rake += amount * kLootMsat;
  const auto book = lightning::read_fake_book(folder_ + "/mint/fake-node.sqlite");
  if (!book) return book.error().message;
  const std::uint64_t owed = book->received - book->sent - book->fees;
  if (agree && held + rake == owed) return "";
  return fmt::format("{}rake {} msat: together {} msat, but the node took in {} and paid out {} + {}: {}",
                     sums, rake, held + rake, book->received, book->sent, book->fees, owed);
}

}  // namespace manastr::test

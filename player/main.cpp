// manastr-player: the command line. Reads options and the passphrase, opens the home, calls one command.
#include <fmt/format.h>
#include <sys/prctl.h>
#include <termios.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include "common/nostr/bech32.h"
#include "common/telemetry/log.h"
#include "player/commands.h"

namespace {

using namespace manastr;
using namespace manastr::player;

/// From MANASTR_PASSPHRASE, a file, or the terminal without echo. Never from an argument: others can read
/// those.
Result<crypto::SecretText> passphrase(const std::string& file, bool twice) {
  if (const char* value = std::getenv("MANASTR_PASSPHRASE")) return crypto::SecretText(value);
  std::string text;
  if (!file.empty()) {
    std::ifstream in(file);
    if (!std::getline(in, text)) return invalid("cannot read a passphrase from " + file);
    return crypto::SecretText(std::move(text));
  }
  if (isatty(STDIN_FILENO) == 0) {
    return invalid(
        "no passphrase: set MANASTR_PASSPHRASE, or give --passphrase-file, or run it in a terminal");
  }
  termios shown{};
  tcgetattr(STDIN_FILENO, &shown);
  termios hidden = shown;
  hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
  std::cerr << "passphrase: " << std::flush;
  std::getline(std::cin, text);
  std::string again = text;
  if (twice) {
    std::cerr << "\nonce more: " << std::flush;
    std::getline(std::cin, again);
  }
  std::cerr << '\n';
  tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
  const crypto::SecretText second(std::move(again));
  crypto::SecretText first(std::move(text));
  if (first.reveal() != second.reveal()) return invalid("the two passphrases differ");
  return first;
}

Result<crypto::XOnlyKey> key_from(const std::string& text) {
  if (text.starts_with("npub1")) return nostr::from_npub(text);
  const auto key = crypto::XOnlyKey::from_hex(text);
  if (!key || !key->on_curve()) return invalid("a public key is 64 hex digits or npub1...");
  return *key;
}

std::string default_home() {
  const char* home = std::getenv("HOME");
  return std::string(home != nullptr ? home : ".") + "/.manastr";
}

/// The mnemonic of an earlier wallet: the file's words, as they were shown or one a line.
Result<crypto::SecretText> words_from(const std::string& file) {
  if (file.empty()) return crypto::SecretText();
  std::ifstream in(file);
  std::string text;
  for (std::string word; text.size() < 1024 && in >> word;) text += (text.empty() ? "" : " ") + word;
  if (text.empty()) return invalid("cannot read any words from " + file);
  return crypto::SecretText(std::move(text));
}

int report_error(const Report& report, const Error& error) {
  if (report.json()) {
    json::Value detail;
    detail.set("message", error.message);
    detail.set("code", error.code);
    report.say("error", error.message, detail);
  } else {
    report.warn(error.code != 0 ? fmt::format("{} (code {})", error.message, error.code) : error.message);
  }
  return error.kind == ErrorKind::unavailable ? 3 : 1;
}

/// One line; 2 is for a command line that makes no sense.
int usage_error(const CLI::App& app, const CLI::ParseError& error, bool json) {
  if (error.get_exit_code() == 0) return app.exit(error);  // --help
  std::string why = error.what();
  const std::vector<std::string> left = app.remaining();
  if (app.get_subcommands().empty() && !left.empty()) why = "no command '" + left.front() + "'";
  report_error(Report(json), {ErrorKind::invalid, 0, why + "; `manastr-player [COMMAND] --help` says more"});
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  prctl(PR_SET_DUMPABLE, 0);  // keys must not reach a core dump
  telemetry::LogOptions log_options;
  log_options.level = telemetry::Level::error;
  log_options.service = "player";
  telemetry::configure_log(log_options);

  CLI::App app{"Plays matches over Nostr relays for ecash stakes, and keeps the wallet for it.",
               "manastr-player"};
  app.require_subcommand(1);
  std::string folder = default_home();
  std::string passphrase_file;
  bool json = false;
  app.add_option("--home", folder, "the player's folder")->envname("MANASTR_HOME")->capture_default_str();
  app.add_option("--passphrase-file", passphrase_file,
                 "first line is the passphrase (or set MANASTR_PASSPHRASE)");
  app.add_flag("--json", json, "one JSON object a line on standard output");

  Settings settings;
  std::string engine;
  auto* init = app.add_subcommand("init", "make the folder: keys, wallet, settings");
  init->add_option("--mint", settings.mint, "URL of the mint")->required();
  init->add_option("--relay", settings.relays, "URL of a relay; give several")->required();
  init->add_option("--engine", engine, "public key of the engine, hex or npub")->required();
  std::string words_file;
  init->add_option("--words-file", words_file,
                   "the words of an earlier wallet; `restore` then finds its ecash again");
  unsigned log_n = kDefaultLogN;
  init->add_option("--log-n", log_n,
                   "what each guess at the passphrase costs (NIP-49): 16 is 64 MiB, each step doubles")
      ->check(CLI::Range(10, 22))
      ->capture_default_str();

  MintCommand mint;
  mint.unit = "mana";
  bool no_wait = false;
  auto* mint_command = app.add_subcommand("mint", "buy ecash by Lightning");
  mint_command->add_option("amount", mint.amount, "in the unit");
  mint_command->add_option("--unit", mint.unit)->capture_default_str();
  mint_command->add_option("--quote", mint.quote, "go on with this quote");
  mint_command->add_flag("--no-wait", no_wait, "print the invoice and stop");

  auto* balance = app.add_subcommand("balance", "what the wallet holds");

  std::string unit = "loot";
  std::string text;
  cashu::Amount amount = 0;
  auto* melt = app.add_subcommand("melt", "pay a BOLT11 invoice");
  melt->add_option("invoice", text)->required();
  melt->add_option("--unit", unit)->capture_default_str();
  auto* invoice =
      app.add_subcommand("invoice", "an invoice of play money, for trying out melt at a fake node");
  invoice->add_option("sats", amount)->required();
  auto* send = app.add_subcommand("send", "ecash as a token, to hand over");
  send->add_option("amount", amount)->required();
  send->add_option("--unit", unit)->capture_default_str();
  auto* receive = app.add_subcommand("receive", "take a token");
  receive->add_option("token", text)->required();
  auto* sent = app.add_subcommand("sent", "tokens of `send` that nobody has redeemed yet");
  auto* restore = app.add_subcommand("restore", "find the wallet's ecash again from its seed");

  ChallengeCommand challenge;
  std::string opponent;
  std::int64_t open_for = 3600;
  bool no_play = false;
  PlayOptions play;
  const auto playing = [&play](CLI::App* command) {
    command->add_flag("--ask", play.ask, "ask for each move instead of drawing one");
  };
  auto* challenge_command = app.add_subcommand("challenge", "offer a match, and play it");
  challenge_command->add_option("--stake", challenge.stake, "in the stake's unit")->required();
  challenge_command->add_option("--unit", challenge.unit, "of the stake; default: the engine's first offer");
  challenge_command->add_option("--opponent", opponent, "only this key may accept");
  challenge_command->add_option("--open-for", open_for, "seconds")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{31'536'000}))
      ->capture_default_str();
  challenge_command->add_flag("--no-play", no_play, "publish and stop; `play` goes on");
  playing(challenge_command);
  bool yes = false;
  auto* accept = app.add_subcommand("accept", "accept a challenge, and play it");
  accept->add_option("match", text, "match id")->required();
  accept->add_flag("--yes", yes, "don't ask whether the cost is all right");
  playing(accept);
  auto* play_command =
      app.add_subcommand("play", "go on with one of your matches, also one whose files are lost");
  play_command->add_option("match", text, "match id, or its first digits")->required();
  playing(play_command);
  auto* resume = app.add_subcommand("resume", "go on with all of them; takes stakes back that are due");
  playing(resume);

  auto* challenges = app.add_subcommand("challenges", "open challenges to accept");
  auto* matches = app.add_subcommand("matches", "your matches, time left, when refunds fall due");
  auto* watch = app.add_subcommand("watch", "follow a match, each receipt verified");
  watch->add_option("match", text, "match id")->required();
  std::string out;
  auto* transcript = app.add_subcommand("transcript", "the signed events of a match, as a JSON array");
  transcript->add_option("match", text, "match id")->required();
  transcript->add_option("--out", out, "file to write");
  auto* verify = app.add_subcommand("verify", "recompute a verdict from a transcript alone");
  verify->add_option("file", text, "JSON array of events")->required();

  auto* pubkey = app.add_subcommand("pubkey", "your public key");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return usage_error(app, error, json);
  }
  const Report report(json);
  if (verify->parsed()) {
    const Status done = run_verify(report, text);
    return done ? 0 : report_error(report, done.error());
  }

  if (invoice->parsed()) {
    const Status done = run_invoice(report, amount);
    return done ? 0 : report_error(report, done.error());
  }

  const auto secret = passphrase(passphrase_file, init->parsed());
  if (!secret) return report_error(report, secret.error());
  if (init->parsed()) {
    const auto key = key_from(engine);
    if (!key) return report_error(report, key.error());
    settings.engine = *key;
    while (settings.mint.ends_with('/')) settings.mint.pop_back();
    const auto words = words_from(words_file);
    if (!words) return report_error(report, words.error());
    const auto made = create_home(folder, settings, *words, secret->reveal(), system_random(),
                                  static_cast<std::uint8_t>(log_n));
    if (!made) return report_error(report, made.error());
    json::Value detail;
    detail.set("home", folder);
    detail.set("pubkey", made->nostr_key.x_only().hex());
    detail.set("mnemonic", made->mnemonic.reveal());
    report.say("initialised",
               words->empty() ? fmt::format("made {}; write these words down, they are the wallet:\n{}",
                                            folder, made->mnemonic.reveal())
                              : fmt::format("made {} with the words of {}; `restore` finds the ecash", folder,
                                            words_file),
               detail);
    return 0;
  }
  auto home = Home::open(folder, secret->reveal());
  if (!home) return report_error(report, home.error());

  Status done;
  play.play = !no_play;
  if (mint_command->parsed()) {
    mint.wait = !no_wait;
    done = mint.quote.empty() && mint.amount == 0 ? invalid("give an amount, or --quote")
                                                  : run_mint(**home, report, mint);
  } else if (balance->parsed()) {
    done = run_balance(**home, report);
  } else if (melt->parsed()) {
    done = run_melt(**home, report, text, unit);
  } else if (send->parsed()) {
    done = run_send(**home, report, amount, unit);
  } else if (sent->parsed()) {
    done = run_sent(**home, report);
  } else if (receive->parsed()) {
    done = run_receive(**home, report, text);
  } else if (restore->parsed()) {
    done = run_restore(**home, report);
  } else if (challenge_command->parsed()) {
    challenge.open_for = Seconds{open_for};
    challenge.play = play;
    if (!opponent.empty()) {
      const auto key = key_from(opponent);
      if (!key) return report_error(report, key.error());
      challenge.opponent = *key;
    }
    done = run_challenge(**home, report, challenge);
  } else if (accept->parsed()) {
    done = run_accept(**home, report, text, yes, play);
  } else if (play_command->parsed()) {
    done = run_play(**home, report, text, play);
  } else if (resume->parsed()) {
    done = run_resume(**home, report, play);
  } else if (challenges->parsed()) {
    done = run_challenges(**home, report);
  } else if (matches->parsed()) {
    done = run_matches(**home, report);
  } else if (watch->parsed()) {
    done = run_watch(**home, report, text);
  } else if (transcript->parsed()) {
    done = run_transcript(**home, report, text, out);
  } else if (pubkey->parsed()) {
    json::Value detail;
    detail.set("pubkey", (*home)->pubkey().hex());
    report.say("pubkey", (*home)->pubkey().hex() + "  " + nostr::to_npub((*home)->pubkey()), detail);
  }
  return done ? 0 : report_error(report, done.error());
}

#include "mint/console/admin_command.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <future>

#include "common/json/reader.h"
#include "common/mintclient/curl_transport.h"
#include "common/nostr/bech32.h"
#include "common/nostr/nip98.h"
#include "mint/configuration/configuration.h"

namespace manastr::mint {
namespace {

constexpr std::string_view kUsage =
    "usage: manastr-mint admin --config FILE --key FILE [--url URL] [--data DIR] ACTION [name=value ...]\n"
    "\n"
    "  --config FILE  the mint's configuration: where it listens\n"
    "  --key FILE     an admin's secret key (hex or nsec1...), readable by its owner alone\n"
    "  --url URL      the mint's public_url, if it is another than the configuration's\n"
    "  --data DIR     the mint's data folder, if its port is 0\n"
    "\n"
    "  units                                     all units, their limits and keysets\n"
    "  audit [before=N] [limit=N]                the log of calls, the newest first\n"
    "  create unit=U price_msat=N [...]          a unit; also precision, min_amount, max_amount, "
    "fee_reserve_ppm,\n"
    "                                            issued_by=lightning,engine, meltable, input_fee_ppk, cap, "
    "final_expiry\n"
    "  price unit=U price_msat=N [keep_quotes=false]\n"
    "  cap unit=U cap=N                          the most that may be in circulation; null: no cap\n"
    "  limits unit=U [...]                       min_amount, max_amount, fee_reserve_ppm, issued_by, "
    "meltable\n"
    "  rotate unit=U [input_fee_ppk=N]           fresh keys; unit=auth: of the blind auth tokens\n"
    "  expire unit=U final_expiry=SECONDS        fresh keys that are worth nothing after that time\n"
    "  retire unit=U                             nothing more is issued\n"
    "\n"
    "  operation=HEX makes a call the same one as before: it is done once.\n";
constexpr std::string_view kChanges[] = {"price", "cap", "limits", "rotate", "expire", "retire"};
constexpr Millis kPatience{30'000};

json::Value value_of(std::string_view name, std::string_view text) {
  if (name == "issued_by") {
    json::Array out;
    while (!text.empty()) {
      const std::string_view each = text.substr(0, text.find(','));
      text.remove_prefix(std::min(text.size(), each.size() + 1));
      out.emplace_back(each);
    }
    return out;
  }
  // Numbers, true, false and null are themselves; a unit's name is text also if it looks like one.
  if (name != "unit" && name != "operation") {
    if (auto parsed = json::parse(text); parsed && !parsed->is_array() && !parsed->is_object())
      return *std::move(parsed);
  }
  return json::Value(text);
}

Result<std::pair<std::string_view, std::string_view>> pair_of(std::string_view word) {
  const std::size_t equals = word.find('=');
  if (equals == std::string_view::npos || equals == 0)
    return invalid("'" + std::string(word) + "' is no name=value; manastr-mint admin --help shows how");
  return std::pair{word.substr(0, equals), word.substr(equals + 1)};
}

Status read_action(AdminWords& out, std::string_view action, std::span<const std::string_view> words,
                   Random& random) {
  json::Value body{json::Object{}};
  std::string query;
  std::string unit;
  const bool reads = action == "units" || action == "audit";
  for (const std::string_view word : words) {
    TRY(const auto pair, pair_of(word));
    const auto [name, text] = pair;
    if (name == "operation") {
      out.operation = text;
    } else if (name == "unit" && action != "create") {
      unit = text;
    } else if (reads) {
      query += (query.empty() ? "?" : "&") + std::string(word);
    } else if (body.find(name) != nullptr) {
      return invalid("'" + std::string(name) + "' is given twice");
    } else {
      body.set(std::string(name), value_of(name, text));
    }
  }
  if (reads) {
    out.method = "GET";
    out.path = "/admin/v1/" + std::string(action) + query;
    return {};
  }
  out.method = "POST";
  if (action == "create") {
    out.path = "/admin/v1/units";
  } else if (std::ranges::find(kChanges, action) == std::end(kChanges)) {
    return invalid("there is no action '" + std::string(action) + "'; manastr-mint admin --help lists them");
  } else if (!cashu::is_unit(unit)) {
    return invalid("unit=U is missing: 1 to 32 of a-z, 0-9, _ and -");
  } else {
    out.path = "/admin/v1/units/" + unit + "/" + std::string(action);
  }
  if (out.operation.empty()) out.operation = to_hex(random.bytes<32>());
  body.set("operation", out.operation);
  out.body = body.dump();
  return {};
}

Result<crypto::SecretKey> read_key(const std::string& path) {
  struct stat about{};
  if (::stat(path.c_str(), &about) != 0) return invalid(path + ": there is no such key file");
  if ((about.st_mode & 077) != 0) return invalid(path + " may be read by others: chmod 600 it first");
  std::ifstream file(path);
  std::string text;
  if (!(file >> text)) return invalid(path + " can't be read");
  if (text.starts_with("nsec1")) {
    TRY(crypto::SecretKey key, nostr::from_nsec(text));
    return key;
  }
  auto key = crypto::SecretKey::from_hex(text);
  if (!key) return invalid(path + ": expected a secret key, nsec1… or 64 hex digits");
  return *std::move(key);
}

Result<std::string> url_of(const AdminWords& words) {
  if (!words.url.empty())
    return words.url.ends_with('/') ? words.url.substr(0, words.url.size() - 1) : words.url;
  if (words.config.empty()) return invalid("--config FILE or --url URL is missing");
  TRY(const Configuration configuration, load_configuration(words.config));
  const ServerConfiguration& server = configuration.server;
  if (!server.public_url.empty()) return server.public_url;
  std::uint16_t port = server.port;
  if (port == 0) {
    const std::string folder = !words.data.empty()        ? words.data
                               : !server.data_dir.empty() ? server.data_dir
                                                          : "data";
    std::ifstream file(folder + "/port");
    if (!(file >> port)) return invalid(folder + "/port can't be read: does the mint run?");
  }
  const std::string host = server.host == "localhost" || server.host == "0.0.0.0" ? "127.0.0.1" : server.host;
  return fmt::format("http://{}:{}", host, port);
}

Result<mintclient::HttpReply> ask(const AdminWords& words, const std::string& base,
                                  const crypto::SecretKey& key) {
  const std::string url = base + words.path;
  const std::string header = nostr::authorization_header(key, url, words.method, words.body,
                                                         system_clock().now_seconds(), system_random());
  const auto transport = mintclient::make_curl_transport();
  std::promise<Result<mintclient::HttpReply>> promise;
  auto future = promise.get_future();
  transport->send({words.method, url, words.body, header, kPatience},
                  [&](Result<mintclient::HttpReply> reply) { promise.set_value(std::move(reply)); });
  return future.get();
}

void append_plain(std::string& out, const json::Value& value, std::size_t depth) {
  const auto line = [&](const std::string& name, const json::Value& each) {
    const bool nested =
        each.is_object() ? !each.if_object()->empty() : each.is_array() && !each.if_array()->empty();
    const bool flat = each.is_array() && std::ranges::none_of(*each.if_array(), [](const json::Value& item) {
                        return item.is_object() || item.is_array();
                      });
    out += std::string(depth * 2, ' ') + name;
    if (nested && !flat) {
      out += '\n';
      append_plain(out, each, depth + 1);
    } else {
      out += ' ' + (each.is_string() ? *each.if_string() : each.is_null() ? "-" : each.dump()) + '\n';
    }
  };
  if (const auto* object = value.if_object()) {
    for (const auto& [name, each] : *object) line(name + ":", each);
  } else if (const auto* array = value.if_array()) {
    for (const json::Value& each : *array) line("-", each);
  }
}

}  // namespace

Result<AdminWords> read_admin_words(std::span<const std::string_view> words, Random& random) {
  AdminWords out;
  std::size_t i = 0;
  for (; i < words.size() && words[i].starts_with('-'); i += 2) {
    const std::string_view word = words[i];
    if (word == "--help" || word == "-h") {
      out.help = true;
      return out;
    }
    std::string* place = word == "--config" ? &out.config
                         : word == "--data" ? &out.data
                         : word == "--url"  ? &out.url
                         : word == "--key"  ? &out.key
                                            : nullptr;
    if (place == nullptr)
      return invalid("unknown argument '" + std::string(word) + "'; --help shows which there are");
    if (i + 1 == words.size())
      return invalid(std::string(word) + " needs a value behind it; --help shows how");
    *place = words[i + 1];
  }
  if (i == words.size()) return invalid("an action is missing; manastr-mint admin --help lists them");
  if (out.key.empty()) return invalid("--key FILE is missing; --help shows how");
  TRY_STATUS(read_action(out, words[i], words.subspan(i + 1), random));
  return out;
}

std::string plain_text(std::string_view text) {
  const auto value = json::parse(text);
  if (!value || (!value->is_object() && !value->is_array())) return std::string(text) + '\n';
  std::string out;
  append_plain(out, *value, 0);
  return out;
}

int run_admin_command(const AdminWords& words) {
  if (words.help) {
    fmt::print("{}", kUsage);
    return 0;
  }
  const auto fail = [&](const std::string& why) {
    fmt::print(stderr, "manastr-mint admin: {}\n", why);
    return 1;
  };
  const auto key = read_key(words.key);
  if (!key) return fail(key.error().message);
  const auto url = url_of(words);
  if (!url) return fail(url.error().message);
  const auto reply = ask(words, *url, *key);
  const std::string again =
      words.operation.empty() ? "" : "; to send the same call again add operation=" + words.operation;
  if (!reply) return fail(reply.error().message + again);
  if (reply->status == 200) {
    fmt::print("{}", plain_text(reply->body));
    return 0;
  }
  const auto body = json::parse(reply->body);
  const json::Value* detail = body ? body->find("detail") : nullptr;
  return fail(fmt::format(
      "{} ({}){}",
      detail != nullptr && detail->is_string() ? *detail->if_string() : "no answer that can be read",
      reply->status, reply->status >= 500 ? again : ""));
}

}  // namespace manastr::mint

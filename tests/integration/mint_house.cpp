#include "mint_house.h"

#include <fmt/format.h>
#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "common/json/reader.h"
#include "common/mintclient/curl_transport.h"
#include "common/storage/database.h"
#include "lightning/bolt11.h"
#include "tests/support/postgres_cluster.h"

namespace manastr::test {
namespace {

using mintclient::HttpReply;

void write_file(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::trunc) << text;
}

std::string make_folder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "manastr-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
  return pattern;
}

json::Value parsed(const std::string& body) {
  auto value = json::parse(body);
  if (!value) throw std::runtime_error("no JSON: " + body);
  return *std::move(value);
}

bool wants_postgres() {
  const char* database = std::getenv("MANASTR_TEST_DATABASE");
  return database != nullptr && std::string_view(database) == "postgresql";
}

}  // namespace

MintHouse::MintHouse(Options options) : folder_(make_folder()) {
  if (wants_postgres() && !options.environment.contains("DATABASE_URL"))
    options.environment["DATABASE_URL"] = PostgresCluster::instance().make_database();
  if (const auto url = options.environment.find("DATABASE_URL"); url != options.environment.end())
    database_url_ = url->second;
  mintclient::CurlOptions curl;
  curl.max_connections_per_host = 128;
  transport_ = mintclient::make_curl_transport(curl);
  has_auth_ = !options.auth.empty();
  server_ = options.server;
  if (has_auth_) write_file(folder_ + "/game-engine-auth.toml", options.auth);
  configure(options.toml);
  std::filesystem::create_directory(folder_ + "/data");
  daemon_ = std::make_unique<Daemon>("manastr-mint", folder_ + "/mint.toml", folder_ + "/data",
                                     options.environment);
  url_ = fmt::format("http://127.0.0.1:{}", daemon_->port());
}

void MintHouse::configure(const std::string& toml) {
  std::string text = "[server]\nport = 0\n" + server_ + "[lightning]\ninvoice_delay_ms = 10\n" + toml;
  if (has_auth_) text += "[authorization]\nauth_config_file = \"game-engine-auth.toml\"\n";
  write_file(folder_ + "/mint.toml", text);
}

void MintHouse::expire_keyset(const std::string& id) {
  const std::string change = "keysets SET final_expiry = 1700000000 WHERE id = ";
  if (!database_url_.empty()) {
    PostgresCluster::instance().execute(database_url_, "UPDATE mint." + change + "'\\x" + id + "'");
    return;
  }
  auto ledger = storage::Database::open(folder_ + "/data/mint.sqlite", {.create = false});
  if (!ledger || !ledger->execute("UPDATE " + change + "x'" + id + "'"))
    throw std::runtime_error("no expiry set");
}

void MintHouse::tamper(std::string sql) const {
  for (std::size_t at = sql.find('@'); at != std::string::npos; at = sql.find('@'))
    sql.replace(at, 1, database_url_.empty() ? "" : "mint.");
  if (!database_url_.empty()) return PostgresCluster::instance().execute(database_url_, sql);
  auto ledger = storage::Database::open(folder_ + "/data/mint.sqlite", {.create = false});
  if (!ledger || !ledger->execute(sql)) throw std::runtime_error("not done: " + sql);
}

std::string MintHouse::faults(const std::string& after) const {
  const std::string output = folder_ + "/verify.log";
  std::filesystem::remove(output);
  std::vector<std::string> arguments{"verify", "--config", folder_ + "/mint.toml", "--data",
                                     folder_ + "/data"};
  if (!after.empty()) arguments.insert(arguments.end(), {"--after", after});
  Process verify("manastr-mint", {arguments, environment(), output});
  const auto code = verify.wait();
  return code == 0 ? "" : "exit code " + std::to_string(code.value_or(-1)) + ":\n" + read_file(output);
}

MintHouse::~MintHouse() {
  daemon_.reset();
  std::filesystem::remove_all(folder_);
}

void MintHouse::restart(const std::map<std::string, std::string>& environment) {
  auto with_port = environment;
  with_port["MINT_PORT"] = std::to_string(daemon_->port());
  if (!database_url_.empty()) with_port.emplace("DATABASE_URL", database_url_);
  daemon_->process().kill();
  ::unlink((folder_ + "/data/port").c_str());
  daemon_ = std::make_unique<Daemon>("manastr-mint", folder_ + "/mint.toml", folder_ + "/data", with_port);
}

std::vector<HttpReply> MintHouse::post_at_once(const std::string& path,
                                               const std::vector<std::string>& bodies) {
  std::mutex mutex;
  std::condition_variable arrived;
  std::size_t left = bodies.size();
  std::vector<HttpReply> replies(bodies.size());
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    transport_->send({"POST", url() + path, bodies[i], "", kPatience}, [&, i](Result<HttpReply> reply) {
      const std::lock_guard lock(mutex);
      if (reply) replies[i] = *std::move(reply);
      --left;
      arrived.notify_all();
    });
  }
  std::unique_lock lock(mutex);
  arrived.wait(lock, [&] { return left == 0; });
  return replies;
}

HttpReply MintHouse::post(const std::string& path, const std::string& body,
                          const std::string& authorization) {
  std::mutex mutex;
  std::condition_variable arrived;
  std::optional<HttpReply> reply;
  transport_->send({"POST", url() + path, body, authorization, kPatience}, [&](Result<HttpReply> got) {
    const std::lock_guard lock(mutex);
    reply = got ? *std::move(got) : HttpReply{};
    arrived.notify_all();
  });
  std::unique_lock lock(mutex);
  arrived.wait(lock, [&] { return reply.has_value(); });
  return *reply;
}

HttpReply MintHouse::get(const std::string& path, const std::string& authorization) {
  std::mutex mutex;
  std::condition_variable arrived;
  std::optional<HttpReply> reply;
  transport_->send({"GET", url() + path, "", authorization, kPatience}, [&](Result<HttpReply> got) {
    const std::lock_guard lock(mutex);
    reply = got ? *std::move(got) : HttpReply{};
    arrived.notify_all();
  });
  std::unique_lock lock(mutex);
  arrived.wait(lock, [&] { return reply.has_value(); });
  return *reply;
}

int MintHouse::code_of(const HttpReply& reply) {
  const auto value = json::parse(reply.body);
  if (!value || value->find("code") == nullptr) return 0;
  return static_cast<int>(value->find("code")->if_int64().value_or(0));
}

const cashu::Keyset& MintHouse::keyset(const std::string& unit) {
  if (const auto it = keysets_.find(unit); it != keysets_.end()) return it->second;
  const json::Value body = parsed(get("/v1/keys").body);
  for (const json::Value& each : *body.find("keysets")->if_array()) {
    auto keyset = cashu::keyset_from_json(each);
    if (!keyset || !cashu::id_matches(*keyset)) throw std::runtime_error("a keyset is wrong");
    keysets_.insert_or_assign(keyset->unit, *std::move(keyset));
  }
  return keysets_.at(unit);
}

Draft MintHouse::draft(const std::string& unit, cashu::Amount amount, std::string secret) {
  Random& random = system_random();
  if (secret.empty()) secret = to_hex(random.bytes<32>());
  const crypto::SecretKey r = crypto::SecretKey::generate(random);
  return {{amount, keyset(unit).id, crypto::blind(crypto::hash_to_curve(as_bytes(secret)), r)}, secret, r};
}

std::vector<Draft> MintHouse::drafts(const std::string& unit, const std::vector<cashu::Amount>& amounts) {
  std::vector<Draft> out;
  for (const cashu::Amount amount : amounts) out.push_back(draft(unit, amount));
  return out;
}

std::vector<cashu::Proof> MintHouse::unblind(const std::string& body, const std::vector<Draft>& drafts,
                                             const std::string& unit) {
  const json::Value value = parsed(body);
  const json::Value* list = value.find("signatures");
  if (list == nullptr) list = value.find("change");
  if (list == nullptr && drafts.empty()) return {};
  if (list == nullptr) throw std::runtime_error("no signatures: " + body);
  auto signatures = cashu::blind_signatures_from_json(*list->if_array(), drafts.size(), "signatures");
  if (!signatures) throw std::runtime_error(signatures.error().message);
  std::vector<cashu::Proof> out;
  for (std::size_t i = 0; i < signatures->size(); ++i) {
    const cashu::BlindSignature& signature = (*signatures)[i];
    const crypto::PublicKey& key = keyset(unit).keys.at(signature.amount);
    if (!signature.dleq ||
        !crypto::verify_dleq(key, drafts[i].message.b_blinded, signature.c_blinded, *signature.dleq)) {
      throw std::runtime_error("a DLEQ proof is missing or wrong");
    }
    cashu::Proof proof;
    proof.amount = signature.amount;
    proof.id = signature.id;
    proof.secret = drafts[i].secret;
    proof.c = crypto::unblind(signature.c_blinded, drafts[i].r, key)->bytes();
    out.push_back(std::move(proof));
  }
  return out;
}

std::string MintHouse::paid_quote(const std::string& unit, cashu::Amount amount) {
  const HttpReply reply =
      post("/v1/mint/quote/bolt11", fmt::format(R"({{"unit":"{}","amount":{}}})", unit, amount));
  const std::string id = member(reply.body, "quote");
  if (id.empty()) throw std::runtime_error("no quote: " + reply.body);
  const bool paid =
      eventually([&] { return member(get("/v1/mint/quote/bolt11/" + id).body, "state") == "PAID"; });
  if (!paid) throw std::runtime_error("the quote is not paid");
  return id;
}

std::vector<cashu::Proof> MintHouse::buy(const std::string& unit, const std::vector<Draft>& outputs) {
  cashu::Amount sum = 0;
  for (const Draft& each : outputs) sum += each.message.amount;
  const HttpReply reply = post("/v1/mint/bolt11", mint_body(paid_quote(unit, sum), outputs));
  if (reply.status != 200) throw std::runtime_error("not minted: " + reply.body);
  return unblind(reply.body, outputs, unit);
}

std::vector<cashu::Proof> MintHouse::buy(const std::string& unit, const std::vector<cashu::Amount>& amounts) {
  return buy(unit, drafts(unit, amounts));
}

cashu::Amount MintHouse::unspent(const std::vector<cashu::Proof>& proofs) {
  constexpr std::size_t kAtOnce = 500;
  cashu::Amount out = 0;
  for (std::size_t from = 0; from < proofs.size(); from += kAtOnce) {
    const std::size_t n = std::min(kAtOnce, proofs.size() - from);
    std::string body = R"({"Ys":[)";
    for (std::size_t i = 0; i < n; ++i) body += (i > 0 ? ",\"" : "\"") + proofs[from + i].y().hex() + "\"";
    const json::Value reply = parsed(post("/v1/checkstate", body + "]}").body);
    const json::Array& states = *reply.find("states")->if_array();
    for (std::size_t i = 0; i < n; ++i) {
      if (*states[i].find("state") == json::Value("UNSPENT")) out += proofs[from + i].amount;
    }
  }
  return out;
}

std::string MintHouse::foreign_invoice(std::uint64_t sat, const std::string& description) {
  lightning::Bolt11 invoice;
  invoice.amount = sat * 1000;
  invoice.description = description;
  invoice.timestamp = system_clock().now_seconds();
  invoice.payment_hash = system_random().bytes<32>();
  invoice.payment_secret = system_random().bytes<32>();
  invoice.features = {0x41, 0x00};  // var_onion_optin and payment_secret, as BOLT-9 numbers them
  auto text = lightning::encode_bolt11(invoice, crypto::SecretKey::generate(system_random()));
  if (!text) throw std::runtime_error(text.error().message);
  return *text;
}

lightning::FakeNodeBook MintHouse::book() const {
  const auto book = lightning::read_fake_book(folder_ + "/data/fake-node.sqlite");
  if (!book) throw std::runtime_error(book.error().message);
  return *book;
}

std::int64_t MintHouse::book_msat() const {
  const lightning::FakeNodeBook all = book();
  return static_cast<std::int64_t>(all.received) - static_cast<std::int64_t>(all.sent + all.fees);
}

std::vector<HttpReply> post_at_both(MintHouse& first, MintHouse& second, const std::string& path,
                                    const std::vector<std::string>& bodies) {
  const auto half = bodies.begin() + static_cast<std::ptrdiff_t>(bodies.size() / 2);
  std::vector<HttpReply> replies;
  std::thread at_first([&] { replies = first.post_at_once(path, {bodies.begin(), half}); });
  const std::vector<HttpReply> others = second.post_at_once(path, {half, bodies.end()});
  at_first.join();
  replies.insert(replies.end(), others.begin(), others.end());
  return replies;
}

std::string outputs_json(const std::vector<Draft>& drafts) {
  std::vector<cashu::BlindedMessage> messages;
  for (const Draft& each : drafts) messages.push_back(each.message);
  return cashu::to_json(messages).dump();
}

std::string inputs_json(const std::vector<cashu::Proof>& proofs) { return cashu::to_json(proofs).dump(); }

std::string swap_body(const std::vector<cashu::Proof>& inputs, const std::vector<Draft>& outputs) {
  return "{\"inputs\":" + inputs_json(inputs) + ",\"outputs\":" + outputs_json(outputs) + "}";
}

std::string mint_body(const std::string& quote, const std::vector<Draft>& outputs,
                      const std::string& signature) {
  return "{\"quote\":\"" + quote + "\",\"outputs\":" + outputs_json(outputs) +
         (signature.empty() ? "" : ",\"signature\":\"" + signature + "\"") + "}";
}

std::string melt_body(const std::string& quote, const std::vector<cashu::Proof>& inputs,
                      const std::vector<Draft>& blanks) {
  return "{\"quote\":\"" + quote + "\",\"inputs\":" + inputs_json(inputs) +
         (blanks.empty() ? "" : ",\"outputs\":" + outputs_json(blanks)) + "}";
}

std::string member(const std::string& body, const std::string& name) {
  const auto value = json::parse(body);
  const json::Value* found = value ? value->find(name) : nullptr;
  if (found == nullptr) return "";
  return found->is_string() ? *found->if_string() : found->dump();
}

}  // namespace manastr::test

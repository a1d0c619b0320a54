// An OpenID provider for tests: real keys and signatures, discovery document and key set over HTTP or HTTPS
// on a loopback port, and what a provider may do wrong.
#pragma once
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "common/base/bytes.h"
#include "common/json/value.h"

namespace manastr::test {

/// A key of a provider, as JWK and as signer.
class ProviderKey {
 public:
  static ProviderKey es256(std::string id) { return {std::move(id), "ES256", EVP_EC_gen("P-256")}; }
  static ProviderKey rs256(std::string id, unsigned bits = 2'048) {
    return {std::move(id), "RS256", EVP_RSA_gen(bits)};
  }

  const std::string& id() const { return id_; }
  const std::string& algorithm() const { return algorithm_; }
  json::Value jwk() const {
    json::Value out;
    out.set("kid", id_).set("use", "sig").set("alg", algorithm_);
    if (algorithm_ == "ES256") {
      const Bytes point = octets(OSSL_PKEY_PARAM_PUB_KEY);
      out.set("kty", "EC").set("crv", "P-256");
      out.set("x", to_base64url(ByteView(point).subspan(point.size() - 64, 32)));
      out.set("y", to_base64url(ByteView(point).last(32)));
    } else {
      out.set("kty", "RSA").set("n", to_base64url(number(OSSL_PKEY_PARAM_RSA_N)));
      out.set("e", to_base64url(number(OSSL_PKEY_PARAM_RSA_E)));
    }
    return out;
  }
  /// Over any bytes, as JWS has it: r and s for ES256.
  Bytes sign(std::string_view message) const {
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
    std::size_t size = 1'024;
    Bytes out(size);
    const auto* data = reinterpret_cast<const unsigned char*>(message.data());
    if (EVP_DigestSignInit_ex(context.get(), nullptr, "SHA256", nullptr, nullptr, key_.get(), nullptr) != 1 ||
        EVP_DigestSign(context.get(), out.data(), &size, data, message.size()) != 1) {
      throw std::runtime_error("no signature");
    }
    out.resize(size);
    return algorithm_ == "ES256" ? raw(out) : out;
  }
  /// A compact JWS under a header with this key's id.
  std::string token(const json::Value& claims) const {
    json::Value header;
    header.set("alg", algorithm_).set("kid", id_).set("typ", "at+jwt");
    return token(header.dump(), claims.dump());
  }
  std::string token(std::string_view header, std::string_view claims) const {
    const std::string head = to_base64url(as_bytes(header)) + "." + to_base64url(as_bytes(claims));
    return head + "." + to_base64url(sign(head));
  }

 private:
  ProviderKey(std::string id, std::string algorithm, EVP_PKEY* key)
      : id_(std::move(id)), algorithm_(std::move(algorithm)), key_(key, EVP_PKEY_free) {
    if (key == nullptr) throw std::runtime_error("no key");
  }
  Bytes octets(const char* parameter) const {
    std::size_t size = 0;
    EVP_PKEY_get_octet_string_param(key_.get(), parameter, nullptr, 0, &size);
    Bytes out(size);
    EVP_PKEY_get_octet_string_param(key_.get(), parameter, out.data(), out.size(), &size);
    return out;
  }
  Bytes number(const char* parameter) const {
    BIGNUM* value = nullptr;
    EVP_PKEY_get_bn_param(key_.get(), parameter, &value);
    Bytes out(static_cast<std::size_t>(BN_num_bytes(value)));
    BN_bn2bin(value, out.data());
    BN_free(value);
    return out;
  }
  static Bytes raw(const Bytes& der) {
    const unsigned char* at = der.data();
    const std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> pair(
        d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())), &ECDSA_SIG_free);
    Bytes out(64);
    BN_bn2binpad(ECDSA_SIG_get0_r(pair.get()), out.data(), 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(pair.get()), out.data() + 32, 32);
    return out;
  }

  std::string id_;
  std::string algorithm_;
  std::shared_ptr<EVP_PKEY> key_;
};

class OpenIdServer {
 public:
  enum class Over { http, https };
  explicit OpenIdServer(Over over = Over::http) {
    if (over == Over::https) make_certificate();
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_, generic, size) != 0 || ::listen(listener_, 64) != 0 ||
        ::getsockname(listener_, generic, &size) != 0) {
      throw std::runtime_error("no loopback socket");
    }
    issuer_ = (tls_ ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(ntohs(address.sin_port)) +
              "/realms/test";
    add(ProviderKey::es256("first"));
    thread_ = std::thread([this] { serve(); });
  }
  ~OpenIdServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }

  const std::string& issuer() const { return issuer_; }
  std::string discovery() const { return issuer_ + "/.well-known/openid-configuration"; }
  /// PEM of the server's certificate, for https.
  const std::string& certificate() const { return pem_; }

  /// From now on it signs with this one, and publishes all.
  void add(ProviderKey key) {
    const std::lock_guard lock(mutex_);
    keys_.push_back(std::move(key));
  }
  /// Those before the newest are no longer published.
  void forget_old() {
    const std::lock_guard lock(mutex_);
    keys_.erase(keys_.begin(), keys_.end() - 1);
  }
  /// Answers 500 to everything while it is away.
  void set_away(bool away) { away_ = away; }
  /// What the discovery document names instead of the issuer; "" for the truth.
  void pretend(std::string issuer) {
    const std::lock_guard lock(mutex_);
    pretended_ = std::move(issuer);
  }
  unsigned asked() const { return asked_; }

  /// Claims of a token that a mint with `client` takes until `expires`.
  json::Value claims(std::string subject, std::int64_t expires, std::string client = "wallet") const {
    json::Value out;
    out.set("iss", issuer_).set("sub", std::move(subject)).set("azp", std::move(client));
    out.set("exp", expires).set("iat", expires - 3'600).set("aud", "account");
    return out;
  }
  std::string token(const json::Value& claims) const {
    const std::lock_guard lock(mutex_);
    return keys_.back().token(claims);
  }

 private:
  std::string answer(const std::string& request) {
    ++asked_;
    const std::lock_guard lock(mutex_);
    std::string body;
    if (request.starts_with("GET /realms/test/.well-known/openid-configuration ")) {
      json::Value document;
      document.set("issuer", pretended_.empty() ? issuer_ : pretended_).set("jwks_uri", issuer_ + "/keys");
      document.set("token_endpoint", issuer_ + "/token");
      body = document.dump();
    } else if (request.starts_with("GET /realms/test/keys ")) {
      json::Array list;
      for (const ProviderKey& key : keys_) list.push_back(key.jwk());
      json::Value document;
      document.set("keys", std::move(list));
      body = document.dump();
    }
    const std::string status = away_ ? "500 Away" : body.empty() ? "404 Not Found" : "200 OK";
    return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\nConnection: close\r\n\r\n" + body;
  }

  void serve() {
    while (true) {
      const int peer = ::accept(listener_, nullptr, nullptr);
      if (peer < 0) return;
      SSL* tls = tls_ ? SSL_new(tls_.get()) : nullptr;
      if (tls != nullptr) SSL_set_fd(tls, peer);
      if (tls == nullptr || SSL_accept(tls) == 1) exchange(peer, tls);
      if (tls != nullptr) SSL_free(tls);
      ::close(peer);
    }
  }
  void exchange(int peer, SSL* tls) {
    std::string request;
    char buffer[4'096];
    while (request.find("\r\n\r\n") == std::string::npos) {
      const auto n = tls != nullptr ? SSL_read(tls, buffer, sizeof buffer)
                                    : static_cast<int>(::recv(peer, buffer, sizeof buffer, 0));
      if (n <= 0) return;
      request.append(buffer, static_cast<std::size_t>(n));
    }
    const std::string reply = answer(request);
    if (tls != nullptr) {
      SSL_write(tls, reply.data(), static_cast<int>(reply.size()));
      SSL_shutdown(tls);
    } else {
      ::send(peer, reply.data(), reply.size(), MSG_NOSIGNAL);
    }
  }

  void make_certificate() {
    tls_.reset(SSL_CTX_new(TLS_server_method()));
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3'600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3'600);
    X509_set_pubkey(certificate, key);
    X509_NAME* subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("provider"), -1, -1, 0);
    X509_set_issuer_name(certificate, subject);
    X509_EXTENSION* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1");
    X509_add_ext(certificate, names, -1);
    X509_EXTENSION_free(names);
    X509_sign(certificate, key, EVP_sha256());
    SSL_CTX_use_certificate(tls_.get(), certificate);
    SSL_CTX_use_PrivateKey(tls_.get(), key);
    BIO* text = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(text, certificate);
    char* data = nullptr;
    const long length = BIO_get_mem_data(text, &data);
    pem_.assign(data, static_cast<std::size_t>(length));
    BIO_free(text);
    X509_free(certificate);
    EVP_PKEY_free(key);
  }

  struct FreeTls {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  std::unique_ptr<SSL_CTX, FreeTls> tls_;
  std::string pem_;
  std::string issuer_;
  mutable std::mutex mutex_;
  std::vector<ProviderKey> keys_;
  std::string pretended_;
  std::atomic<bool> away_ = false;
  std::atomic<unsigned> asked_ = 0;
  int listener_ = -1;
  std::thread thread_;
};

}  // namespace manastr::test

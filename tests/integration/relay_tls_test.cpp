// wss://: the certificate must be trusted and name the host asked for, though the pool dials an address.
// Rooms: relay-client relay-client/embedded
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <mutex>
#include <thread>

#include "relay-client/embedded/embedded_relay.h"
#include "relay-client/relay_pool.h"
#include "tests/integration/process.h"
#include "tests/support/temporary_folder.h"

namespace manastr::relay {
namespace {

int listen_or_dial(std::uint16_t port, bool listening) {
  const int out = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto* where = reinterpret_cast<const sockaddr*>(&address);
  EXPECT_EQ(listening ? bind(out, where, sizeof address) : connect(out, where, sizeof address), 0);
  if (listening) {
    EXPECT_EQ(listen(out, 8), 0);
  }
  return out;
}

/// Speaks TLS in front of a relay, under a self-signed certificate for `name`.
class TlsFront {
 public:
  TlsFront(const std::string& name, std::uint16_t behind)
      : behind_(behind), context_(SSL_CTX_new(TLS_server_method())) {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3'600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3'600);
    X509_set_pubkey(certificate, key);
    X509_NAME* subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(certificate, subject);
    X509_EXTENSION* names =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, ("DNS:" + name).c_str());
    X509_add_ext(certificate, names, -1);
    X509_EXTENSION_free(names);
    X509_sign(certificate, key, EVP_sha256());
    SSL_CTX_use_certificate(context_, certificate);
    SSL_CTX_use_PrivateKey(context_, key);
    BIO* text = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(text, certificate);
    char* data = nullptr;
    const long length = BIO_get_mem_data(text, &data);
    pem_.assign(data, static_cast<std::size_t>(length));
    BIO_free(text);
    X509_free(certificate);
    EVP_PKEY_free(key);
    listener_ = listen_or_dial(0, true);
    sockaddr_in address{};
    socklen_t size = sizeof address;
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~TlsFront() {
    stopping_ = true;
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    for (std::thread& each : connections_) each.join();
    close(listener_);
    SSL_CTX_free(context_);
  }
  const std::string& pem() const { return pem_; }
  std::string url() const { return "wss://localhost:" + std::to_string(port_); }
  std::string asked_for() const {
    const std::lock_guard lock(mutex_);
    return asked_for_;
  }

 private:
  void serve() {
    while (!stopping_) {
      const int client = accept(listener_, nullptr, nullptr);
      if (client < 0) return;
      connections_.emplace_back([this, client] { relay(client); });
    }
  }
  void relay(int client) {
    SSL* tls = SSL_new(context_);
    SSL_set_fd(tls, client);
    if (SSL_accept(tls) == 1) {
      {
        const std::lock_guard lock(mutex_);
        if (const char* name = SSL_get_servername(tls, TLSEXT_NAMETYPE_host_name)) asked_for_ = name;
      }
      const int server = listen_or_dial(behind_, false);
      char buffer[16'384];
      while (!stopping_) {
        pollfd sides[2] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
        if (SSL_pending(tls) == 0 && poll(sides, 2, 20) <= 0) continue;
        if (SSL_pending(tls) > 0 || sides[0].revents != 0) {
          const int got = SSL_read(tls, buffer, sizeof buffer);
          if (got <= 0 || write(server, buffer, static_cast<std::size_t>(got)) != got) break;
        }
        if (sides[1].revents != 0) {
          const ssize_t got = read(server, buffer, sizeof buffer);
          if (got <= 0 || SSL_write(tls, buffer, static_cast<int>(got)) <= 0) break;
        }
      }
      close(server);
    }
    SSL_free(tls);
    close(client);
  }

  std::uint16_t behind_ = 0, port_ = 0;
  SSL_CTX* context_;
  int listener_ = -1;
  std::string pem_;
  std::atomic<bool> stopping_ = false;
  mutable std::mutex mutex_;
  std::string asked_for_;
  std::thread thread_;
  std::vector<std::thread> connections_;
};

TEST(RelayTls, OnlyATrustedCertificateForTheRightNameWillDo) {
  test::TemporaryFolder folder;
  embedded::Settings settings;
  settings.port = 0;
  settings.sqlite = false;
  auto relay = embedded::EmbeddedRelay::start(settings, folder.path());
  ASSERT_TRUE(relay) << relay.error().message;
  TlsFront right("localhost", (*relay)->port()), wrong_name("relay.example", (*relay)->port()),
      untrusted("localhost", (*relay)->port());
  // What a machine's certificate store is to OpenSSL.
  setenv("SSL_CERT_FILE", folder.write("trusted.pem", right.pem() + wrong_name.pem()).c_str(), 1);

  PoolOptions options = PoolOptions::for_loopback({right.url(), wrong_name.url(), untrusted.url()});
  options.quorum = 1;
  auto pool = RelayPool::start(options);
  ASSERT_TRUE(pool);
  ASSERT_TRUE(test::eventually([&] {
    const CourierStatus status = (*pool)->status();
    return status.relays[0].live && !status.relays[1].trouble.empty() && !status.relays[2].trouble.empty();
  })) << (*pool)->status().relays[0].trouble;
  EXPECT_EQ(right.asked_for(), "localhost");
  const auto key = crypto::SecretKey::generate(system_random());
  const auto event =
      nostr::sign({.created_at = system_clock().now_seconds(), .kind = 1, .content = "x"}, key, {});
  EXPECT_TRUE(publish_and_wait(**pool, event, test::kPatience));
  EXPECT_FALSE((*pool)->status().relays[1].connected) << "the certificate names another host";
  EXPECT_FALSE((*pool)->status().relays[2].connected) << "nobody vouches for the certificate";
  for (const std::size_t refused : {1U, 2U}) {
    const std::string trouble = (*pool)->status().relays[refused].trouble;
    EXPECT_NE(trouble.find("certificate"), std::string::npos) << trouble;
  }
}

}  // namespace
}  // namespace manastr::relay

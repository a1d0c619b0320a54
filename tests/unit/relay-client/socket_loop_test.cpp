#include "relay-client/socket_loop.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

namespace manastr::relay {
namespace {

struct Nobody final : SocketObserver {
  void on_open(std::size_t) override {}
  void on_message(std::size_t, std::string) override {}
  void on_pong(std::size_t) override {}
  std::optional<std::string> next_message(std::size_t) override { return std::nullopt; }
  void on_closed(std::size_t, std::string) override {}
  void on_document(std::size_t, std::optional<std::string>) override {}
  void on_tick() override {}
  void on_wake() override {}
};

TEST(SocketLoop, ASecondOneLeavesTheTlsOfTheFirstAlone) {
  Nobody nobody;
  SocketLoop first(1, 1'000, nobody);
  ASSERT_TRUE(first.open());
  const int before = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  SocketLoop second(1, 1'000, nobody);
  ASSERT_TRUE(second.open());
  // Where the library files what belongs to an SSL_CTX has not moved, or it took the index between these two.
  EXPECT_EQ(SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr), before + 1);
}

}  // namespace
}  // namespace manastr::relay

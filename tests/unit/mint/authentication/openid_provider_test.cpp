#include "mint/authentication/openid_provider.h"

#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "common/crypto/bip39.h"
#include "mint/authentication/authentication.h"
#include "mint/authentication/blind_token.h"
#include "tests/support/eventually.h"
#include "tests/support/openid_provider.h"
#include "tests/support/skewed_clock.h"
#include "tests/support/temporary_folder.h"

namespace manastr::mint {
namespace {

using test::eventually;
using test::OpenIdServer;
using test::ProviderKey;

constexpr OpenIdProvider::Pace kNeverAgain{.refresh = Millis{3'600'000}, .retry = Millis{3'600'000}};

Fetch fetch(const std::string& ca_file = "") {
  return make_fetch(ca_file, JwkSet::kMaxBytes, Millis{10'000});
}

/// Waits for one look; false if there is none soon.
bool look(OpenIdProvider& provider) {
  std::promise<void> looked;
  if (!provider.look_again([&] { looked.set_value(); })) return false;
  looked.get_future().wait();
  return true;
}

TEST(OpenIdProvider, IsReadAtStart) {
  OpenIdServer server;
  OpenIdProvider provider(server.discovery(), fetch(), kNeverAgain);
  ASSERT_TRUE(eventually([&] { return provider.current() != nullptr; }));
  EXPECT_EQ(provider.current()->issuer, server.issuer());
  EXPECT_EQ(provider.current()->keys.size(), 1U);
  EXPECT_EQ(provider.trouble(), "");
}

TEST(OpenIdProvider, IsReadOverTlsWhoseCertificateIsTrusted) {
  OpenIdServer server(OpenIdServer::Over::https);
  const test::TemporaryFolder folder;
  OpenIdProvider provider(server.discovery(), fetch(folder.write("ca.pem", server.certificate())),
                          kNeverAgain);
  ASSERT_TRUE(eventually([&] { return provider.current() != nullptr; })) << provider.trouble();

  OpenIdProvider stranger(server.discovery(), fetch(), kNeverAgain);
  ASSERT_TRUE(eventually([&] { return !stranger.trouble().empty(); }));
  EXPECT_EQ(stranger.current(), nullptr);
}

TEST(OpenIdProvider, MustNameItselfAsItsUrlDoes) {
  OpenIdServer server;
  server.pretend("https://another.example");
  OpenIdProvider provider(server.discovery(), fetch(), kNeverAgain);
  ASSERT_TRUE(eventually([&] { return !provider.trouble().empty(); }));
  EXPECT_EQ(provider.current(), nullptr);
}

TEST(OpenIdProvider, IsLookedAtAgainButNotAtOnce) {
  OpenIdServer server;
  test::SkewedClock clock(system_clock(), Millis{0});
  OpenIdProvider provider(server.discovery(), fetch(), kNeverAgain, clock);
  ASSERT_TRUE(eventually([&] { return provider.current() != nullptr; }));
  const unsigned asked = server.asked();
  EXPECT_FALSE(look(provider)) << "it has just been";
  server.add(ProviderKey::rs256("second"));
  clock.advance(Seconds{11});
  ASSERT_TRUE(look(provider));
  EXPECT_EQ(provider.current()->keys.size(), 2U);
  EXPECT_FALSE(look(provider));
  EXPECT_EQ(server.asked(), asked + 2) << "discovery document and keys";
}

TEST(OpenIdProvider, KeysStayInForceWhileItIsAway) {
  OpenIdServer server;
  test::SkewedClock clock(system_clock(), Millis{0});
  OpenIdProvider provider(server.discovery(), fetch(), kNeverAgain, clock);
  ASSERT_TRUE(eventually([&] { return provider.current() != nullptr; }));
  server.set_away(true);
  clock.advance(Seconds{11});
  ASSERT_TRUE(look(provider));
  EXPECT_NE(provider.trouble(), "");
  EXPECT_EQ(provider.current()->keys.size(), 1U);
  server.set_away(false);
  clock.advance(Seconds{3'601});
  ASSERT_TRUE(look(provider));
  EXPECT_EQ(provider.trouble(), "");
}

TEST(OpenIdProvider, WhoWaitsIsToldWhenTheMintEnds) {
  // Reads nothing, so the first look lasts until it is given up.
  std::promise<void> begun;
  std::atomic<int> told = 0;
  {
    OpenIdProvider provider(
        "https://id.example/.well-known/openid-configuration",
        [&](const std::string&, const std::atomic<bool>& stop) -> Result<std::string> {
          begun.set_value();
          while (!stop) std::this_thread::yield();
          return unavailable("given up");
        },
        kNeverAgain);
    begun.get_future().wait();
    EXPECT_TRUE(provider.look_again([&] { ++told; }));
  }
  EXPECT_EQ(told, 1);
}

TEST(OpenIdProvider, OnlyHttpsAndThisMachineAreTrusted) {
  for (const char* url :
       {"https://id.example/keys", "https://id.example/keys?p=1", "http://127.0.0.1:8080/keys",
        "http://localhost/keys", "http://[::1]:8080/keys", "http://[::1]/keys"}) {
    EXPECT_TRUE(is_trustworthy_url(url)) << url;
  }
  for (const char* url : {"http://id.example/keys", "http://127.0.0.1.evil.example/keys", "ftp://127.0.0.1/",
                          "http://localhost@evil.example/keys", "file:///etc/passwd", "", "https://"}) {
    EXPECT_FALSE(is_trustworthy_url(url)) << url;
  }
}

// --- what the mint asks of requests

const UnixSeconds kNow = unix_seconds(1'800'000'000);
const UnixSeconds kExpiry = kNow + Seconds{86'400};

/// Of money the first, of blind tokens the others: the active one is the last.
std::shared_ptr<const KeysetRing> ring() {
  const std::string auth(kAuthUnit);
  std::vector<KeysetRecord> records{
      {.number = 1, .unit = "sat"},
      {.number = 2, .unit = auth, .denominations = 1, .state = KeysetState::verifying},
      {.number = 3,
       .unit = auth,
       .position = 2,
       .denominations = 1,
       .state = KeysetState::verifying,
       .final_expiry = kExpiry},
      {.number = 4, .unit = auth, .position = 3, .denominations = 1},
  };
  const auto seed = crypto::mnemonic_seed(
      "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about");
  return KeysetRing::make(Derivations(seed.value()), std::move(records), {}, 2).value();
}

class AuthenticationTest : public testing::Test {
 protected:
  static AuthenticationConfiguration configuration(const OpenIdServer& server) {
    AuthenticationConfiguration out;
    out.openid_discovery = server.discovery();
    out.openid_client_id = "wallet";
    out.clear = {{"POST", "/v1/auth/blind/mint"}};
    out.blind = {{"POST", "/v1/swap"}, {"GET", "/v1/mint/*"}, {"GET", "/v1/keys/00ad*"}};
    return out;
  }
  /// A token of the keyset `from`, made as a wallet makes it.
  static BlindToken token(const SigningKeyset& from, const std::string& secret) {
    const SigningKeyset::Denomination& key = from.denominations().front();
    const auto r = crypto::SecretKey::generate(system_random());
    const auto y = crypto::hash_to_curve(as_bytes(secret));
    const auto made = crypto::sign_blinded(key.secret, key.key, crypto::blind(y, r));
    return {from.id(), secret, crypto::unblind(made.c_blinded, r, key.key)->bytes()};
  }
  OpenIdServer server_;
  Keysets keysets_{ring()};
  Authentication authentication_{configuration(server_), keysets_, "02aa", fetch()};
};

TEST_F(AuthenticationTest, EndpointsAreProtectedByTheirExactPathOrItsBeginning) {
  const auto access = [&](const char* method, const char* path) {
    return authentication_.access_to(method, path);
  };
  EXPECT_EQ(access("POST", "/v1/swap"), Access::blind);
  EXPECT_EQ(access("GET", "/v1/swap"), Access::open);
  EXPECT_EQ(access("POST", "/v1/swap/"), Access::open) << "which the router doesn't know";
  EXPECT_EQ(access("GET", "/v1/mint/quote/bolt11/x"), Access::blind);
  EXPECT_EQ(access("HEAD", "/v1/mint/quote/bolt11/x"), Access::blind);
  EXPECT_EQ(access("POST", "/v1/mint/bolt11"), Access::open);
  EXPECT_EQ(access("GET", "/v1/mint"), Access::open);
  EXPECT_EQ(access("POST", "/v1/auth/blind/mint"), Access::clear);
  EXPECT_EQ(access("GET", "/v1/info"), Access::open);
  EXPECT_EQ(access("GET", "/v1/keys/00ad11"), Access::blind);
  EXPECT_EQ(access("GET", "/v1/keys/00ae11"), Access::open);
  EXPECT_EQ(access("GET", "/v1/keys/%30%30ad11"), Access::blind) << "another spelling is no way around";
  EXPECT_EQ(access("GET", "/v1/keys/00%61d11"), Access::blind);
}

TEST_F(AuthenticationTest, ClearTokensTellWhoseTheyAre) {
  const UnixSeconds now = kNow;
  ASSERT_TRUE(eventually([&] { return authentication_.provider().current() != nullptr; }));
  const auto ask = [&](const std::string& token) { return authentication_.check_clear(token, now); };
  const std::string alice = server_.token(server_.claims("alice", 1'800'000'600));
  const auto subject = ask(alice);
  ASSERT_TRUE(subject && *subject) << subject.error().message;
  EXPECT_EQ(ask(server_.token(server_.claims("alice", 1'800'000'700))).value(), *subject);
  EXPECT_NE(ask(server_.token(server_.claims("bob", 1'800'000'600))).value(), *subject);
  EXPECT_EQ(ask(server_.token(server_.claims("alice", 1'799'999'000))).error().code, cashu::kClearAuthFailed);
  EXPECT_EQ(ask("x").error().code, cashu::kClearAuthFailed);
  std::string other = alice;
  other[other.size() - 10] = other[other.size() - 10] == 'A' ? 'B' : 'A';
  EXPECT_EQ(ask(other).error().code, cashu::kClearAuthFailed);
  const auto unknown = ask(ProviderKey::es256("new").token(server_.claims("alice", 1'800'000'600)));
  ASSERT_TRUE(unknown);
  EXPECT_EQ(*unknown, std::nullopt) << "the provider is to be asked";
  EXPECT_EQ(authentication_.unknown_key().code, cashu::kClearAuthFailed);
}

TEST_F(AuthenticationTest, NoKeyYetIsTheMintsOwnTrouble) {
  OpenIdServer away;
  away.set_away(true);
  Authentication waiting(configuration(away), keysets_, "02aa", fetch());
  const auto asked =
      waiting.check_clear(away.token(away.claims("alice", 1'800'000'600)), unix_seconds(1'800'000'000));
  ASSERT_TRUE(asked);
  EXPECT_EQ(*asked, std::nullopt);
  EXPECT_EQ(waiting.unknown_key().kind, ErrorKind::unavailable);
}

TEST_F(AuthenticationTest, BlindTokensAreThoseThatTheMintSigned) {
  const SigningKeyset& active = *keysets_.now()->active(kAuthUnit);
  const BlindToken good = token(active, "a secret");
  const auto checked = authentication_.check_blind(good.header(), kNow);
  ASSERT_TRUE(checked) << checked.error().message;
  EXPECT_EQ(checked->y, crypto::hash_to_curve(as_bytes("a secret")).bytes());
  EXPECT_EQ(checked->keyset, 4U);
  const auto code = [&](const BlindToken& each) {
    return authentication_.check_blind(each.header(), kNow).error().code;
  };
  BlindToken forged = good;
  forged.secret = "another secret";
  EXPECT_EQ(code(forged), cashu::kBlindAuthFailed);
  forged = good;
  forged.id = *cashu::KeysetId::from_hex("00d0a1b24d1c1a53");
  EXPECT_EQ(code(forged), cashu::kBlindAuthFailed);
  EXPECT_EQ(code(token(*keysets_.now()->by_number(1), "money")), cashu::kBlindAuthFailed);
}

TEST_F(AuthenticationTest, TokensAreTakenUntilTheirKeysetsTimeIsOver) {
  const auto taken = [&](Authentication& by, std::uint32_t keyset, UnixSeconds at) {
    const auto checked = by.check_blind(token(*keysets_.now()->by_number(keyset), "x").header(), at);
    EXPECT_TRUE(checked || checked.error().code == cashu::kBlindAuthFailed);
    return checked.has_value();
  };
  EXPECT_TRUE(taken(authentication_, 2, kExpiry)) << "it has a successor, and no expiry";
  EXPECT_TRUE(taken(authentication_, 3, kExpiry - Seconds{1}));
  EXPECT_FALSE(taken(authentication_, 3, kExpiry));
  AuthenticationConfiguration ended = configuration(server_);
  ended.keyset_index = 1;
  Authentication later(ended, keysets_, "02aa", fetch());
  EXPECT_FALSE(taken(later, 2, kNow)) << "its operator has ended it";
  EXPECT_TRUE(taken(later, 3, kNow));
}

TEST_F(AuthenticationTest, ATokenIsHeldByOneRequestAtATime) {
  const PointBytes y{2, 1};
  const PointBytes other{2, 2};
  auto first = authentication_.hold(y);
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(authentication_.hold(y), nullptr);
  EXPECT_NE(authentication_.hold(other), nullptr);
  first.reset();
  EXPECT_NE(authentication_.hold(y), nullptr);
}

TEST_F(AuthenticationTest, TheKeysOfTokensComeFromTheMnemonic) {
  const SigningKeyset& keyset = *keysets_.now()->by_number(2);
  EXPECT_EQ(keyset.unit(), "auth");
  EXPECT_EQ(keyset.denominations().size(), 1U);
  EXPECT_FALSE(keyset.is_money());
  EXPECT_TRUE(cashu::id_matches(keyset.published({})));
  EXPECT_EQ(unit_index("auth"), 1'222'349'093U) << "cdk's path, so that tokens move with the mnemonic";
}

}  // namespace
}  // namespace manastr::mint

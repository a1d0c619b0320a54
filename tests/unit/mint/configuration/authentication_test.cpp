#include "mint/configuration/authentication.h"

#include <gtest/gtest.h>

#include "mint/configuration/configuration.h"
#include "tests/support/temporary_folder.h"

namespace manastr::mint {
namespace {

const std::string kProvider =
    "[auth]\nopenid_discovery = \"https://id.example/.well-known/openid-configuration\"\n"
    "openid_client_id = \"wallet\"\n";

Result<Configuration> load(const std::string& text) {
  const test::TemporaryFolder folder;
  return load_configuration(folder.write("mint.toml", text),
                            [](const char*) -> std::optional<std::string> { return std::nullopt; });
}

TEST(AuthenticationConfiguration, IsOffWithoutAProvider) {
  const auto loaded = load("");
  ASSERT_TRUE(loaded);
  EXPECT_FALSE(loaded->authentication.enabled());
}

TEST(AuthenticationConfiguration, IsRead) {
  const auto loaded =
      load(kProvider +
           "audience = \"mint\"\nbat_max_mint = 7\nbat_max_hour = 0\nkeyset_index = 3\n"
           "clear = [\"POST /v1/restore\"]\nblind = [\"POST /v1/swap\", \"GET /v1/mint/*\"]\n");
  ASSERT_TRUE(loaded) << loaded.error().message;
  const AuthenticationConfiguration& auth = loaded->authentication;
  EXPECT_TRUE(auth.enabled());
  EXPECT_EQ(auth.openid_client_id, "wallet");
  EXPECT_EQ(auth.audience, "mint");
  EXPECT_EQ(auth.bat_max_mint, 7U);
  EXPECT_EQ(auth.bat_max_hour, 0U);
  EXPECT_EQ(auth.keyset_index, 3U);
  ASSERT_EQ(auth.clear.size(), 2U);
  EXPECT_EQ(auth.clear[1].path, kBlindMintPath) << "tokens are never for strangers";
  ASSERT_EQ(auth.blind.size(), 2U);
  EXPECT_TRUE(auth.blind[0].covers("POST", "/v1/swap"));
  EXPECT_FALSE(auth.blind[0].covers("GET", "/v1/swap"));
  EXPECT_FALSE(auth.blind[0].covers("POST", "/v1/swap2"));
  EXPECT_TRUE(auth.blind[1].covers("GET", "/v1/mint/quote/bolt11/x"));
  EXPECT_FALSE(auth.blind[1].covers("GET", "/v1/mint"));
}

TEST(AuthenticationConfiguration, ItsKeysetsRotateAsOthersUnlessItSaysSo) {
  const std::string all = "[keysets]\nrotate_every_days = 30\noverlap_hours = 2\nfinal_expiry_days = 90\n";
  const auto same = load(kProvider + all);
  ASSERT_TRUE(same) << same.error().message;
  EXPECT_EQ(same->authentication.rotate_every, Seconds{30 * 86'400});
  EXPECT_EQ(same->authentication.overlap, Seconds{7'200});
  EXPECT_EQ(same->authentication.keyset_lifetime, Seconds{90 * 86'400});
  const auto own =
      load(kProvider + "rotate_every_days = 7\noverlap_hours = 3\nfinal_expiry_days = 14\n" + all);
  ASSERT_TRUE(own) << own.error().message;
  EXPECT_EQ(own->authentication.rotate_every, Seconds{7 * 86'400});
  EXPECT_EQ(own->authentication.overlap, Seconds{10'800});
  EXPECT_EQ(own->authentication.keyset_lifetime, Seconds{14 * 86'400});
  EXPECT_FALSE(load(kProvider + "final_expiry_days = 14\n")) << "there would be none after it";
}

TEST(AuthenticationConfiguration, WhatCannotWorkIsRefused) {
  const auto error = [](const std::string& text) {
    const auto loaded = load(text);
    return loaded ? std::string("none") : loaded.error().message;
  };
  const auto says = [&](const std::string& text, const std::string& what) {
    EXPECT_NE(error(text).find(what), std::string::npos) << text << "\n" << error(text);
  };
  says("[auth]\nblind = [\"POST /v1/swap\"]\n", "needs openid_discovery");
  says("[auth]\nopenid_discovery = \"https://id.example\"\nopenid_client_id = \"w\"\n",
       "openid-configuration");
  says("[auth]\nopenid_discovery = \"http://id.example/.well-known/openid-configuration\"\n",
       "http is for this");
  says("[auth]\nopenid_discovery = \"https://id.example/.well-known/openid-configuration\"\n",
       "openid_client_id");
  EXPECT_EQ(error("[auth]\nopenid_discovery = \"http://127.0.0.1:8080/.well-known/openid-configuration\"\n"
                  "openid_client_id = \"w\"\n"),
            "none");
  for (const char* endpoint : {"/v1/swap", "PUT /v1/swap", "POST /swap", "POST /v1/*/x", "POST /v1/swap ",
                               "POST  /v1/swap", "GET /v1/mint/quote/{id}", "POST /game-engine/settle", ""}) {
    says(kProvider + "blind = [\"" + endpoint + "\"]\n", "a list like");
  }
  says(kProvider + "blind = [\"GET /v1/*\"]\n", "/v1/info");
  says(kProvider + "clear = [\"GET /v1/info\"]\n", "/v1/info");
  says(kProvider + "blind = [\"POST /v1/*\"]\n", "/v1/auth/");
  says(kProvider + "blind = [\"GET /v1/auth/blind/keys/00*\"]\n", "/v1/auth/");
  says(kProvider + "clear = [\"POST /v1/mint/*\"]\nblind = [\"POST /v1/mint/bolt11\"]\n", "share some");
  says(kProvider + "clear = [\"POST /v1/mint/bolt11\"]\nblind = [\"POST /v1/m*\"]\n", "share some");
  says(kProvider + "bat_max_mint = 50\nbat_max_hour = 49\n", "at least bat_max_mint");
  says("[currencies.auth]\n", "unit of money");
  says("[currencies.x]\nunit = \"auth\"\n", "unit of money");
}

}  // namespace
}  // namespace manastr::mint

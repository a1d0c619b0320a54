#include "common/net/router.h"

#include <gtest/gtest.h>

namespace manastr::net {
namespace {

DirectHandler says(std::string text) {
  return [text](const Request&) { return Response::text(text); };
}

Router sample() {
  Router router;
  router.get("/v1/info", says("info"));
  router.get("/v1/mint/quote/{method}/{quote_id}", says("quote"));
  router.post("/v1/mint/quote/{method}", says("new quote"));
  router.post("/v1/mint/{method}", says("mint"));
  router.get("/v1/mint/special", says("special"));
  return router;
}

TEST(Router, FindsExactPathsAndPatterns) {
  const Router router = sample();
  auto info = Request::make(Method::get, "/v1/info?x=1");
  EXPECT_TRUE(router.match(info).handler);
  EXPECT_EQ(info.route(), "/v1/info");
  EXPECT_EQ(info.query(), "x=1");

  auto quote = Request::make(Method::get, "/v1/mint/quote/bolt11/a%2Fb");
  EXPECT_TRUE(router.match(quote).handler);
  EXPECT_EQ(quote.parameter("method"), "bolt11");
  EXPECT_EQ(quote.parameter("quote_id"), "a/b");
  EXPECT_EQ(quote.parameter("other"), "");
  EXPECT_EQ(quote.route(), "/v1/mint/quote/{method}/{quote_id}");
}

TEST(Router, ExactPathWinsAndHeadIsGet) {
  const Router router = sample();
  auto special = Request::make(Method::head, "/v1/mint/special");
  EXPECT_TRUE(router.match(special).handler);
  EXPECT_EQ(special.route(), "/v1/mint/special");
}

TEST(Router, TellsUnknownPathsFromWrongMethods) {
  const Router router = sample();
  for (const char* path : {"/", "/v1", "/v1/info/", "/v1/mint/quote/bolt11/", "/v1/mint/quote/bolt11/%zz",
                           "*", "", "/v1/mint/quote/a/b/c"}) {
    auto request = Request::make(Method::get, path);
    const auto match = router.match(request);
    EXPECT_FALSE(match.handler) << path;
    EXPECT_EQ(match.allowed, "") << path;
    EXPECT_EQ(match.index, 0u) << path;
  }
  auto wrong = Request::make(Method::del, "/v1/info");
  EXPECT_EQ(router.match(wrong).allowed, "GET, HEAD, OPTIONS");
  auto wrong_pattern = Request::make(Method::get, "/v1/mint/bolt11");
  EXPECT_EQ(router.match(wrong_pattern).allowed, "POST, OPTIONS");
}

TEST(RouterDeath, PatternGivenTwice) {
  Router router = sample();
  EXPECT_DEATH(router.get("/v1/info", says("again")), "");
}

TEST(Request, HeadersHaveNoCase) {
  const auto request =
      Request::make(Method::post, "/", "body", {{"Content-Type", "a"}, {"content-type", "b"}});
  EXPECT_EQ(request.header("CONTENT-TYPE"), "a");
  EXPECT_FALSE(request.has_header("Origin"));
  const Request copy = request;
  EXPECT_EQ(copy.header("content-type"), "a");
}

}  // namespace
}  // namespace manastr::net

#include "common/telemetry/log.h"

#include <gtest/gtest.h>

#include <vector>

#include "common/json/reader.h"

namespace manastr::telemetry {
namespace {

constexpr std::int64_t kTime = 1'700'000'000'123;

TEST(Log, JsonLine) {
  const LogOptions options{Level::info, LogFormat::json, "mint", 50};
  EXPECT_EQ(format_log_line(options, kTime, Level::warn, "Slow commit.",
                            {{"batch", 12}, {"seconds", 0.5}, {"path", "a\"b\n"}, {"full", true}}, "q1", 3),
            R"({"time":"2023-11-14T22:13:20.123Z","level":"warn","message":"Slow commit.","service":"mint",)"
            R"("correlation":"q1","batch":12,"seconds":0.5,"path":"a\"b\n","full":true,"suppressed":3})");
}

TEST(Log, TextLine) {
  EXPECT_EQ(format_log_line({}, kTime, Level::info, "Listening.",
                            {{"url", "http://x"}, {"name", "two words"}}, "", 0),
            "2023-11-14T22:13:20.123Z info  Listening. url=http://x name=\"two words\"");
}

TEST(Log, NothingFromOutsideBreaksALine) {
  for (const auto format : {LogFormat::json, LogFormat::text}) {
    LogOptions options;
    options.format = format;
    const std::string line = format_log_line(options, kTime, Level::error, "Bad input.",
                                             {{"input", "\n\r\x01\xff\x1b[31m"}}, "a\nb", 0);
    for (const char c : line) EXPECT_GE(static_cast<unsigned char>(c), 0x20) << line;
    if (format == LogFormat::json) {
      EXPECT_TRUE(json::parse(line)) << line;
    }
  }
}

TEST(Log, LevelsByName) {
  Level level = Level::info;
  EXPECT_TRUE(level_from_text("debug", level));
  EXPECT_EQ(level, Level::debug);
  EXPECT_FALSE(level_from_text("loud", level));
  EXPECT_EQ(level, Level::debug);
}

class CapturedLog : public testing::Test {
 protected:
  void TearDown() override { configure_log({}); }
  static std::vector<std::string> lines(const std::string& text) {
    std::vector<std::string> out;
    for (std::size_t at = 0; at < text.size();) {
      const auto end = text.find('\n', at);
      out.push_back(text.substr(at, end - at));
      at = end + 1;
    }
    return out;
  }
};

TEST_F(CapturedLog, RepeatsAreLimitedByMessage) {
  LogOptions options;
  options.repeats = 3;
  configure_log(options);
  testing::internal::CaptureStderr();
  for (int i = 0; i < 10; ++i) log_info("The same.", {{"i", i}});
  log_info("Another.");
  const auto written = lines(testing::internal::GetCapturedStderr());
  ASSERT_EQ(written.size(), 4u);
  EXPECT_NE(written[2].find("i=2"), std::string::npos);
  EXPECT_NE(written[3].find("Another."), std::string::npos);
}

TEST_F(CapturedLog, CorrelationNestsAndLevelsFilter) {
  configure_log({});
  testing::internal::CaptureStderr();
  {
    const Correlation outer("match-1");
    {
      const Correlation inner("quote-2");
      log_info("Inside.");
    }
    log_info("Outside.");
  }
  log_info("Without.");
  log_debug("Not shown.");
  const auto written = lines(testing::internal::GetCapturedStderr());
  ASSERT_EQ(written.size(), 3u);
  EXPECT_NE(written[0].find("correlation=quote-2"), std::string::npos);
  EXPECT_NE(written[1].find("correlation=match-1"), std::string::npos);
  EXPECT_EQ(written[2].find("correlation"), std::string::npos);
}

}  // namespace
}  // namespace manastr::telemetry

#include "common/config/document.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/support/temporary_folder.h"

namespace manastr::config {
namespace {

using test::TemporaryFolder;
using Variables = std::map<std::string, std::string>;

Environment environment(Variables variables = {}) {
  return [variables = std::move(variables)](const char* name) -> std::optional<std::string> {
    const auto at = variables.find(name);
    return at == variables.end() ? std::nullopt : std::optional(at->second);
  };
}

Document parse(std::string_view text, Variables variables = {}) {
  auto out = Document::parse(text, "a.toml", environment(std::move(variables)));
  EXPECT_TRUE(out) << out.error().message;
  return *std::move(out);
}

std::string message(const Status& status) { return status ? "" : status.error().message; }

constexpr std::string_view kKey = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";

/// A configuration with a key of every kind.
struct Everything {
  std::string text, choice, url, path;
  bool boolean = false;
  std::uint64_t integer = 0;
  std::uint32_t percent = 0;
  Millis duration{0};
  std::vector<std::string> texts, urls;
  std::vector<std::uint64_t> integers;
  std::string secret;
};
Everything read(Document& document) {
  Section s = document.section("s");
  Everything out;
  out.text = s.text({"text", "TEXT"}, "t");
  out.choice = s.choice({"choice", "CHOICE"}, "one", {"one", "other"});
  out.url = s.url({"url", "URL"}, "ws://default", {"ws", "wss"});
  out.path = s.path({"path", "FILE"}, "");
  out.boolean = s.boolean({"boolean", "BOOLEAN"}, true);
  out.integer = s.integer({"integer", "INTEGER"}, 5, 1, 10);
  out.percent = s.percent_ppm({"percent", "PERCENT"}, 7);
  out.duration = s.duration({"duration_seconds", "DURATION"}, Millis{1'000}, Millis{2'000}, Millis{500},
                            Millis{86'400'000});
  out.texts = s.texts({"texts", "TEXTS"}, {"x"});
  out.urls = s.urls({"urls", "URLS"}, {}, {"http", "https"});
  out.integers = s.integers({"integers", "INTEGERS"}, {1}, 0, 100);
  out.secret = s.secret({"secret", "SECRET"}).reveal();
  return out;
}

TEST(Document, reads_every_kind_of_value) {
  Document document = parse(R"([s]
text = "hello"
choice = "other"
url = "WSS://Relay.Example:7777/path/"
path = "b/../c"
boolean = false
integer = 10
percent = 1.25
duration_seconds = "5m"
texts = ["a", "b"]
urls = ["http://a/", "https://b"]
integers = [3, 1]
secret = "word"
)");
  const Everything all = read(document);
  EXPECT_EQ(message(document.finish()), "");
  EXPECT_EQ(all.text, "hello");
  EXPECT_EQ(all.choice, "other");
  EXPECT_EQ(all.url, "wss://relay.example:7777/path");
  EXPECT_EQ(all.path, "c");
  EXPECT_FALSE(all.boolean);
  EXPECT_EQ(all.integer, 10U);
  EXPECT_EQ(all.percent, 12'500U);
  EXPECT_EQ(all.duration, Millis{300'000});
  EXPECT_EQ(all.texts, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(all.urls, (std::vector<std::string>{"http://a", "https://b"}));
  EXPECT_EQ(all.integers, (std::vector<std::uint64_t>{3, 1}));
  EXPECT_EQ(all.secret, "word");
}

TEST(Document, what_is_absent_has_its_default) {
  Document document = parse("");
  const Everything all = read(document);
  EXPECT_EQ(message(document.finish()), "");
  EXPECT_EQ(all.text, "t");
  EXPECT_EQ(all.choice, "one");
  EXPECT_EQ(all.url, "ws://default");
  EXPECT_TRUE(all.boolean);
  EXPECT_EQ(all.integer, 5U);
  EXPECT_EQ(all.percent, 7U);
  EXPECT_EQ(all.duration, Millis{2'000});
  EXPECT_EQ(all.integers, (std::vector<std::uint64_t>{1}));
  EXPECT_EQ(document.section("s").origin("text"), "default");
}

TEST(Document, the_environment_goes_first_in_every_kind) {
  Document document = parse("[s]\ntext = \"hello\"\ninteger = 3\n", {{"TEXT", "from outside"},
                                                                     {"CHOICE", "other"},
                                                                     {"URL", "ws://e"},
                                                                     {"BOOLEAN", "false"},
                                                                     {"INTEGER", "4"},
                                                                     {"PERCENT", "2"},
                                                                     {"DURATION", "3"},
                                                                     {"TEXTS", "a, b"},
                                                                     {"URLS", "http://a,http://b"},
                                                                     {"INTEGERS", "1,2"},
                                                                     {"SECRET", "word"},
                                                                     {"FILE", "x/y"}});
  const Everything all = read(document);
  EXPECT_EQ(message(document.finish()), "");
  EXPECT_EQ(all.text, "from outside");
  EXPECT_EQ(all.choice, "other");
  EXPECT_EQ(all.url, "ws://e");
  EXPECT_FALSE(all.boolean);
  EXPECT_EQ(all.integer, 4U);
  EXPECT_EQ(all.percent, 20'000U);
  EXPECT_EQ(all.duration, Millis{3'000});
  EXPECT_EQ(all.texts.size(), 2U);
  EXPECT_EQ(all.urls.size(), 2U);
  EXPECT_EQ(all.integers.size(), 2U);
  EXPECT_EQ(all.secret, "word");
  EXPECT_EQ(all.path, "x/y");
  EXPECT_EQ(document.section("s").origin({"text", "TEXT"}), "environment variable TEXT");
  EXPECT_EQ(document.section("s").origin("integer"), "a.toml:3");
}

struct Wrong {
  const char* line;
  const char* error;
};

TEST(Document, each_error_names_place_key_finding_and_expectation) {
  const Wrong cases[] = {
      {"text = 1", "a.toml:2: s.text is 1, expected a text"},
      {"choice = \"othre\"",
       "a.toml:2: s.choice is \"othre\", expected one of \"one\", \"other\"; did you mean \"other\"?"},
      {"choice = true", "a.toml:2: s.choice is true, expected one of \"one\", \"other\""},
      {"url = \"http://x\"",
       "a.toml:2: s.url is \"http://x\", expected a URL of the form ws://host[:port] or wss://host[:port]"},
      {"url = \"ws://\"", "a.toml:2: s.url is \"ws://\", expected a URL"},
      {"url = \"ws://a b\"", "a.toml:2: s.url is \"ws://a b\", expected a URL"},
      {"url = \"ws://a:0\"", "a.toml:2: s.url is \"ws://a:0\", expected a URL"},
      {"url = \"ws://a:70000\"", "a.toml:2: s.url is \"ws://a:70000\", expected a URL"},
      {"url = \"ws://me:pw@a\"", "expected a URL"},
      {"url = \"ws://a?x\"", "expected a URL"},
      {"boolean = \"yes\"", "a.toml:2: s.boolean is \"yes\", expected true or false"},
      {"integer = 11", "a.toml:2: s.integer is 11, expected an integer from 1 to 10"},
      {"integer = -1", "a.toml:2: s.integer is -1, expected an integer from 1 to 10"},
      {"integer = 2.0", "a.toml:2: s.integer is 2, expected an integer from 1 to 10"},
      {"integer = \"2\"", "a.toml:2: s.integer is \"2\", expected an integer from 1 to 10"},
      {"integer = 1979-05-27", "a.toml:2: s.integer is a date or time, expected an integer"},
      {"percent = 101", "a.toml:2: s.percent is 101, expected a percentage from 0 to 100"},
      {"percent = 0.00001", "expected a percentage from 0 to 100 with at most four decimals"},
      {"percent = nan", "expected a percentage"},
      {"percent = -1.0", "expected a percentage"},
      {"duration_seconds = \"5 minutes\"",
       "a.toml:2: s.duration_seconds is \"5 minutes\", expected a duration from 500ms "
       "to 1d (a number of seconds, or a text like \"30s\", \"5m\", \"24h\")"},
      {"duration_seconds = 100000", "expected a duration from 500ms to 1d"},
      {"duration_seconds = \"499ms\"", "expected a duration from 500ms to 1d"},
      {"duration_seconds = \"99999999999999999999d\"", "expected a duration"},
      {"texts = [1]", "a.toml:2: s.texts is a list, expected a list of texts"},
      {"texts = \"a\"", "a.toml:2: s.texts is \"a\", expected a list of texts"},
      {"urls = [\"ftp://a\"]", "; \"ftp://a\" is none"},
      {"urls = [\"http://a\", \"HTTP://A/\"]", "expected each only once; \"HTTP://A/\" is there twice"},
      {"integers = [1, 101]", "expected a list of integers from 0 to 100"},
      {"secret = 5", "a.toml:2: s.secret is something else, expected a text"},
      {"secret = \"env:NOT_SET\"",
       "a.toml:2: s.secret refers to the environment variable NOT_SET, which is not set"},
      {"secret = \"file:not/there\"",
       "a.toml:2: s.secret refers to a file that can't be used: not/there: there is no such file"},
      {"txet = \"a\"", "a.toml:2: s.txet is no known key; did you mean s.text?"},
      {"[s.other]", "a.toml:2: s.other is no known section"},
      {"zzzzzzzz = 1", "a.toml:2: s.zzzzzzzz is no known key"},
  };
  for (const Wrong& wrong : cases) {
    Document document = parse(std::string("[s]\n") + wrong.line + "\n");
    (void)read(document);
    const std::string error = message(document.finish());
    EXPECT_NE(error.find(wrong.error), std::string::npos) << wrong.line << "\n  gave: " << error;
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  }
}

TEST(Document, an_error_of_the_environment_names_the_variable) {
  Document document = parse("[s]\ninteger = 3\n", {{"INTEGER", "many"}});
  EXPECT_EQ(read(document).integer, 5U);
  EXPECT_EQ(message(document.finish()),
            "environment variable INTEGER: s.integer is \"many\", expected an integer from 1 to 10");
}

TEST(Document, all_errors_come_together_in_the_order_of_the_file) {
  Document document = parse("[s]\ninteger = 0\nunknown = 1\ntext = 2\n");
  (void)read(document);
  EXPECT_EQ(message(document.finish()),
            "a.toml:2: s.integer is 0, expected an integer from 1 to 10\n"
            "a.toml:3: s.unknown is no known key\n"
            "a.toml:4: s.text is 2, expected a text");
}

TEST(Document, syntax_errors_name_line_and_column) {
  for (const char* text :
       {"[s\n", "a = \n", "a = 1\na = 2\n", "\xff\xfe = 1\n", "a = 99999999999999999999\n"}) {
    const auto document = Document::parse(text, "a.toml", environment());
    ASSERT_FALSE(document) << text;
    EXPECT_TRUE(document.error().message.starts_with("a.toml:")) << document.error().message;
  }
  std::string deep = "a = ";
  for (int i = 0; i < 10'000; ++i) deep += '[';
  EXPECT_FALSE(Document::parse(deep, "a.toml", environment()));
}

TEST(Document, public_keys_in_both_forms) {
  const auto key = [](std::string_view text) {
    Document document = parse("[s]\nkey = \"" + std::string(text) + "\"\n");
    const auto out = document.section("s").public_key("key");
    EXPECT_EQ(out.has_value(), document.finish().has_value());
    return out ? out->hex() : message(document.finish());
  };
  EXPECT_EQ(key(kKey), kKey);
  EXPECT_EQ(key("02" + std::string(kKey)), kKey);
  EXPECT_EQ(key("03" + std::string(kKey)), kKey);
  const std::string upper = "79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798";
  EXPECT_EQ(key(upper), kKey);
  const std::string wrong = "expected a Nostr public key: 64 hex digits, or 66 that start with 02 or 03";
  for (const std::string& bad :
       {std::string("02abc123..."), "04" + std::string(kKey), std::string(64, 'f'), std::string()}) {
    EXPECT_NE(key(bad).find(wrong), std::string::npos) << bad;
  }
  Document missing = parse("[s]\n");
  EXPECT_FALSE(missing.section("s").public_key("key"));
  EXPECT_NE(message(missing.finish()).find("a.toml:1: s.key is missing, " + wrong), std::string::npos);
}

TEST(Document, secrets_by_reference_and_never_in_an_error) {
  const TemporaryFolder folder;
  const std::string key(kKey);
  folder.write("keys/secret", " " + key + "\n");
  const std::string path = folder.write(
      "a.toml", "[s]\na = \"env:A\"\nb = \"file:keys/secret\"\nc = \"" + key + "\"\nd = \"" + key + "00\"\n");
  auto document = Document::load(path, environment({{"A", key}}));
  ASSERT_TRUE(document);
  Section s = document->section("s");
  for (const char* name : {"a", "b", "c"}) {
    const auto secret = s.secret_key(name);
    ASSERT_TRUE(secret) << name;
    EXPECT_EQ(to_hex(secret->reveal()), key) << name;
  }
  EXPECT_FALSE(s.secret_key("d"));
  const std::string error = message(document->finish());
  EXPECT_EQ(
      error,
      path +
          ":5: s.d is something else, expected a secret key of 64 hex digits, \"env:NAME\" or \"file:path\"");
}

TEST(Document, paths_are_relative_to_the_file) {
  const TemporaryFolder folder;
  auto document = Document::load(folder.write("deep/a.toml", "a = \"../b\"\nc = \"/d\"\n"), environment());
  ASSERT_TRUE(document);
  Section root = document->root();
  EXPECT_EQ(root.path("a", ""), folder.path("b"));
  EXPECT_EQ(root.path("c", ""), "/d");
  EXPECT_EQ(root.path("e", "f"), folder.path("deep/f"));
  EXPECT_EQ(root.path("g", ""), "");
  EXPECT_TRUE(document->finish());
}

TEST(Document, tables_and_lists_of_tables) {
  Document document =
      parse("[c.zebra]\na = 1\n[c.ape]\na = 2\n[[l]]\na = 3\n[l.p]\nb = true\n[[l]]\na = 4\n");
  std::string names;
  for (auto& [name, section] : document.section("c").sections())
    names += name + std::to_string(section.integer("a", 0, 0, 9));
  EXPECT_EQ(names, "zebra1ape2");
  auto list = document.root().sections_of("l");
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[1].integer("a", 0, 0, 9), 4U);
  EXPECT_EQ(message(document.finish()), "a.toml:6: l.a is no known key\na.toml:7: l.p is no known section");
  Document wrong = parse("l = 1\nc = 2\n");
  EXPECT_TRUE(wrong.root().sections_of("l").empty());
  EXPECT_FALSE(wrong.section("c").present());
  EXPECT_EQ(message(wrong.finish()),
            "a.toml:1: l is 1, expected sections [[l]]\na.toml:2: c is 2, expected a section [c]");
}

TEST(Document, what_cannot_be_read_is_one_line) {
  const TemporaryFolder folder;
  EXPECT_EQ(Document::load(folder.path("none.toml")).error().message,
            folder.path("none.toml") + ": there is no such file");
  EXPECT_EQ(Document::load(folder.path()).error().message, folder.path() + ": is a folder, expected a file");
  const std::string large = folder.write("large.toml", "#" + std::string(1 << 20, ' '));
  EXPECT_EQ(Document::load(large).error().message, large + ": is larger than 1024 KiB");
}

}  // namespace
}  // namespace manastr::config

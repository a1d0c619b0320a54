#include "common/nostr/bech32.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "common/nostr/nip49.h"

namespace manastr::nostr {
namespace {

TEST(Bech32, ValidStringsOfBip173) {
  for (const std::string text :
       {"A12UEL5L", "a12uel5l",
        "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs",
        "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",
        "11qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqc8247j",
        "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w", "?1ezyfcl"}) {
    const auto decoded = bech32_decode(text, 90);
    ASSERT_TRUE(decoded) << text;
    std::string lower = text;
    for (char& c : lower) c = static_cast<char>(std::tolower(c));
    EXPECT_EQ(bech32_encode(decoded->prefix, decoded->words), lower);
  }
}

TEST(Bech32, InvalidStringsOfBip173) {
  for (const std::string text :
       {"\x20"
        "1nwldj5",
        "\x7f"
        "1axkwrx",
        "\x80"
        "1eym55h",
        "an84characterslonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1569pvx",
        "pzry9x0s0muk", "1pzry9x0s0muk", "x1b4n0q5v", "li1dgmt3", "de1lg7wt\xff", "A1G7SGD8", "10a06t8",
        "1qzzfhee", "a12UEL5L", ""}) {
    EXPECT_FALSE(bech32_decode(text, 90)) << text;
  }
}

TEST(Bech32, WordsRefuseStrayPadding) {
  EXPECT_EQ(from_words(std::vector<std::uint8_t>{31, 28}), Bytes{0xff});
  EXPECT_EQ(from_words(std::vector<std::uint8_t>{31, 29}), std::nullopt);
  EXPECT_EQ(from_words(std::vector<std::uint8_t>{0}), std::nullopt);
  EXPECT_EQ(from_words(std::vector<std::uint8_t>{32, 0}), std::nullopt);
}

TEST(Nip19, KeysOfTheDocument) {
  const char* npub = "npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg";
  EXPECT_EQ(from_npub(npub)->hex(), "7e7e9c42a91bfef19fa929e5fda1b72e0ebc1a4c1141673e2794234d86addf4e");
  EXPECT_EQ(to_npub(*from_npub(npub)), npub);
  const char* nsec = "nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5";
  EXPECT_EQ(to_hex(from_nsec(nsec)->reveal()),
            "67dea2ed018072d675f5415ecfaed7d2597555e202d85b3d65ea4e58d2d92ffa");
  EXPECT_EQ(to_nsec(*from_nsec(nsec)), nsec);
  EXPECT_EQ(from_npub(nsec).error().message, "expected a key that starts with npub1, not nsec1");
  EXPECT_FALSE(from_nsec(npub));
  EXPECT_FALSE(from_npub(bech32_encode("npub", to_words(Bytes(31, 1)))));
  EXPECT_FALSE(from_npub(bech32_encode("npub", to_words(Bytes(32, 0xff)))));
  EXPECT_FALSE(from_nsec(bech32_encode("nsec", to_words(Bytes(32, 0)))));
}

TEST(Nip49, KeyOfTheDocument) {
  const std::string text =
      "ncryptsec1qgg9947rlpvqu76pj5ecreduf9jxhselq2nae2kghhvd5g7dgjtcxfqtd67p9m0w57lspw8gsq6yphnm8623nsl8xn9j"
      "4jdzz84zm3"
      "frztj3z7s35vpzmqf6ksu8r89qk5z2zxfmu5gv8th8wclt0h4p";
  const auto key = nip49_decrypt(text, "nostr");
  ASSERT_TRUE(key) << key.error().message;
  EXPECT_EQ(to_hex(key->reveal()), "3501454135014541350145413501453fefb02227e449e57cf4d3a3ce05378683");
  EXPECT_EQ(nip49_decrypt(text, "Nostr").error().message,
            "ncryptsec: the password is wrong, or the text was changed");
}

TEST(Nip49, DecryptUndoesEncrypt) {
  const auto key = *crypto::SecretKey::from_hex(std::string(63, '0') + "7");
  const auto text = nip49_encrypt(key, "caf\xc3\xa9", 4, system_random());
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_TRUE(text->starts_with("ncryptsec1"));
  EXPECT_NE(*text, *nip49_encrypt(key, "caf\xc3\xa9", 4, system_random()));
  EXPECT_EQ(nip49_decrypt(*text, "caf\xc3\xa9")->reveal(), key.reveal());
  EXPECT_FALSE(nip49_decrypt(*text, "cafe"));
  EXPECT_FALSE(nip49_encrypt(key, "x", 0, system_random()));
  EXPECT_FALSE(nip49_encrypt(key, "x", 23, system_random()));
  EXPECT_FALSE(nip49_encrypt(key, "\xff", 4, system_random()));
}

RC_GTEST_PROP(Bech32, DecodeUndoesEncodeAndNoticesAWrongCharacter, (const Bytes& bytes)) {
  const auto words = to_words(bytes);
  RC_ASSERT(from_words(words).value() == bytes);
  std::string text = bech32_encode("mana", words);
  const auto decoded = bech32_decode(text, 10'000);
  RC_ASSERT(decoded.has_value());
  RC_ASSERT(decoded->prefix == "mana");
  RC_ASSERT(decoded->words == words);
  char& c = text[*rc::gen::inRange<std::size_t>(5, text.size())];
  c = c == 'q' ? 'p' : 'q';
  RC_ASSERT(!bech32_decode(text, 10'000));
}

}  // namespace
}  // namespace manastr::nostr

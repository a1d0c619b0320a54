#include "lightning/bolt12.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <fstream>
#include <set>
#include <sstream>

#include "common/base/random.h"
#include "common/nostr/bech32.h"

namespace manastr::lightning {
namespace {

struct Vector {
  std::string text;
  bool valid = false;
  std::vector<TlvRecord> fields;  ///< if the vector names them
};
struct Root {
  Hash32 root{};
  Bytes records;
};

std::string unescaped(std::string text) {
  for (const auto& [code, c] : {std::pair{"%20", ' '}, std::pair{"%0a", '\n'}, std::pair{"%0d", '\r'}}) {
    for (auto at = text.find(code); at != std::string::npos; at = text.find(code)) text.replace(at, 3, 1, c);
  }
  return text;
}

struct Vectors {
  std::vector<Vector> offers;
  std::vector<Root> roots;
};
Vectors vectors() {
  Vectors out;
  std::ifstream in(std::string(MANASTR_SOURCE_DIR) + "/tests/unit/lightning/bolt12_vectors.txt");
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string kind, first, second;
    words >> kind >> first >> second;
    if (kind == "valid" || kind == "invalid") {
      out.offers.push_back({unescaped(first), kind == "valid", {}});
    } else if (kind == "field") {
      out.offers.back().fields.push_back({std::stoull(first), second == "-" ? Bytes{} : *from_hex(second)});
    } else if (kind == "root") {
      out.roots.push_back({*array_from_hex<32>(first), *from_hex(second)});
    }
  }
  return out;
}

std::string offer_of(const std::vector<TlvRecord>& records) {
  return "lno1" + nostr::characters_of(nostr::to_words(write_tlv_stream(records)));
}

TEST(Bolt12, every_vector_is_taken_or_refused_as_it_should_be) {
  const auto all = vectors().offers;
  ASSERT_EQ(all.size(), 65U);
  for (const Vector& each : all) {
    const auto offer = decode_offer(each.text);
    EXPECT_EQ(offer.has_value(), each.valid) << each.text << (offer ? "" : "\n" + offer.error().message);
  }
}

TEST(Bolt12, the_vectors_fields_are_read_and_written_again) {
  std::size_t checked = 0;
  for (const Vector& each : vectors().offers) {
    if (!each.valid) continue;
    const auto offer = decode_offer(each.text);
    ASSERT_TRUE(offer) << each.text;
    const auto again = encode_offer(*offer);
    ASSERT_TRUE(again) << again.error().message;
    if (each.fields.empty()) continue;
    ++checked;
    EXPECT_EQ(*again, each.text);
    EXPECT_EQ(*again, offer_of(each.fields));
    EXPECT_EQ(offer_id(*offer), merkle_root(each.fields));
  }
  EXPECT_EQ(checked, 20U);
}

TEST(Bolt12, the_vectors_merkle_roots) {
  const auto roots = vectors().roots;
  ASSERT_EQ(roots.size(), 4U);
  for (const Root& each : roots) {
    const auto records = read_tlv_stream(each.records);
    ASSERT_TRUE(records) << records.error().message;
    EXPECT_EQ(to_hex(merkle_root(*records)), to_hex(each.root));
  }
}

TEST(Bolt12, the_forms_of_one_offer_have_one_id) {
  std::set<Hash32> ids;
  std::size_t forms = 0;
  for (const Vector& each : vectors().offers) {
    if (!each.valid || !each.fields.empty()) continue;
    ids.insert(offer_id(*decode_offer(each.text)));
    ++forms;
  }
  EXPECT_EQ(forms, 6U);
  EXPECT_EQ(ids.size(), 1U);
}

crypto::PublicKey some_key() { return crypto::SecretKey::generate(system_random()).public_key(); }

TEST(Bolt12, says_what_an_offer_says) {
  Offer offer;
  offer.chains = {chain_hash(Network::regtest)};
  offer.amount = 21'000;
  offer.description = "two mana";
  offer.expires_at = 2'000'000'000;
  offer.issuer_id = some_key();
  const auto text = encode_offer(offer);
  ASSERT_TRUE(text) << text.error().message;
  const auto read = decode_offer(*text);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, offer);
  EXPECT_TRUE(read->is_for(Network::regtest));
  EXPECT_FALSE(read->is_for(Network::mainnet));
  EXPECT_FALSE(read->expired(unix_seconds(2'000'000'000)));
  EXPECT_TRUE(read->expired(unix_seconds(2'000'000'001)));
  Offer anywhere;
  anywhere.issuer_id = some_key();
  EXPECT_TRUE(anywhere.is_for(Network::mainnet));
  EXPECT_FALSE(anywhere.is_for(Network::testnet));
  EXPECT_FALSE(anywhere.expired(unix_seconds(4'000'000'000)));
}

TEST(Bolt12, what_breaks_a_rule_is_neither_written_nor_read) {
  Offer good;
  good.description = "";
  good.issuer_id = some_key();
  ASSERT_TRUE(encode_offer(good));
  const auto breaks = [&](auto change) {
    Offer offer = good;
    change(offer);
    return !encode_offer(offer);
  };
  EXPECT_TRUE(breaks([](Offer& o) { o.issuer_id.reset(); }));
  EXPECT_TRUE(breaks([](Offer& o) { o.amount = 0; }));
  EXPECT_TRUE(breaks([](Offer& o) { o.amount = 2'100'000'000'000'000'001; }));
  EXPECT_TRUE(breaks([](Offer& o) { o.description.reset(), o.amount = 1; }));
  EXPECT_TRUE(breaks([](Offer& o) { o.currency = "USD"; }));
  EXPECT_TRUE(breaks([](Offer& o) { o.currency = "usd", o.amount = 1; }));
  EXPECT_TRUE(breaks([](Offer& o) { o.features = Bytes{1}; }));
  EXPECT_TRUE(breaks([](Offer& o) { o.description = "\xc3"; }));
  EXPECT_TRUE(breaks([](Offer& o) { o.description = std::string(8'000, 'a'); }));
  EXPECT_TRUE(breaks([](Offer& o) { o.others = {{24, {}}}; }));
  EXPECT_TRUE(breaks([](Offer& o) { o.others = {{81, {}}}; }));
  EXPECT_TRUE(breaks([](Offer& o) { o.others = {{23, {}}, {23, {}}}; }));
  EXPECT_TRUE(breaks([](Offer& o) { o.paths = {{BlindedPath::ChannelEnd{}, some_key(), {}}}; }));
  EXPECT_FALSE(breaks([](Offer& o) { o.others = {{23, {}}, {1'000'000'001, {7}}}; }));
  const TlvRecord issuer{22, Bytes(good.issuer_id->bytes().begin(), good.issuer_id->bytes().end())};
  EXPECT_TRUE(decode_offer(offer_of({issuer})));
  EXPECT_FALSE(decode_offer(offer_of({{14, {0, 1}}, issuer}))) << "a number with a zero in front";
  EXPECT_FALSE(decode_offer(offer_of({{14, Bytes(9, 1)}, issuer})));
  EXPECT_FALSE(decode_offer(offer_of({{16, {}}, issuer}))) << "a list of no paths";
  EXPECT_FALSE(decode_offer(offer_of({issuer, issuer})));
  EXPECT_FALSE(decode_offer(std::string(10'000, 'q')));
}

TEST(Bolt12, numbers_stand_in_their_shortest_form) {
  const auto stream = [](std::string_view hex) { return read_tlv_stream(*from_hex(hex)).has_value(); };
  EXPECT_TRUE(stream("fd00fd00"));
  EXPECT_FALSE(stream("fd00fc00"));
  EXPECT_TRUE(stream("fe0001000000"));
  EXPECT_FALSE(stream("fe0000ffff00"));
  EXPECT_TRUE(stream("ff000000010000000000"));
  EXPECT_FALSE(stream("ff00000000ffffffff00"));
  EXPECT_FALSE(stream("fd00"));
  EXPECT_FALSE(stream("01ff"));
  EXPECT_FALSE(stream("01fd000100")) << "a length that is too long";
  EXPECT_FALSE(stream("01ffffffffffffffffff"));
}

TEST(Bolt12, any_offer_is_read_as_it_was_written) {
  rc::check([] {
    Offer offer;
    const auto maybe = [](auto make) {
      return *rc::gen::arbitrary<bool>() ? std::optional(make()) : std::nullopt;
    };
    const auto bytes = [] { return *rc::gen::resize(20, rc::gen::arbitrary<Bytes>()); };
    const auto number = [] { return *rc::gen::arbitrary<std::uint64_t>(); };
    for (const Network network : {Network::testnet, Network::signet})
      if (*rc::gen::arbitrary<bool>()) offer.chains.push_back(chain_hash(network));
    offer.metadata = maybe(bytes);
    offer.amount = maybe([] { return *rc::gen::inRange<std::uint64_t>(1, 2'100'000'000'000'000'000); });
    if (offer.amount && *rc::gen::arbitrary<bool>()) offer.currency = "EUR";
    if (offer.amount || *rc::gen::arbitrary<bool>()) offer.description = "tee \xc3\xbc";
    if (*rc::gen::arbitrary<bool>()) offer.features = Bytes{0x0a, 0xaa};
    offer.expires_at = maybe(number);
    if (*rc::gen::arbitrary<bool>()) {
      BlindedPath path{BlindedPath::ChannelEnd{1, number()}, some_key(), {{some_key(), bytes()}}};
      if (*rc::gen::arbitrary<bool>()) path.first = some_key();
      offer.paths = {path, path};
    }
    offer.quantity_max = maybe(number);
    if (offer.paths.empty() || *rc::gen::arbitrary<bool>()) offer.issuer_id = some_key();
    if (*rc::gen::arbitrary<bool>()) offer.others = {{1, bytes()}, {23, bytes()}, {1'999'999'999, bytes()}};
    const auto text = encode_offer(offer);
    RC_ASSERT(text.has_value());
    const auto read = decode_offer(*text);
    RC_ASSERT(read.has_value());
    RC_ASSERT(*read == offer);
    RC_ASSERT(offer_id(*read) == offer_id(offer));
  });
}

}  // namespace
}  // namespace manastr::lightning

#include "lightning/bolt11.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <fstream>

#include "common/base/random.h"

namespace manastr::lightning {
namespace {

/// The node of BOLT-11's examples.
crypto::SecretKey example_key() {
  return *crypto::SecretKey::from_hex("e126f68f7eafcc8b74f54d269fe206be715000f94dac067d1c04a8ca3b2db734");
}
constexpr std::string_view kExampleNode =
    "03e7156ae33b0a208d0744199163177e909e80176e55d97a2f221ede0f934dd9ad";

std::vector<std::string> examples(std::string_view kind) {
  std::ifstream in(std::string(MANASTR_SOURCE_DIR) + "/tests/unit/lightning/bolt11_vectors.txt");
  std::vector<std::string> out;
  for (std::string word, invoice; in >> word;) {
    if (word == "valid" || word == "invalid") {
      in >> invoice;
      if (word == kind) out.push_back(invoice);
    } else {
      in.ignore(10'000, '\n');
    }
  }
  return out;
}

Hash32 hash_of(std::string_view hex) { return *array_from_hex<32>(hex); }
const Hash32 kPaymentHash = hash_of("0001020304050607080900010203040506070809000102030405060708090102");
const Hash32 kSecret = hash_of("1111111111111111111111111111111111111111111111111111111111111111");
const Hash32 kDescriptionHash = hash_of("3925b6f67e2c340036ed12093dd44e0368df1b6ea26c53dbe4811f58fd5db8c1");

TEST(Bolt11, every_valid_example_is_signed_by_the_example_node) {
  const auto invoices = examples("valid");
  ASSERT_EQ(invoices.size(), 16U);
  for (const std::string& text : invoices) {
    const auto invoice = decode_bolt11(text);
    ASSERT_TRUE(invoice) << invoice.error().message << "\n" << text;
    EXPECT_EQ(invoice->payment_secret, kSecret);
    // The high-S example has the signature of another key; the one in pico-bitcoin another payment hash.
    if (text.starts_with("lnbc9678785340p")) {
      EXPECT_EQ(invoice->payee->hex(), kExampleNode);
    } else {
      EXPECT_EQ(invoice->payment_hash, kPaymentHash);
    }
  }
}

TEST(Bolt11, the_examples_say_what_the_document_says) {
  const auto invoices = examples("valid");
  const auto decode = [&](std::size_t i) { return *decode_bolt11(invoices.at(i)); };

  const Bolt11 donation = decode(0);
  EXPECT_EQ(donation.network, Network::mainnet);
  EXPECT_FALSE(donation.amount);
  EXPECT_EQ(count(donation.timestamp), 1496314658);
  EXPECT_EQ(donation.description, "Please consider supporting this project");
  EXPECT_EQ(donation.expiry, Seconds{3'600});
  EXPECT_EQ(donation.min_final_cltv_delta, 18U);
  EXPECT_EQ(donation.payee->hex(), kExampleNode);
  EXPECT_EQ(donation.features, (Bytes{0x41, 0x00}));

  const Bolt11 coffee = decode(1);
  EXPECT_EQ(coffee.amount, 250'000'000U);
  EXPECT_EQ(coffee.description, "1 cup coffee");
  EXPECT_EQ(coffee.expiry, Seconds{60});
  EXPECT_EQ(decode(2).description, "ナンセンス 1杯");

  const Bolt11 cake = decode(3);
  EXPECT_EQ(cake.amount, 2'000'000'000U);
  EXPECT_EQ(cake.description_hash, kDescriptionHash);

  const Bolt11 testnet = decode(4);
  EXPECT_EQ(testnet.network, Network::testnet);
  EXPECT_EQ(testnet.fallbacks,
            (std::vector<Bolt11::Fallback>{{17, *from_hex("3172b5654f6683c8fb146959d347ce303cae4ca7")}}));

  const Bolt11 routed = decode(5);
  ASSERT_EQ(routed.routes.size(), 1U);
  ASSERT_EQ(routed.routes[0].size(), 2U);
  const RouteHop& hop = routed.routes[0][0];
  EXPECT_EQ(hop.node.hex(), "029e03a901b85534ff1e92c43c74431f7ce72046060fcf7a95c37e148f78c77255");
  EXPECT_EQ(hop.short_channel_id, (std::uint64_t{66'051} << 40 | std::uint64_t{263'430} << 16 | 1'800));
  EXPECT_EQ(hop.fee_base_msat, 1U);
  EXPECT_EQ(hop.fee_ppm, 20U);
  EXPECT_EQ(hop.cltv_delta, 3U);
  EXPECT_EQ(decode(9).fallbacks.at(0).version, 1);
  EXPECT_EQ(decode(9).fallbacks.at(0).program.size(), 32U);

  const Bolt11 pico = decode(10);
  EXPECT_EQ(pico.amount, 967'878'534U);
  EXPECT_EQ(pico.expiry, Seconds{604'800});
  EXPECT_EQ(pico.min_final_cltv_delta, 10U);

  const Bolt11 beans = decode(11);
  EXPECT_EQ(beans.features.size(), 13U);  // bit 99
  EXPECT_EQ(decode(12), beans);           // upper case
  EXPECT_EQ(decode(13).description, beans.description);
  EXPECT_EQ(decode(13).fallbacks.size(), 0U);
  EXPECT_EQ(decode(14).metadata, from_hex("01fafaf0"));
}

TEST(Bolt11, writes_the_examples_as_the_document_has_them) {
  const auto invoices = examples("valid");
  for (const std::size_t i : {0, 1, 2, 3, 5, 9}) {  // those whose fields stand in our order
    EXPECT_EQ(*encode_bolt11(*decode_bolt11(invoices.at(i)), example_key()), invoices.at(i));
  }
}

TEST(Bolt11, every_invalid_example_is_refused_for_its_reason) {
  const std::vector<std::string_view> reasons = {"requires feature 100",
                                                 "checksum",
                                                 "prefix",
                                                 "mixed",
                                                 "no key made",
                                                 "too short",
                                                 "no number",
                                                 "fractions of",
                                                 "no payment secret",
                                                 "not signed by the payee"};
  const auto invoices = examples("invalid");
  ASSERT_EQ(invoices.size(), reasons.size());
  for (std::size_t i = 0; i < reasons.size(); ++i) {
    const auto invoice = decode_bolt11(invoices[i]);
    ASSERT_FALSE(invoice) << invoices[i];
    EXPECT_NE(invoice.error().message.find(reasons[i]), std::string::npos) << invoice.error().message;
  }
}

TEST(Bolt11, a_uri_scheme_is_taken_off) {
  const std::string text = examples("valid").at(0);
  EXPECT_EQ(*decode_bolt11("lightning:" + text), *decode_bolt11(text));
  EXPECT_EQ(*decode_bolt11("LIGHTNING:" + text), *decode_bolt11(text));
  EXPECT_FALSE(decode_bolt11("lightning:"));
  EXPECT_FALSE(decode_bolt11(""));
  EXPECT_FALSE(decode_bolt11(std::string(8'000, 'q')));
}

TEST(Bolt11, one_changed_character_is_noticed) {
  const std::string text = examples("valid").at(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = changed[i] == 'q' ? 'p' : 'q';
    EXPECT_FALSE(decode_bolt11(changed)) << i;
  }
}

Bolt11 simple() {
  Bolt11 out;
  out.timestamp = unix_seconds(1'700'000'000);
  out.payment_hash = kPaymentHash;
  out.payment_secret = kSecret;
  return out;
}

TEST(Bolt11, refuses_to_write_what_has_no_form) {
  const auto refused = [](auto change) {
    Bolt11 invoice = simple();
    change(invoice);
    const auto text = encode_bolt11(invoice, example_key());
    return text ? std::string("written") : text.error().message.substr(0, text.error().message.find(':'));
  };
  EXPECT_EQ(refused([](Bolt11&) {}), "written");
  EXPECT_EQ(refused([](Bolt11& i) { i.amount = 0; }), "amount");
  EXPECT_EQ(refused([](Bolt11& i) { i.amount = 2'100'000'000'000'000'001; }), "amount");
  EXPECT_EQ(refused([](Bolt11& i) { i.timestamp = unix_seconds(std::int64_t{1} << 35); }), "timestamp");
  EXPECT_EQ(refused([](Bolt11& i) { i.expiry = Seconds{0}; }), "expiry");
  EXPECT_EQ(refused([](Bolt11& i) { i.payment_secret.reset(); }), "payment_secret");
  EXPECT_EQ(refused([](Bolt11& i) { i.description = std::string(640, 'a'); }), "description");
  EXPECT_EQ(refused([](Bolt11& i) { i.description = "\xff"; }), "description");
  EXPECT_EQ(refused([](Bolt11& i) { i.description = "a", i.description_hash = kSecret; }), "description");
}

TEST(Bolt11, what_is_written_is_read_back) {
  const bool holds = rc::check([](std::uint64_t amount, std::uint32_t time, std::uint32_t expiry, bool hashed,
                                  std::uint16_t cltv, Bytes metadata) {
    Bolt11 invoice = simple();
    invoice.network = *rc::gen::element(Network::mainnet, Network::testnet, Network::signet, Network::regtest,
                                        Network::simnet);
    if (amount != 0) invoice.amount = amount % 2'100'000'000'000'000'000 + 1;
    invoice.timestamp = unix_seconds(time);
    invoice.expiry = Seconds{std::int64_t{expiry} + 1};
    invoice.min_final_cltv_delta = std::uint64_t{cltv} + 1;
    if (hashed) {
      invoice.description_hash = kDescriptionHash;
    } else {
      invoice.description = *rc::gen::container<std::string>(rc::gen::inRange(' ', '~'));
      invoice.description.resize(std::min<std::size_t>(invoice.description.size(), 639));
    }
    metadata.resize(std::min<std::size_t>(metadata.size(), 639));
    if (!metadata.empty()) invoice.metadata = metadata;
    invoice.features = Bytes{0x02, 0x41, 0x00};
    invoice.payee = example_key().public_key();
    const auto text = encode_bolt11(invoice, example_key());
    RC_ASSERT(text.has_value());
    const auto read = decode_bolt11(*text);
    RC_ASSERT(read.has_value());
    RC_ASSERT(*read == invoice);
  });
  EXPECT_TRUE(holds);
}

}  // namespace
}  // namespace manastr::lightning

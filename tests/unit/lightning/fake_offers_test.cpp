#include <gtest/gtest.h>

#include <future>

#include "common/crypto/hash.h"
#include "lightning/bolt12.h"
#include "lightning/fake_script.h"
#include "lightning/play_invoice.h"
#include "tests/support/temporary_folder.h"
#include "tests/unit/lightning/fake_nodes.h"

namespace manastr::lightning {
namespace {

OfferTerms terms(std::optional<Msat> amount, std::string description = "tea") {
  return {amount, std::move(description), std::nullopt, false};
}
Hash32 key(Byte number) { return Hash32{number}; }

TEST(FakeOffers, makes_a_real_offer_that_pays_itself_once) {
  FakeNodeOptions options;
  options.invoice_delay = Millis{10};
  auto own = node(options);
  Received received(*own);
  const auto made = own->create_offer({21'000, "two mana", Seconds{600}, false});
  ASSERT_TRUE(made) << made.error().message;
  const auto offer = decode_offer(made->bolt12);
  ASSERT_TRUE(offer) << offer.error().message;
  EXPECT_EQ(offer->amount, 21'000U);
  EXPECT_EQ(offer->description, "two mana");
  EXPECT_EQ(offer->issuer_id, own->public_key());
  EXPECT_TRUE(offer->is_for(Network::regtest));
  EXPECT_EQ(offer->expires_at, static_cast<std::uint64_t>(count(*made->expires_at)));
  EXPECT_EQ(offer_id(*offer), made->id);
  ASSERT_TRUE(received.wait_for(1));
  EXPECT_EQ(own->lookup_offer(made->id)->payments, 1U);
  EXPECT_EQ(own->lookup_offer(made->id)->received, 21'000U);
  EXPECT_EQ(own->book()->received, 21'000U);
}

TEST(FakeOffers, an_offer_without_an_amount_is_paid_with_what_its_description_says) {
  FakeNodeOptions options;
  options.invoice_delay = Millis{10};
  auto own = node(options);
  Received received(*own);
  const auto silent = own->create_offer(terms(std::nullopt, ""));
  const auto made = own->create_offer(terms(std::nullopt, R"({"auto_pay_msat":[1000,2500,1000]})"));
  ASSERT_TRUE(made);
  ASSERT_TRUE(received.wait_for(3));
  EXPECT_EQ(own->lookup_offer(made->id)->payments, 3U);
  EXPECT_EQ(own->lookup_offer(made->id)->received, 4'500U);
  EXPECT_EQ(own->lookup_offer(silent->id)->payments, 0U);
  const auto payments = own->offer_payments(made->id);
  ASSERT_EQ(payments->size(), 3U);
  EXPECT_NE((*payments)[0].payment_hash, (*payments)[2].payment_hash);
}

TEST(FakeOffers, are_paid_as_often_as_one_likes_and_once_if_for_one) {
  auto own = patient_node();
  Received received(*own);
  const auto often = own->create_offer(terms(1'000));
  EXPECT_TRUE(own->receive_through(often->id, 1'000));
  EXPECT_TRUE(own->receive_through(often->id, 1'500));
  EXPECT_EQ(code(own->receive_through(often->id, 999)), 11012);
  EXPECT_TRUE(received.wait_for(2));
  EXPECT_EQ(own->lookup_offer(often->id)->received, 2'500U);
  const auto once = own->create_offer({std::nullopt, "", std::nullopt, true});
  EXPECT_TRUE(own->receive_through(once->id, 7));
  EXPECT_EQ(code(own->receive_through(once->id, 7)), 20006);
  EXPECT_EQ(code(own->pay_offer(key(1), once->bolt12, 7, 0)), 20006);
  EXPECT_EQ(own->book()->sent, 0U);
  EXPECT_FALSE(own->lookup_offer(key(9)));
  EXPECT_FALSE(own->receive_through(key(9), 7));
}

TEST(FakeOffers, refuses_what_no_offer_can_be) {
  auto own = patient_node();
  EXPECT_EQ(code(own->create_offer(terms(0))), 11006);
  EXPECT_EQ(code(own->create_offer(terms(500'000'000'001))), 11006);
  EXPECT_FALSE(own->create_offer(terms(1, std::string(640, 'a'))));
  EXPECT_FALSE(own->create_offer(terms(1, "\xc3")));
  EXPECT_FALSE(own->create_offer({1, "", Seconds{0}, false}));
}

TEST(FakeOffers, pays_an_offer_of_others_again_under_another_key_only) {
  auto payee = patient_node();
  auto payer = patient_node();
  const auto offer = payee->create_offer(terms(5'000));
  const auto first = payer->pay_offer(key(1), offer->bolt12, 5'000, 0);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->state, PaymentState::paid);
  ASSERT_TRUE(first->preimage);
  EXPECT_EQ(payer->lookup_offer_payment(key(1)).preimage, first->preimage);
  EXPECT_EQ(code(payer->pay_offer(key(1), offer->bolt12, 5'000, 0)), 20006);
  const auto second = payer->pay_offer(key(2), offer->bolt12, 6'000, 0);
  ASSERT_TRUE(second);
  EXPECT_NE(second->preimage, first->preimage);
  EXPECT_EQ(payer->book()->sent, 11'000U);
  EXPECT_EQ(payee->lookup_offer(offer->id)->payments, 0U) << "there is no network";
  EXPECT_EQ(payer->lookup_offer_payment(key(3)).state, PaymentState::failed);
}

TEST(FakeOffers, to_an_offer_of_its_own_the_money_comes_back) {
  auto own = patient_node();
  Received received(*own);
  const auto offer = own->create_offer(terms(std::nullopt));
  const auto paid = own->pay_offer(key(1), offer->bolt12, 4'000, 0);
  ASSERT_TRUE(paid) << paid.error().message;
  ASSERT_TRUE(received.wait_for(1));
  const auto payments = own->offer_payments(offer->id);
  ASSERT_EQ(payments->size(), 1U);
  EXPECT_EQ(payments->front().payment_hash, crypto::sha256(*paid->preimage));
  EXPECT_EQ(payments->front().amount, 4'000U);
  EXPECT_EQ(own->book()->received, 4'000U);
  EXPECT_EQ(own->book()->sent, 4'000U);
}

TEST(FakeOffers, wants_an_offer_that_it_can_pay) {
  auto payer = patient_node();
  const auto issuer = crypto::SecretKey::generate(system_random()).public_key();
  const auto pay = [&](auto change, Msat amount = 1'000) {
    Offer offer;
    offer.chains = {chain_hash(Network::regtest)};
    offer.description = "tea";
    offer.issuer_id = issuer;
    change(offer);
    return code(payer->pay_offer(key(1), *encode_offer(offer), amount, kMuch));
  };
  EXPECT_EQ(code(payer->pay_offer(key(1), "lno1junk", 1, kMuch)), 0);
  EXPECT_EQ(pay([](Offer& o) { o.chains.clear(); }), 0) << "another network";
  EXPECT_EQ(pay([](Offer& o) { o.currency = "USD", o.amount = 1; }), 0);
  EXPECT_EQ(pay([](Offer& o) { o.expires_at = 1; }), 20007);
  EXPECT_EQ(pay([](Offer& o) { o.amount = 1'001; }), 11012);
  EXPECT_EQ(pay([](Offer&) {}, 0), 11006);
  EXPECT_EQ(pay([](Offer&) {}, 500'000'000'001), 11006);
  EXPECT_EQ(payer->book()->payments, 0U);
  EXPECT_EQ(pay([](Offer& o) { o.amount = 1'000; }), -1);
}

TEST(FakeOffers, money_leaves_once_for_each_key_however_many_pay_at_once) {
  auto payer = patient_node();
  const auto offer = make_play_offer(crypto::SecretKey::generate(system_random()), Network::regtest,
                                     terms(1'000), system_clock().now_seconds(), system_random());
  ASSERT_TRUE(offer);
  std::vector<std::future<bool>> attempts;
  for (int i = 0; i < 16; ++i) {
    attempts.push_back(std::async(std::launch::async, [&, i] {
      return payer->pay_offer(key(static_cast<Byte>(i % 2)), offer->text, 1'000, 0).has_value();
    }));
  }
  int paid = 0;
  for (auto& each : attempts) paid += each.get();
  EXPECT_EQ(paid, 2);
  EXPECT_EQ(payer->book()->sent, 2'000U);
}

TEST(FakeOffers, a_payment_goes_as_the_description_says) {
  auto payee = patient_node();
  auto payer = patient_node();
  const auto pay = [&](Byte number, const std::string& pay_state, const std::string& check_state) {
    const auto offer = payee->create_offer(
        terms(1'000, R"({"pay_invoice_state":")" + pay_state + R"(","check_payment_state":")" + check_state +
                         R"(","pay_err":false,"check_err":false,"fee_msat":3})"));
    return payer->pay_offer(key(number), offer->bolt12, 1'000, 3)->state;
  };
  EXPECT_EQ(pay(1, "FAILED", "PAID"), PaymentState::failed);
  EXPECT_EQ(payer->lookup_offer_payment(key(1)).state, PaymentState::paid);
  EXPECT_EQ(payer->lookup_offer_payment(key(1)).fee, 3U);
  EXPECT_EQ(pay(2, "PENDING", "FAILED"), PaymentState::pending);
  EXPECT_EQ(payer->lookup_offer_payment(key(2)).state, PaymentState::failed);
  EXPECT_EQ(pay(3, "UNKNOWN", "UNKNOWN"), PaymentState::unknown);
  EXPECT_EQ(payer->book()->sent, 1'000U);
  EXPECT_EQ(pay(2, "PAID", "PAID"), PaymentState::paid) << "the one before has failed";
}

TEST(FakeOffers, an_ordinary_description_pays_nothing) {
  EXPECT_FALSE(scripted_payments("tea"));
  EXPECT_FALSE(scripted_payments("{}"));
  EXPECT_FALSE(scripted_payments(R"({"auto_pay_msat":[]})"));
  EXPECT_FALSE(scripted_payments(R"({"auto_pay_msat":[0]})"));
  EXPECT_FALSE(scripted_payments(R"({"auto_pay_msat":["1"]})"));
  EXPECT_EQ(scripted_payments(R"({"auto_pay_msat":[1,2]})"), (std::vector<Msat>{1, 2}));
}

TEST(FakeOffers, outlive_the_process_and_so_does_what_is_to_come) {
  const test::TemporaryFolder folder;
  FakeNodeOptions options;
  options.file = folder.path("lightning.sqlite");
  options.invoice_delay = Millis{3'600'000};
  NewOffer offer, due;
  {
    auto first = node(options);
    offer = *first->create_offer(terms(std::nullopt));
    due = *first->create_offer(terms(2'000));
    ASSERT_TRUE(first->receive_through(offer.id, 700));
    ASSERT_TRUE(first->pay_offer(key(1), offer.bolt12, 300, 0));
    EXPECT_EQ(read_fake_book(options.file)->offer_payments, 2U);
  }
  class LaterClock final : public Clock {
   public:
    UnixMillis now() const override { return system_clock().now() + std::chrono::minutes{61}; }
    Monotonic monotonic() const override { return system_clock().monotonic(); }
  } later;
  auto opened = FakeNode::open(options, later);
  ASSERT_TRUE(opened) << opened.error().message;
  auto& again = **opened;
  Received received(again);
  const bool told_before = again.lookup_offer(due.id)->payments == 1;
  EXPECT_TRUE(told_before || received.wait_for(1));
  EXPECT_EQ(again.lookup_offer(due.id)->received, 2'000U);
  EXPECT_EQ(again.lookup_offer(offer.id)->received, 1'000U);
  EXPECT_EQ(code(again.pay_offer(key(1), offer.bolt12, 300, 0)), 20006);
  EXPECT_EQ(again.lookup_offer_payment(key(1)).state, PaymentState::paid);
}

}  // namespace
}  // namespace manastr::lightning

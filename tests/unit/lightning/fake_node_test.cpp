#include "lightning/fake_node.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <future>

#include "common/crypto/hash.h"
#include "lightning/fake_script.h"
#include "tests/support/temporary_folder.h"
#include "tests/unit/lightning/fake_nodes.h"

namespace manastr::lightning {
namespace {

constexpr Seconds kHour{3'600};

TEST(FakeNode, gives_real_invoices_that_pay_themselves) {
  FakeNodeOptions options;
  options.invoice_delay = Millis{20};
  auto own = node(options);
  Received received(*own);
  const auto created = own->create_invoice(21'000, "two mana", kHour);
  ASSERT_TRUE(created) << created.error().message;
  const auto invoice = decode_bolt11(created->bolt11);
  ASSERT_TRUE(invoice) << invoice.error().message;
  EXPECT_TRUE(created->bolt11.starts_with("lnbcrt210n1"));
  EXPECT_EQ(invoice->amount, 21'000U);
  EXPECT_EQ(invoice->description, "two mana");
  EXPECT_EQ(invoice->payment_hash, created->payment_hash);
  EXPECT_EQ(invoice->expires_at(), created->expires_at);
  EXPECT_EQ(invoice->payee, own->public_key());
  ASSERT_TRUE(received.wait_for(created->payment_hash));
  EXPECT_EQ(received.of(created->payment_hash), 21'000U);
  const auto status = own->lookup_invoice(created->payment_hash);
  ASSERT_TRUE(status);
  EXPECT_EQ(status->state, InvoiceState::paid);
  EXPECT_EQ(status->received, 21'000U);
  EXPECT_EQ(code(own->receive(created->payment_hash)), 20006);
  EXPECT_EQ(own->book()->received, 21'000U);
}

TEST(FakeNode, an_invoice_waits_where_nobody_pays) {
  auto own = patient_node();
  Received received(*own);
  const auto created = own->create_invoice(1'000, "", kHour);
  EXPECT_EQ(own->lookup_invoice(created->payment_hash)->state, InvoiceState::unpaid);
  ASSERT_TRUE(own->receive(created->payment_hash));
  EXPECT_TRUE(received.wait_for(created->payment_hash));
  EXPECT_FALSE(own->lookup_invoice(Hash32{}));
  EXPECT_FALSE(own->receive(Hash32{}));
}

TEST(FakeNode, refuses_what_no_invoice_can_be) {
  auto own = patient_node();
  EXPECT_EQ(code(own->create_invoice(0, "", kHour)), 11006);
  EXPECT_EQ(code(own->create_invoice(500'000'000'001, "", kHour)), 11006);
  EXPECT_FALSE(own->create_invoice(1, std::string(640, 'a'), kHour));
  EXPECT_FALSE(own->create_invoice(1, "\xc3", kHour));
  EXPECT_FALSE(own->create_invoice(1, "", Seconds{0}));
  EXPECT_FALSE(own->create_invoice(1, "", Seconds{1} * 400 * 86'400));
}

TEST(FakeNode, pays_an_invoice_of_another_fake_node_with_its_preimage) {
  auto payee = patient_node();
  auto payer = patient_node();
  const auto invoice = payee->create_invoice(5'000, "loot", kHour);
  const auto payment = payer->pay(invoice->bolt11, std::nullopt, 0);
  ASSERT_TRUE(payment) << payment.error().message;
  EXPECT_EQ(payment->state, PaymentState::paid);
  ASSERT_TRUE(payment->preimage);
  EXPECT_EQ(crypto::sha256(*payment->preimage), invoice->payment_hash);
  EXPECT_EQ(payer->lookup_payment(invoice->payment_hash).preimage, payment->preimage);
  EXPECT_EQ(code(payer->pay(invoice->bolt11, std::nullopt, kMuch)), 20006);
  EXPECT_EQ(payee->lookup_invoice(invoice->payment_hash)->state, InvoiceState::unpaid) << "no network";
  const auto book = payer->book();
  EXPECT_EQ(book->sent, 5'000U);
  EXPECT_EQ(book->payments, 1U);
}

/// The invoice of a real node: its payment secret tells nothing of its preimage.
std::string foreign_invoice(std::optional<Msat> amount, std::string_view description, Byte number = 1,
                            Seconds expiry = kHour) {
  Bolt11 invoice;
  invoice.network = Network::mainnet;
  invoice.amount = amount;
  invoice.timestamp = system_clock().now_seconds();
  invoice.expiry = expiry;
  invoice.description = description;
  invoice.payment_secret = Hash32{number};
  invoice.payment_hash = crypto::sha256(Hash32{7, number});
  const auto key = *crypto::SecretKey::parse(Hash32{3, number});
  return *encode_bolt11(invoice, key);
}

TEST(FakeNode, pays_real_invoices_without_a_preimage) {
  auto payer = patient_node();
  const auto payment = payer->pay(foreign_invoice(9'000, "coffee"), std::nullopt, kMuch);
  ASSERT_TRUE(payment);
  EXPECT_EQ(payment->state, PaymentState::paid);
  EXPECT_FALSE(payment->preimage);
}

TEST(FakeNode, wants_an_amount_and_an_invoice_that_stands) {
  auto payer = patient_node();
  EXPECT_FALSE(payer->pay("lnbc1junk", std::nullopt, kMuch));
  EXPECT_EQ(code(payer->pay(foreign_invoice(std::nullopt, ""), std::nullopt, kMuch)), 11011);
  EXPECT_EQ(code(payer->pay(foreign_invoice(9'000, "", 2), 9'001, kMuch)), 11012);
  EXPECT_EQ(payer->pay(foreign_invoice(std::nullopt, "", 3), 8'000, kMuch)->state, PaymentState::paid);
  EXPECT_EQ(payer->book()->sent, 8'000U);
  Bolt11 old = *decode_bolt11(foreign_invoice(9'000, "", 4));
  old.timestamp -= Seconds{7'200};
  const auto expired =
      payer->pay(*encode_bolt11(old, *crypto::SecretKey::parse(Hash32{3})), std::nullopt, kMuch);
  ASSERT_FALSE(expired);
  EXPECT_NE(expired.error().message.find("expired"), std::string::npos);
}

TEST(FakeNode, paying_its_own_invoice_moves_money_in_and_out) {
  auto own = patient_node();
  Received received(*own);
  const auto invoice = own->create_invoice(4'000, "", kHour);
  EXPECT_EQ(own->pay(invoice->bolt11, std::nullopt, 0)->state, PaymentState::paid);
  EXPECT_TRUE(received.wait_for(invoice->payment_hash));
  const auto book = own->book();
  EXPECT_EQ(book->received, 4'000U);
  EXPECT_EQ(book->sent, 4'000U);
  const auto paid = own->create_invoice(4'000, "", kHour);
  ASSERT_TRUE(own->receive(paid->payment_hash));
  EXPECT_EQ(code(own->pay(paid->bolt11, std::nullopt, 0)), 20006);
  EXPECT_EQ(own->book()->sent, 4'000U);
}

TEST(FakeNode, money_leaves_once_however_many_pay_at_once) {
  auto payer = patient_node();
  const std::string invoice = foreign_invoice(1'000, "");
  std::vector<std::future<bool>> attempts;
  for (int i = 0; i < 16; ++i) {
    attempts.push_back(
        std::async(std::launch::async, [&] { return payer->pay(invoice, std::nullopt, 0).has_value(); }));
  }
  int paid = 0;
  for (auto& each : attempts) paid += each.get();
  EXPECT_EQ(paid, 1);
  EXPECT_EQ(payer->book()->sent, 1'000U);
}

TEST(FakeNode, takes_its_fee_within_what_was_offered) {
  FakeNodeOptions options;
  options.fee_ppm = 10'000;  // 1 %
  options.fee_base = 1;
  auto payer = node(options);
  EXPECT_EQ(payer->fee_reserve(1'001), 12U);  // 1 + ceil(10.01)
  const auto stingy = payer->pay(foreign_invoice(1'001, ""), std::nullopt, 11);
  ASSERT_TRUE(stingy);
  EXPECT_EQ(stingy->state, PaymentState::failed);
  const auto payment = payer->pay(foreign_invoice(1'001, ""), std::nullopt, 12);
  EXPECT_EQ(payment->state, PaymentState::paid);
  EXPECT_EQ(payment->fee, 12U);
  EXPECT_EQ(payer->book()->fees, 12U);
}

struct Script {
  const char* pay;
  const char* check;
  bool pay_err, check_err;
  PaymentState paid, looked_up;
  bool money_left;
};

TEST(FakeNode, pays_as_the_description_says) {
  using enum PaymentState;
  const Script scripts[] = {
      {"PAID", "PAID", false, false, PaymentState::paid, PaymentState::paid, true},
      {"FAILED", "FAILED", false, false, failed, failed, false},
      {"UNPAID", "UNPAID", false, false, failed, failed, false},
      {"FAILED", "PAID", false, false, failed, PaymentState::paid, true},
      {"FAILED", "UNKNOWN", false, false, failed, unknown, false},
      {"FAILED", "PAID", true, false, unknown, PaymentState::paid, true},
      {"PENDING", "PENDING", false, false, pending, pending, false},
      {"PENDING", "PAID", false, false, pending, PaymentState::paid, true},
      {"PENDING", "FAILED", false, false, pending, failed, false},
      {"UNKNOWN", "UNKNOWN", false, false, unknown, unknown, false},
      {"UNKNOWN", "FAILED", false, false, unknown, failed, false},
      {"PAID", "PAID", true, false, unknown, PaymentState::paid, true},
      {"PAID", "FAILED", true, false, unknown, failed, false},
      {"PAID", "PAID", true, true, unknown, unknown, true},
      {"PAID", "FAILED", false, false, PaymentState::paid, PaymentState::paid, true},
  };
  Byte number = 10;
  for (const Script& script : scripts) {
    auto payer = patient_node();
    const std::string description = std::string(R"({"pay_invoice_state":")") + script.pay +
                                    R"(","check_payment_state":")" + script.check + R"(","pay_err":)" +
                                    (script.pay_err ? "true" : "false") + R"(,"check_err":)" +
                                    (script.check_err ? "true" : "false") + "}";
    const std::string invoice = foreign_invoice(1'000, description, ++number);
    const auto payment = payer->pay(invoice, std::nullopt, kMuch);
    ASSERT_TRUE(payment) << description;
    EXPECT_EQ(payment->state, script.paid) << description;
    const Hash32 hash = decode_bolt11(invoice)->payment_hash;
    EXPECT_EQ(payer->lookup_payment(hash).state, script.looked_up) << description;
    EXPECT_EQ(payer->book()->sent, script.money_left ? 1'000U : 0U) << description;
  }
}

TEST(FakeNode, a_failed_payment_may_be_tried_again_and_one_under_way_may_not) {
  auto payer = patient_node();
  const auto script = [](std::string state) {
    return R"({"pay_invoice_state":")" + state + R"(","check_payment_state":")" + state +
           R"(","pay_err":false,"check_err":false})";
  };
  const std::string failing = foreign_invoice(1'000, script("FAILED"), 1);
  EXPECT_EQ(payer->pay(failing, std::nullopt, 0)->state, PaymentState::failed);
  EXPECT_EQ(payer->pay(failing, std::nullopt, 0)->state, PaymentState::failed);
  const std::string pending = foreign_invoice(1'000, script("PENDING"), 2);
  EXPECT_EQ(payer->pay(pending, std::nullopt, 0)->state, PaymentState::pending);
  EXPECT_EQ(code(payer->pay(pending, std::nullopt, 0)), 20005);
  EXPECT_EQ(payer->lookup_payment(Hash32{1}).state, PaymentState::failed);  // never sent
}

/// A clock that a test sets.
class SetClock final : public Clock {
 public:
  UnixMillis now() const override { return system_clock().now() + ahead; }
  Monotonic monotonic() const override { return system_clock().monotonic(); }
  Millis ahead{0};
};

std::string under_way_for(Millis time, const std::string& end, Msat fee = 0) {
  return R"({"pay_invoice_state":"PAID","check_payment_state":")" + end + R"(","pay_err":)" +
         (end == "PAID" ? "false" : "true") + R"(,"check_err":false,"in_flight_ms":)" +
         std::to_string(time.count()) + R"(,"fee_msat":)" + std::to_string(fee) + "}";
}

TEST(FakeNode, a_payment_may_be_under_way_for_hours) {
  SetClock clock;
  FakeNodeOptions options;
  options.file = ":memory:";
  auto payer = *FakeNode::open(options, clock);
  const std::string invoice = foreign_invoice(1'000, under_way_for(Millis{5 * 3'600'000}, "PAID", 7), 1);
  const Hash32 hash = decode_bolt11(invoice)->payment_hash;
  EXPECT_EQ(payer->pay(invoice, std::nullopt, 6)->state, PaymentState::failed) << "no route that cheap";
  EXPECT_EQ(payer->pay(invoice, std::nullopt, 7)->state, PaymentState::pending);
  EXPECT_EQ(payer->lookup_payment(hash).state, PaymentState::pending);
  EXPECT_EQ(code(payer->pay(invoice, std::nullopt, 7)), 20005) << "it can't be sent twice";
  clock.ahead = Millis{5 * 3'600'000 - 60'000};
  EXPECT_EQ(payer->lookup_payment(hash).state, PaymentState::pending);
  clock.ahead = Millis{5 * 3'600'000 + 1};
  EXPECT_EQ(payer->lookup_payment(hash).state, PaymentState::paid);
  EXPECT_EQ(payer->lookup_payment(hash).fee, 7U);
  EXPECT_EQ(payer->book()->fees, 7U);
}

TEST(FakeNode, a_payment_that_fails_late_can_be_sent_again_only_then) {
  SetClock clock;
  FakeNodeOptions options;
  options.file = ":memory:";
  auto payer = *FakeNode::open(options, clock);
  const std::string invoice = foreign_invoice(1'000, under_way_for(Millis{60'000}, "FAILED"), 1);
  const Hash32 hash = decode_bolt11(invoice)->payment_hash;
  EXPECT_EQ(payer->pay(invoice, std::nullopt, 0)->state, PaymentState::unknown);
  EXPECT_EQ(payer->lookup_payment(hash).state, PaymentState::pending);
  EXPECT_EQ(code(payer->pay(invoice, std::nullopt, 0)), 20005);
  clock.ahead = Millis{60'001};
  EXPECT_EQ(payer->lookup_payment(hash).state, PaymentState::failed);
  EXPECT_TRUE(payer->pay(invoice, std::nullopt, 0));
  EXPECT_EQ(payer->book()->sent, 0U);
}

TEST(FakeNode, delays_its_payments_to_others_if_it_is_told_to) {
  SetClock clock;
  FakeNodeOptions options;
  options.file = ":memory:";
  options.auto_pay = false;
  options.payment_delay = Millis{500};
  auto payer = *FakeNode::open(options, clock);
  EXPECT_EQ(payer->pay(foreign_invoice(1'000, "tea"), std::nullopt, 0)->state, PaymentState::pending);
  const auto own = payer->create_invoice(1'000, "to itself", kHour);
  EXPECT_EQ(payer->pay(own->bolt11, std::nullopt, 0)->state, PaymentState::paid);
}

TEST(FakeNode, pays_a_part_of_an_invoice_of_others) {
  auto payee = patient_node();
  auto payer = patient_node();
  const auto invoice = payee->create_invoice(5'000, "shared", kHour);
  const auto part = payer->pay(invoice->bolt11, 2'000, 0);
  ASSERT_TRUE(part);
  EXPECT_EQ(part->state, PaymentState::paid);
  ASSERT_TRUE(part->preimage);
  EXPECT_EQ(crypto::sha256(*part->preimage), invoice->payment_hash);
  EXPECT_EQ(payer->book()->sent, 2'000U);
  EXPECT_EQ(payee->pay(invoice->bolt11, 2'000, 0)->state, PaymentState::failed)
      << "a part of one's own invoice pays nobody";
  EXPECT_EQ(payee->lookup_invoice(invoice->payment_hash)->state, InvoiceState::unpaid);
  EXPECT_EQ(payee->lookup_payment(invoice->payment_hash).state, PaymentState::failed);
}

TEST(FakeNode, an_ordinary_description_is_no_script) {
  EXPECT_FALSE(fake_script("coffee"));
  EXPECT_FALSE(fake_script("{}"));
  EXPECT_FALSE(fake_script(R"({"pay_invoice_state":"PAID","check_payment_state":"PAID","pay_err":false})"));
  EXPECT_FALSE(fake_script(
      R"({"pay_invoice_state":"paid","check_payment_state":"PAID","pay_err":false,"check_err":false})"));
  EXPECT_FALSE(fake_script(under_way_for(Millis{-1}, "PAID")));
  EXPECT_FALSE(fake_script(under_way_for(Millis{31LL * 86'400'000}, "PAID")));
  EXPECT_TRUE(fake_script(under_way_for(Millis{0}, "PAID")));
}

TEST(FakeNode, remembers_key_and_book_and_pays_what_was_due) {
  const test::TemporaryFolder folder;
  FakeNodeOptions options;
  options.file = folder.path("lightning.sqlite");
  options.invoice_delay = Millis{3'600'000};
  options.auto_pay = true;
  std::string bolt11;
  Hash32 due{}, paid{};
  std::optional<crypto::PublicKey> key;
  {
    auto first = node(options);
    key = first->public_key();
    due = first->create_invoice(2'000, "due", Seconds{7'200})->payment_hash;
    paid = first->create_invoice(3'000, "paid", Seconds{7'200})->payment_hash;
    ASSERT_TRUE(first->receive(paid));
    bolt11 = foreign_invoice(1'000, "", 1, Seconds{7'200});
    ASSERT_TRUE(first->pay(bolt11, std::nullopt, 0));
    EXPECT_EQ(read_fake_book(options.file)->sent, 1'000U);  // while it runs
  }
  struct stat info{};
  ASSERT_EQ(::stat(options.file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);

  class LaterClock final : public Clock {
   public:
    UnixMillis now() const override { return system_clock().now() + std::chrono::minutes{61}; }
    Monotonic monotonic() const override { return system_clock().monotonic(); }
  } later;
  auto opened = FakeNode::open(options, later);
  ASSERT_TRUE(opened) << opened.error().message;
  auto& again = **opened;
  EXPECT_EQ(again.public_key(), *key);
  EXPECT_EQ(code(again.pay(bolt11, std::nullopt, 0)), 20006);
  Received received(again);
  // It may have been paid before there was anyone to tell: then the lookup says so.
  const bool told_before = again.lookup_invoice(due)->state == InvoiceState::paid;
  EXPECT_TRUE(told_before || received.wait_for(due));
  EXPECT_EQ(again.lookup_invoice(due)->state, InvoiceState::paid);
  EXPECT_EQ(read_fake_book(options.file)->received, 5'000U);
}

}  // namespace
}  // namespace manastr::lightning

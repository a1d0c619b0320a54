#include "common/crypto/secret.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <type_traits>

namespace manastr::crypto {
namespace {

const ByteArray<4> kBytes = {1, 2, 3, 4};
const ByteArray<4> kWiped = {};

TEST(Secret, WipesWhatItLeavesBehind) {
  alignas(Secret<4>) Byte memory[sizeof(Secret<4>)];
  auto* secret = new (memory) Secret<4>(kBytes);
  EXPECT_TRUE(std::equal(kBytes.begin(), kBytes.end(), memory));
  secret->~Secret();
  EXPECT_TRUE(std::equal(kWiped.begin(), kWiped.end(), memory));

  Secret<4> from(kBytes);
  const Secret<4> to(std::move(from));
  EXPECT_EQ(to.reveal(), kBytes);
  EXPECT_EQ(from.reveal(), kWiped);  // NOLINT(bugprone-use-after-move): that is the promise
  Secret<4> assigned;
  Secret<4> other(kBytes);
  assigned = std::move(other);
  EXPECT_EQ(assigned.reveal(), kBytes);
  EXPECT_EQ(other.reveal(), kWiped);  // NOLINT(bugprone-use-after-move)
}

TEST(SecretText, WipesShortAndLongTexts) {
  for (const std::size_t size : {5u, 500u}) {
    alignas(SecretText) Byte memory[sizeof(SecretText)];
    auto* secret = new (memory) SecretText(std::string(size, 'x'));
    const SecretText copy(*secret);
    EXPECT_EQ(copy.reveal(), std::string(size, 'x'));
    const SecretText moved(std::move(*secret));
    EXPECT_EQ(moved.reveal(), std::string(size, 'x'));
    EXPECT_TRUE(secret->empty());
    // A short text lies in the object itself.
    EXPECT_EQ(std::search_n(std::begin(memory), std::end(memory), 5, 'x'), std::end(memory));
    secret->~SecretText();
  }
  SecretText text("first");
  text = SecretText("second");
  EXPECT_EQ(text.reveal(), "second");
}

TEST(Secret, ComparesWholeTexts) {
  EXPECT_TRUE(equal_constant_time(as_bytes("abc"), as_bytes("abc")));
  EXPECT_FALSE(equal_constant_time(as_bytes("abc"), as_bytes("abd")));
  EXPECT_FALSE(equal_constant_time(as_bytes("abc"), as_bytes("ab")));
  EXPECT_TRUE(equal_constant_time({}, {}));
  wipe({});
}

template <class T>
concept Printable = requires(std::ostream& out, const T& value) { out << value; };
static_assert(!Printable<Secret<32>> && !Printable<SecretText>, "a secret must not reach a log");
static_assert(!std::is_convertible_v<SecretText, std::string_view>);

}  // namespace
}  // namespace manastr::crypto

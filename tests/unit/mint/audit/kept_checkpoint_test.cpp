#include "mint/audit/kept_checkpoint.h"

#include <gtest/gtest.h>

#include "common/json/value.h"

namespace manastr::mint {
namespace {

SignedCheckpoint some_checkpoint() {
  Checkpoint out;
  out.heads = {{"main", 3, journal_digest("entry")}};
  out.balances = {{"issued/1", 5}};
  return sign_checkpoint(out, crypto::SecretKey::generate(system_random()));
}

json::Value member_of(const SignedCheckpoint& checkpoint) {
  json::Value out;
  out.set("text", checkpoint.text).set("signature", to_hex(checkpoint.signature));
  return out;
}

TEST(KeptCheckpoint, IsReadFromTheReplyOrItsMember) {
  const SignedCheckpoint kept = some_checkpoint();
  EXPECT_EQ(read_kept_checkpoint(member_of(kept).dump()), kept);
  json::Value reply;
  reply.set("units", json::Array{}).set("checkpoint", member_of(kept));
  EXPECT_EQ(read_kept_checkpoint(reply.dump()), kept);
}

TEST(KeptCheckpoint, RefusesWhatIsNone) {
  SignedCheckpoint kept = some_checkpoint();
  kept.text += "x";
  for (const std::string& text :
       {std::string("{}"), std::string("[]"), std::string("{\"checkpoint\":null}"), member_of(kept).dump(),
        std::string("{\"text\":\"\",\"signature\":\"00\"}")}) {
    EXPECT_FALSE(read_kept_checkpoint(text)) << text;
  }
}

}  // namespace
}  // namespace manastr::mint

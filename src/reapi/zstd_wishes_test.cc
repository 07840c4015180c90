#include "src/reapi/zstd_wishes.h"

#include <gtest/gtest.h>

namespace smelt::reapi {
namespace {

TEST(ZstdWishesTest, AreReadAndWritten) {
  const struct {
    const char* header;
    bool unverified, stored;
    const char* written;
  } kCases[] = {
      {"", false, false, ""},
      {"unverified", true, false, "unverified"},
      {"stored", false, true, "stored"},
      {"unverified, stored", true, true, "unverified, stored"},
      {" stored\t,unverified ", true, true, "unverified, stored"},
      {"stored,,", false, true, "stored"},
      {"unverified;stored", false, false, ""},
      {"later, stored=1, unverified", true, false, "unverified"},
      {" ", false, false, ""},
      {",", false, false, ""},
  };
  for (const auto& one : kCases) {
    SCOPED_TRACE(one.header);
    const ZstdWishes wishes = ZstdWishesFrom(one.header);
    EXPECT_EQ(wishes.unverified, one.unverified);
    EXPECT_EQ(wishes.stored, one.stored);
    EXPECT_EQ(ToHeader(wishes), one.written);
  }
}

}  // namespace
}  // namespace smelt::reapi

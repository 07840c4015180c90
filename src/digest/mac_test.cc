#include "src/digest/mac.h"

#include <string>

#include "gtest/gtest.h"

namespace smelt {
namespace {

// RFC 4231, test cases 1, 2 and 6.
TEST(Mac, HmacSha256IsTheStandards) {
  EXPECT_EQ(HexOf(HmacSha256(std::string(20, '\x0b'), "Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(HexOf(HmacSha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(HexOf(HmacSha256(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

// RFC 1321.
TEST(Mac, Md5IsTheStandards) {
  EXPECT_EQ(HexOf(Md5Of("")), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(HexOf(Md5Of("message digest")), "f96b697d7cb7938d525a2f31aaf161d0");
}

// RFC 4648.
TEST(Mac, Base64IsTheStandards) {
  EXPECT_EQ(Base64(""), "");
  EXPECT_EQ(Base64("f"), "Zg==");
  EXPECT_EQ(Base64("fo"), "Zm8=");
  EXPECT_EQ(Base64("foo"), "Zm9v");
  EXPECT_EQ(Base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(Base64(std::string("\xff\xfe\0", 3)), "//4A");
}

}  // namespace
}  // namespace smelt

#include "src/digest/digest.h"

#include <gtest/gtest.h>

#include <string>

#include "src/digest/hasher.h"

namespace smelt {
namespace {

constexpr char kEmptyHex[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

TEST(Digest, OfNothingIsTheKnownOne) { EXPECT_EQ(DigestOf("").ToString(), std::string(kEmptyHex) + "/0"); }

TEST(Digest, OfAbcIsTheKnownOne) {
  EXPECT_EQ(DigestOf("abc").Hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Digest, InPiecesEqualsAtOnceAndTheHasherStartsAnew) {
  Hasher hasher;
  hasher.Update("a");
  hasher.Update("bc");
  EXPECT_EQ(hasher.Finish(), DigestOf("abc"));
  EXPECT_EQ(hasher.Finish(), DigestOf(""));
}

TEST(Digest, ParseReversesToString) {
  Digest digest = DigestOf("some blob");
  auto parsed = Digest::Parse(digest.ToString());
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(*parsed, digest);
}

TEST(Digest, ParseRefusesEverythingElseAndNamesIt) {
  const std::string hex = kEmptyHex;
  std::string upper = hex;
  upper[0] = 'E';
  for (const std::string& text :
       {std::string(), hex, hex + "/", hex + "/-1", hex + "/01", hex + "/1x", hex + "/+1", hex + "/ 1",
        hex.substr(1) + "/1", upper + "/0", hex + "/9223372036854775808", hex + "0/1"}) {
    auto parsed = Digest::Parse(text);
    EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_NE(parsed.status().message().find(text.substr(0, 100)), absl::string_view::npos) << text;
  }
}

}  // namespace
}  // namespace smelt

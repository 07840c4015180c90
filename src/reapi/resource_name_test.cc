#include "src/reapi/resource_name.h"

#include <string>
#include <vector>

#include "src/digest/hasher.h"
#include "src/testing/status_matchers.h"

namespace smelt::reapi {
namespace {

using Compressor = ResourceName::Compressor;

const Digest kDigest = DigestOf("hello world");
const std::string kHash = kDigest.Hex();
const std::string kBlob = kHash + "/11";
const std::string kEmptyHash = DigestOf("").Hex();

struct Good {
  std::string text;
  ResourceName name;
};

class ReadNames : public testing::TestWithParam<Good> {};

TEST_P(ReadNames, Parse) { EXPECT_THAT(ParseReadName(GetParam().text), IsOkAndHolds(GetParam().name)); }

INSTANTIATE_TEST_SUITE_P(All, ReadNames,
                         testing::ValuesIn(std::vector<Good>{
                             {"blobs/" + kBlob, {"", "", kDigest}},
                             {"main/blobs/" + kBlob, {"main", "", kDigest}},
                             {"pr/17/blobs/" + kBlob, {"pr/17", "", kDigest}},
                             {"a/b/c/d/blobs/sha256/" + kBlob, {"a/b/c/d", "", kDigest}},
                             {"compressed-blobs/zstd/" + kBlob, {"", "", kDigest, Compressor::kZstd}},
                             {"main/compressed-blobs/zstd/sha256/" + kBlob, {"main", "", kDigest, Compressor::kZstd}},
                             {"sha256/blobs/" + kBlob, {"sha256", "", kDigest}},
                             {"Blobs/blobs/" + kBlob, {"Blobs", "", kDigest}},
                             {"m\xc3\xa9lange/blobs/" + kBlob, {"m\xc3\xa9lange", "", kDigest}},
                             {"blobs/" + kEmptyHash + "/0", {"", "", DigestOf("")}},
                         }));

class WriteNames : public testing::TestWithParam<Good> {};

TEST_P(WriteNames, Parse) { EXPECT_THAT(ParseWriteName(GetParam().text), IsOkAndHolds(GetParam().name)); }

INSTANTIATE_TEST_SUITE_P(All, WriteNames,
                         testing::ValuesIn(std::vector<Good>{
                             {"uploads/u-1/blobs/" + kBlob, {"", "u-1", kDigest}},
                             {"main/uploads/u-1/blobs/sha256/" + kBlob, {"main", "u-1", kDigest}},
                             {"uploads/u-1/compressed-blobs/zstd/" + kBlob, {"", "u-1", kDigest, Compressor::kZstd}},
                             {"uploads/u-1/blobs/" + kBlob + "/src/main.cc", {"", "u-1", kDigest}},
                             {"uploads/u-1/blobs/" + kBlob + "/", {"", "u-1", kDigest}},
                             {"uploads/u-1/blobs/" + kBlob + "/blobs/../uploads", {"", "u-1", kDigest}},
                             {"uploads/uploads/blobs/" + kBlob, {"", "uploads", kDigest}},
                         }));

TEST(ResourceNameTest, FormatIsParsedAgain) {
  for (const ResourceName& name : {ResourceName{"", "", kDigest}, {"a/b", "", kDigest, Compressor::kZstd}}) {
    EXPECT_THAT(ParseReadName(Format(name)), IsOkAndHolds(name));
  }
  for (const ResourceName& name : {ResourceName{"", "u", kDigest}, {"a/b", "u", kDigest, Compressor::kZstd}}) {
    EXPECT_THAT(ParseWriteName(Format(name)), IsOkAndHolds(name));
  }
}

TEST(ResourceNameTest, AWriteNameDoesNotReadAndAReadNameDoesNotWrite) {
  EXPECT_THAT(ParseReadName("uploads/u/blobs/" + kBlob), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ParseWriteName("blobs/" + kBlob), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(ResourceNameTest, AnErrorIsShortAndPrintable) {
  const absl::Status status = ParseReadName(std::string(64 << 10, '\x01')).status();
  EXPECT_LT(status.message().size(), 200);
  for (const char c : std::string(status.message())) EXPECT_TRUE(c >= 0x20 && c < 0x7f);
}

std::vector<std::string> BadDigests() {
  const std::string upper = [] {
    std::string text = kHash;
    for (char& c : text) c = static_cast<char>(std::toupper(c));
    return text;
  }();
  return {
      "",
      "/",
      "//",
      "blobs",
      "blobs/",
      "blobs//",
      "blobs/" + kHash,
      "blobs/" + kHash + "/",
      "blobs/" + kHash + "/x",
      "blobs/" + kHash + "/-1",
      "blobs/" + kHash + "/-0",
      "blobs/" + kHash + "/+11",
      "blobs/" + kHash + "/011",
      "blobs/" + kHash + "/ 11",
      "blobs/" + kHash + "/11 ",
      "blobs/" + kHash + "/1e1",
      "blobs/" + kHash + "/0xb",
      "blobs/" + kHash + "/11.0",
      "blobs/" + kHash + "/9223372036854775808",
      "blobs/" + kHash + "/18446744073709551627",
      "blobs/" + kHash + "/99999999999999999999999999",
      "blobs/" + kHash + "/0",
      "blobs/" + kEmptyHash + "/1",
      "blobs/" + kEmptyHash + "/9223372036854775807",
      "blobs/" + upper + "/11",
      "blobs/" + kHash.substr(1) + "/11",
      "blobs/" + kHash + "0/11",
      "blobs/g" + kHash.substr(1) + "/11",
      "blobs/" + std::string(64, '.') + "/11",
  };
}

std::vector<std::string> BadStructures() {
  return {
      "blobs/../" + kBlob,
      "blobs/./" + kBlob,
      "blobs//" + kBlob,
      "blobs/sha1/da39a3ee5e6b4b0d3255bfef95601890afd80709/0",
      "blobs/da39a3ee5e6b4b0d3255bfef95601890afd80709/0",
      "blobs/blake3/" + kBlob,
      "blobs/sha256tree/" + kBlob,
      "blobs/SHA256/" + kBlob,
      "blobs/md5/" + kBlob,
      "blobs/sha256",
      "blobs/sha256/sha256/" + kBlob,
      "../blobs/" + kBlob,
      "./blobs/" + kBlob,
      "a/../blobs/" + kBlob,
      "a/./blobs/" + kBlob,
      "a//blobs/" + kBlob,
      "/blobs/" + kBlob,
      "/a/blobs/" + kBlob,
      "%2e%2e/blobs/" + kBlob,
      "a%2fb/blobs/" + kBlob,
      "a\\b/blobs/" + kBlob,
      std::string("a\0b/blobs/", 10) + kBlob,
      std::string("blobs/\0", 7) + kBlob,
      "blobs/" + kBlob + std::string(1, '\0'),
      "a\nb/blobs/" + kBlob,
      "a\x7f/blobs/" + kBlob,
      std::string(64 << 10, 'a'),
      std::string(64 << 10, '/'),
      std::string(256, 'a') + "/blobs/" + kBlob,
      std::string(64 << 10, 'a') + "/blobs/" + kBlob,
      "compressed-blobs/" + kBlob,
      "compressed-blobs/zstd",
      "compressed-blobs/ZSTD/" + kBlob,
      "compressed-blobs/deflate/" + kBlob,
      "compressed-blobs/identity/" + kBlob,
      "compressed-blobs//" + kBlob,
      "compressed-blobs/zstd/blake3/" + kBlob,
      "actions/blobs/" + kBlob,
      "operations/" + kBlob,
      "actionResults/" + kBlob,
      "capabilities/blobs/" + kBlob,
      "blobs/blobs/" + kBlob,
      "a/blobs/compressed-blobs/zstd/" + kBlob,
      kBlob,
      "Blobs/" + kBlob,
  };
}

// What is wrong for reading, and for writing with "uploads/u/" in front of its first reserved word.
std::vector<std::string> BadNames() {
  std::vector<std::string> names = BadDigests();
  for (const std::string& name : BadStructures()) names.push_back(name);
  return names;
}

class BadResourceNames : public testing::TestWithParam<std::string> {};

TEST_P(BadResourceNames, AreRefusedForReading) {
  EXPECT_THAT(ParseReadName(GetParam()), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_P(BadResourceNames, AreRefusedForWriting) {
  std::string name = GetParam();
  std::size_t blobs = name.find("compressed-blobs");
  if (blobs == name.npos) blobs = name.find("blobs");
  if (blobs != name.npos) name.insert(blobs, "uploads/u/");
  EXPECT_THAT(ParseWriteName(name), StatusIs(absl::StatusCode::kInvalidArgument));
}

INSTANTIATE_TEST_SUITE_P(All, BadResourceNames, testing::ValuesIn(BadNames()));

TEST(ResourceNameTest, BadWriteNames) {
  for (const std::string& name : {
           "uploads/" + kBlob,
           "uploads//blobs/" + kBlob,
           std::string("uploads"),
           std::string("uploads/u"),
           std::string("uploads/u/"),
           "uploads/u/uploads/v/blobs/" + kBlob,
           "uploads/" + std::string(256, 'u') + "/blobs/" + kBlob,
           "uploads/u/v/blobs/" + kBlob,
       }) {
    EXPECT_THAT(ParseWriteName(name), StatusIs(absl::StatusCode::kInvalidArgument)) << name;
  }
}

TEST(ResourceNameTest, LimitsHoldAtTheirValue) {
  const std::string longest(kInstanceNameBytesMax, 'i');
  EXPECT_OK(ParseReadName(longest + "/blobs/" + kBlob));
  EXPECT_THAT(ParseReadName("i" + longest + "/blobs/" + kBlob), StatusIs(absl::StatusCode::kInvalidArgument));
  const std::string write = "uploads/u/blobs/" + kBlob + "/";
  EXPECT_OK(ParseWriteName(write + std::string(kResourceNameBytesMax - write.size(), 'x')));
  EXPECT_THAT(ParseWriteName(write + std::string(kResourceNameBytesMax - write.size() + 1, 'x')),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(ResourceNameTest, ReservedWordsAreNoInstances) {
  for (const char* word :
       {"blobs", "uploads", "actions", "actionResults", "operations", "capabilities", "compressed-blobs"}) {
    EXPECT_THAT(CheckInstanceName(word), StatusIs(absl::StatusCode::kInvalidArgument)) << word;
    EXPECT_THAT(CheckInstanceName(std::string("a/") + word), StatusIs(absl::StatusCode::kInvalidArgument)) << word;
  }
  EXPECT_OK(CheckInstanceName(""));
  EXPECT_OK(CheckInstanceName("pr/17"));
}

}  // namespace
}  // namespace smelt::reapi

#include "src/cmd/named_files.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "src/testing/status_matchers.h"
#include "src/testing/temp_dir.h"

namespace smelt {
namespace {

using Holds = NamedFile::Holds;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class NamedFilesTest : public testing::Test {
 protected:
  static std::string Given(const std::string& name) {
    return std::filesystem::absolute("tests/operation/testdata/" + name).string();
  }

  std::string Written(const std::string& text) {
    std::ofstream(dir_ / "file") << text;
    return dir_ / "file";
  }

  absl::Status Check(Holds holds, const std::string& path) {
    return CheckNamedFiles({{holds, path, "s.toml:7: x.y", 7}});
  }

  absl::Status CheckPair(const std::string& certificate, const std::string& key) {
    return CheckNamedFiles({{Holds::kCertificate, Given(certificate), "s.toml:2: tls.certificate", 2},
                            {Holds::kKey, Given(key), "s.toml:3: tls.key", 3}});
  }

  TempDir dir_;
};

TEST_F(NamedFilesTest, WhatTheyShouldHold) {
  EXPECT_OK(CheckNamedFiles({}));
  EXPECT_OK(Check(Holds::kCertificate, Given("server.crt")));
  EXPECT_OK(Check(Holds::kAuthorities, Given("ca.crt")));
  EXPECT_OK(CheckPair("server.crt", "server.key"));
  EXPECT_OK(Check(Holds::kIssuerKeys, Written(R"({"keys": [{"kty": "EC", "crv": "P-256",
      "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]})")));
}

TEST_F(NamedFilesTest, EachErrorNamesThePlaceTheFileAndWhatWouldBeRight) {
  for (const Holds holds : {Holds::kCertificate, Holds::kKey, Holds::kAuthorities, Holds::kIssuerKeys}) {
    EXPECT_THAT(
        Check(holds, "/nonexistent"),
        StatusIs(absl::StatusCode::kInvalidArgument,
                 AllOf(StartsWith("s.toml:7: x.y: open /nonexistent: No such file or directory: name a file"))));
    EXPECT_THAT(Check(holds, "/"), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("read /: Is a directory")));
    for (const char* text : {"", "canary", "-----BEGIN CERTIFICATE-----\ncanary\n-----END CERTIFICATE-----\n",
                             "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n", "{\"keys\": []}"}) {
      const std::string path = Written(text);
      EXPECT_THAT(Check(holds, path), StatusIs(absl::StatusCode::kInvalidArgument,
                                               AllOf(StartsWith("s.toml:7: x.y: " + path + ": "),
                                                     HasSubstr(": name a file"), Not(HasSubstr("canary")))));
    }
  }
  EXPECT_THAT(Check(Holds::kCertificate, Given("server.key")), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Check(Holds::kKey, Given("server.crt")), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(NamedFilesTest, ACertificateOfAnotherKey) {
  EXPECT_THAT(CheckPair("server.crt", "client.key"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "s.toml:3: tls.key: " + Given("client.key") +
                           ": the certificate is that of another key: name the two that were made together"));
}

}  // namespace
}  // namespace smelt

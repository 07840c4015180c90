#include "src/config/sccache.h"

#include <map>

#include "gmock/gmock.h"
#include "src/base/file_system.h"
#include "src/testing/status_matchers.h"
#include "src/testing/temp_dir.h"

namespace smelt {
namespace {

class SccacheTest : public testing::Test {
 protected:
  SccacheTest() { variables_["HOME"] = dir_.path(); }

  void WriteFile(const std::string& text) {
    ASSERT_OK(FileSystem::System().MakeDirectories(dir_ / ".config/sccache", 0755));
    ASSERT_OK(FileSystem::System().WriteNewFile(dir_ / ".config/sccache/config", text, 0644));
  }

  absl::StatusOr<Config> Load() {
    return LoadConfig([&](const std::string& name) -> std::optional<std::string> {
      auto found = variables_.find(name);
      return found == variables_.end() ? std::nullopt : std::optional(found->second);
    });
  }

  TempDir dir_;
  std::map<std::string, std::string> variables_;
};

TEST_F(SccacheTest, ItsFileIsUnderstood) {
  WriteFile(
      "[cache.s3]\nbucket = \"team\"\nregion = \"eu-west-1\"\nendpoint = \"minio:9000\"\nuse_ssl = false\n"
      "key_prefix = \"rust\"\nno_credentials = false\nserver_side_encryption = true\n"
      "enable_virtual_host_style = true\nrw_mode = \"READ_ONLY\"\n"
      "[cache.disk]\ndir = \"/x\"\nsize = 5000000000\n[cache.redis]\nurl = \"redis://r\"\n");
  auto config = Load();
  ASSERT_OK(config);
  EXPECT_EQ(config->s3.bucket, "team");
  EXPECT_EQ(config->s3.region, "eu-west-1");
  EXPECT_EQ(config->s3.endpoint, "minio:9000");
  EXPECT_FALSE(config->s3.use_ssl);
  EXPECT_EQ(config->s3.key_prefix, "rust");
  EXPECT_EQ(config->s3.encryption, S3Options::Encryption::kAes256);
  EXPECT_TRUE(config->s3.virtual_host_style);
  EXPECT_EQ(config->s3.mode, ShareMode::kReadOnly);
  EXPECT_EQ(config->cache_bytes_max, 5'000'000'000);
}

TEST_F(SccacheTest, ADirectoryInItsPlaceIsNoFile) {
  ASSERT_OK(FileSystem::System().MakeDirectories(dir_ / ".config/sccache/config", 0755));
  EXPECT_OK(Load());
  variables_["SMELT_CONFIG"] = dir_.path();
  EXPECT_THAT(Load(), StatusIs(absl::StatusCode::kInvalidArgument, testing::HasSubstr("SMELT_CONFIG")));
}

TEST_F(SccacheTest, EmptyVariablesSayNothing) {
  WriteFile("[cache.s3]\nbucket = \"team\"\nendpoint = \"h\"\nuse_ssl = false\n[cache.disk]\nsize = 5000000000\n");
  for (const char* name :
       {"SMELT_CONFIG", "SCCACHE_BUCKET", "SCCACHE_S3_USE_SSL", "SCCACHE_S3_RW_MODE", "SCCACHE_CACHE_SIZE"}) {
    variables_[name] = "";
  }
  const auto config = Load();
  ASSERT_OK(config);
  EXPECT_EQ(config->s3.bucket, "team");
  EXPECT_FALSE(config->s3.use_ssl);
  EXPECT_EQ(config->cache_bytes_max, 5'000'000'000);
}

TEST_F(SccacheTest, ItsVariablesWinOverItsFile) {
  WriteFile("[cache.s3]\nbucket = \"team\"\nendpoint = \"https://h\"\n");
  variables_["SCCACHE_BUCKET"] = "other";
  variables_["SCCACHE_S3_USE_SSL"] = "off";
  variables_["SCCACHE_S3_NO_CREDENTIALS"] = "1";
  variables_["SCCACHE_CACHE_SIZE"] = "2G";
  auto config = Load();
  ASSERT_OK(config);
  EXPECT_EQ(config->s3.bucket, "other");
  EXPECT_FALSE(config->s3.use_ssl);
  EXPECT_TRUE(config->s3.no_credentials);
  EXPECT_EQ(config->cache_bytes_max, 2LL << 30);
}

// As sccache 0.19 resolves them.
TEST_F(SccacheTest, AnEndpointIsSpokenToAsSccacheDoes) {
  const struct {
    const char *endpoint, *use_ssl;
    bool expected_ssl;
  } kCases[] = {
      {"minio:9000", nullptr, false},
      {"minio:9000", "true", true},
      {"minio:9000", "FALSE", false},
      {"http://minio:9000", nullptr, false},
      {"https://minio:9000", nullptr, true},
      {"http://minio:9000", "On", true},
      {"https://minio:9000/", "0", false},
      {nullptr, nullptr, true},
      {nullptr, "false", true},
  };
  variables_["SCCACHE_BUCKET"] = "team";
  for (const auto& c : kCases) {
    SCOPED_TRACE(testing::Message() << (c.endpoint ? c.endpoint : "none") << " " << (c.use_ssl ? c.use_ssl : "unset"));
    variables_["SCCACHE_ENDPOINT"] = c.endpoint ? c.endpoint : "";
    variables_["SCCACHE_S3_USE_SSL"] = c.use_ssl ? c.use_ssl : "";
    const auto config = Load();
    ASSERT_OK(config);
    EXPECT_EQ(config->s3.use_ssl, c.expected_ssl);
    EXPECT_EQ(config->s3.endpoint.substr(0, 10), c.endpoint ? "minio:9000" : "");
  }
}

TEST_F(SccacheTest, EncryptionByAKeyOfAmazonsIsUnderstood) {
  const struct {
    std::map<std::string, std::string> variables;
    S3Options::Encryption expected;
  } kCases[] = {
      {{{"", "true"}}, S3Options::Encryption::kAes256},
      {{{"", "true"}, {"_AWS_KMS", "True"}}, S3Options::Encryption::kKms},
      {{{"_KMS_KEY_ID", "arn:aws:kms:us-east-1:1:key/a"}}, S3Options::Encryption::kKms},
      {{{"_AWS_KMS", "off"}}, S3Options::Encryption::kNone},
  };
  for (const auto& [variables, expected] : kCases) {
    variables_ = {{"HOME", dir_.path()}, {"SCCACHE_BUCKET", "team"}};
    for (const auto& [name, value] : variables) variables_["SCCACHE_S3_SERVER_SIDE_ENCRYPTION" + name] = value;
    const auto config = Load();
    ASSERT_OK(config);
    EXPECT_EQ(config->s3.encryption, expected);
    EXPECT_EQ(config->s3.kms_key_id.empty(), !variables.contains("_KMS_KEY_ID"));
  }
}

TEST_F(SccacheTest, SmallLettersAndCapitalsAreTheSame) {
  variables_["SCCACHE_BUCKET"] = "team";
  variables_["SCCACHE_CONF"] = "";
  variables_["SCCACHE_S3_RW_MODE"] = "read_only";
  variables_["SCCACHE_CACHE_SIZE"] = "5g";
  const auto config = Load();
  ASSERT_OK(config);
  EXPECT_EQ(config->s3.mode, ShareMode::kReadOnly);
  EXPECT_EQ(config->cache_bytes_max, 5LL << 30);
}

TEST_F(SccacheTest, OurOwnKeysComeFirst) {
  variables_["SCCACHE_BUCKET"] = "team";
  variables_["SCCACHE_CACHE_SIZE"] = "2G";
  variables_["SMELT_CACHE_SIZE"] = "20GiB";
  variables_["SMELT_REMOTE_ENDPOINT"] = "grpcs://cache:443";
  auto config = Load();
  ASSERT_OK(config);
  EXPECT_EQ(config->s3.bucket, "");
  EXPECT_EQ(config->cache_bytes_max, 20LL << 30);
}

TEST_F(SccacheTest, ErrorsNameThePlaceAndWhatWouldBeRight) {
  const std::pair<const char*, const char*> kCases[] = {
      {"[cache.s3]\nbucket = \"b\"\nuse_ssl = \"maybe\"\n",
       "/config:3: cache.s3.use_ssl: 'maybe': write true or false"},
      {"[cache.s3]\nbucket = \"b\"\nrw_mode = \"RO\"\n", "/config:3: cache.s3.rw_mode: 'RO': write READ_ONLY or"},
      {"[cache.s3]\nbucket = \"b\"\nendpoint = \"s3://b\"\n", "/config:3: cache.s3.endpoint: 's3://b' is no endpoint"},
      {"[cache.disk]\nsize = \"much\"\n", "/config:2: cache.disk.size: 'much': write a size such as 20G"},
      {"[cache.s3\n", "/config:1: "},
  };
  for (const auto& [text, expected] : kCases) {
    ASSERT_OK(FileSystem::System().Remove(dir_ / ".config/sccache/config"));
    WriteFile(text);
    EXPECT_THAT(Load(), StatusIs(absl::StatusCode::kInvalidArgument, testing::HasSubstr(expected)));
  }
}

TEST_F(SccacheTest, WithoutItNothingChanges) {
  auto config = Load();
  ASSERT_OK(config);
  EXPECT_EQ(config->s3.bucket, "");
  EXPECT_FALSE(config->has_cache_size);
}

}  // namespace
}  // namespace smelt

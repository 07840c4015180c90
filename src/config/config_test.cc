#include "src/config/config.h"

#include <gtest/gtest.h>

#include <map>
#include <sstream>
#include <string>

#include "src/config/s3_settings.h"

namespace smelt {
namespace {

std::string ErrorOf(const std::string& text) {
  absl::StatusOr<Config> config = ParseConfig(text, "/etc/c.toml");
  return config.ok() ? "" : std::string(config.status().message());
}

TEST(Config, AllKeys) {
  absl::StatusOr<Config> config = ParseConfig(
      "[cache]\nsize = \"5GiB\"\n[daemon]\nidle_timeout = \"10m\"\n"
      "[rustc]\nincremental = \"never\"\nremap = false\n[verify]\nshare = 0.25\n",
      "c.toml");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->cache_bytes_max, 5LL << 30);
  EXPECT_EQ(config->idle_seconds, 600);
  EXPECT_EQ(config->incremental, Incremental::kNever);
  EXPECT_FALSE(config->remap);
  EXPECT_EQ(config->verify_share, 0.25);
}

TEST(Config, ABucketsEncryption) {
  const std::pair<const char*, S3Options::Encryption> kCases[] = {
      {"false", S3Options::Encryption::kNone},
      {"true", S3Options::Encryption::kAes256},
      {"\"AES256\"", S3Options::Encryption::kAes256},
      {"\"aws:kms\"", S3Options::Encryption::kKms},
  };
  for (const auto& [text, expected] : kCases) {
    const auto config = ParseConfig("[cache.s3]\nserver_side_encryption = " + std::string(text) + "\n", "c.toml");
    ASSERT_TRUE(config.ok()) << config.status();
    EXPECT_EQ(config->s3.encryption, expected);
  }
  EXPECT_NE(ErrorOf("[cache.s3]\nserver_side_encryption = \"kms\"\n").find("'kms': write true, false or"),
            std::string::npos);
}

TEST(Config, AKeyOfKmsIsForItsEncryptionOnly) {
  EXPECT_EQ(ErrorOf("[cache.s3]\nkms_key_id = \"k\"\nserver_side_encryption = \"aws:kms\"\n"), "");
  EXPECT_EQ(ErrorOf("[cache.s3]\nkms_key_id = \"\"\n"), "");
  for (const char* other : {"", "server_side_encryption = true\n", "server_side_encryption = false\n"}) {
    EXPECT_EQ(ErrorOf("[cache.s3]\n\nkms_key_id = \"k\"\n" + std::string(other)),
              "/etc/c.toml:3: cache.s3.kms_key_id: needs server_side_encryption = \"aws:kms\" beside it");
  }
  std::map<std::string, std::string> environment = {{"HOME", "/nonexistent"}, {"SMELT_S3_KMS_KEY_ID", "k"}};
  const auto load = [&] {
    return LoadConfig([&](const std::string& name) -> std::optional<std::string> {
             auto found = environment.find(name);
             return found == environment.end() ? std::nullopt : std::optional(found->second);
           })
        .status();
  };
  EXPECT_EQ(load().message(),
            "environment variable SMELT_S3_KMS_KEY_ID: needs server_side_encryption = \"aws:kms\" beside it");
  environment["SMELT_S3_SERVER_SIDE_ENCRYPTION"] = "aws:kms";
  EXPECT_TRUE(load().ok()) << load();
}

TEST(Config, SettingsOfABucketAreShownAsTheyAreWritten) {
  const std::string settings =
      "bucket = \"b\", region = \"r\", endpoint = \"e:1\", use_ssl = false, key_prefix = \"p\", virtual_host_style = "
      "true, "
      "ca_file = \"/ca\", server_side_encryption = \"aws:kms\", kms_key_id = \"k\", no_credentials = true, "
      "profile = \"f\", mode = \"read-only\", index_memory = \"64MiB\"";
  std::string lines = settings;
  for (std::size_t at; (at = lines.find(", ")) != lines.npos;) lines.replace(at, 2, "\n");
  const auto config = ParseConfig("[cache.s3]\n" + lines + "\n", "c.toml");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(SettingsOf(config->s3), settings);
  EXPECT_EQ(SettingsOf(S3Config()), "");

  // Every key that there is.
  const std::string error = ErrorOf("[cache.s3]\nno_such_key = 1\n"), names = error.substr(error.find("it has ") + 7);
  std::istringstream all(names);
  for (std::string name; std::getline(all >> std::ws, name, ',');) {
    EXPECT_NE((", " + settings).find(", " + name + " = "), std::string::npos) << name;
  }
}

TEST(Config, ABucketsMemory) {
  const auto config = ParseConfig("[cache.s3]\nindex_memory = \"64MiB\"\n", "c.toml");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->s3.index_bytes_max, 64LL << 20);
  EXPECT_EQ(ParseConfig("", "c.toml")->s3.index_bytes_max, 2LL << 30);
}

TEST(Config, NothingIsTheDefault) {
  absl::StatusOr<Config> config = ParseConfig("", "c.toml");
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->cache_bytes_max, 20LL << 30);
  EXPECT_EQ(config->incremental, Incremental::kAhead);
  EXPECT_TRUE(config->remap);
}

TEST(Config, ErrorsNameFileLineKeyAndWhatWouldBeRight) {
  const std::pair<const char*, const char*> kCases[] = {
      {"[cache]\nsize = \"big\"\n", "/etc/c.toml:2: cache.size: 'big' is not a size"},
      {"[cache.s3]\nbucket = \"a b\"\n", "/etc/c.toml:2: cache.s3.bucket: 'a b' is no bucket's name: write it without"},
      {"[cache.s3]\nendpoint = \"[::1]:0\"\n", "/etc/c.toml:2: cache.s3.endpoint: '[::1]:0' is no endpoint: write"},
      {"[cache.s3]\nkey_prefix = \"..\"\n", "/etc/c.toml:2: cache.s3.key_prefix: '..' is no prefix: write names"},
      {"[cache.s3]\nindex_memory = \"1MiB\"\n",
       "/etc/c.toml:2: cache.s3.index_memory: 1048576 bytes are too few: write \"16MiB\" or more"},
      {"[cache]\n\nsizes = 1\n", "/etc/c.toml:3: [cache] has no key 'sizes'; it has size"},
      {"[cache]\n'[\xf6' = 2\n", "/etc/c.toml:2: not UTF-8"},
      {"# \xc3\xa9\n# \xed\xa0\x80\n", "/etc/c.toml:2: not UTF-8"},
      {"#\n\n# \xc0\xaf\n", "/etc/c.toml:3: not UTF-8"},
      {"# \xf0\x9f\xa6\x80 \xe2\x82", "/etc/c.toml:1: not UTF-8"},
      {"[cash]\nsize = 1\n", "/etc/c.toml:1: there is no table [cash]; the tables are [cache]"},
      {"size = 1\n", "/etc/c.toml:1: 'size' stands outside of a table"},
      {"[rustc]\nremap = \"maybe\"\n", "/etc/c.toml:2: rustc.remap: 'maybe': write true or false"},
      {"[rustc]\nincremental = true\n",
       "/etc/c.toml:2: rustc.incremental: 'true': write \"ahead\", \"edited\" or \"never\""},
      {"[verify]\nshare = 2\n", "/etc/c.toml:2: verify.share: '2': write a number from 0"},
      {"[verify]\nshare = [1]\n", "/etc/c.toml:2: verify.share: not a single value"},
      {"[cache\nsize = 1\n", "/etc/c.toml:1: "},
      {"[cache]\nsize = \n", "/etc/c.toml:2: "},
      {"[daemon]\nidle_timeout = \"0s\"\n", "/etc/c.toml:2: daemon.idle_timeout: '0s' is not a duration"},
  };
  for (const auto& [text, expected] : kCases) EXPECT_EQ(ErrorOf(text).find(expected), 0u) << ErrorOf(text);
}

TEST(Config, VariablesWinAndTheirErrorsNameThem) {
  std::map<std::string, std::string> environment = {{"HOME", "/nonexistent"}, {"SMELT_CACHE_SIZE", "1MB"}};
  auto variable = [&](const std::string& name) -> std::optional<std::string> {
    auto found = environment.find(name);
    return found == environment.end() ? std::nullopt : std::optional(found->second);
  };
  absl::StatusOr<Config> config = LoadConfig(variable);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->cache_bytes_max, 1'000'000);
  environment["SMELT_CACHE_SIZE"] = "lots";
  EXPECT_NE(LoadConfig(variable).status().message().find("SMELT_CACHE_SIZE: 'lots'"), absl::string_view::npos);
  environment["SMELT_CONFIG"] = "/nonexistent/x.toml";
  EXPECT_NE(LoadConfig(variable).status().message().find("/nonexistent/x.toml"), absl::string_view::npos);
}

TEST(Config, SizesAndDurations) {
  EXPECT_EQ(*ParseSize("4096"), 4096);
  EXPECT_EQ(*ParseSize("1.5 GiB"), 3LL << 29);
  EXPECT_EQ(*ParseSize("500MB"), 500'000'000);
  for (const char* bad : {"", "-1", "0", "1 XB", "GiB", "nan", "inf GB", "1e30", "1 GiB extra"})
    EXPECT_FALSE(ParseSize(bad).ok()) << bad;
  EXPECT_EQ(*ParseDuration("90s"), 90);
  EXPECT_EQ(*ParseDuration("2d"), 172800);
  for (const char* bad : {"", "h", "1w", "nan h", "inf", "-5s", "400d"}) EXPECT_FALSE(ParseDuration(bad).ok()) << bad;
}

}  // namespace
}  // namespace smelt

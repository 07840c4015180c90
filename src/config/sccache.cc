#include "src/config/sccache.h"

#include <cctype>
#include <map>
#include <sstream>
#include <toml.hpp>

#include "fmt/format.h"
#include "src/base/ascii.h"
#include "src/base/status_macros.h"
#include "src/config/s3_texts.h"
#include "src/config/toml_text.h"

namespace smelt {
namespace {

// A value and where it stands, for errors.
struct Setting {
  std::string text;
  std::string place;  // "environment variable X", "/home/me/.config/sccache/config:3: cache.s3.bucket"
};
using Settings = std::map<std::string, Setting, std::less<>>;

struct Name {
  const char* key;  // in the file
  const char* variable;
};

constexpr Name kNames[] = {
    {"cache.s3.bucket", "SCCACHE_BUCKET"},
    {"cache.s3.region", "SCCACHE_REGION"},
    {"cache.s3.endpoint", "SCCACHE_ENDPOINT"},
    {"cache.s3.use_ssl", "SCCACHE_S3_USE_SSL"},
    {"cache.s3.key_prefix", "SCCACHE_S3_KEY_PREFIX"},
    {"cache.s3.no_credentials", "SCCACHE_S3_NO_CREDENTIALS"},
    {"cache.s3.server_side_encryption", "SCCACHE_S3_SERVER_SIDE_ENCRYPTION"},
    {"cache.s3.server_side_encryption_aws_kms", "SCCACHE_S3_SERVER_SIDE_ENCRYPTION_AWS_KMS"},
    {"cache.s3.server_side_encryption_kms_key_id", "SCCACHE_S3_SERVER_SIDE_ENCRYPTION_KMS_KEY_ID"},
    {"cache.s3.enable_virtual_host_style", "SCCACHE_S3_ENABLE_VIRTUAL_HOST_STYLE"},
    {"cache.s3.rw_mode", "SCCACHE_S3_RW_MODE"},
    {"cache.disk.size", "SCCACHE_CACHE_SIZE"},
};

absl::Status Wrong(const Setting& setting, std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("{}: '{}': {}", setting.place, setting.text, what));
}

std::string TextOf(const toml::value& value) {
  if (value.is_string()) return value.as_string().str;
  if (value.is_integer()) return std::to_string(value.as_integer());
  if (value.is_boolean()) return value.as_boolean() ? "true" : "false";
  return "";
}

void Collect(const std::string& path, const std::string& prefix, const toml::value& value, Settings& settings) {
  if (value.is_table()) {
    for (const auto& [name, inner] : value.as_table()) {
      Collect(path, prefix.empty() ? name : prefix + "." + name, inner, settings);
    }
    return;
  }
  settings[prefix] = {TextOf(value), fmt::format("{}:{}: {}", path, value.location().line(), prefix)};
}

absl::Status ReadFile(const std::string& path, Settings& settings) {
  const std::optional<std::string> text = ReadText(path);
  if (!text) return absl::OkStatus();
  ASSIGN_OR_RETURN(const toml::value root, ParseToml(*text, path));
  Collect(path, "", root, settings);
  return absl::OkStatus();
}

std::string FilePath(const GetVariable& variable) {
  if (auto chosen = variable("SCCACHE_CONF"); chosen && !chosen->empty()) return *chosen;
  auto base = variable("XDG_CONFIG_HOME");
  if (!base || base->empty()) base = variable("HOME").value_or("") + "/.config";
  return *base + "/sccache/config";
}

// sccache takes "true", "on", "1" and their opposites, in small letters and capitals.
absl::StatusOr<bool> FlagOf(const Setting& setting) {
  static const std::map<std::string, bool, std::less<>> kWords = {{"true", true},   {"on", true},   {"1", true},
                                                                  {"false", false}, {"off", false}, {"0", false}};
  auto found = kWords.find(LowerCase(setting.text));
  if (found == kWords.end()) return Wrong(setting, "write true or false");
  return found->second;
}

const Setting* Find(const Settings& settings, std::string_view key) {
  auto found = settings.find(key);
  return found == settings.end() || found->second.text.empty() ? nullptr : &found->second;
}

absl::Status SetText(const Settings& settings, std::string_view key, std::string& value,
                     absl::Status (*check)(std::string_view) = nullptr) {
  const Setting* setting = Find(settings, key);
  if (setting == nullptr) return absl::OkStatus();
  value = setting->text;
  const absl::Status status = check == nullptr ? absl::OkStatus() : check(value);
  if (status.ok()) return status;
  return absl::InvalidArgumentError(fmt::format("{}: {}", setting->place, std::string(status.message())));
}

absl::Status SetFlag(const Settings& settings, std::string_view key, bool& flag) {
  if (const Setting* setting = Find(settings, key)) {
    ASSIGN_OR_RETURN(flag, FlagOf(*setting));
  }
  return absl::OkStatus();
}

// With sccache, use_ssl wins over the endpoint's scheme; where neither is there, an endpoint is spoken to in the clear.
// Without an endpoint it is Amazon's, and use_ssl says nothing.
absl::Status SetEndpoint(const Settings& settings, S3Config& s3) {
  RETURN_IF_ERROR(SetText(settings, "cache.s3.endpoint", s3.endpoint, CheckS3Endpoint));
  bool use_ssl = s3.endpoint.empty() || s3.endpoint.starts_with("https://");
  RETURN_IF_ERROR(SetFlag(settings, "cache.s3.use_ssl", use_ssl));
  s3.use_ssl = use_ssl || s3.endpoint.empty();
  const std::size_t scheme = s3.endpoint.find("://");
  if (scheme != std::string::npos) s3.endpoint.erase(0, scheme + 3);
  return absl::OkStatus();
}

absl::Status SetEncryption(const Settings& settings, S3Config& s3) {
  bool own_key = false, kms = false;
  RETURN_IF_ERROR(SetFlag(settings, "cache.s3.server_side_encryption", own_key));
  RETURN_IF_ERROR(SetFlag(settings, "cache.s3.server_side_encryption_aws_kms", kms));
  RETURN_IF_ERROR(SetText(settings, "cache.s3.server_side_encryption_kms_key_id", s3.kms_key_id));
  if (own_key) s3.encryption = S3Options::Encryption::kAes256;
  if (kms || !s3.kms_key_id.empty()) s3.encryption = S3Options::Encryption::kKms;
  return absl::OkStatus();
}

absl::Status SetMode(const Settings& settings, ShareMode& mode) {
  const Setting* setting = Find(settings, "cache.s3.rw_mode");
  if (setting == nullptr) return absl::OkStatus();
  const std::string word = LowerCase(setting->text);
  if (word != "read_only" && word != "read_write") return Wrong(*setting, "write READ_ONLY or READ_WRITE");
  mode = word == "read_only" ? ShareMode::kReadOnly : ShareMode::kReadWrite;
  return absl::OkStatus();
}

absl::Status ApplyS3(const Settings& settings, S3Config& s3) {
  RETURN_IF_ERROR(SetText(settings, "cache.s3.bucket", s3.bucket, CheckBucketName));
  if (s3.bucket.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(SetText(settings, "cache.s3.region", s3.region));
  RETURN_IF_ERROR(SetEndpoint(settings, s3));
  RETURN_IF_ERROR(SetText(settings, "cache.s3.key_prefix", s3.key_prefix, CheckKeyPrefix));
  RETURN_IF_ERROR(SetFlag(settings, "cache.s3.no_credentials", s3.no_credentials));
  RETURN_IF_ERROR(SetEncryption(settings, s3));
  RETURN_IF_ERROR(SetFlag(settings, "cache.s3.enable_virtual_host_style", s3.virtual_host_style));
  return SetMode(settings, s3.mode);
}

// "10g" is as good as "10G" there.
absl::StatusOr<std::int64_t> SizeOf(const Setting& setting) {
  std::string text = setting.text;
  if (text.find_last_of("kmgt") == text.size() - 1) text.back() = static_cast<char>(std::toupper(text.back()));
  absl::StatusOr<std::int64_t> bytes = ParseSize(text);
  return bytes.ok() ? bytes : Wrong(setting, "write a size such as 20G");
}

}  // namespace

absl::Status ApplySccache(const GetVariable& variable, bool has_size, Config& config) {
  Settings settings;
  RETURN_IF_ERROR(ReadFile(FilePath(variable), settings));
  for (const Name& name : kNames) {
    if (auto value = variable(name.variable); value && !value->empty()) {
      settings[name.key] = {*value, fmt::format("environment variable {}", name.variable)};
    }
  }
  if (config.remote.endpoint.empty() && config.s3.bucket.empty()) RETURN_IF_ERROR(ApplyS3(settings, config.s3));
  const Setting* size = Find(settings, "cache.disk.size");
  if (has_size || size == nullptr) return absl::OkStatus();
  ASSIGN_OR_RETURN(config.cache_bytes_max, SizeOf(*size));
  return absl::OkStatus();
}

}  // namespace smelt

#include "src/config/sccache.h"

#include <iterator>
#include <map>
#include <sstream>
#include <toml.hpp>

#include "fmt/format.h"
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
  if (auto chosen = variable("SCCACHE_CONF")) return *chosen;
  auto base = variable("XDG_CONFIG_HOME");
  if (!base || base->empty()) base = variable("HOME").value_or("") + "/.config";
  return *base + "/sccache/config";
}

// sccache takes "true", "on", "1" and their opposites in variables.
absl::Status SetFlag(const Setting& setting, bool& flag) {
  static const std::map<std::string, bool, std::less<>> kWords = {{"true", true},   {"on", true},   {"1", true},
                                                                  {"false", false}, {"off", false}, {"0", false}};
  auto found = kWords.find(setting.text);
  if (found == kWords.end()) return Wrong(setting, "write true or false");
  flag = found->second;
  return absl::OkStatus();
}

absl::Status ApplyS3(const Settings& settings, S3Config& s3) {
  auto text = [&](std::string_view key, std::string& value, absl::Status (*check)(std::string_view) = nullptr) {
    auto found = settings.find(key);
    if (found == settings.end()) return absl::OkStatus();
    value = found->second.text;
    const absl::Status status = check == nullptr ? absl::OkStatus() : check(value);
    if (status.ok()) return status;
    return absl::InvalidArgumentError(fmt::format("{}: {}", found->second.place, std::string(status.message())));
  };
  auto flag = [&](std::string_view key, bool& value) {
    auto found = settings.find(key);
    return found == settings.end() ? absl::OkStatus() : SetFlag(found->second, value);
  };
  RETURN_IF_ERROR(text("cache.s3.bucket", s3.bucket, CheckBucketName));
  if (s3.bucket.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(text("cache.s3.region", s3.region));
  RETURN_IF_ERROR(text("cache.s3.endpoint", s3.endpoint, CheckS3Endpoint));
  RETURN_IF_ERROR(text("cache.s3.key_prefix", s3.key_prefix, CheckKeyPrefix));
  RETURN_IF_ERROR(flag("cache.s3.use_ssl", s3.use_ssl));
  RETURN_IF_ERROR(flag("cache.s3.no_credentials", s3.no_credentials));
  RETURN_IF_ERROR(flag("cache.s3.server_side_encryption", s3.server_side_encryption));
  RETURN_IF_ERROR(flag("cache.s3.enable_virtual_host_style", s3.virtual_host_style));
  auto mode = settings.find("cache.s3.rw_mode");
  if (mode == settings.end()) return absl::OkStatus();
  if (mode->second.text != "READ_ONLY" && mode->second.text != "READ_WRITE") {
    return Wrong(mode->second, "write READ_ONLY or READ_WRITE");
  }
  s3.mode = mode->second.text == "READ_ONLY" ? ShareMode::kReadOnly : ShareMode::kReadWrite;
  return absl::OkStatus();
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
  auto size = settings.find("cache.disk.size");
  if (has_size || size == settings.end()) return absl::OkStatus();
  absl::StatusOr<std::int64_t> bytes = ParseSize(size->second.text);
  if (!bytes.ok()) return Wrong(size->second, "write a size such as 20G");
  config.cache_bytes_max = *bytes;
  return absl::OkStatus();
}

}  // namespace smelt

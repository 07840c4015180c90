#include "src/config/config.h"

#include <cmath>
#include <map>
#include <sstream>
#include <toml.hpp>

#include "absl/status/status.h"
#include "fmt/format.h"
#include "src/base/remote_endpoint.h"
#include "src/base/status_macros.h"
#include "src/config/s3_texts.h"
#include "src/config/sccache.h"
#include "src/config/toml_text.h"

namespace smelt {
namespace {

// Sets one field from the text of its value.
using Setter = std::function<absl::Status(Config&, const std::string& text)>;

absl::Status SetSize(Config& config, const std::string& text) {
  ASSIGN_OR_RETURN(config.cache_bytes_max, ParseSize(text));
  config.has_cache_size = true;
  return absl::OkStatus();
}

absl::Status SetIdle(Config& config, const std::string& text) {
  ASSIGN_OR_RETURN(config.idle_seconds, ParseDuration(text));
  return absl::OkStatus();
}

absl::Status SetIncremental(Config& config, const std::string& text) {
  for (const auto& [word, value] :
       {std::pair{"ahead", Incremental::kAhead}, {"edited", Incremental::kEdited}, {"never", Incremental::kNever}}) {
    if (text != word) continue;
    config.incremental = value;
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(fmt::format("'{}': write \"ahead\", \"edited\" or \"never\"", text));
}

absl::Status SetRemap(Config& config, const std::string& text) {
  if (text != "true" && text != "false")
    return absl::InvalidArgumentError(fmt::format("'{}': write true or false", text));
  config.remap = text == "true";
  return absl::OkStatus();
}

absl::Status SetVerify(Config& config, const std::string& text) {
  char* end = nullptr;
  config.verify_share = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !(config.verify_share >= 0 && config.verify_share <= 1)) {
    return absl::InvalidArgumentError(fmt::format("'{}': write a number from 0 (never) to 1 (every hit)", text));
  }
  return absl::OkStatus();
}

// A file or a word, as it is.
Setter SetText(std::string RemoteConfig::*field) {
  return [field](Config& config, const std::string& text) {
    config.remote.*field = text;
    return absl::OkStatus();
  };
}

Setter SetS3Text(std::string S3Config::*field, absl::Status (*check)(std::string_view) = nullptr) {
  return [field, check](Config& config, const std::string& text) {
    if (check != nullptr) RETURN_IF_ERROR(check(text));
    config.s3.*field = text;
    return absl::OkStatus();
  };
}

Setter SetS3Flag(bool S3Config::*field) {
  return [field](Config& config, const std::string& text) {
    if (text != "true" && text != "false")
      return absl::InvalidArgumentError(fmt::format("'{}': write true or false", text));
    config.s3.*field = text == "true";
    return absl::OkStatus();
  };
}

absl::Status SetS3Encryption(Config& config, const std::string& text) {
  if (text == "true" || text == "false") {
    config.s3.encryption = text == "true" ? S3Options::Encryption::kAes256 : S3Options::Encryption::kNone;
    return absl::OkStatus();
  }
  const std::optional<S3Options::Encryption> named = EncryptionOf(text);
  if (!named) return absl::InvalidArgumentError(fmt::format("'{}': write true, false or \"aws:kms\"", text));
  config.s3.encryption = *named;
  return absl::OkStatus();
}

absl::Status SetEndpoint(Config& config, const std::string& text) {
  if (!text.empty()) RETURN_IF_ERROR(ParseEndpoint(text).status());
  config.remote.endpoint = text;
  return absl::OkStatus();
}

absl::StatusOr<ShareMode> ParseMode(const std::string& text) {
  if (text == "read-write") return ShareMode::kReadWrite;
  if (text == "read-only") return ShareMode::kReadOnly;
  if (text == "write-only") return ShareMode::kWriteOnly;
  return absl::InvalidArgumentError(fmt::format("'{}': write \"read-write\", \"read-only\" or \"write-only\"", text));
}

absl::Status SetRemoteMode(Config& config, const std::string& text) {
  ASSIGN_OR_RETURN(config.remote.mode, ParseMode(text));
  return absl::OkStatus();
}

absl::Status SetS3Mode(Config& config, const std::string& text) {
  ASSIGN_OR_RETURN(config.s3.mode, ParseMode(text));
  return absl::OkStatus();
}

absl::Status SetS3IndexMemory(Config& config, const std::string& text) {
  ASSIGN_OR_RETURN(const std::int64_t bytes, ParseSize(text));
  RETURN_IF_ERROR(CheckIndexMemory(bytes));
  config.s3.index_bytes_max = bytes;
  return absl::OkStatus();
}

absl::Status SetCompression(Config& config, const std::string& text) {
  if (text != "auto" && text != "zstd" && text != "none") {
    return absl::InvalidArgumentError(fmt::format("'{}': write \"auto\", \"zstd\" or \"none\"", text));
  }
  config.remote.compression = text;
  return absl::OkStatus();
}

absl::Status SetRemoteTimeout(Config& config, const std::string& text) {
  ASSIGN_OR_RETURN(config.remote.timeout_seconds, ParseDuration(text));
  return absl::OkStatus();
}

struct Key {
  const char* table;
  const char* name;
  const char* variable;
  Setter set;
};

const std::vector<Key>& Keys() {
  static const std::vector<Key> keys = {
      {"cache", "size", "SMELT_CACHE_SIZE", SetSize},
      {"remote", "endpoint", "SMELT_REMOTE_ENDPOINT", SetEndpoint},
      {"remote", "instance", "SMELT_REMOTE_INSTANCE", SetText(&RemoteConfig::instance)},
      {"remote", "token", "SMELT_REMOTE_TOKEN", SetText(&RemoteConfig::token)},
      {"remote", "token_file", "SMELT_REMOTE_TOKEN_FILE", SetText(&RemoteConfig::token_file)},
      {"remote", "token_command", "SMELT_REMOTE_TOKEN_COMMAND", SetText(&RemoteConfig::token_command)},
      {"remote", "ca_file", "SMELT_REMOTE_CA_FILE", SetText(&RemoteConfig::ca_file)},
      {"remote", "client_cert", "SMELT_REMOTE_CLIENT_CERT", SetText(&RemoteConfig::client_cert)},
      {"remote", "client_key", "SMELT_REMOTE_CLIENT_KEY", SetText(&RemoteConfig::client_key)},
      {"remote", "mode", "SMELT_REMOTE_MODE", SetRemoteMode},
      {"remote", "compression", "SMELT_REMOTE_COMPRESSION", SetCompression},
      {"remote", "timeout", "SMELT_REMOTE_TIMEOUT", SetRemoteTimeout},
      {"cache.s3", "bucket", "SMELT_S3_BUCKET", SetS3Text(&S3Config::bucket, CheckBucketName)},
      {"cache.s3", "region", "SMELT_S3_REGION", SetS3Text(&S3Config::region)},
      {"cache.s3", "endpoint", "SMELT_S3_ENDPOINT", SetS3Text(&S3Config::endpoint, CheckS3Endpoint)},
      {"cache.s3", "use_ssl", "SMELT_S3_USE_SSL", SetS3Flag(&S3Config::use_ssl)},
      {"cache.s3", "key_prefix", "SMELT_S3_KEY_PREFIX", SetS3Text(&S3Config::key_prefix, CheckKeyPrefix)},
      {"cache.s3", "virtual_host_style", "SMELT_S3_VIRTUAL_HOST_STYLE", SetS3Flag(&S3Config::virtual_host_style)},
      {"cache.s3", "ca_file", "SMELT_S3_CA_FILE", SetS3Text(&S3Config::ca_file)},
      {"cache.s3", "server_side_encryption", "SMELT_S3_SERVER_SIDE_ENCRYPTION", SetS3Encryption},
      {"cache.s3", "kms_key_id", "SMELT_S3_KMS_KEY_ID", SetS3Text(&S3Config::kms_key_id)},
      {"cache.s3", "no_credentials", "SMELT_S3_NO_CREDENTIALS", SetS3Flag(&S3Config::no_credentials)},
      {"cache.s3", "profile", "SMELT_S3_PROFILE", SetS3Text(&S3Config::profile)},
      {"cache.s3", "mode", "SMELT_S3_MODE", SetS3Mode},
      {"cache.s3", "index_memory", "SMELT_S3_INDEX_MEMORY", SetS3IndexMemory},
      {"daemon", "idle_timeout", "SMELT_IDLE_TIMEOUT", SetIdle},
      {"rustc", "incremental", "SMELT_INCREMENTAL", SetIncremental},
      {"rustc", "remap", "SMELT_REMAP", SetRemap},
      {"verify", "share", "SMELT_VERIFY", SetVerify},
  };
  return keys;
}

std::string KnownNames(const std::string& table) {
  std::string names;
  for (const Key& key : Keys()) {
    if (table.empty() ? names.find(key.table) != std::string::npos : table != key.table) continue;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", table.empty() ? fmt::format("[{}]", key.table) : key.name);
  }
  return names;
}

absl::Status At(const std::string& file, const toml::value& value, const std::string& message) {
  return absl::InvalidArgumentError(fmt::format("{}:{}: {}", file, value.location().line(), message));
}

// Strings as they are, numbers and booleans as they are written.
std::optional<std::string> AsText(const toml::value& value) {
  if (value.is_string()) return value.as_string().str;
  if (value.is_integer()) return std::to_string(value.as_integer());
  if (value.is_floating()) return fmt::format("{}", value.as_floating());
  if (value.is_boolean()) return value.as_boolean() ? "true" : "false";
  return std::nullopt;
}

// Where each key was said last: "/etc/c.toml:3: cache.size", "environment variable SMELT_CACHE_SIZE".
using Places = std::map<std::string, std::string>;

absl::Status ApplyTable(const std::string& file, const std::string& table, const toml::value& content, Config& config,
                        Places& places) {
  if (!content.is_table()) {
    return At(file, content, fmt::format("'{}' stands outside of a table; the tables are {}", table, KnownNames("")));
  }
  if (KnownNames(table).empty()) {
    return At(file, content, fmt::format("there is no table [{}]; the tables are {}", table, KnownNames("")));
  }
  for (const auto& [name, value] : content.as_table()) {
    const Key* found = nullptr;
    for (const Key& key : Keys()) {
      if (table == key.table && name == key.name) found = &key;
    }
    const std::string below = table + "." + name;
    if (!found && value.is_table() && !KnownNames(below).empty()) {
      RETURN_IF_ERROR(ApplyTable(file, below, value, config, places));
      continue;
    }
    if (!found) return At(file, value, fmt::format("[{}] has no key '{}'; it has {}", table, name, KnownNames(table)));
    std::optional<std::string> text = AsText(value);
    absl::Status status = text ? found->set(config, *text) : absl::InvalidArgumentError("not a single value");
    if (!status.ok()) return At(file, value, fmt::format("{}: {}", below, std::string(status.message())));
    places[below] = fmt::format("{}:{}: {}", file, value.location().line(), below);
  }
  return absl::OkStatus();
}

absl::StatusOr<Config> ParseFile(const std::string& text, const std::string& name, Places& places) {
  Config config;
  config.file = name;
  ASSIGN_OR_RETURN(const toml::value root, ParseToml(text, name));
  for (const auto& [table, content] : root.as_table()) {
    RETURN_IF_ERROR(ApplyTable(name, table, content, config, places));
  }
  return config;
}

absl::Status ApplyVariables(const GetVariable& variable, Config& config, Places& places) {
  for (const Key& key : Keys()) {
    std::optional<std::string> value = variable(key.variable);
    if (!value) continue;
    const std::string place = fmt::format("environment variable {}", key.variable);
    absl::Status status = key.set(config, *value);
    if (!status.ok()) {
      return absl::InvalidArgumentError(fmt::format("{}: {}", place, std::string(status.message())));
    }
    places[fmt::format("{}.{}", key.table, key.name)] = place;
  }
  return absl::OkStatus();
}

// What only file and variables together can have right.
absl::Status CheckTogether(const Config& config, Places& places) {
  const absl::Status kms = CheckKmsKey(config.s3.kms_key_id, config.s3.encryption);
  if (kms.ok()) return kms;
  return absl::InvalidArgumentError(fmt::format("{}: {}", places["cache.s3.kms_key_id"], std::string(kms.message())));
}

}  // namespace

absl::StatusOr<Config> ParseConfig(const std::string& text, const std::string& name) {
  Places places;
  ASSIGN_OR_RETURN(Config config, ParseFile(text, name, places));
  RETURN_IF_ERROR(CheckTogether(config, places));
  return config;
}

absl::StatusOr<Config> LoadConfig(const GetVariable& variable) {
  std::optional<std::string> chosen = variable("SMELT_CONFIG");
  if (chosen && chosen->empty()) chosen.reset();
  std::optional<std::string> base = variable("XDG_CONFIG_HOME");
  if (!base || base->empty()) base = variable("HOME").value_or("") + "/.config";
  const std::string path = chosen ? *chosen : *base + "/smelt/config.toml";

  Config config;
  Places places;
  if (const std::optional<std::string> text = ReadText(path)) {
    ASSIGN_OR_RETURN(config, ParseFile(*text, path, places));
  } else if (chosen) {
    return absl::InvalidArgumentError(fmt::format("{}: cannot be read; SMELT_CONFIG names it", path));
  }
  RETURN_IF_ERROR(ApplyVariables(variable, config, places));
  RETURN_IF_ERROR(CheckTogether(config, places));
  RETURN_IF_ERROR(ApplySccache(variable, config.has_cache_size, config));
  return config;
}

}  // namespace smelt

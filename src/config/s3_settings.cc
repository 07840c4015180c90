#include "src/config/s3_settings.h"

#include <cstdint>
#include <utility>
#include <vector>

#include "fmt/format.h"

namespace smelt {
namespace {

using Encryption = S3Options::Encryption;

std::string Quoted(const std::string& text) { return fmt::format("\"{}\"", text); }

std::string TextOf(bool value) { return value ? "true" : "false"; }

std::string TextOf(Encryption encryption) {
  return encryption == Encryption::kKms ? "\"aws:kms\"" : encryption == Encryption::kAes256 ? "\"AES256\"" : "false";
}

std::string TextOf(ShareMode mode) {
  return mode == ShareMode::kReadOnly    ? "\"read-only\""
         : mode == ShareMode::kWriteOnly ? "\"write-only\""
                                         : "\"read-write\"";
}

std::string SizeOf(std::int64_t bytes) {
  const bool is_whole = bytes % (1 << 20) == 0;
  return is_whole ? fmt::format("\"{}MiB\"", bytes >> 20) : fmt::format("\"{}\"", bytes);
}

std::vector<std::pair<const char*, std::string>> All(const S3Config& s3) {
  return {{"bucket", Quoted(s3.bucket)},
          {"region", Quoted(s3.region)},
          {"endpoint", Quoted(s3.endpoint)},
          {"use_ssl", TextOf(s3.use_ssl)},
          {"key_prefix", Quoted(s3.key_prefix)},
          {"virtual_host_style", TextOf(s3.virtual_host_style)},
          {"ca_file", Quoted(s3.ca_file)},
          {"server_side_encryption", TextOf(s3.encryption)},
          {"kms_key_id", Quoted(s3.kms_key_id)},
          {"no_credentials", TextOf(s3.no_credentials)},
          {"profile", Quoted(s3.profile)},
          {"mode", TextOf(s3.mode)},
          {"index_memory", SizeOf(s3.index_bytes_max)}};
}

}  // namespace

std::string SettingsOf(const S3Config& s3) {
  const auto values = All(s3), defaults = All(S3Config());
  std::string settings;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] == defaults[i]) continue;
    settings += fmt::format("{}{} = {}", settings.empty() ? "" : ", ", values[i].first, values[i].second);
  }
  return settings;
}

}  // namespace smelt

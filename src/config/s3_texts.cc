#include "src/config/s3_texts.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <string>

#include "fmt/format.h"

namespace smelt {
namespace {

constexpr std::int64_t kIndexBytesMin = 16 << 20;

bool IsNameByte(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-' || c == '_'; }

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

bool IsPort(std::string_view text) {
  int port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port > 0 && port < 65536;
}

bool IsHost(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) {
    const auto is_address_byte = [](char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0 || c == ':'; };
    host = host.substr(1, host.size() - 2);
    return !host.empty() && std::all_of(host.begin(), host.end(), is_address_byte);
  }
  return !host.empty() && std::all_of(host.begin(), host.end(), IsNameByte);
}

}  // namespace

absl::Status CheckBucketName(std::string_view name) {
  if (std::all_of(name.begin(), name.end(), IsNameByte) && name != "." && name != "..") return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format("'{}' is no bucket's name: write it without slashes", name));
}

absl::Status CheckS3Endpoint(std::string_view endpoint) {
  if (endpoint.empty()) return absl::OkStatus();
  std::string_view rest = endpoint;
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (rest.starts_with(scheme)) rest.remove_prefix(scheme.size());
  }
  while (rest.ends_with('/')) rest.remove_suffix(1);
  const std::size_t colon = rest.find(':', rest.find(']') == rest.npos ? 0 : rest.find(']'));
  const bool port = colon == rest.npos || IsPort(rest.substr(colon + 1));
  if (port && IsHost(rest.substr(0, colon))) return absl::OkStatus();
  const bool secret = endpoint.find('@') != endpoint.npos;
  return absl::InvalidArgumentError(
      fmt::format("'{}' is no endpoint: write \"https://host:port\" and nothing more", secret ? "..." : endpoint));
}

absl::Status CheckKmsKey(std::string_view kms_key_id, S3Options::Encryption encryption) {
  if (kms_key_id.empty() || encryption == S3Options::Encryption::kKms) return absl::OkStatus();
  return absl::InvalidArgumentError("needs server_side_encryption = \"aws:kms\" beside it");
}

absl::Status CheckIndexMemory(std::int64_t bytes) {
  if (bytes >= kIndexBytesMin) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format("{} bytes are too few: write \"16MiB\" or more", bytes));
}

std::optional<S3Options::Encryption> EncryptionOf(std::string_view name) {
  if (name == "AES256") return S3Options::Encryption::kAes256;
  if (name == "aws:kms") return S3Options::Encryption::kKms;
  return std::nullopt;
}

absl::Status CheckKeyPrefix(std::string_view prefix) {
  bool is_good = std::none_of(prefix.begin(), prefix.end(), IsControl);
  for (std::string_view rest = prefix; !rest.empty();) {
    const std::string_view name = rest.substr(0, rest.find('/'));
    is_good &= name != "." && name != "..";
    rest.remove_prefix(std::min(name.size() + 1, rest.size()));
  }
  if (is_good) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format("'{}' is no prefix: write names with slashes between them", prefix));
}

}  // namespace smelt

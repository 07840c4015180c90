#include "src/store/rocks/row.h"

#include "src/store/digest_key.h"
#include "src/store/row_checksum.h"

namespace smelt {
namespace {

constexpr char kRowVersion = 1;
constexpr char kResultVersion = 1;
constexpr std::size_t kRowBytes = 14;
constexpr std::size_t kDigestBytes = Digest::kHashBytes + 8;
constexpr std::size_t kOutboxFixedBytes = 2 + 8 + 8 + kDigestBytes;

void Append(std::string& to, std::uint64_t number, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) to.push_back(static_cast<char>(number >> shift));
}

std::uint64_t Take(std::string_view& from, std::size_t bytes) {
  std::uint64_t number = 0;
  for (char byte : from.substr(0, bytes)) number = number << 8 | static_cast<std::uint8_t>(byte);
  from.remove_prefix(bytes);
  return number;
}

// Seconds since 1970, sizes: what is stored of either is far below.
bool IsPlausible(std::int64_t number) { return number >= 0 && number >> 48 == 0; }

}  // namespace

std::string Encode(const Row& row) {
  std::string value(1, kRowVersion);
  Append(value, static_cast<std::uint64_t>(row.place), 1);
  Append(value, row.used_until, 4);
  Append(value, static_cast<std::uint64_t>(row.bytes), 8);
  return value;
}

std::optional<Row> DecodeRow(std::string_view value) {
  if (value.size() != kRowBytes || value.front() != kRowVersion) return std::nullopt;
  value.remove_prefix(1);
  const std::uint64_t place = Take(value, 1);
  if (place > static_cast<std::uint64_t>(Place::kResult)) return std::nullopt;
  Row row{.place = static_cast<Place>(place)};
  row.used_until = static_cast<std::uint32_t>(Take(value, 4));
  row.bytes = static_cast<std::int64_t>(Take(value, 8));
  if (!IsPlausible(row.bytes)) return std::nullopt;
  return row;
}

std::string Encode(const OutboxRow& row) {
  std::string value(1, kRowVersion);
  Append(value, row.entry.kind == Outbox::Kind::kBlob ? 0 : 1, 1);
  Append(value, static_cast<std::uint64_t>(row.entry.since_seconds), 8);
  Append(value, static_cast<std::uint64_t>(row.bytes), 8);
  return value + DigestKey(row.entry.digest) + row.entry.instance;
}

std::optional<OutboxRow> DecodeOutboxRow(std::string_view value) {
  if (value.size() < kOutboxFixedBytes || value.front() != kRowVersion) return std::nullopt;
  value.remove_prefix(1);
  const std::uint64_t kind = Take(value, 1);
  if (kind > 1) return std::nullopt;
  OutboxRow row;
  row.entry.kind = kind == 0 ? Outbox::Kind::kBlob : Outbox::Kind::kAction;
  row.entry.since_seconds = static_cast<std::int64_t>(Take(value, 8));
  row.bytes = static_cast<std::int64_t>(Take(value, 8));
  row.entry.digest = *DigestOfKey(value.substr(0, kDigestBytes));
  row.entry.instance = std::string(value.substr(kDigestBytes));
  if (!IsPlausible(row.entry.since_seconds) || !IsPlausible(row.bytes) || !IsPlausible(row.entry.digest.size)) {
    return std::nullopt;
  }
  return row;
}

std::string SequenceKey(std::uint64_t sequence) {
  std::string key;
  Append(key, sequence, 8);
  return key;
}

std::optional<std::uint64_t> SequenceOfKey(std::string_view key) {
  if (key.size() != 8) return std::nullopt;
  return Take(key, 8);
}

std::string ActionKey(std::string_view instance, const Digest& action) {
  std::string key(instance);
  key.push_back('\0');
  return key + DigestKey(action);
}

std::string SealResult(std::string_view key, std::string_view bytes) {
  std::string value(1, kResultVersion);
  value += RowChecksum(key, bytes);
  value += bytes;
  return value;
}

std::string_view BytesOfResult(std::string_view sealed) { return sealed.substr(1 + kRowChecksumBytes); }

std::optional<std::string_view> OpenResult(std::string_view key, std::string_view value) {
  if (value.size() < 1 + kRowChecksumBytes || value.front() != kResultVersion) return std::nullopt;
  const std::string_view bytes = BytesOfResult(value);
  if (value.substr(1, kRowChecksumBytes) != RowChecksum(key, bytes)) return std::nullopt;
  return bytes;
}

}  // namespace smelt

#include "src/store/local/file_record.h"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace smelt {
namespace {

constexpr std::size_t kEncodedBytes = 5 * 8 + 1;

template <typename T>
void Append(T value, std::string& to) {
  for (std::size_t i = 0; i < sizeof(T); ++i) to.push_back(static_cast<char>(value >> (8 * i)));
}

template <typename T>
T Take(std::string_view& from) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) value |= std::uint64_t{static_cast<std::uint8_t>(from[i])} << (8 * i);
  from.remove_prefix(sizeof(T));
  return static_cast<T>(value);
}

}  // namespace

FileRecord RecordOf(const FileStat& stat, std::uint64_t boot, bool racy) {
  return {.size = stat.size,
          .mtime_ns = stat.mtime_ns,
          .ctime_ns = stat.ctime_ns,
          .inode = stat.inode,
          .boot = boot,
          .racy = racy};
}

bool IsAsRecorded(const FileRecord& record, const FileStat& stat, std::uint64_t boot) {
  return record.boot == boot && !record.racy && record.size == stat.size && record.mtime_ns == stat.mtime_ns &&
         record.ctime_ns == stat.ctime_ns && record.inode == stat.inode;
}

std::string Encode(const FileRecord& record) {
  std::string bytes;
  bytes.reserve(kEncodedBytes);
  Append(record.size, bytes);
  Append(record.mtime_ns, bytes);
  Append(record.ctime_ns, bytes);
  Append(record.inode, bytes);
  Append(record.boot, bytes);
  bytes.push_back(record.racy ? 1 : 0);
  return bytes;
}

std::optional<FileRecord> DecodeFileRecord(std::string_view bytes) {
  if (bytes.size() != kEncodedBytes) return std::nullopt;
  FileRecord record;
  record.size = Take<std::int64_t>(bytes);
  record.mtime_ns = Take<std::int64_t>(bytes);
  record.ctime_ns = Take<std::int64_t>(bytes);
  record.inode = Take<std::uint64_t>(bytes);
  record.boot = Take<std::uint64_t>(bytes);
  record.racy = bytes.front() != 0;
  return record;
}

std::string EncodeUse(std::int64_t seconds) { return std::to_string(seconds); }

std::int64_t DecodeUse(std::string_view bytes) {
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(bytes.data(), bytes.data() + bytes.size(), seconds);
  return error == std::errc() && end == bytes.data() + bytes.size() ? std::max<std::int64_t>(seconds, 0) : 0;
}

}  // namespace smelt

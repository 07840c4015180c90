#ifndef SMELT_STORE_ROCKS_ROW_H_
#define SMELT_STORE_ROCKS_ROW_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "src/store/outbox.h"

namespace smelt {

// Where the bytes of an entry are.
enum class Place : std::uint8_t {
  kTree = 0,    // a value in the LSM tree
  kBlobDb = 1,  // a value in a blob file of RocksDB's
  kFile = 2,    // a file of its own
  kResult = 3,  // an action result, in its own family
};

// What the database says about a blob or a result beside its bytes.
struct Row {
  Place place = Place::kTree;
  std::uint32_t used_until = 0;  // not used after this second since 1970; may lie ahead of the clock
  std::int64_t bytes = 0;

  friend bool operator==(const Row&, const Row&) = default;
};

// 14 bytes. A change of the form changes the first of them.
std::string Encode(const Row& row);

// Nothing if `value` is not a row.
std::optional<Row> DecodeRow(std::string_view value);

// A row of the outbox; its key is the sequence. `entry.sequence` is not part of the value.
struct OutboxRow {
  Outbox::Entry entry;
  std::int64_t bytes = 0;
};

std::string Encode(const OutboxRow& row);

// Nothing if `value` is not a row, or one of a size or a time that cannot be.
std::optional<OutboxRow> DecodeOutboxRow(std::string_view value);

// 8 bytes, most significant first.
std::string SequenceKey(std::uint64_t sequence);
std::optional<std::uint64_t> SequenceOfKey(std::string_view key);

// The key of a result: the instance, a zero byte, the digest's 40 bytes.
std::string ActionKey(std::string_view instance, const Digest& action);

// A result as a value: version, checksum of `key` and `bytes`, `bytes`: so that neither a flipped bit nor a value under
// the wrong key is ever taken for a result.
std::string SealResult(std::string_view key, std::string_view bytes);

// The bytes, which live as long as `value`; nothing if they are not what was sealed under `key`.
std::optional<std::string_view> OpenResult(std::string_view key, std::string_view value);

// The bytes of a sealed result that is known to be right.
std::string_view BytesOfResult(std::string_view sealed);

}  // namespace smelt

#endif  // SMELT_STORE_ROCKS_ROW_H_

#ifndef SMELT_STORE_BYTES_H_
#define SMELT_STORE_BYTES_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "absl/base/call_once.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/base/unique_fd.h"
#include "src/digest/digest.h"

namespace smelt {

// The contents of one blob, held in memory or as an open file that is read when somebody asks: so that a blob of
// gigabytes passes through any number of stores without ever being in memory whole.
//
// Copies share what they hold, which never changes. Thread-safe.
class Bytes {
 public:
  Bytes() : Bytes(std::string()) {}
  explicit Bytes(std::string contents);

  // All of the regular file `fd`, which has `size` bytes now and will not be changed.
  Bytes(UniqueFd fd, std::int64_t size);

  // The same; `digest` was taken of what was written to it, by whoever wrote it and nobody else can: so that the blob
  // need not be read again to know it.
  Bytes(UniqueFd fd, const Digest& digest);

  std::int64_t size() const { return size_; }

  // The bytes [offset, offset + length), fewer at the end. DATA_LOSS if the file has become shorter than `size`.
  absl::StatusOr<std::string> Read(std::int64_t offset, std::int64_t length) const;

  // Everything. Only for blobs known to be small.
  absl::StatusOr<std::string> ReadAll() const { return Read(0, size_); }

  // The bytes where they are in memory, else null. As long as this Bytes or a copy of it.
  const std::string* contents() const;

  // The open file, or -1 when the bytes are in memory. For copy_file_range and its like; do not move its offset.
  int fd() const;

  // The digest, where it is known.
  const std::optional<Digest>& known_digest() const { return known_digest_; }

 private:
  friend absl::StatusOr<Digest> DigestOf(const Bytes& bytes);

  struct Held {
    std::variant<std::string, UniqueFd> bytes;
    mutable absl::once_flag digesting;
    mutable Digest digest;  // of what is in memory, once it was taken
  };

  std::shared_ptr<const Held> held_;
  std::int64_t size_;
  std::optional<Digest> known_digest_;
};

// The same bytes in memory, where contents() gives them. Only for blobs known to be small.
absl::StatusOr<Bytes> InMemory(const Bytes& bytes);

// The digest of all of `bytes`: the known one, or taken now. Never holds a file in memory whole. What is in memory is
// digested once for all copies.
absl::StatusOr<Digest> DigestOf(const Bytes& bytes);

}  // namespace smelt

#endif  // SMELT_STORE_BYTES_H_

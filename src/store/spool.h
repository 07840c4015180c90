#ifndef SMELT_STORE_SPOOL_H_
#define SMELT_STORE_SPOOL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/digest/hasher.h"
#include "src/store/bytes.h"
#include "src/store/unnamed_file.h"

namespace smelt {

// Bytes in front of the byte `offset` of others.
struct Insertion {
  std::int64_t offset = 0;
  Bytes bytes;
};

// Takes bytes as they arrive and makes a Bytes of them: in memory while they are few, beyond that in an UnnamedFile, so
// that a blob of gigabytes needs no memory. One thread at a time.
class Spool {
 public:
  static constexpr std::int64_t kMemoryBytes = 4 << 20;

  enum class Digesting { kNo, kYes };

  // `directory` must exist when the file is needed; empty: TMPDIR, else /tmp. With Digesting::kYes what goes to a file
  // is digested on the way, so that nobody needs to read it for that: Finish gives a Bytes that knows its digest.
  explicit Spool(std::string directory = {}, std::int64_t memory_bytes = kMemoryBytes,
                 Digesting digesting = Digesting::kNo);

  // What comes out will have this in it, too. To be called before Append, once.
  void Insert(Insertion insertion) { insertion_ = std::move(insertion); }

  // Errors of the disk, with their errno's canonical code.
  absl::Status Append(std::string_view bytes);

  // Bytes that were appended.
  std::int64_t size() const { return size_; }

  // All that was appended and inserted; the spool is empty again. OUT_OF_RANGE if the place for what was to be inserted
  // has not come.
  absl::StatusOr<Bytes> Finish();

 private:
  absl::Status AppendInserted();
  absl::Status Hold(std::string_view bytes);
  absl::Status MoveToFile();
  absl::Status Write(std::string_view bytes);

  std::string directory_;
  std::int64_t memory_bytes_;
  std::optional<Hasher> hasher_;
  std::optional<Insertion> insertion_;  // until it has been made
  std::int64_t size_ = 0, held_bytes_ = 0;
  std::string memory_;
  UnnamedFile file_;
};

}  // namespace smelt

#endif  // SMELT_STORE_SPOOL_H_

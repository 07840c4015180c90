#ifndef SMELT_STORE_SPOOL_H_
#define SMELT_STORE_SPOOL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/digest/hasher.h"
#include "src/store/bytes.h"
#include "src/store/unnamed_file.h"

namespace smelt {

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

  // Errors of the disk, with their errno's canonical code.
  absl::Status Append(std::string_view bytes);

  std::int64_t size() const { return size_; }

  // All that was appended; the spool is empty again.
  absl::StatusOr<Bytes> Finish();

 private:
  absl::Status MoveToFile();
  absl::Status Write(std::string_view bytes);

  std::string directory_;
  std::int64_t memory_bytes_;
  std::optional<Hasher> hasher_;
  std::int64_t size_ = 0;
  std::string memory_;
  UnnamedFile file_;
};

}  // namespace smelt

#endif  // SMELT_STORE_SPOOL_H_

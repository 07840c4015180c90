#ifndef SMELT_STORE_OUTBOX_H_
#define SMELT_STORE_OUTBOX_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "src/digest/digest.h"

namespace smelt {

// What a store holds and the bucket behind it does not yet. An entry is written in the same batch as what it names, so
// that neither is there without the other, and what it names is not evicted before it is confirmed. Survives restarts.
// Thread-safe.
class Outbox {
 public:
  enum class Kind { kBlob, kAction };

  struct Entry {
    std::uint64_t sequence = 0;  // ascending in the order of writing
    Kind kind = Kind::kBlob;
    std::string instance;  // of an action
    Digest digest;
    std::int64_t since_seconds = 0;  // when it was written, since 1970
  };

  struct Backlog {
    std::int64_t entries = 0;
    std::int64_t bytes = 0;           // of blobs; an action counts as its serialised result
    std::int64_t oldest_seconds = 0;  // age of the oldest; 0 when there is none
  };

  virtual ~Outbox() = default;

  // The oldest entries after `after`, at most `entries_max`.
  virtual absl::StatusOr<std::vector<Entry>> Next(std::uint64_t after, std::size_t entries_max) = 0;

  // They are in the bucket. Unknown numbers do no harm.
  virtual absl::Status Confirm(absl::Span<const std::uint64_t> sequences) = 0;

  virtual Backlog Pending() = 0;
};

}  // namespace smelt

#endif  // SMELT_STORE_OUTBOX_H_

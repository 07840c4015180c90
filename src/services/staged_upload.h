#ifndef SMELT_SERVICES_STAGED_UPLOAD_H_
#define SMELT_SERVICES_STAGED_UPLOAD_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "src/digest/hasher.h"
#include "src/services/bytes_budget.h"
#include "src/services/staging_room.h"
#include "src/store/bytes.h"
#include "src/store/unnamed_file.h"

namespace smelt {

// What has arrived of one upload, as it came over the wire: in memory when it is small and the budget has room, else in
// an UnnamedFile. One thread at a time.
class StagedUpload {
 public:
  // For at most `bytes_max` bytes. In memory if `hold` has bytes; it then keeps the hold. `room` lives longer.
  StagedUpload(std::int64_t bytes_max, BytesBudget::Hold hold, StagingRoom& room)
      : bytes_max_(bytes_max), hold_(std::move(hold)), room_(room) {}

  // INVALID_ARGUMENT beyond the limit; RESOURCE_EXHAUSTED when the room or the disk is full. Blocks unless in_memory().
  absl::Status Append(std::string data);

  // Everything; nothing may be appended after it.
  Bytes Finish() &&;

  std::int64_t size() const { return size_; }
  bool in_memory() const { return hold_.bytes() > 0; }

 private:
  absl::Status AppendToFile(std::string_view data);

  const std::int64_t bytes_max_;
  BytesBudget::Hold hold_;
  StagingRoom& room_;
  std::string memory_;
  UnnamedFile file_;
  StagingRoom::Share share_;  // the file's
  Hasher hasher_;             // of what is in the file
  std::int64_t size_ = 0;
};

}  // namespace smelt

#endif  // SMELT_SERVICES_STAGED_UPLOAD_H_

#ifndef SMELT_SERVICES_STAGED_UPLOAD_H_
#define SMELT_SERVICES_STAGED_UPLOAD_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/base/unique_fd.h"
#include "src/digest/hasher.h"
#include "src/services/bytes_budget.h"
#include "src/store/bytes.h"

namespace smelt {

// A file without a name in `directory`, for writing: it goes when it is closed, or gets a name where the store keeps
// it.
absl::StatusOr<UniqueFd> OpenUnnamed(const std::string& directory);

// What has arrived of one upload, as it came over the wire: in memory when it is small and the budget has room, else in
// an unnamed file. One thread at a time.
class StagedUpload {
 public:
  // For at most `bytes_max` bytes. In memory if `hold` has bytes; it then keeps the hold.
  StagedUpload(std::int64_t bytes_max, BytesBudget::Hold hold, std::string directory)
      : bytes_max_(bytes_max), hold_(std::move(hold)), directory_(std::move(directory)) {}

  // INVALID_ARGUMENT beyond the limit; RESOURCE_EXHAUSTED when the disk is full. Blocks unless in_memory().
  absl::Status Append(std::string&& data);

  // Everything; nothing may be appended after it.
  Bytes Finish() &&;

  std::int64_t size() const { return size_; }
  bool in_memory() const { return hold_.bytes() > 0; }

 private:
  const std::int64_t bytes_max_;
  BytesBudget::Hold hold_;
  const std::string directory_;
  std::string memory_;
  UniqueFd file_;
  Hasher hasher_;  // of what is in the file
  std::int64_t size_ = 0;
};

}  // namespace smelt

#endif  // SMELT_SERVICES_STAGED_UPLOAD_H_

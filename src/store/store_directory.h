#ifndef SMELT_STORE_STORE_DIRECTORY_H_
#define SMELT_STORE_STORE_DIRECTORY_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/base/file_system.h"
#include "src/base/unique_fd.h"

namespace smelt {

// What opening a store on a directory begins with: makes the directory if it is absent (mode 0700), and locks
// <directory>/lock, so that one process at a time uses it. The lock is held as long as the descriptor is open; the
// kernel lets go of it however the process ends.
//
// FAILED_PRECONDITION, naming the directory, if another process has it; otherwise as CannotUseStore.
absl::StatusOr<UniqueFd> TakeStoreDirectory(const std::string& directory, FileSystem& files);

// What to tell the user when a store's directory does not do: `why`, with the mend.
absl::Status CannotUseStore(const std::string& directory, const absl::Status& why);

}  // namespace smelt

#endif  // SMELT_STORE_STORE_DIRECTORY_H_

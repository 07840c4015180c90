#ifndef SMELT_SERVICES_STAGING_ROOM_H_
#define SMELT_SERVICES_STAGING_ROOM_H_

#include <atomic>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/base/file_system.h"
#include "src/services/limits.h"

namespace smelt {

// The room for uploads' files before they are in the store, whoever writes them: how many files may be open, how many
// bytes they may have together, and what must stay free on the disk. Thread-safe.
class StagingRoom {
 public:
  // `directory` exists; `files` lives longer.
  StagingRoom(std::string directory, const Limits& limits, FileSystem& files)
      : directory_(std::move(directory)),
        files_max_(limits.staged_files_max),
        bytes_max_(limits.staged_bytes_max),
        free_bytes_min_(limits.staging_free_bytes_min),
        files_(files) {}

  const std::string& directory() const { return directory_; }

  // One file's part of the room, given back when it goes. One thread at a time.
  class Share {
   public:
    Share() = default;
    Share(Share&& other) noexcept : room_(std::exchange(other.room_, nullptr)), bytes_(other.bytes_) {}
    Share& operator=(Share&& other) noexcept;
    ~Share() { Release(); }

    // Before `bytes` are written. RESOURCE_EXHAUSTED if there is no room for them.
    absl::Status Grow(std::int64_t bytes);

   private:
    friend class StagingRoom;
    explicit Share(StagingRoom* room) : room_(room) {}
    void Release();

    StagingRoom* room_ = nullptr;
    std::int64_t bytes_ = 0;
  };

  // Before a file is opened. RESOURCE_EXHAUSTED if too many are.
  absl::StatusOr<Share> Open();

 private:
  const std::string directory_;
  const std::int64_t files_max_, bytes_max_, free_bytes_min_;
  FileSystem& files_;
  std::atomic<std::int64_t> open_{0}, bytes_{0};
};

}  // namespace smelt

#endif  // SMELT_SERVICES_STAGING_ROOM_H_

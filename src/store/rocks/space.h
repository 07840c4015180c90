#ifndef SMELT_STORE_ROCKS_SPACE_H_
#define SMELT_STORE_ROCKS_SPACE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/base/file_system.h"
#include "src/store/database/set_aside.h"
#include "src/store/rocks/presence_index.h"

namespace smelt {

// How full the store and its disk are, and whether more may come in. Thread-safe.
class Space {
 public:
  struct Limits {
    std::int64_t limit_bytes = 0;
    std::int64_t high_bytes = 0;      // collection begins above it
    std::int64_t free_bytes_min = 0;  // or when the disk has less room
  };

  // `directory` is on the disk in question; `aside` takes room too. All live longer than this.
  Space(const Limits& limits, const PresenceIndex& blobs, const PresenceIndex& actions, const SetAside& aside,
        std::string directory, FileSystem& files)
      : limits_(limits),
        blobs_(blobs),
        actions_(actions),
        aside_(aside),
        directory_(std::move(directory)),
        files_(files) {}

  // How it gets room: `collect` evicts now and returns when it is done; `wake` asks for that soon.
  void Set(std::function<void()> collect, std::function<void()> wake) {
    collect_ = std::move(collect);
    wake_ = std::move(wake);
  }

  // Room for something on its way in, until destroyed.
  class Room {
   public:
    Room(Room&& other) noexcept : space_(std::exchange(other.space_, nullptr)), bytes_(other.bytes_) {}
    Room& operator=(Room&&) = delete;
    ~Room() {
      if (space_ != nullptr) space_->coming_ -= bytes_;
    }

   private:
    friend class Space;
    Room(Space& space, std::int64_t bytes) : space_(&space), bytes_(bytes) {}
    Space* space_;
    std::int64_t bytes_;
  };

  // RESOURCE_EXHAUSTED if there is none: the disk is full, or all that is here is leased or waits for the bucket.
  absl::StatusOr<Room> Admit(std::int64_t bytes);

  // Looks at the disk. Called every second, and before what is large.
  void Measure();

  // Passes on how a write ended, and remembers if it was for want of room.
  absl::Status Note(absl::Status written) {
    if (absl::IsResourceExhausted(written)) read_only_ = true;
    return written;
  }

  // Above a limit where collection begins.
  bool IsShort() const { return bytes() + aside_.bytes() > limits_.high_bytes || free_bytes_ < limits_.free_bytes_min; }

  // What must go so that the disk has the room that it should have.
  std::int64_t MissingOnDisk() const;

  std::int64_t bytes() const { return blobs_.bytes() + actions_.bytes(); }
  bool read_only() const { return read_only_; }

 private:
  bool Fits(std::int64_t bytes) const;
  bool DiskHas(std::int64_t bytes) const;

  const Limits limits_;
  const PresenceIndex& blobs_;
  const PresenceIndex& actions_;
  const SetAside& aside_;
  const std::string directory_;
  FileSystem& files_;
  std::function<void()> collect_ = [] {};
  std::function<void()> wake_ = [] {};

  std::atomic<std::int64_t> coming_ = 0;
  std::atomic<std::int64_t> free_bytes_ = INT64_MAX;
  std::atomic<bool> read_only_ = false;
};

}  // namespace smelt

#endif  // SMELT_STORE_ROCKS_SPACE_H_

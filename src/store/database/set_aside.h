#ifndef SMELT_STORE_DATABASE_SET_ASIDE_H_
#define SMELT_STORE_DATABASE_SET_ASIDE_H_

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/base/clock.h"
#include "src/base/file_system.h"

namespace smelt {

// Where a database goes that cannot be used any more: beside itself, as "<directory>.broken-<second>". The last one is
// kept for whoever wants to know why; more would fill the disk. One object a directory.
class SetAside {
 public:
  // `directory` is the database's; all outlive this.
  SetAside(std::string directory, FileSystem& files, Clock& clock)
      : directory_(std::move(directory)), mark_(directory_ + ".corrupt"), files_(files), clock_(clock) {}

  // Remembers, for when the process ends before it is moved, that the database is corrupt.
  void Mark(const std::string& why);
  bool IsMarked();

  // Moves the closed database away, in place of the one before it, and forgets the mark; returns where it is now.
  absl::StatusOr<std::string> Move();

  // Of what is set aside, on the disk. Zero until Measure or Move.
  std::int64_t bytes() const { return bytes_; }
  void Measure();

  // What is set aside is gone. Any number of threads may want that at once.
  void Remove();

 private:
  template <typename Visit>
  void ForEach(const Visit& visit);

  const std::string directory_;
  const std::string mark_;
  FileSystem& files_;
  Clock& clock_;
  std::mutex removing_;  // what two delete at once neither deletes wholly
  std::atomic<std::int64_t> bytes_ = 0;
};

}  // namespace smelt

#endif  // SMELT_STORE_DATABASE_SET_ASIDE_H_

#ifndef SMELT_STORE_LOCAL_DISK_FACTS_H_
#define SMELT_STORE_LOCAL_DISK_FACTS_H_

#include <cstdint>
#include <string>

namespace smelt {

// Of the file system that `path` is on. All 0 if it does not say.
struct DiskRoom {
  std::int64_t free_bytes = 0;  // that a user may still write
  std::int64_t total_bytes = 0;
};
DiskRoom RoomOn(const std::string& path);

// Whether a copy of the file at `from` under the new name `to` could share its blocks. Leaves nothing behind.
bool CanReflink(const std::string& from, const std::string& to);

}  // namespace smelt

#endif  // SMELT_STORE_LOCAL_DISK_FACTS_H_

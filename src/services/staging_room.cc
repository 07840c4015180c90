#include "src/services/staging_room.h"

#include "fmt/format.h"
#include "src/base/status_macros.h"

namespace smelt {
namespace {

// The disk is looked at each time a file grows over a multiple of this.
constexpr std::int64_t kLookBytes = 1 << 20;

}  // namespace

StagingRoom::Share& StagingRoom::Share::operator=(Share&& other) noexcept {
  if (this == &other) return *this;
  Release();
  room_ = std::exchange(other.room_, nullptr);
  bytes_ = other.bytes_;
  return *this;
}

void StagingRoom::Share::Release() {
  if (room_ == nullptr) return;
  room_->bytes_ -= bytes_;
  --room_->open_;
}

absl::StatusOr<StagingRoom::Share> StagingRoom::Open() {
  if (++open_ > files_max_) {
    --open_;
    return absl::ResourceExhaustedError(
        fmt::format("{} uploads are under way, and this server has no more files for them: try again", files_max_));
  }
  return Share(this);
}

absl::Status StagingRoom::Share::Grow(std::int64_t bytes) {
  if ((room_->bytes_ += bytes) > room_->bytes_max_) {
    room_->bytes_ -= bytes;
    return absl::ResourceExhaustedError(
        fmt::format("uploads under way have the {} bytes that they may have: try again", room_->bytes_max_));
  }
  const bool look = bytes_ / kLookBytes != (bytes_ + bytes) / kLookBytes;
  bytes_ += bytes;
  if (!look || room_->free_bytes_min_ == 0) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::int64_t free_bytes, room_->files_.FreeBytes(room_->directory_));
  if (free_bytes - bytes >= room_->free_bytes_min_) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      fmt::format("the disk of {} has {} bytes left: make room there", room_->directory_, free_bytes));
}

}  // namespace smelt

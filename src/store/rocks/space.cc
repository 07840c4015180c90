#include "src/store/rocks/space.h"

#include <glog/logging.h>

#include <algorithm>

#include "fmt/format.h"

namespace smelt {
namespace {

// Of free_bytes_min, what stays free for RocksDB to compact and for results to be forgotten.
constexpr std::int64_t kReserveShare = 8;

// Bytes from which on the disk is looked at before they are taken in.
constexpr std::int64_t kLargeBytes = 1 << 20;

}  // namespace

void Space::Measure() {
  const auto free_bytes = files_.FreeBytes(directory_);
  if (!free_bytes.ok()) {
    LOG(WARNING) << free_bytes.status();
    return;
  }
  free_bytes_ = *free_bytes;
  if (read_only_ && Fits(1)) read_only_ = false;
}

bool Space::DiskHas(std::int64_t bytes) const {
  return limits_.free_bytes_min == 0 || free_bytes_ - bytes >= limits_.free_bytes_min / kReserveShare;
}

bool Space::Fits(std::int64_t bytes) const {
  return this->bytes() + aside_.bytes() + coming_ + bytes <= limits_.limit_bytes && DiskHas(bytes);
}

absl::StatusOr<Space::Room> Space::Admit(std::int64_t bytes) {
  if (bytes >= kLargeBytes) Measure();
  if (!Fits(bytes)) collect_();
  if (Fits(bytes)) {
    read_only_ = false;
    coming_ += bytes;
    if (IsShort()) wake_();
    return Room(*this, bytes);
  }
  read_only_ = true;
  if (!DiskHas(bytes)) {
    return absl::ResourceExhaustedError(
        fmt::format("the disk of {} has {} bytes left: make room there, or lower the cache's limit", directory_,
                    free_bytes_.load()));
  }
  return absl::ResourceExhaustedError(
      fmt::format("the cache {} is full ({} of {} bytes) with what builds are using or the bucket has not got yet: "
                  "raise its limit, or try again later",
                  directory_, this->bytes(), limits_.limit_bytes));
}

std::int64_t Space::MissingOnDisk() const { return std::max<std::int64_t>(0, limits_.free_bytes_min - free_bytes_); }

}  // namespace smelt

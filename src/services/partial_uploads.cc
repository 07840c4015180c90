#include "src/services/partial_uploads.h"

#include <utility>

namespace smelt {

void PartialUploads::Park(const std::string& name, std::unique_ptr<StagedUpload> upload) {
  if (upload->size() == 0) return;
  std::unique_ptr<StagedUpload> replaced;
  List old;
  const std::lock_guard lock(mu_);
  if (const auto found = by_name_.find(name); found != by_name_.end()) replaced = Remove(found->second);
  bytes_ += upload->size();
  parked_.push_back({name, std::move(upload), clock_.NowNanos()});
  by_name_.emplace(name, std::prev(parked_.end()));
  old = Old();
}

std::unique_ptr<StagedUpload> PartialUploads::Take(std::string_view name) {
  DropOld();
  const std::lock_guard lock(mu_);
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : Remove(found->second);
}

std::int64_t PartialUploads::SizeOf(std::string_view name) {
  DropOld();
  const std::lock_guard lock(mu_);
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? 0 : found->second->upload->size();
}

void PartialUploads::DropOld() {
  List old;
  const std::lock_guard lock(mu_);
  old = Old();
}

std::int64_t PartialUploads::bytes() {
  const std::lock_guard lock(mu_);
  return bytes_;
}

PartialUploads::List PartialUploads::Old() {
  const std::int64_t oldest = clock_.NowNanos() - limits_.partial_seconds * 1'000'000'000;
  const auto too_many = [&] {
    return bytes_ > limits_.partial_bytes_max || std::ssize(parked_) > limits_.partial_uploads_max;
  };
  List old;
  while (!parked_.empty() && (too_many() || parked_.front().since_ns < oldest)) {
    bytes_ -= parked_.front().upload->size();
    by_name_.erase(parked_.front().name);
    old.splice(old.end(), parked_, parked_.begin());
  }
  return old;
}

std::unique_ptr<StagedUpload> PartialUploads::Remove(List::iterator parked) {
  std::unique_ptr<StagedUpload> upload = std::move(parked->upload);
  bytes_ -= upload->size();
  by_name_.erase(parked->name);
  parked_.erase(parked);
  return upload;
}

}  // namespace smelt

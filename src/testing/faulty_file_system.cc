#include "src/testing/faulty_file_system.h"

#include <utility>

#include "src/base/status_macros.h"

namespace smelt {

void FaultyFileSystem::Inject(Fault fault) {
  const std::lock_guard lock(mu_);
  faults_.push_back(std::move(fault));
}

void FaultyFileSystem::Heal() {
  const std::lock_guard lock(mu_);
  faults_.clear();
}

void FaultyFileSystem::OnCall(std::function<void(Call, const std::string& path)> hook) {
  const std::lock_guard lock(mu_);
  hook_ = std::move(hook);
}

int FaultyFileSystem::Count(Call call) const {
  const std::lock_guard lock(mu_);
  const auto found = counts_.find(call);
  return found == counts_.end() ? 0 : found->second;
}

int FaultyFileSystem::Count() const {
  const std::lock_guard lock(mu_);
  int total = 0;
  for (const auto& [call, count] : counts_) total += count;
  return total;
}

void FaultyFileSystem::ResetCounts() {
  const std::lock_guard lock(mu_);
  counts_.clear();
}

absl::Status FaultyFileSystem::Enter(Call call, const std::string& path, const std::string& other_path) {
  std::function<void(Call, const std::string&)> hook;
  {
    const std::lock_guard lock(mu_);
    ++counts_[call];
    for (Fault& fault : faults_) {
      if (fault.call.has_value() && *fault.call != call) continue;
      if (path.find(fault.path_contains) == std::string::npos &&
          other_path.find(fault.path_contains) == std::string::npos) {
        continue;
      }
      if (fault.skip > 0) {
        --fault.skip;
      } else if (fault.times > 0) {
        --fault.times;
        return fault.status;
      }
    }
    hook = hook_;
  }
  if (hook) hook(call, path);
  return absl::OkStatus();
}

absl::StatusOr<FileStat> FaultyFileSystem::Stat(const std::string& path) {
  RETURN_IF_ERROR(Enter(Call::kStat, path));
  return target_.Stat(path);
}

absl::StatusOr<UniqueFd> FaultyFileSystem::OpenForRead(const std::string& path) {
  RETURN_IF_ERROR(Enter(Call::kOpenForRead, path));
  return target_.OpenForRead(path);
}

absl::StatusOr<std::string> FaultyFileSystem::ReadFile(const std::string& path) {
  RETURN_IF_ERROR(Enter(Call::kReadFile, path));
  return target_.ReadFile(path);
}

absl::Status FaultyFileSystem::WriteNewFile(const std::string& path, std::string_view bytes, std::uint32_t mode) {
  RETURN_IF_ERROR(Enter(Call::kWriteNewFile, path));
  return target_.WriteNewFile(path, bytes, mode);
}

absl::Status FaultyFileSystem::CopyToNewFile(const std::string& from, const std::string& to, std::uint32_t mode) {
  RETURN_IF_ERROR(Enter(Call::kCopyToNewFile, from, to));
  return target_.CopyToNewFile(from, to, mode);
}

absl::Status FaultyFileSystem::Link(const std::string& from, const std::string& to) {
  RETURN_IF_ERROR(Enter(Call::kLink, from, to));
  return target_.Link(from, to);
}

absl::Status FaultyFileSystem::Rename(const std::string& from, const std::string& to) {
  RETURN_IF_ERROR(Enter(Call::kRename, from, to));
  return target_.Rename(from, to);
}

absl::Status FaultyFileSystem::Remove(const std::string& path) {
  RETURN_IF_ERROR(Enter(Call::kRemove, path));
  return target_.Remove(path);
}

absl::Status FaultyFileSystem::SetMode(const std::string& path, std::uint32_t mode) {
  RETURN_IF_ERROR(Enter(Call::kSetMode, path));
  return target_.SetMode(path, mode);
}

absl::Status FaultyFileSystem::Touch(const std::string& path) {
  RETURN_IF_ERROR(Enter(Call::kTouch, path));
  return target_.Touch(path);
}

absl::Status FaultyFileSystem::MakeDirectories(const std::string& path, std::uint32_t mode) {
  RETURN_IF_ERROR(Enter(Call::kMakeDirectories, path));
  return target_.MakeDirectories(path, mode);
}

absl::StatusOr<std::vector<std::string>> FaultyFileSystem::List(const std::string& path) {
  RETURN_IF_ERROR(Enter(Call::kList, path));
  return target_.List(path);
}

void FaultyFileSystem::SetFreeBytes(std::int64_t bytes) {
  const std::lock_guard lock(mu_);
  free_bytes_ = bytes;
}

absl::StatusOr<std::int64_t> FaultyFileSystem::FreeBytes(const std::string& path) {
  RETURN_IF_ERROR(Enter(Call::kFreeBytes, path));
  {
    const std::lock_guard lock(mu_);
    if (free_bytes_) return *free_bytes_;
  }
  return target_.FreeBytes(path);
}

}  // namespace smelt

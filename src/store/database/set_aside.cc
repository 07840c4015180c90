#include "src/store/database/set_aside.h"

#include <glog/logging.h>

#include <filesystem>
#include <system_error>
#include <vector>

#include "fmt/format.h"
#include "src/base/status_macros.h"

namespace smelt {
namespace {

constexpr char kBroken[] = ".broken-";

}  // namespace

void SetAside::Mark(const std::string& why) {
  const absl::Status marked = files_.WriteNewFile(mark_, why, 0600);
  if (!marked.ok() && !absl::IsAlreadyExists(marked)) LOG(WARNING) << marked;
}

bool SetAside::IsMarked() { return files_.Stat(mark_).ok(); }

absl::StatusOr<std::string> SetAside::Move() {
  const std::string to = fmt::format("{}{}{}", directory_, kBroken, clock_.NowNanos() / 1'000'000'000);
  Remove();
  const absl::Status moved = files_.Rename(directory_, to);
  if (!moved.ok() && !absl::IsNotFound(moved)) return moved;
  Measure();
  RETURN_IF_ERROR(files_.Remove(mark_));
  return to;
}

template <typename Visit>
void SetAside::ForEach(const Visit& visit) {
  const std::size_t slash = directory_.find_last_of('/');
  const auto names = files_.List(directory_.substr(0, slash));
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    if (name.starts_with(directory_.substr(slash + 1) + kBroken)) visit(directory_.substr(0, slash + 1) + name);
  }
}

void SetAside::Measure() {
  std::int64_t bytes = 0;
  ForEach([&](const std::string& path) {
    for (const std::string& name : files_.List(path).value_or(std::vector<std::string>())) {
      const auto stat = files_.Stat(path + "/" + name);
      if (stat.ok()) bytes += stat->size;
    }
  });
  bytes_ = bytes;
}

void SetAside::Remove() {
  const std::lock_guard lock(removing_);
  ForEach([](const std::string& path) {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  });
  bytes_ = 0;
}

}  // namespace smelt

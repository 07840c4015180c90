#include "src/base/short_slices.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace smelt {
namespace {

constexpr pid_t kThisThread = 0;
constexpr unsigned int kNoFlags = 0;

// Linux's sched_attr, whose header does not go together with the C library's.
struct Attributes {
  std::uint32_t size = sizeof(Attributes);
  std::uint32_t policy = 0;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime = 0;
  std::uint64_t deadline = 0;
  std::uint64_t period = 0;
};
constexpr std::uint32_t kNormalPolicy = 0;      // SCHED_NORMAL
constexpr std::uint64_t kNotForChildren = 0x1;  // SCHED_FLAG_RESET_ON_FORK

Attributes Get() {
  Attributes attributes;
  if (::syscall(SYS_sched_getattr, kThisThread, &attributes, sizeof(attributes), kNoFlags) != 0) return {};
  attributes.size = sizeof(attributes);
  if (attributes.policy != kNormalPolicy) attributes.runtime = 0;  // something else
  return attributes;
}

}  // namespace

std::chrono::nanoseconds SliceOfThisThread() { return std::chrono::nanoseconds(Get().runtime); }

bool RunInShortSlices() {
  Attributes attributes = Get();
  if (attributes.runtime == 0) return false;
  attributes.flags |= kNotForChildren;
  attributes.runtime = std::chrono::nanoseconds(kShortSlice).count();
  return ::syscall(SYS_sched_setattr, kThisThread, &attributes, kNoFlags) == 0;
}

}  // namespace smelt

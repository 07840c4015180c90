#include "src/testing/small_disk.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <utility>

#include "gtest/gtest.h"
#include "src/base/unique_fd.h"

namespace smelt {
namespace {

constexpr char kName[] = "smelt-test";

// Mounts of our own, as root or, where the kernel lets users have namespaces, as anybody.
bool HasOwnMounts() {
  static const bool has = ::unshare(CLONE_NEWNS) == 0 || ::unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0;
  return has;
}

}  // namespace

SmallDisk::SmallDisk(std::string directory, const std::string& size) : directory_(std::move(directory)) {
  mounted_ = HasOwnMounts() && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
             ::mount(kName, directory_.c_str(), "tmpfs", 0, ("size=" + size).c_str()) == 0;
}

SmallDisk::~SmallDisk() {
  if (mounted_) ::umount2(directory_.c_str(), MNT_DETACH);
}

void SmallDisk::Resize(const std::string& size) {
  ASSERT_EQ(::mount(kName, directory_.c_str(), "tmpfs", MS_REMOUNT, ("size=" + size).c_str()), 0);
}

void SmallDisk::Fill() {
  UniqueFd fd(::open(FillerPath().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  ASSERT_TRUE(fd.valid());
  for (std::string bytes(1 << 20, 'x'); !bytes.empty(); bytes.resize(bytes.size() / 2)) {
    while (::write(fd.get(), bytes.data(), bytes.size()) > 0) {
    }
  }
}

void SmallDisk::Unfill() { ASSERT_EQ(::unlink(FillerPath().c_str()), 0); }

}  // namespace smelt

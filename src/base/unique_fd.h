#ifndef SMELT_BASE_UNIQUE_FD_H_
#define SMELT_BASE_UNIQUE_FD_H_

#include <unistd.h>

#include <utility>

namespace smelt {

// Owns one file descriptor and closes it. Header-only and free of dependencies: the wrapper uses it too.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    Reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~UniqueFd() { Reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int Release() { return std::exchange(fd_, -1); }
  void Reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

}  // namespace smelt

#endif  // SMELT_BASE_UNIQUE_FD_H_

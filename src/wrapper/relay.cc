#include "src/wrapper/relay.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

namespace smelt::wrapper {

bool WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno == EAGAIN) {
      pollfd poll_fd = {fd, POLLOUT, 0};
      poll(&poll_fd, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

Relay::Relay(int to, const Display* display, std::size_t captured_bytes_max)
    : to_(to), display_(display), captured_bytes_max_(captured_bytes_max) {}

void Relay::Append(std::string_view bytes) {
  Capture(bytes);
  if (display_ == nullptr) {
    PassOn(bytes);
    return;
  }
  std::size_t end = bytes.rfind('\n');
  if (end != std::string_view::npos) {
    partial_line_ += bytes.substr(0, end + 1);
    Flush();
    bytes.remove_prefix(end + 1);
  }
  partial_line_ += bytes;
  if (partial_line_.size() > kLineBytesMax) Flush();
}

void Relay::Flush() {
  if (partial_line_.empty()) return;
  PassOn(display_->empty() ? partial_line_ : WithDisplay(partial_line_, *display_));
  partial_line_.clear();
}

void Relay::Capture(std::string_view bytes) {
  if (overflowed_) return;
  overflowed_ = captured_.size() + bytes.size() > captured_bytes_max_;
  if (overflowed_) {
    captured_ = std::string();
  } else {
    captured_ += bytes;
  }
}

void Relay::PassOn(std::string_view bytes) {
  if (!broken_) broken_ = !WriteAll(to_, bytes);
}

}  // namespace smelt::wrapper

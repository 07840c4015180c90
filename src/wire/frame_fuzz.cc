// Any bytes from the other side: frames are read until the stream ends or breaks, and no more comes out than went in.

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "src/base/unique_fd.h"
#include "src/wire/frame.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0) std::abort();
  smelt::UniqueFd writer(fds[0]), reader(fds[1]);
  // What fits the socket's buffer without anybody reading.
  size = std::min<std::size_t>(size, 32 << 10);
  if (send(writer.get(), data, size, MSG_DONTWAIT) != static_cast<ssize_t>(size)) std::abort();
  writer.Reset();
  std::string payload;
  std::size_t total = 0;
  smelt::wire::FrameStatus status;
  while ((status = smelt::wire::ReadFrame(reader.get(), &payload)) == smelt::wire::FrameStatus::kOk) {
    total += 4 + payload.size();
  }
  bool whole = total == size;
  if (total > size || whole != (status == smelt::wire::FrameStatus::kClosed)) std::abort();
  return 0;
}

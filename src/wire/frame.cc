#include "src/wire/frame.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace smelt::wire {
namespace {

constexpr std::size_t kHeaderBytes = 4;
constexpr std::size_t kReadChunkBytesMax = 1u << 20;

// kOk once `socket` may be ready for `events`. A signal starts the wait anew.
FrameStatus Await(int socket, short events, int silence_ms_max) {
  pollfd poll_fd = {socket, events, 0};
  for (;;) {
    int ready = poll(&poll_fd, 1, silence_ms_max);
    if (ready > 0) return FrameStatus::kOk;
    if (ready == 0) return FrameStatus::kTimedOut;
    if (errno != EINTR) return FrameStatus::kBroken;
  }
}

// Reads exactly `size` bytes. kClosed if the peer closed before the first of them.
FrameStatus ReadExactly(int socket, char* to, std::size_t size, int silence_ms_max) {
  std::size_t done = 0;
  while (done < size) {
    ssize_t n = recv(socket, to + done, size - done, MSG_DONTWAIT);
    if (n > 0) {
      done += static_cast<std::size_t>(n);
    } else if (n == 0 || errno == ECONNRESET) {
      return done == 0 ? FrameStatus::kClosed : FrameStatus::kBroken;
    } else if (errno == EAGAIN) {
      FrameStatus status = Await(socket, POLLIN, silence_ms_max);
      if (status != FrameStatus::kOk) return status;
    } else if (errno != EINTR) {
      return FrameStatus::kBroken;
    }
  }
  return FrameStatus::kOk;
}

FrameStatus ReadPayload(int socket, std::string* payload, std::size_t size, int silence_ms_max) {
  while (payload->size() < size) {
    std::size_t done = payload->size();
    std::size_t chunk = std::min(size - done, kReadChunkBytesMax);
    payload->resize(done + chunk);
    FrameStatus status = ReadExactly(socket, payload->data() + done, chunk, silence_ms_max);
    if (status == FrameStatus::kClosed) return FrameStatus::kBroken;
    if (status != FrameStatus::kOk) return status;
  }
  return FrameStatus::kOk;
}

// Drops the first `size` bytes of the two pieces.
void Advance(std::array<iovec, 2>& pieces, std::size_t size) {
  for (iovec& piece : pieces) {
    std::size_t step = std::min(size, piece.iov_len);
    piece.iov_base = static_cast<char*>(piece.iov_base) + step;
    piece.iov_len -= step;
    size -= step;
  }
}

}  // namespace

FrameStatus ReadFrame(int socket, std::string* payload, int silence_ms_max) {
  payload->clear();
  std::array<char, kHeaderBytes> header;
  FrameStatus status = ReadExactly(socket, header.data(), header.size(), silence_ms_max);
  if (status != FrameStatus::kOk) return status;
  std::uint32_t size = 0;
  for (std::size_t i = 0; i < kHeaderBytes; ++i) {
    size |= static_cast<std::uint32_t>(static_cast<unsigned char>(header[i])) << (8 * i);
  }
  if (size > kFrameBytesMax) return FrameStatus::kBroken;
  return ReadPayload(socket, payload, size, silence_ms_max);
}

FrameStatus WriteFrame(int socket, std::string_view payload, int silence_ms_max) {
  if (payload.size() > kFrameBytesMax) return FrameStatus::kBroken;
  std::array<char, kHeaderBytes> header;
  for (std::size_t i = 0; i < kHeaderBytes; ++i) header[i] = static_cast<char>(payload.size() >> (8 * i));
  std::array<iovec, 2> pieces = {iovec{header.data(), header.size()},
                                 iovec{const_cast<char*>(payload.data()), payload.size()}};
  while (pieces[0].iov_len + pieces[1].iov_len > 0) {
    msghdr message = {};
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    ssize_t n = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) {
      Advance(pieces, static_cast<std::size_t>(n));
    } else if (errno == EAGAIN) {
      FrameStatus status = Await(socket, POLLOUT, silence_ms_max);
      if (status != FrameStatus::kOk) return status;
    } else if (errno != EINTR) {
      return errno == EPIPE ? FrameStatus::kClosed : FrameStatus::kBroken;
    }
  }
  return FrameStatus::kOk;
}

FrameStatus ReadMessage(int socket, Message* message, int silence_ms_max) {
  std::string payload;
  FrameStatus status = ReadFrame(socket, &payload, silence_ms_max);
  if (status != FrameStatus::kOk) return status;
  std::optional<Message> decoded = Decode(payload);
  if (!decoded) return FrameStatus::kBroken;
  *message = *std::move(decoded);
  return FrameStatus::kOk;
}

FrameStatus WriteMessage(int socket, const Message& message, int silence_ms_max) {
  return WriteFrame(socket, Encode(message), silence_ms_max);
}

}  // namespace smelt::wire

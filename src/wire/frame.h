#ifndef SMELT_WIRE_FRAME_H_
#define SMELT_WIRE_FRAME_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "src/wire/message.h"

// Messages on a stream socket: a frame is the payload's length as four bytes, little-endian, and the payload.
//
// The functions may be used from any thread, by one reader and one writer per socket at a time. They work on blocking
// and non-blocking sockets alike, carry on after signals, and never raise SIGPIPE.
namespace smelt::wire {

// The largest payload. Bounds what a broken peer can make us allocate; a Ran with both streams at their limit fits.
inline constexpr std::uint32_t kFrameBytesMax = 256u << 20;

// As a number of milliseconds: wait without end.
inline constexpr int kForever = -1;

enum class FrameStatus {
  kOk,
  kClosed,    // the peer has closed the connection, between two frames
  kTimedOut,  // not one byte has moved for as long as allowed; the stream is of no further use
  kBroken,    // closed inside a frame, a length beyond kFrameBytesMax, bytes that are no message, or another error
};

// Reads the next frame. `silence_ms_max` bounds the time without a byte, not the whole. Memory grows with what has
// arrived, not with what the length promises.
FrameStatus ReadFrame(int socket, std::string* payload, int silence_ms_max = kForever);

// Writes one frame; kBroken, and nothing written, if `payload` is too large.
FrameStatus WriteFrame(int socket, std::string_view payload, int silence_ms_max = kForever);

// The same with Encode and Decode.
FrameStatus ReadMessage(int socket, Message* message, int silence_ms_max = kForever);
FrameStatus WriteMessage(int socket, const Message& message, int silence_ms_max = kForever);

}  // namespace smelt::wire

#endif  // SMELT_WIRE_FRAME_H_

#ifndef SMELT_WRAPPER_RELAY_H_
#define SMELT_WRAPPER_RELAY_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "src/wrapper/display.h"

namespace smelt::wrapper {

// What is kept of one stream, in bytes. Two of them fit a frame.
inline constexpr std::size_t kCapturedBytesMax = 64u << 20;

// A line that is longer is passed on in parts.
inline constexpr std::size_t kLineBytesMax = 8u << 20;

// Writes all of `bytes` to `fd`. False if nobody reads it any more, or on another error.
bool WriteAll(int fd, std::string_view bytes);

// Passes one of the compiler's streams on to a descriptor of ours, and keeps what came.
//
// Line by line with a `display`, which is applied to each; as it comes without one. Once writing has failed nothing
// more is written; what comes is still kept.
class Relay {
 public:
  // `display` may be null and must outlive the relay. `captured_bytes_max` as above, but in tests.
  Relay(int to, const Display* display, std::size_t captured_bytes_max = kCapturedBytesMax);

  void Append(std::string_view bytes);

  // Passes on what there is of a line that is not complete.
  void Flush();

  // There is part of a line to flush.
  bool HasPartialLine() const { return !partial_line_.empty(); }

  // More came than is kept. What was captured is then empty.
  bool Overflowed() const { return overflowed_; }

  // All that came, as it came.
  std::string TakeCaptured() { return std::move(captured_); }

 private:
  void Capture(std::string_view bytes);
  void PassOn(std::string_view bytes);

  const int to_;
  const Display* const display_;
  const std::size_t captured_bytes_max_;

  std::string partial_line_;
  std::string captured_;
  bool overflowed_ = false;
  bool broken_ = false;
};

}  // namespace smelt::wrapper

#endif  // SMELT_WRAPPER_RELAY_H_

#ifndef SMELT_TESTING_PEAK_MEMORY_H_
#define SMELT_TESTING_PEAK_MEMORY_H_

#include <cstdint>
#include <fstream>
#include <string>

namespace smelt {

// How much more memory this process has held at once since this was made than when it was made, in bytes. With a
// sanitizer, which holds memory of its own beside ours, 0.
class PeakMemory {
 public:
  PeakMemory() {
    std::ofstream("/proc/self/clear_refs") << 5;  // the peak is now
    start_ = Read("VmHWM:");
  }

  std::int64_t Grown() const { return kSanitized ? 0 : Read("VmHWM:") - start_; }

 private:
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  static constexpr bool kSanitized = true;
#else
  static constexpr bool kSanitized = false;
#endif

  static std::int64_t Read(const std::string& name) {
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;) {
      std::int64_t kilobytes = 0;
      if (word == name && status >> kilobytes) return kilobytes << 10;
    }
    return 0;
  }

  std::int64_t start_ = 0;
};

}  // namespace smelt

#endif  // SMELT_TESTING_PEAK_MEMORY_H_

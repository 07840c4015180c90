#ifndef SMELT_SERVICES_MESSAGES_ANSWER_MEMORY_H_
#define SMELT_SERVICES_MESSAGES_ANSWER_MEMORY_H_

#include <atomic>
#include <cstdint>

#include "src/services/bytes_budget.h"
#include "src/services/stream_watch.h"

namespace smelt {

// An answer up to this size is little.
inline constexpr std::int64_t kLittleAnswerBytes = 128 << 10;

// What answers of one message hold: gRPC keeps an answer until its client has taken it, which may be never. Large ones
// are reserved in the budget, and their clients watched. Little ones are only counted, which is quick, until all of
// them hold a fourth as much as the budget has: from then on they are reserved like large ones. Thread-safe.
class AnswerMemory {
 public:
  // Both live longer.
  AnswerMemory(BytesBudget& budget, StreamWatch& watch) : budget_(budget), watch_(watch) {}

  // Whether an answer of so many bytes needs no place in the budget now.
  bool IsLittle(std::int64_t bytes) const {
    return bytes <= kLittleAnswerBytes && little_.load(std::memory_order_relaxed) <= budget_.limit_bytes() / 4;
  }

  // gRPC has so many bytes of little answers more, or less if negative.
  void CountLittle(std::int64_t bytes) { little_.fetch_add(bytes, std::memory_order_relaxed); }

  BytesBudget& budget() { return budget_; }
  StreamWatch& watch() { return watch_; }

 private:
  BytesBudget& budget_;
  StreamWatch& watch_;
  std::atomic<std::int64_t> little_{0};
};

}  // namespace smelt

#endif  // SMELT_SERVICES_MESSAGES_ANSWER_MEMORY_H_

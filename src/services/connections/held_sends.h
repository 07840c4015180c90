#ifndef SMELT_SERVICES_CONNECTIONS_HELD_SENDS_H_
#define SMELT_SERVICES_CONNECTIONS_HELD_SENDS_H_

#include <cstddef>
#include <cstdint>

#include "src/base/clock.h"

namespace smelt {

// gRPC 1.51 sends each answer by a sendmsg(2) of its own, and for each of them Linux goes all the way to the other end,
// wakes it, and comes back: on one machine that is a quarter of what a small read costs. A program that links this has
// a sendmsg and an epoll_wait of its own, which gRPC calls.
//
// Once `hold` is true, the answers (Answering) that a thread sends on a TCP connection stay in the kernel's buffer
// (MSG_MORE) and go out, in as few packets as they fit, before the thread polls again: so the answers to calls that
// came together leave together. Not held are messages of more than kHeldBytesMax, and each that comes after
// kHeldSendsMax others. All else goes out at once, with what was held of that connection; so does what threads send
// that never poll.
//
// A thread that does much between two polls, handshakes say, pushes what it has held for more than kHeldNanosMax when
// it next sends anything to anybody. If it does not send either, Linux does, after a fifth of a second.
//
// Only for a process in which one thread polls: one of several may wait for its turn, and what it holds would wait for
// Linux. Thread-safe; threads begin and end to hold at their next poll. `clock` outlives them.
void HoldSends(bool hold, Clock& clock = Clock::System());

inline constexpr std::size_t kHeldBytesMax = 16 << 10;
inline constexpr std::int64_t kHeldNanosMax = 1'000'000;  // of Clock::System: until it ticks
inline constexpr int kHeldSendsMax = 64;

}  // namespace smelt

#endif  // SMELT_SERVICES_CONNECTIONS_HELD_SENDS_H_

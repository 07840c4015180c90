#ifndef SMELT_BASE_KILL_POINT_H_
#define SMELT_BASE_KILL_POINT_H_

#include <atomic>
#include <string_view>
#include <vector>

// A named place at which a test can have the process killed, as kill -9 would: between two steps of something that must
// survive it. Always compiled in; one relaxed load when nothing is armed.
//
//   SMELT_KILL_POINT("store.ingest.before_rename");
//
// Armed by the environment variable SMELT_KILL_POINT="<name>[:<nth>]", read once when the program starts: the nth time
// (default: the first) that the place is reached, the process dies of SIGKILL. A value that no site has does nothing.
//
// Names are "<station>.<operation>.<step>" and string literals. Not for templates and inline functions (each use makes
// an entry in a section of the program, from which KillPoints reads them).
#define SMELT_KILL_POINT(name)                                                                             \
  do {                                                                                                     \
    static const char* const smelt_kill_point_ __attribute__((section("smelt_kill_points"), used)) = name; \
    if (::smelt::kill_point_internal::armed.load(std::memory_order_relaxed)) [[unlikely]] {                \
      ::smelt::kill_point_internal::Reached(smelt_kill_point_);                                            \
    }                                                                                                      \
  } while (false)

namespace smelt {

// The names of all kill points in this program, reached or not, sorted, each once: so that a test can visit every one.
std::vector<std::string_view> KillPoints();

// As the environment variable does, for a child that a test has forked. "" disarms. False if `spec` is malformed.
bool ArmKillPointForTest(std::string_view spec);

namespace kill_point_internal {

extern std::atomic<bool> armed;
void Reached(const char* name);

}  // namespace kill_point_internal
}  // namespace smelt

#endif  // SMELT_BASE_KILL_POINT_H_

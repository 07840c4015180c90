#include "src/base/background_thread.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace smelt {
namespace {

constexpr int kLowestPriority = 19;
constexpr int kIoPriorityOfThread = 1;    // IOPRIO_WHO_PROCESS
constexpr int kIoPriorityIdle = 3 << 13;  // IOPRIO_CLASS_IDLE

id_t ThisThread() { return static_cast<id_t>(::syscall(SYS_gettid)); }

}  // namespace

void RunThisThreadInTheBackground() {
  const sched_param no_parameters{};
  if (::sched_setscheduler(0, SCHED_IDLE, &no_parameters) != 0) RunThisThreadAtTheLowestPriority();
  ::syscall(SYS_ioprio_set, kIoPriorityOfThread, ThisThread(), kIoPriorityIdle);
}

void RunThisThreadAtTheLowestPriority() { ::setpriority(PRIO_PROCESS, ThisThread(), kLowestPriority); }

}  // namespace smelt

#ifndef SMELT_BASE_BACKGROUND_THREAD_H_
#define SMELT_BASE_BACKGROUND_THREAD_H_

namespace smelt {

// From now on the calling thread gets processors and disks only when nobody else wants them: the batch of idle tasks
// (SCHED_IDLE), or where that is not allowed the lowest priority.
// Nothing but system calls: also for a child between fork and exec.
void RunThisThreadInTheBackground();

}  // namespace smelt

#endif  // SMELT_BASE_BACKGROUND_THREAD_H_

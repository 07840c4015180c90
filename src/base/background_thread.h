#ifndef SMELT_BASE_BACKGROUND_THREAD_H_
#define SMELT_BASE_BACKGROUND_THREAD_H_

namespace smelt {

// From now on the calling thread gets processors and disks only when nobody else wants them: the batch of idle tasks
// (SCHED_IDLE), or where that is not allowed the lowest priority.
// Nothing but system calls: also for a child between fork and exec.
void RunThisThreadInTheBackground();

// From now on the calling thread has the lowest priority, which still gets it a little of busy processors: for one that
// holds now and then what others wait for.
void RunThisThreadAtTheLowestPriority();

}  // namespace smelt

#endif  // SMELT_BASE_BACKGROUND_THREAD_H_

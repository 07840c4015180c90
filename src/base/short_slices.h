#ifndef SMELT_BASE_SHORT_SLICES_H_
#define SMELT_BASE_SHORT_SLICES_H_

#include <chrono>

namespace smelt {

// As short as Linux makes them.
inline constexpr std::chrono::microseconds kShortSlice(100);

// Asks Linux, from 6.12 on, to run the calling thread in slices of kShortSlice instead of some milliseconds: when it
// wakes on busy processors it is put on one soon, before a thread that has not had its whole slice yet, and for less
// long. Its share stays the same. For a thread that mostly waits, and for which others wait. Threads that it starts
// have slices as ever, and no raised priority.
//
// False where Linux does not do that; nothing has changed then.
bool RunInShortSlices();

// How long the calling thread runs at once while others wait; zero where Linux has no slices for it.
std::chrono::nanoseconds SliceOfThisThread();

}  // namespace smelt

#endif  // SMELT_BASE_SHORT_SLICES_H_

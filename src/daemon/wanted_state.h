#ifndef SMELT_DAEMON_WANTED_STATE_H_
#define SMELT_DAEMON_WANTED_STATE_H_

#include <cstdint>

#include "src/daemon/state_ahead.h"
#include "src/daemon/unit.h"

namespace smelt {

// Asks for incremental state of a unit that has just been stored, and took `micros` to compile. Nothing is asked for
// where nobody edits, with CI set in the compile's environment, nor for a compile with outputs outside of its
// --out-dir.
void WantState(const Unit& unit, std::int64_t micros, StateAhead& ahead);

}  // namespace smelt

#endif  // SMELT_DAEMON_WANTED_STATE_H_

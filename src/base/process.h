#ifndef SMELT_BASE_PROCESS_H_
#define SMELT_BASE_PROCESS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace smelt {

// Runs `command` (command[0] is a path) with `environment` ("NAME=value"), nothing on stdin and stderr thrown away, and
// returns what it wrote to stdout, at most 1 MiB. Blocks. INTERNAL, naming the command, if it cannot be started, ends
// with a status other than 0, writes more, or takes longer than `timeout_ms` (it is then killed).
absl::StatusOr<std::string> OutputOf(const std::vector<std::string>& command,
                                     const std::vector<std::string>& environment, std::int64_t timeout_ms = 10'000);

}  // namespace smelt

#endif  // SMELT_BASE_PROCESS_H_

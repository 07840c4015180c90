#ifndef SMELT_BASE_PROGRAM_PATH_H_
#define SMELT_BASE_PROGRAM_PATH_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace smelt {

// What PATH is where it is not set, as execvp has it.
inline constexpr std::string_view kDefaultProgramPath = "/usr/bin:/bin";

// The directories of a PATH in order; views into it. A relative one, and an empty one, means the working directory of
// the process that has this PATH, or below it.
std::vector<std::string_view> ProgramDirectories(std::string_view path);

// The first executable file called `name` in the directories of somebody else's PATH: "/usr/bin/cc". Asks the disk.
// NOT_FOUND if there is none. FAILED_PRECONDITION if a relative directory comes before it: what is there is for that
// other process to know.
absl::StatusOr<std::string> FindProgram(std::string_view path, std::string_view name);

}  // namespace smelt

#endif  // SMELT_BASE_PROGRAM_PATH_H_

#ifndef SMELT_BASE_BACKGROUND_PROCESS_H_
#define SMELT_BASE_BACKGROUND_PROCESS_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace smelt {

struct BackgroundCommand {
  std::vector<std::string> command;      // command[0] is a path
  std::vector<std::string> environment;  // "NAME=value"
  std::string working_directory;
  mode_t umask = 022;

  // If not empty: a directory in which the command may write without anybody seeing it. An overlay lies on it, visible
  // to the command alone, and what is written there is in memory and gone with the process. Everything else is
  // read-only to the command, also what comes to lie there when the directory is removed and made again, except for
  // `writable`, a directory, and `scratch`, an empty directory: there the memory is mounted, TMPDIR should be below it
  // (`scratch`/tmp).
  std::string covered, writable, scratch;
};

// A command that runs behind everything else: it gets what processors and disk have left over (SCHED_IDLE within the
// daemon's control group), is first to go when memory is short, has nothing on its standard streams, and a session of
// its own. It ends with the thread that started it.
class BackgroundProcess {
 public:
  virtual ~BackgroundProcess() = default;  // kills it, and waits for that

  // Waits for its end; the status of waitpid. By one thread, once.
  virtual int Wait() = 0;

  // Ends the process and its children at once. From any thread; nothing happens if it has ended.
  virtual void Kill() = 0;
};

// INTERNAL, with the step that failed, where the system does not let users have namespaces or overlays (user namespaces
// switched off, a kernel before 5.12), or where the command cannot be started.
absl::StatusOr<std::unique_ptr<BackgroundProcess>> StartInBackground(const BackgroundCommand& command);

}  // namespace smelt

#endif  // SMELT_BASE_BACKGROUND_PROCESS_H_

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

  // A directory in which the command may write without anybody seeing it: an overlay lies on it, visible to the command
  // alone, and what is written there is in memory and gone with the process.
  std::string covered;
  std::string scratch;  // an empty directory, for the mount of that memory
};

// A command that runs behind everything else: only while processors have nothing else to do (SCHED_IDLE), first to go
// when memory is short, with nothing on its standard streams, in a process group of its own. It ends with the thread
// that started it.
class BackgroundProcess {
 public:
  virtual ~BackgroundProcess() = default;  // kills it, and waits for that

  // Waits for its end; the status of waitpid. By one thread, once.
  virtual int Wait() = 0;

  // Ends the process and its children at once. From any thread; nothing happens if it has ended.
  virtual void Kill() = 0;
};

// INTERNAL, with the step that failed, where the system does not let users have namespaces or overlays (user namespaces
// switched off, a kernel before 5.11), or where the command cannot be started.
absl::StatusOr<std::unique_ptr<BackgroundProcess>> StartInBackground(const BackgroundCommand& command);

}  // namespace smelt

#endif  // SMELT_BASE_BACKGROUND_PROCESS_H_

#ifndef SMELT_DAEMON_COMMANDS_H_
#define SMELT_DAEMON_COMMANDS_H_

#include <functional>
#include <string>
#include <vector>

#include "src/base/file_system.h"
#include "src/daemon/conversation.h"
#include "src/daemon/counters.h"
#include "src/daemon/drain.h"
#include "src/daemon/journal.h"
#include "src/daemon/team/team_parts.h"
#include "src/daemon/toolchains.h"
#include "src/store/local/local_store.h"
#include "src/wire/message.h"

namespace smelt {

// What the commands look at.
struct CommandParts {
  FileSystem& files;
  Clock& clock;
  LocalStore& store;
  Counters& counters;
  Journal& journal;
  std::string cache_directory;
  std::string socket_path;
  std::string observer;
  std::string configuration;  // path of the configuration file, or empty
  std::int64_t start_ns = 0;  // when the daemon started
  Drain& drain;
  // Ends the daemon: what is still being served is waited for a few seconds, or not at all.
  std::function<void(bool at_once)> stop;
  TeamParts team;
  std::string bucket_settings;  // for people; empty where the team has no bucket of its own
};

// The commands that `smelt` hands to its daemon: stats, status, why, gc, show, doctor, stop. Each writes text for
// people, or JSON with --json, and ends with an exit code: 0 done, 1 failed or "no", 2 wrong usage. Thread-safe.
class CommandHandler {
 public:
  explicit CommandHandler(CommandParts parts) : parts_(std::move(parts)) {}

  void Handle(const wire::Command& command, Conversation& client);

 private:
  CommandParts parts_;
};

}  // namespace smelt

#endif  // SMELT_DAEMON_COMMANDS_H_

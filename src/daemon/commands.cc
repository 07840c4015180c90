#include "src/daemon/commands.h"

#include <map>

#include "fmt/format.h"
#include "src/daemon/command.h"

namespace smelt {

void CommandHandler::Handle(const wire::Command& command, Conversation& client) {
  using Run = int (*)(const CommandParts&, CommandCall&);
  static const std::map<std::string, Run, std::less<>> kCommands = {
      {"doctor", RunDoctor}, {"flush", RunFlush},   {"gc", RunGc},     {"show", RunShow},
      {"stats", RunStats},   {"status", RunStatus}, {"stop", RunStop}, {"why", RunWhy},
  };
  CommandCall call(command, client);
  auto found = command.arguments.empty() ? kCommands.end() : kCommands.find(command.arguments[0]);
  int code = 2;
  if (found == kCommands.end()) {
    call.Error(fmt::format("smelt: unknown command '{}'\n", command.arguments.empty() ? "" : command.arguments[0]));
  } else {
    code = found->second(parts_, call);
  }
  client.Send(wire::Exit{code});
}

}  // namespace smelt

#include "src/wrapper/commands.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <utility>

#include "src/wire/build_id.h"
#include "src/wire/socket_path.h"
#include "src/wrapper/command_table.h"
#include "src/wrapper/completion.h"
#include "src/wrapper/daemon_commands.h"
#include "src/wrapper/init.h"
#include "src/wrapper/relay.h"
#include "src/wrapper/run_compiler.h"
#include "src/wrapper/spawn_daemon.h"

namespace smelt::wrapper {
namespace {

using Arguments = std::vector<std::string>;

int Print(const std::string& text) { return WriteAll(STDOUT_FILENO, text) ? 0 : kFailed; }

int WrongUsage(const std::string& what) {
  WriteAll(STDERR_FILENO, "smelt: " + what + "\n");
  return kWrongUsage;
}

std::string DidYouMean(std::string_view nearest) {
  return nearest.empty() ? std::string() : "; did you mean '" + std::string(nearest) + "'?";
}

int UnknownCommand(const std::string& name) {
  std::vector<std::string_view> names;
  for (const CommandRow& command : Commands()) names.push_back(command.name);
  return WrongUsage("there is no command '" + name + "'" + DidYouMean(Nearest(name, names)) +
                    " (smelt --help lists them)");
}

bool Contains(const Arguments& arguments, std::string_view wanted) {
  return std::find(arguments.begin(), arguments.end(), wanted) != arguments.end();
}

bool IsFlag(const std::string& argument) { return argument.size() > 1 && argument[0] == '-'; }

// Empty if `arguments` are what the table says of `command`.
std::string UsageComplaint(const CommandRow& command, const Arguments& arguments) {
  std::vector<std::string_view> flags;
  for (const Flag& flag : command.flags) flags.push_back(flag.name);
  int operands = 0;
  std::string see = " (smelt help " + std::string(command.name) + ")";
  for (const std::string& argument : arguments) {
    if (!IsFlag(argument)) {
      ++operands;
      if (!command.choices.empty() &&
          std::find(command.choices.begin(), command.choices.end(), argument) == command.choices.end()) {
        std::string known;
        for (std::string_view choice : command.choices) known += (known.empty() ? "" : ", ") + std::string(choice);
        return "'" + argument + "' is not one of " + known + see;
      }
    } else if (std::find(flags.begin(), flags.end(), argument) == flags.end()) {
      return std::string(command.name) + " has no option '" + argument + "'" + DidYouMean(Nearest(argument, flags)) +
             see;
    }
  }
  if (operands < command.operands_min) {
    return std::string(command.name) + " needs " + std::string(command.operands) + see;
  }
  if (operands > command.operands_max) return "too many arguments for " + std::string(command.name) + see;
  return {};
}

int PrintHelp(const Arguments& arguments) {
  if (arguments.empty()) return Print(Help());
  const CommandRow* command = FindCommand(arguments[0]);
  return command == nullptr ? UnknownCommand(arguments[0]) : Print(HelpOn(*command));
}

int RunInit(const Arguments& arguments) {
  return Init({.check = Contains(arguments, "--check"),
               .global = Contains(arguments, "--global"),
               .local = Contains(arguments, "--local"),
               .force = Contains(arguments, "--force"),
               .wrapper = OwnExecutable()});
}

int RunCargo(const Arguments& arguments) {
  std::string self = OwnExecutable();
  if (self.empty()) return WrongUsage("cannot find out where this program is: is /proc mounted?"), kFailed;
  setenv("RUSTC_WRAPPER", self.c_str(), 1);
  Arguments command = {"cargo"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  ExecPlain(command);
}

// Becomes the smelt-server beside this program.
int RunServer(Arguments arguments) {
  const std::string self = OwnExecutable();
  arguments.insert(arguments.begin(), self.substr(0, self.rfind('/') + 1) + "smelt-server");
  ExecPlain(arguments);
}

int RunServerCommand(const char* name, Arguments arguments) {
  arguments.insert(arguments.begin(), name);
  return RunServer(std::move(arguments));
}

int PerformHere(const CommandRow& command, const Arguments& arguments) {
  if (command.name == "server") return RunServer(arguments);
  if (command.name == "dist-status") return RunServerCommand("status", arguments);
  if (command.name == "init") return RunInit(arguments);
  if (command.name == "cargo") return RunCargo(arguments);
  if (command.name == "start") return StartDaemonAndSay();
  if (command.name == "completion") return Print(CompletionScript(arguments[0]));
  if (command.name == "help") return PrintHelp(arguments);
  return UnknownCommand(std::string(command.name));
}

}  // namespace

int RunCommandLine(const Arguments& all) {
  if (all.empty() || all[0] == "--help" || all[0] == "-h") return Print(Help());
  if (all[0] == "--version" || all[0] == "-V") {
    return Print(std::string("smelt ") + wire::kVersion + " (" + wire::BuildId() + ")\n");
  }
  if (IsFlag(all[0])) return WrongUsage("there is no option '" + all[0] + "' (smelt --help lists what there is)");
  const CommandRow* command = FindCommand(all[0]);
  if (command == nullptr) return UnknownCommand(all[0]);
  Arguments arguments(all.begin() + 1, all.end());
  if (command->name == "gc" && Contains(arguments, "--server")) return RunServerCommand("gc", std::move(arguments));
  if (!command->takes_anything) {
    if (Contains(arguments, "--help") || Contains(arguments, "-h")) return Print(HelpOn(*command));
    std::string complaint = UsageComplaint(*command, arguments);
    if (!complaint.empty()) return WrongUsage(complaint);
  }
  if (command->performer == Performer::kHere) return PerformHere(*command, arguments);
  return command->performer == Performer::kDaemon ? AskDaemon(all) : StopDaemon();
}

}  // namespace smelt::wrapper

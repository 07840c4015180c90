#ifndef SMELT_DAEMON_COMMAND_H_
#define SMELT_DAEMON_COMMAND_H_

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "src/daemon/commands.h"

namespace smelt {

// One call of a command: its arguments and where its text goes.
class CommandCall {
 public:
  CommandCall(const wire::Command& command, Conversation& client) : command_(command), client_(client) {}

  const wire::Command& command() const { return command_; }
  void Print(std::string text) { client_.Send(wire::Output{false, std::move(text)}); }
  void StillWorking() { client_.Send(wire::Working()); }
  void Error(std::string text) { client_.Send(wire::Output{true, std::move(text)}); }

  // Keeps the client waiting; false if it is gone.
  bool Working() { return client_.Send(wire::Working()); }

  // True if `flag` was given.
  bool Has(std::string_view flag) const;

  // The arguments after the command's name that do not begin with '-'.
  std::vector<std::string> Operands() const;

  // Says so and gives false if an argument is neither an operand (at most `operands_max`) nor one of `flags`.
  bool Accepts(const std::set<std::string_view>& flags, std::size_t operands_max);

 private:
  const wire::Command& command_;
  Conversation& client_;
};

// "1.5 GB", "12 kB".
std::string HumanBytes(std::int64_t bytes);

// "3 s", "5 min", "2 h", "4 d".
std::string HumanSeconds(std::int64_t seconds);

// The commands; each returns its exit code.
int RunStats(const CommandParts& parts, CommandCall& call);
int RunStatus(const CommandParts& parts, CommandCall& call);
int RunWhy(const CommandParts& parts, CommandCall& call);
int RunShow(const CommandParts& parts, CommandCall& call);
int RunGc(const CommandParts& parts, CommandCall& call);
int RunFlush(const CommandParts& parts, CommandCall& call);
int RunDoctor(const CommandParts& parts, CommandCall& call);
int RunStop(const CommandParts& parts, CommandCall& call);

}  // namespace smelt

#endif  // SMELT_DAEMON_COMMAND_H_

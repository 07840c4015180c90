#ifndef SMELT_WRAPPER_COMMAND_TABLE_H_
#define SMELT_WRAPPER_COMMAND_TABLE_H_

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Every command of the command line, once: help, the check of flags and the completion scripts are made from this
// table.
namespace smelt::wrapper {

struct Flag {
  std::string_view name;     // "--json"
  std::string_view summary;  // what it does, without a full stop
};

// Who carries a command out.
enum class Performer {
  kHere,           // commands.cc
  kDaemon,         // is sent as it is; the daemon is started if there is none
  kRunningDaemon,  // the same, but none is started for it
};

struct CommandRow {
  std::string_view name;
  std::string_view operands;  // as shown in help: "CRATE"
  int operands_min;
  int operands_max;
  bool takes_anything;  // operands are for another program: nothing is checked, nothing is ours
  Performer performer;
  std::string_view summary;  // one line
  std::string_view details;  // what `smelt help COMMAND` adds; lines end with '\n'
  std::span<const Flag> flags;
  std::span<const std::string_view> choices;  // the only values of the operand, if not empty
};

// In the order of help.
std::span<const CommandRow> Commands();

// Null if there is none.
const CommandRow* FindCommand(std::string_view name);

// What `smelt --help` and `smelt help COMMAND` print.
std::string Help();
std::string HelpOn(const CommandRow& command);

// The one of `names` that was probably meant by `name`; empty if none is near.
std::string_view Nearest(std::string_view name, const std::vector<std::string_view>& names);

}  // namespace smelt::wrapper

#endif  // SMELT_WRAPPER_COMMAND_TABLE_H_

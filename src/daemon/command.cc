#include "src/daemon/command.h"

#include <algorithm>

#include "fmt/format.h"

namespace smelt {

bool CommandCall::Has(std::string_view flag) const {
  return std::find(command_.arguments.begin(), command_.arguments.end(), flag) != command_.arguments.end();
}

std::vector<std::string> CommandCall::Operands() const {
  std::vector<std::string> operands;
  for (std::size_t i = 1; i < command_.arguments.size(); ++i) {
    if (!command_.arguments[i].starts_with('-')) operands.push_back(command_.arguments[i]);
  }
  return operands;
}

bool CommandCall::Accepts(const std::set<std::string_view>& flags, std::size_t operands_max) {
  const std::string& name = command_.arguments[0];
  for (std::size_t i = 1; i < command_.arguments.size(); ++i) {
    const std::string& argument = command_.arguments[i];
    if (!argument.starts_with('-') || flags.contains(argument)) continue;
    Error(fmt::format("smelt {}: unknown option '{}'; `smelt help {}` lists its options\n", name, argument, name));
    return false;
  }
  if (Operands().size() <= operands_max) return true;
  Error(fmt::format("smelt {}: unexpected argument '{}'; see `smelt help {}`\n", name, Operands()[operands_max], name));
  return false;
}

}  // namespace smelt

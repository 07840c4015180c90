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

std::string HumanBytes(std::int64_t bytes) {
  constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  double value = static_cast<double>(bytes);
  int unit = 0;
  while (value >= 999.5 && unit < 6) {
    value /= 1000;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string HumanSeconds(std::int64_t seconds) {
  seconds = std::max<std::int64_t>(seconds, 0);
  if (seconds < 120) return fmt::format("{} s", seconds);
  if (seconds < 120 * 60) return fmt::format("{} min", seconds / 60);
  if (seconds < 48 * 3600) return fmt::format("{} h", seconds / 3600);
  return fmt::format("{} d", seconds / 86400);
}

}  // namespace smelt

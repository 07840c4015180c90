#include <charconv>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "fmt/format.h"
#include "src/config/config.h"

namespace smelt {
namespace {

using Units = std::map<std::string, double, std::less<>>;

// A number, optional space, a unit; -1 for anything else.
double NumberWithUnit(std::string_view text, const Units& units) {
  double number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc() || !(number >= 0)) return -1;
  std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  auto found = units.find(unit);
  return found == units.end() ? -1 : number * found->second;
}

}  // namespace

absl::StatusOr<std::int64_t> ParseSize(const std::string& text) {
  static const Units kUnits = {{"", 1},          {"B", 1},       {"kB", 1e3},      {"KB", 1e3},      {"MB", 1e6},
                               {"GB", 1e9},      {"TB", 1e12},   {"K", 1 << 10},   {"KiB", 1 << 10}, {"M", 1 << 20},
                               {"MiB", 1 << 20}, {"G", 1 << 30}, {"GiB", 1 << 30}, {"T", 0x1p40},    {"TiB", 0x1p40}};
  const double bytes = NumberWithUnit(text, kUnits);
  if (bytes < 1 || bytes > 0x1p60) {
    return absl::InvalidArgumentError(
        fmt::format("'{}' is not a size: write a number and a unit, such as \"20GiB\", \"500MB\" or \"4096\"", text));
  }
  return static_cast<std::int64_t>(bytes);
}

absl::StatusOr<std::int64_t> ParseDuration(const std::string& text) {
  static const Units kUnits = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
  const double seconds = NumberWithUnit(text, kUnits);
  if (seconds < 1 || seconds > 366.0 * 86400) {
    return absl::InvalidArgumentError(fmt::format(
        "'{}' is not a duration of 1s to 366d: write a number and a unit, such as \"90s\", \"10m\" or \"3h\"", text));
  }
  return static_cast<std::int64_t>(seconds);
}

}  // namespace smelt

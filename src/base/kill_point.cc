#include "src/base/kill_point.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <set>
#include <string>

// The linker's names for the ends of the section; weak because a program may have no kill point.
extern "C" {
extern const char* const __start_smelt_kill_points[] __attribute__((weak));
extern const char* const __stop_smelt_kill_points[] __attribute__((weak));
}

namespace smelt {
namespace kill_point_internal {
namespace {

// Written before `armed` is set, constant while it is.
std::string& ArmedName() {
  static auto* const name = new std::string;
  return *name;
}
std::atomic<int> hits_left = 0;

}  // namespace

constinit std::atomic<bool> armed = false;

void Reached(const char* name) {
  if (ArmedName() != name) return;
  if (hits_left.fetch_sub(1) == 1) ::kill(::getpid(), SIGKILL);
}

namespace {

bool Arm(std::string_view spec) {
  armed = false;
  if (spec.empty()) return true;
  const std::size_t colon = spec.find(':');
  int nth = 1;
  if (colon != std::string_view::npos) {
    const std::string_view digits = spec.substr(colon + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), nth);
    if (error != std::errc() || end != digits.data() + digits.size() || nth < 1) return false;
  }
  ArmedName() = spec.substr(0, colon);
  hits_left = nth;
  armed = true;
  return true;
}

[[maybe_unused]] const bool armed_by_environment = [] {
  const char* spec = std::getenv("SMELT_KILL_POINT");
  return spec != nullptr && Arm(spec);
}();

}  // namespace
}  // namespace kill_point_internal

std::vector<std::string_view> KillPoints() {
  const std::set<std::string_view> names(__start_smelt_kill_points, __stop_smelt_kill_points);
  return {names.begin(), names.end()};
}

bool ArmKillPointForTest(std::string_view spec) { return kill_point_internal::Arm(spec); }

}  // namespace smelt

#include "src/daemon/wanted_state.h"

#include <string>
#include <string_view>
#include <utility>

#include "src/base/program_path.h"

namespace smelt {
namespace {

// Cargo's job server is gone by the time; a compiler that is told of it would complain.
bool NamesJobServer(std::string_view variable) {
  return variable == "CARGO_MAKEFLAGS" || variable == "MAKEFLAGS" || variable == "MFLAGS";
}

// As execvp would find it. Empty: nowhere.
std::string ProgramOf(const Unit& unit, const std::string& name) {
  if (name.find('/') != name.npos) return unit.Absolute(name);
  return FindProgram(unit.environment.ValueOr("PATH", kDefaultProgramPath), name).value_or("");
}

}  // namespace

void WantState(const Unit& unit, std::int64_t micros, StateAhead& ahead) {
  if (unit.environment.Find("CI")) return;
  StateAhead::Job job;
  job.unit = unit.identity;
  job.duration = std::chrono::microseconds(micros);
  BackgroundCommand& command = job.command;
  rustc::LocalRun run;
  run.state_directory = ahead.state_directory();
  command.command = unit.Command(run);
  command.command[0] = ProgramOf(unit, command.command[0]);
  command.working_directory = unit.working_directory;
  command.umask = unit.umask;
  command.covered = unit.Absolute(unit.invocation.out_dir);
  for (const auto& [name, value] : unit.environment.all()) {
    if (!NamesJobServer(name)) command.environment.push_back(name + "=" + value);
  }
  ahead.Want(std::move(job));
}

}  // namespace smelt

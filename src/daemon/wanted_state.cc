#include "src/daemon/wanted_state.h"

#include <algorithm>
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

bool WritesToOutDirOnly(const rustc::Invocation& invocation) {
  return !invocation.out_dir.empty() &&
         std::none_of(invocation.emits.begin(), invocation.emits.end(), [](const auto& emit) { return emit.path; });
}

// As execvp would find it. Empty: nowhere.
std::string ProgramOf(const Unit& unit, const std::string& name) {
  if (name.find('/') != name.npos) return unit.Absolute(name);
  return FindProgram(unit.environment.ValueOr("PATH", kDefaultProgramPath), name).value_or("");
}

}  // namespace

void WantState(const Unit& unit, std::int64_t micros, StateAhead& ahead) {
  if (unit.environment.Find("CI") || !WritesToOutDirOnly(unit.invocation)) return;
  StateAhead::Job job;
  job.unit = unit.identity;
  job.duration = std::chrono::microseconds(micros);
  BackgroundCommand& command = job.command;
  rustc::LocalRun run;
  run.state_directory = ahead.state_directory();
  command.command = unit.Command(run);
  command.command[0] = ProgramOf(unit, command.command[0]);
  if (command.command[0].empty()) return;
  command.working_directory = unit.working_directory;
  command.umask = unit.umask;
  command.covered = unit.Absolute(unit.invocation.out_dir);
  command.writable = ahead.state_directory();
  command.scratch = ahead.scratch_directory();
  for (const auto& [name, value] : unit.environment.all()) {
    if (!NamesJobServer(name) && name != "TMPDIR") command.environment.push_back(name + "=" + value);
  }
  command.environment.push_back("TMPDIR=" + command.scratch + "/tmp");
  ahead.Want(std::move(job));
}

}  // namespace smelt

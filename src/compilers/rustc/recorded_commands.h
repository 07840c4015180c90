#ifndef SMELT_COMPILERS_RUSTC_RECORDED_COMMANDS_H_
#define SMELT_COMPILERS_RUSTC_RECORDED_COMMANDS_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "src/compilers/rustc/invocation.h"

namespace smelt::rustc {

// One command that cargo ran through RUSTC_WRAPPER, for tests. testdata/cargo_a.txt and cargo_b.txt hold those of one
// workspace (build script with a probe, proc macro, cdylib+staticlib+rlib, program, tests, example, a crate of a
// registry, a path dependency outside) in two checkouts with two cargo homes.
struct RecordedCommand {
  std::string title;  // "cargo check --all-targets"
  std::string working_directory;
  std::vector<std::string> command;
  std::map<std::string, std::string, std::less<>> environment;  // only what decides something here

  const std::string* Variable(std::string_view name) const;
  std::variant<Invocation, Refusal> Parsed() const;
};

// Lines "unit TITLE", "cwd PATH", "env NAME=VALUE", "arg ARGUMENT"; a unit ends with a blank line.
std::vector<RecordedCommand> ReadRecording(std::string_view text);

// The recording in testdata/`name`.
std::vector<RecordedCommand> RecordingNamed(const std::string& name);

// True if the command line has a question or a source on stdin, which no key is made for.
bool IsQuestion(const RecordedCommand& recorded);

}  // namespace smelt::rustc

#endif  // SMELT_COMPILERS_RUSTC_RECORDED_COMMANDS_H_

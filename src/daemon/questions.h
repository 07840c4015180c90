#ifndef SMELT_DAEMON_QUESTIONS_H_
#define SMELT_DAEMON_QUESTIONS_H_

#include <optional>
#include <string>

#include "src/base/table.h"
#include "src/daemon/closure_evaluator.h"
#include "src/daemon/toolchains.h"
#include "src/wire/message.h"

namespace smelt {

// Questions that cargo asks a compiler at the start of each build: `rustc -vV`, and what a target's file names and cfgs
// are (`rustc - --crate-name ___ --print=...`). The answers depend on the toolchain, the arguments and a few variables,
// and are remembered on this machine, in a Table. Thread-safe.
class Questions {
 public:
  Questions(Toolchains& toolchains, Table& table) : toolchains_(toolchains), table_(table) {}

  // Whom such a question is asked, and about which target. nullopt if this is none, or its answer depends on more (the
  // processor, files).
  static std::optional<Toolchains::Request> Asked(const wire::Compile& request);

  // True for a question about a target, false for `-vV`.
  static bool IsAboutTarget(const wire::Compile& request);

  // Names the answer. nullopt if Asked says so, or the toolchain is none that is known. May digest a toolchain.
  std::optional<std::string> Understand(const wire::Compile& request);

  // A remembered answer: exit code 0, and what was written.
  struct Answer {
    std::string standard_output, standard_error;
  };
  std::optional<Answer> Find(const std::string& key);
  void Remember(const std::string& key, const Answer& answer);

 private:
  Toolchains& toolchains_;
  Table& table_;
};

}  // namespace smelt

#endif  // SMELT_DAEMON_QUESTIONS_H_

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

  struct Question {
    Toolchains::Request toolchain;  // whom it is asked, and about which target
    bool is_about_target = false;   // and not `-vV`
  };

  // nullopt if this is not such a question, or its answer depends on more (the processor, files).
  static std::optional<Question> Understand(const wire::Compile& request);

  // Names the answer to `question`, which is that of `request`. nullopt if the toolchain is none that is known. May
  // digest a toolchain.
  std::optional<std::string> KeyOf(const wire::Compile& request, const Question& question);

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

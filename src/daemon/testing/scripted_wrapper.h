#ifndef SMELT_DAEMON_TESTING_SCRIPTED_WRAPPER_H_
#define SMELT_DAEMON_TESTING_SCRIPTED_WRAPPER_H_

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "src/daemon/conversation.h"

namespace smelt {

// The wrapper's side of a conversation, as wire/protocol.md says it: runs what it is told to run by calling `compiler`,
// and keeps what it is told. Used by one thread.
class ScriptedWrapper : public Conversation {
 public:
  // Gives nullopt if the wrapper dies while the compiler runs.
  using Compiler = std::function<std::optional<wire::Message>(const wire::Run& run)>;

  explicit ScriptedWrapper(Compiler compiler) : compiler_(std::move(compiler)) {}

  bool Send(const wire::Message& message) override {
    if (gone) return false;
    if (const auto* output = std::get_if<wire::Output>(&message)) {
      (output->to_stderr ? standard_error : standard_output) += output->bytes;
    } else if (const auto* exit = std::get_if<wire::Exit>(&message)) {
      exit_code = exit->code;
    } else if (const auto* told = std::get_if<wire::Run>(&message)) {
      run = *told;
    } else if (std::holds_alternative<wire::Plain>(message)) {
      plain = true;
    } else if (std::holds_alternative<wire::Working>(message)) {
      ++working;
      if (on_working) on_working();
    }
    return !gone;
  }

  std::optional<wire::Message> Receive() override {
    if (gone || !run) return std::nullopt;
    std::optional<wire::Message> answer = compiler_(*run);
    if (const wire::Ran* ran = answer ? std::get_if<wire::Ran>(&*answer) : nullptr) {
      // What the compiler prints is passed on as it comes.
      standard_output += ran->standard_output;
      standard_error += ran->standard_error;
    }
    return answer;
  }

  bool gone = false;
  std::function<void()> on_working;

  std::optional<wire::Run> run;
  std::optional<int> exit_code;
  bool plain = false;
  int working = 0;
  std::string standard_output, standard_error;

 private:
  Compiler compiler_;
};

}  // namespace smelt

#endif  // SMELT_DAEMON_TESTING_SCRIPTED_WRAPPER_H_

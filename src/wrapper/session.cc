#include "src/wrapper/session.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>

#include "src/wire/build_id.h"
#include "src/wire/frame.h"
#include "src/wire/message.h"
#include "src/wire/socket_path.h"
#include "src/wrapper/connect.h"
#include "src/wrapper/relay.h"
#include "src/wrapper/run_compiler.h"

namespace smelt::wrapper {
namespace {

using wire::FrameStatus;

bool IsSet(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' && strcmp(value, "0") != 0;
}

std::vector<std::string> Environment() {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
  return environment;
}

// Empty if there is none (removed under us).
std::string WorkingDirectory() {
  char path[PATH_MAX];
  return getcwd(path, sizeof(path)) == nullptr || path[0] != '/' ? std::string() : std::string(path);
}

void Write(const wire::Output& output) { WriteAll(output.to_stderr ? STDERR_FILENO : STDOUT_FILENO, output.bytes); }

// A compile that the daemon has been told of.
class Conversation {
 public:
  Conversation(UniqueFd socket, const std::vector<std::string>& command)
      : socket_(std::move(socket)), command_(command), silence_ms_max_(SilenceMsMax()) {}

  // Does what the daemon says until it says Exit, and returns with what. Does not return if the daemon says Plain, or
  // nothing that makes sense.
  int Follow() {
    wire::Message message;
    while (wire::ReadMessage(socket_.get(), &message, silence_ms_max_) == FrameStatus::kOk) {
      if (auto* output = std::get_if<wire::Output>(&message)) {
        Write(*output);
      } else if (auto* exit = std::get_if<wire::Exit>(&message)) {
        return StatusToExitWith(exit->code);
      } else if (auto* run = std::get_if<wire::Run>(&message); run != nullptr && !compiler_) {
        if (!RunAndTell(*run)) break;
      } else if (std::holds_alternative<wire::Plain>(message)) {
        ExecPlain(command_);
      } else if (!std::holds_alternative<wire::Working>(message)) {
        break;
      }
    }
    EndWithoutDaemon();
  }

 private:
  // True if there is an answer to wait for.
  bool RunAndTell(const wire::Run& run) {
    Watched watched = RunWatched(run);
    bool captured = watched.ran.wait_status != wire::kWaitStatusNotCaptured;
    bool told = wire::WriteMessage(socket_.get(), std::move(watched.ran), silence_ms_max_) == FrameStatus::kOk;
    if (watched.status == wire::kWaitStatusNotStarted) return false;
    compiler_ = Ended{watched.status, captured};
    return told && WIFEXITED(watched.status);
  }

  int StatusToExitWith(std::int32_t code) const {
    return compiler_ && !compiler_->captured ? WEXITSTATUS(compiler_->status) : code & 0xff;
  }

  [[noreturn]] void EndWithoutDaemon() const {
    if (compiler_) EndAs(compiler_->status);
    ExecPlain(command_);
  }

  struct Ended {
    int status;
    bool captured;
  };

  const UniqueFd socket_;
  const std::vector<std::string>& command_;
  const int silence_ms_max_;
  std::optional<Ended> compiler_;  // once it has run
};

// It can only be read by setting it. There is no other thread yet that would notice.
std::uint32_t Umask() {
  const mode_t mask = umask(0);
  umask(mask);
  return mask;
}

}  // namespace

int SilenceMsMax() {
  const char* text = std::getenv("SMELT_SILENCE_MS");
  int value = 0;
  if (text == nullptr) return kSilenceMsMax;
  const char* end = text + strlen(text);
  auto [parsed_to, error] = std::from_chars(text, end, value);
  return error == std::errc() && parsed_to == end && value > 0 ? value : kSilenceMsMax;
}

int Wrap(const std::vector<std::string>& command) {
  if (IsSet("SMELT_DISABLE")) ExecPlain(command);
  std::string error;
  std::optional<wire::DaemonPaths> paths = wire::FindDaemonPaths(&error);
  std::string working_directory = WorkingDirectory();
  if (!paths || working_directory.empty()) ExecPlain(command);
  Connection daemon = ConnectOrStart(*paths, StartDaemon::kUnlessItJustFailed, SilenceMsMax());
  if (!daemon.socket.valid()) ExecPlain(command);
  wire::Compile compile = {wire::BuildId(), command, working_directory, Environment(), Umask()};
  if (wire::WriteMessage(daemon.socket.get(), std::move(compile), SilenceMsMax()) != FrameStatus::kOk) {
    ExecPlain(command);
  }
  return Conversation(std::move(daemon.socket), command).Follow();
}

CommandResult RunCommand(UniqueFd socket, const std::vector<std::string>& arguments) {
  wire::Message message =
      wire::Command{wire::BuildId(), arguments, WorkingDirectory(), Environment(), isatty(STDOUT_FILENO) == 1};
  FrameStatus status = wire::WriteMessage(socket.get(), message, SilenceMsMax());
  while (status == FrameStatus::kOk) {
    status = wire::ReadMessage(socket.get(), &message, SilenceMsMax());
    if (status != FrameStatus::kOk) break;
    if (auto* output = std::get_if<wire::Output>(&message)) {
      Write(*output);
    } else if (auto* exit = std::get_if<wire::Exit>(&message)) {
      return {CommandResult::kDone, exit->code & 0xff, {}};
    } else if (auto* other = std::get_if<wire::OtherVersion>(&message)) {
      return {CommandResult::kOtherVersion, 1, other->build_id};
    } else if (!std::holds_alternative<wire::Working>(message)) {
      break;
    }
  }
  return {CommandResult::kLost, 1, {}};
}

}  // namespace smelt::wrapper

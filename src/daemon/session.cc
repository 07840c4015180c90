#include "src/daemon/session.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <cstdio>
#include <mutex>
#include <utility>

#include "fmt/format.h"
#include "src/base/file_system.h"
#include "src/wire/build_id.h"
#include "src/wire/frame.h"

namespace smelt {
namespace {

// A wrapper that takes nothing for this long is stopped or gone.
constexpr int kWriteSilenceMsMax = 30'000;

// Who connects says at once what for.
constexpr int kFirstSilenceMsMax = 30'000;

std::vector<std::string> ArgumentsOf(int pid) {
  const absl::StatusOr<std::string> line = FileSystem::System().ReadFile(fmt::format("/proc/{}/cmdline", pid));
  std::vector<std::string> arguments;
  if (!line.ok()) return arguments;
  for (std::size_t at = 0, end; (end = line->find('\0', at)) != std::string::npos; at = end + 1) {
    arguments.push_back(line->substr(at, end - at));
  }
  return arguments;
}

class SocketConversation : public Conversation {
 public:
  explicit SocketConversation(UniqueFd socket) : socket_(std::move(socket)) {}

  bool Send(const wire::Message& message) override {
    const std::lock_guard lock(writing_);
    return wire::WriteMessage(socket_.get(), message, kWriteSilenceMsMax) == wire::FrameStatus::kOk;
  }

  std::optional<wire::Message> Receive() override {
    silent_ = true;  // nobody reads while the compiler runs
    std::optional<wire::Message> message = Receive(wire::kForever);
    silent_ = false;
    return message;
  }

  // From another thread: says that we are at it, unless something is being said or nobody listens.
  void Beat() {
    const std::unique_lock lock(writing_, std::try_to_lock);
    if (!lock.owns_lock() || silent_ || !CanBeWritten()) return;
    wire::WriteMessage(socket_.get(), wire::Working(), kWriteSilenceMsMax);
  }

  bool IsThere() override {
    char byte;
    return ::recv(socket_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 0;
  }

  std::optional<wire::Message> Receive(int silence_ms_max) {
    if (wire::ReadFrame(socket_.get(), &payload_, silence_ms_max) != wire::FrameStatus::kOk) return std::nullopt;
    return wire::Decode(payload_);
  }

  CargoCall Parent() override {
    ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(socket_.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return {};
    absl::StatusOr<std::string> stat = FileSystem::System().ReadFile(fmt::format("/proc/{}/stat", peer.pid));
    const std::size_t name_end = stat.ok() ? stat->rfind(')') : std::string::npos;
    int parent = 0;
    if (name_end == std::string::npos || std::sscanf(stat->c_str() + name_end, ") %*c %d", &parent) != 1) return {};
    char directory[PATH_MAX];
    const ssize_t length = readlink(fmt::format("/proc/{}/cwd", parent).c_str(), directory, sizeof directory);
    return {std::string(directory, length > 0 ? static_cast<std::size_t>(length) : 0), ArgumentsOf(parent)};
  }

  // Which smelt sent the first message, whether or not it could be understood.
  std::optional<std::string> Build() const { return wire::PeekBuildId(payload_); }

 private:
  bool CanBeWritten() {
    pollfd ready = {socket_.get(), POLLOUT, 0};
    return ::poll(&ready, 1, 0) == 1 && (ready.revents & POLLOUT) != 0;
  }

  UniqueFd socket_;
  std::string payload_;
  std::mutex writing_;
  std::atomic<bool> silent_ = false;
};

}  // namespace

void ServeConnection(UniqueFd socket, CompileHandler& compiles, CommandHandler& commands, Drain& drain,
                     Heartbeat& heartbeat, const std::function<void()>& other_version) {
  SocketConversation conversation(std::move(socket));
  std::optional<wire::Message> first = conversation.Receive(kFirstSilenceMsMax);
  const std::optional<std::string> build = conversation.Build();
  if (build && *build != wire::BuildId()) {
    conversation.Send(wire::OtherVersion{wire::BuildId()});
    return other_version();
  }
  if (!first) return;
  if (const wire::Compile* compile = std::get_if<wire::Compile>(&*first)) {
    const Drain::Work work = drain.Begin();
    const Heartbeat::Beating beating(heartbeat, [&] { conversation.Beat(); });
    if (work.held()) return compiles.Handle(*compile, conversation);
    conversation.Send(wire::Plain());
    return;
  }
  if (const wire::Command* command = std::get_if<wire::Command>(&*first))
    return commands.Handle(*command, conversation);
}

}  // namespace smelt

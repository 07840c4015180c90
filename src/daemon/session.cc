#include "src/daemon/session.h"

#include <utility>

#include "src/wire/build_id.h"
#include "src/wire/frame.h"

namespace smelt {
namespace {

// A wrapper that takes nothing for this long is stopped or gone.
constexpr int kWriteSilenceMsMax = 30'000;

class SocketConversation : public Conversation {
 public:
  explicit SocketConversation(UniqueFd socket) : socket_(std::move(socket)) {}

  bool Send(const wire::Message& message) override {
    return wire::WriteMessage(socket_.get(), message, kWriteSilenceMsMax) == wire::FrameStatus::kOk;
  }

  std::optional<wire::Message> Receive() override {
    wire::Message message;
    if (wire::ReadMessage(socket_.get(), &message) != wire::FrameStatus::kOk) return std::nullopt;
    return message;
  }

 private:
  UniqueFd socket_;
};

}  // namespace

void ServeConnection(UniqueFd socket, CompileHandler& compiles, CommandHandler& commands,
                     const std::function<void()>& other_version) {
  SocketConversation conversation(std::move(socket));
  std::optional<wire::Message> first = conversation.Receive();
  if (!first) return;
  const wire::Compile* compile = std::get_if<wire::Compile>(&*first);
  const wire::Command* command = std::get_if<wire::Command>(&*first);
  if (!compile && !command) return;
  if ((compile ? compile->build_id : command->build_id) != wire::BuildId()) {
    conversation.Send(wire::OtherVersion{std::string(wire::BuildId())});
    return other_version();
  }
  if (compile) {
    compiles.Handle(*compile, conversation);
  } else {
    commands.Handle(*command, conversation);
  }
}

}  // namespace smelt

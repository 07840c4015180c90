// A daemon for tests of starting one: listens as smeltd does, records each start in <directory>/starts, answers every
// Compile with Exit 0, and the commands
//   environment      its environment        descriptors      its open descriptors and where stdin leads
//   parent           its parent and session stop             ends
// Any other command ends with status 3. SMELT_FAKE_FAILS=1: writes to stderr and ends with 1 at once.
// SMELT_FAKE_LINGERS=1: has still things to do when it does not listen any more; <directory>/ended says that it is
// done.

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "src/base/unique_fd.h"
#include "src/wire/build_id.h"
#include "src/wire/frame.h"
#include "src/wire/socket_path.h"

namespace {

using namespace smelt;
namespace fs = std::filesystem;

std::string Descriptors() {
  std::string text = "stdin=" + fs::read_symlink("/proc/self/fd/0").string() + "\n";
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    std::string target = fs::read_symlink(entry.path(), gone).string();
    bool own = target.rfind("socket:", 0) == 0 || target.rfind("/proc/", 0) == 0;
    if (!gone && !own) text += entry.path().filename().string() + "\n";
  }
  return text;
}

std::string Answer(const std::string& command) {
  std::string text;
  if (command == "environment") {
    for (char** entry = environ; *entry != nullptr; ++entry) text += std::string(*entry) + "\n";
  } else if (command == "descriptors") {
    text = Descriptors();
  } else if (command == "parent") {
    text = "leader=" + std::to_string(getsid(0) == getpid()) + " directory=" + fs::current_path().string() + "\n";
  }
  return text;
}

// False when it is to end.
bool Serve(int socket) {
  wire::Message message;
  if (wire::ReadMessage(socket, &message) != wire::FrameStatus::kOk) return true;
  const auto* command = std::get_if<wire::Command>(&message);
  std::string name = command == nullptr ? "" : command->arguments[0];
  std::string answer = Answer(name == "why" ? command->arguments[1] : name);
  if (!answer.empty()) wire::WriteMessage(socket, wire::Output{false, answer});
  bool known = command == nullptr || name == "stop" || !answer.empty();
  wire::WriteMessage(socket, wire::Exit{known ? 0 : 3});
  return name != "stop";
}

}  // namespace

int main() {
  std::string error;
  auto paths = wire::FindDaemonPaths(&error);
  if (!paths || std::getenv("SMELT_FAKE_FAILS") != nullptr) {
    std::fprintf(stderr, "the fake daemon fails as it was told to\n");
    return 1;
  }
  std::ofstream(paths->directory + "/starts", std::ios::app) << "started\n";
  unlink(paths->socket.c_str());
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, paths->socket.data(), paths->socket.size());
  UniqueFd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) return 1;
  if (listen(listener.get(), 64) != 0) return 1;
  for (bool more = true; more;) {
    UniqueFd connection(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    more = Serve(connection.get());
  }
  unlink(paths->socket.c_str());
  if (std::getenv("SMELT_FAKE_LINGERS") != nullptr) {
    listener.Reset();
    usleep(300'000);
    std::ofstream(paths->directory + "/ended") << "ended\n";
  }
  return 0;
}

#include "src/testing/s3/real_s3.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>
#include <string_view>
#include <vector>

namespace smelt {
namespace {

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string Find(const std::string& program) {
  std::istringstream path(Environment("PATH") + ":" + Environment("GOPATH") + "/bin:" + Environment("HOME") +
                          "/go/bin");
  for (std::string directory; std::getline(path, directory, ':');) {
    const std::string found = directory + "/" + program;
    if (::access(found.c_str(), X_OK) == 0) return found;
  }
  return "";
}

int FreePort() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ::bind(fd, reinterpret_cast<sockaddr*>(&address), size);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(fd);
  return ntohs(address.sin_port);
}

pid_t Spawn(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int null = ::open("/dev/null", O_RDWR);
  for (const int fd : {0, 1, 2}) ::dup2(null, fd);
  ::execv(arguments[0], arguments.data());
  ::_exit(127);
}

}  // namespace

std::unique_ptr<RealS3> RealS3::Start(Kind kind) {
  const bool versity = kind == Kind::kVersityGw;
  const std::string program = Find(versity ? "versitygw" : "minio");
  if (program.empty()) return nullptr;
  std::unique_ptr<RealS3> server(new RealS3);
  server->port_ = FreePort();
  const std::string address = "127.0.0.1:" + std::to_string(server->port_);
  const std::string data = server->dir_ / "data", metadata = server->dir_ / "metadata";
  ::mkdir(data.c_str(), 0700);
  ::mkdir(metadata.c_str(), 0700);
  if (versity) {
    server->pid_ = Spawn({program, "--port", address, "--access", kAccessKeyId, "--secret", kSecretAccessKey,
                          "--keep-alive", "--quiet", "posix", "--sidecar", metadata, data});
  } else {
    ::setenv("MINIO_ROOT_USER", kAccessKeyId, 1);
    ::setenv("MINIO_ROOT_PASSWORD", kSecretAccessKey, 1);
    server->pid_ = Spawn({program, "server", "--quiet", "--address", address, data});
  }
  return server;
}

RealS3::~RealS3() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

std::string RealS3::Endpoint() const { return "http://127.0.0.1:" + std::to_string(port_); }

}  // namespace smelt

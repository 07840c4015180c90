// The cache server: what REAPI's clients talk to. See src/services.
#include "src/services/server.h"

#include <signal.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>

#include "fmt/format.h"
#include "glog/logging.h"
#include "src/auth/authorizer.h"
#include "src/base/clock.h"
#include "src/base/file_system.h"
#include "src/store/rocks/rocks_store.h"
#include "src/wire/build_id.h"

namespace smelt {
namespace {

constexpr std::string_view kUsage =
    "usage: smelt-server --listen ADDRESS:PORT --directory DIRECTORY [--reflection]\n"
    "  --listen      where to listen; port 0 takes a free one. May be given more than once\n"
    "  --directory   where blobs and results are kept\n"
    "  --reflection  answer grpc.reflection.v1alpha\n";

struct Flags {
  std::string directory;
  ServerOptions server;
};

int Fail(std::string_view message) {
  fmt::print(stderr, "smelt-server: {}\n", message);
  return 1;
}

absl::StatusOr<Flags> ParseFlags(int argc, char** argv) {
  Flags flags;
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    if (flag == "--reflection") {
      flags.server.reflection = true;
      continue;
    }
    if (flag != "--listen" && flag != "--directory") {
      return absl::InvalidArgumentError(fmt::format("unknown flag {}\n{}", flag, kUsage));
    }
    if (++i == argc) return absl::InvalidArgumentError(fmt::format("{} needs a value\n{}", flag, kUsage));
    if (flag == "--listen") flags.server.endpoints.push_back({argv[i], nullptr});
    if (flag == "--directory") flags.directory = argv[i];
  }
  if (flags.server.endpoints.empty()) return absl::InvalidArgumentError(fmt::format("no --listen\n{}", kUsage));
  if (flags.directory.empty()) return absl::InvalidArgumentError(fmt::format("no --directory\n{}", kUsage));
  return flags;
}

sigset_t EndingSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

// Objects are put together here, from the disk up to the socket.
int Serve(const Flags& flags) {
  FileSystem& files = FileSystem::System();
  Clock& clock = Clock::System();
  absl::StatusOr<std::unique_ptr<RocksStore>> store = RocksStore::Open({flags.directory}, files, clock);
  if (!store.ok()) return Fail(std::string(store.status().message()));

  AllowAll authorizer;
  absl::StatusOr<std::unique_ptr<Server>> server = Server::Start(
      {(*store)->blobs(), (*store)->actions(), authorizer, clock, (*store)->staging_directory()}, flags.server);
  if (!server.ok()) return Fail(std::string(server.status().message()));

  for (const int port : (*server)->ports()) fmt::print("listening on port {}\n", port);
  std::fflush(stdout);
  LOG(INFO) << "smelt-server " << wire::BuildId() << " serves " << flags.directory;
  const sigset_t signals = EndingSignals();
  int signal_number = 0;
  sigwait(&signals, &signal_number);
  LOG(INFO) << "smelt-server ends";
  (*server)->SetServing(false);
  (*server)->Shutdown(std::chrono::seconds(30));
  return 0;
}

int Main(int argc, char** argv) {
  google::InitGoogleLogging(argv[0]);
  FLAGS_logtostderr = true;
  absl::StatusOr<Flags> flags = ParseFlags(argc, argv);
  if (!flags.ok()) return Fail(std::string(flags.status().message()));
  const sigset_t signals = EndingSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // every thread made later inherits it
  signal(SIGPIPE, SIG_IGN);
  return Serve(*flags);
}

}  // namespace
}  // namespace smelt

int main(int argc, char** argv) { return smelt::Main(argc, argv); }

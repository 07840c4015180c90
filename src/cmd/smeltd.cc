// The daemon: one for each user and cache directory. Started by the wrapper; see src/daemon/README.md.
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#include "glog/logging.h"
#include "src/base/background_process.h"
#include "src/base/clock.h"
#include "src/base/file_system.h"
#include "src/base/kill_point.h"
#include "src/base/path_names.h"
#include "src/base/process.h"
#include "src/base/status_macros.h"
#include "src/cmd/team_cache.h"
#include "src/config/config.h"
#include "src/config/s3_settings.h"
#include "src/daemon/commands.h"
#include "src/daemon/compile.h"
#include "src/daemon/housekeeping.h"
#include "src/daemon/listener.h"
#include "src/daemon/session.h"
#include "src/daemon/state_ahead.h"
#include "src/observer/log.h"
#include "src/store/completeness_checking_action_cache.h"
#include "src/store/local/local_store.h"
#include "src/wire/build_id.h"
#include "src/wire/socket_path.h"

namespace smelt {
namespace {

Listener* running_listener = nullptr;

void OnSignal(int) {
  if (running_listener) running_listener->Stop();
}

std::string ExecutableDirectory() {
  char path[4096];
  ssize_t n = readlink("/proc/self/exe", path, sizeof path);
  std::string text(path, n > 0 ? static_cast<std::size_t>(n) : 0);
  return std::string(DirectoryName(text));
}

std::string FindObserver() {
  if (const char* path = getenv("SMELT_OBSERVER")) return path;
  std::string path = ExecutableDirectory() + "/libsmelt_observer.so";
  return access(path.c_str(), R_OK) == 0 ? path : "";
}

// True if a program that is started with the observer runs, and is observed.
bool ObserverWorks(const std::string& observer, const std::string& log) {
  unlink(log.c_str());
  const bool ran = OutputOf({"/bin/true"}, {"LD_PRELOAD=" + observer, "SMELT_OBSERVER_LOG=" + log}).ok();
  absl::StatusOr<std::string> text = FileSystem::System().ReadFile(log);
  unlink(log.c_str());
  if (!ran || !text.ok()) return false;
  absl::StatusOr<std::vector<ObserverEvent>> events = ParseObserverLog(*text);
  return events.ok() && !events->empty();
}

int Fail(const std::string& message) {
  std::fprintf(stderr, "smeltd: %s\n", message.c_str());
  return 1;
}

absl::StatusOr<CompileOptions> OptionsOf(const wire::DaemonPaths& paths, const Config& config, FileSystem& files) {
  CompileOptions options;
  options.runs_directory = paths.directory + "/runs";
  RETURN_IF_ERROR(files.MakeDirectories(options.runs_directory, 0700));
  options.observer = FindObserver();
  if (!options.observer.empty() && !ObserverWorks(options.observer, options.runs_directory + "/observer-check")) {
    LOG(ERROR) << options.observer << " cannot be loaded into programs: nothing will be stored";
    options.observer.clear();
  }
  options.observer_stat = files.Stat(options.observer).value_or(FileStat());
  options.incremental = config.incremental != Incremental::kNever;
  options.remap = config.remap;
  options.verify_share = config.verify_share;
  return options;
}

// What lies ready for edits is at most an eighth of what the cache may hold.
StateAheadOptions StatesOf(const wire::DaemonPaths& paths, const Config& config) {
  StateAheadOptions options;
  options.directory = paths.directory + "/states";
  if (config.incremental == Incremental::kAhead) {
    options.bytes_max = static_cast<std::uint64_t>(config.cache_bytes_max / 8);
  }
  return options;
}

// Objects are put together here, from the disk up to the socket.
int Serve(const wire::DaemonPaths& paths, const Config& config) {
  FileSystem& files = FileSystem::System();
  Clock& clock = Clock::System();

  LocalStoreOptions store_options;
  store_options.directory = paths.directory + "/store";
  store_options.limit_bytes = config.cache_bytes_max;
  store_options.hand_over = true;
  absl::StatusOr<std::unique_ptr<LocalStore>> store = LocalStore::Open(store_options, files, clock);
  if (!store.ok()) return Fail(std::string(store.status().message()));

  CompletenessCheckingActionCache actions((*store)->actions(), (*store)->blobs());
  Counters counters((*store)->table("counters"));
  FileDigests digests(files, clock, (*store)->table("digests"));
  auto team = TeamCache::Open(config, {files, clock, **store, actions, digests, counters, paths.directory});
  if (!team.ok()) return Fail(std::string(team.status().message()));

  Builds* const builds = (*team)->parts().builds;
  Toolchains toolchains(files, clock, digests, (*store)->table("toolchains"), [builds] {
    if (builds) builds->Expect();
  });
  Predictor predictor(actions, (*store)->blobs(), files, digests, (*team)->parts());
  Results results(files, (*store)->blobs(), (*store)->outputs(), digests);
  EditedUnits edited(files, digests, (*store)->table("units"));
  PackageRoots packages((*store)->table("units"));
  InFlight in_flight;
  Questions questions(toolchains, (*store)->table("toolchains"));
  StateAhead state_ahead(StatesOf(paths, config), StartInBackground, counters);
  const bool log_compiles = getenv("SMELT_COMPILE_LOG") != nullptr;
  Journal journal((*store)->table("journal"), clock, log_compiles ? paths.directory + "/compiles.jsonl" : "");

  const absl::StatusOr<CompileOptions> options = OptionsOf(paths, config, files);
  if (!options.ok()) return Fail(std::string(options.status().message()));
  CompileHandler compiles({files, clock, toolchains, predictor, results, digests, edited, packages, in_flight,
                           questions, state_ahead, counters, journal, builds},
                          *options);
  Housekeeping housekeeping((*store)->table("housekeeping"), clock,
                            {[&](const ShouldStop& stop) { digests.Prune(stop); },
                             [&](const ShouldStop& stop) { PrunePaths((*store)->table("units"), files, stop); },
                             [&](const ShouldStop& stop) { journal.Prune(Journal::kTableBytesMax, stop); },
                             [&](const ShouldStop& stop) {
                               if (Publisher* publisher = (*team)->parts().publisher) publisher->Prune(stop);
                             }});
  Drain drain;
  Heartbeat heartbeat;
  Listener* stoppable = nullptr;
  const bool uses_bucket = config.remote.endpoint.empty() && !config.s3.bucket.empty();
  CommandHandler commands({files, clock, **store, counters, journal, paths.directory, paths.socket, options->observer,
                           config.file, clock.NowNanos(), drain,
                           [&](bool at_once) { at_once ? stoppable->StopAtOnce() : stoppable->Stop(); },
                           (*team)->parts(), uses_bucket ? SettingsOf(config.s3) : ""});

  Listener listener(
      {paths.socket, config.idle_seconds},
      [&](UniqueFd socket) {
        ServeConnection(std::move(socket), compiles, commands, drain, heartbeat, [&] { stoppable->Stop(); });
      },
      [&] { counters.Save(); });
  stoppable = running_listener = &listener;
  if (absl::Status status = listener.Bind(); !status.ok()) return Fail(std::string(status.message()));
  LOG(INFO) << "smeltd " << wire::BuildId() << " listens on " << paths.socket;
  const bool drained = listener.Run();
  LOG(INFO) << "smeltd ends";
  running_listener = nullptr;
  if (!drained) std::_Exit(0);  // as safe as kill -9
  return 0;
}

// The wrapper has opened the log for appending; it need not grow for ever.
void ShortenLog(const std::string& path) {
  constexpr off_t kLogBytesMax = 16 << 20;
  struct stat log, ours;
  if (stat(path.c_str(), &log) != 0 || fstat(STDERR_FILENO, &ours) != 0 || log.st_size <= kLogBytesMax) return;
  if (log.st_ino != ours.st_ino || log.st_dev != ours.st_dev) return;
  if (ftruncate(STDERR_FILENO, 0) == 0) LOG(INFO) << "the log was begun anew";
}

// A daemon that is ending has given up its socket already but may still be closing its store.
bool TakeInstanceLock(int lock) {
  constexpr int kAttempts = 600;  // longer than a drain takes
  for (int i = 0; i < kAttempts; ++i) {
    if (flock(lock, LOCK_EX | LOCK_NB) == 0) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return false;
}

int Main(int argc, char** argv) {
  google::InitGoogleLogging(argv[0]);
  FLAGS_logtostderr = true;
  const std::string_view flag = argc > 1 ? argv[1] : "";
  if (flag == "--list-kill-points") {
    for (std::string_view name : KillPoints()) std::printf("%.*s\n", static_cast<int>(name.size()), name.data());
    return 0;
  }
  if (flag == "--version") return std::printf("smeltd %s\n", wire::BuildId().c_str()), 0;
  if (argc > 1) {
    const bool asked = flag == "--help";
    std::fprintf(asked ? stdout : stderr, "usage: smeltd [--version]\nThe daemon; `smelt start` starts it.\n");
    return asked ? 0 : 1;
  }
  absl::StatusOr<Config> config = LoadConfig([](const std::string& name) -> std::optional<std::string> {
    const char* value = getenv(name.c_str());
    return value ? std::optional<std::string>(value) : std::nullopt;
  });
  if (!config.ok()) return Fail(std::string(config.status().message()));
  std::string error;
  std::optional<wire::DaemonPaths> paths = wire::FindDaemonPaths(&error);
  if (!paths || !wire::MakeDaemonDirectories(*paths, &error)) return Fail(error);

  UniqueFd lock(open(paths->instance_lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock.valid()) return Fail(paths->instance_lock + ": " + std::strerror(errno));
  if (!TakeInstanceLock(lock.get())) return Fail("another smeltd serves " + paths->directory);

  ShortenLog(paths->log);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGCHLD, SIG_DFL);
  signal(SIGTERM, OnSignal);
  signal(SIGINT, OnSignal);
  return Serve(*paths, *config);
}

}  // namespace
}  // namespace smelt

int main(int argc, char** argv) { return smelt::Main(argc, argv); }

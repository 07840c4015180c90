// The cache server: what REAPI's clients talk to. See src/services.
#include "src/services/server.h"

#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <thread>

#include "absl/synchronization/mutex.h"
#include "fmt/format.h"
#include "glog/logging.h"
#include "grpcpp/impl/service_type.h"
#include "src/auth/role_authorizer.h"
#include "src/base/clock.h"
#include "src/base/file_system.h"
#include "src/base/kill_point.h"
#include "src/base/status_macros.h"
#include "src/cmd/admin_commands.h"
#include "src/cmd/named_files.h"
#include "src/cmd/server_bucket.h"
#include "src/cmd/server_flags.h"
#include "src/metrics/activity.h"
#include "src/services/admin_service.h"
#include "src/services/audit/audit_log.h"
#include "src/services/connections/accept4.h"
#include "src/services/connections/held_sends.h"
#include "src/services/connections/polling_threads.h"
#include "src/services/connections/tls.h"
#include "src/status/http_server.h"
#include "src/status/status_site.h"
#include "src/store/read_through_parents.h"
#include "src/store/rocks/rocks_store.h"
#include "src/wire/build_id.h"

// Read by jemalloc, before main: what was freed goes back to the system after a second, even if nobody calls any more.
extern "C" const char* malloc_conf;
const char* malloc_conf = "background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:1000";

namespace smelt {
namespace {

constexpr rlim_t kOpenFiles = 65536;
constexpr std::int64_t kShutdownSeconds = 15;
constexpr std::int64_t kReceivedPart = 16;            // of limits.memory: a thousand messages of 4 MB
constexpr std::int64_t kReceivedBytesMin = 64 << 20;  // whatever the machine has
constexpr std::int64_t kZstdFormsPart = 20;           // of storage.size: docs/adr/0014-blobs-are-compressed-once.md
constexpr std::int64_t kPartialsPart = 10;            // of storage.size
constexpr std::int64_t kStagingReserve = 8;           // of storage.free, what uploads leave, as the store does

int Fail(const absl::Status& status) {
  fmt::print(stderr, "smelt-server: {}\n", std::string(status.message()));
  return 1;
}

sigset_t EndingSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

void AwaitSignal() {
  const sigset_t signals = EndingSignals();
  int number = 0;
  sigwait(&signals, &number);
}

RocksStoreOptions StoreOptions(const ServerConfig& config) {
  RocksStoreOptions options;
  options.directory = config.storage.directory;
  options.limit_bytes = config.storage.size;
  options.free_bytes_min = config.storage.free;
  options.lease_seconds = config.storage.lease_seconds;
  options.high_watermark = config.storage.high;
  options.low_watermark = config.storage.low;
  options.outbox = config.s3.has_value();
  return options;
}

// As far as the system lets it; every connection and every large blob that is read takes one.
void AllowManyOpenFiles() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = std::max(limit.rlim_cur, std::min<rlim_t>(limit.rlim_max, kOpenFiles));
  setrlimit(RLIMIT_NOFILE, &limit);
}

std::int64_t OpenFilesMax() {
  rlimit limit = {};
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? static_cast<std::int64_t>(std::min(limit.rlim_cur, kOpenFiles)) : 0;
}

std::int64_t HalfOfTheMemory() {
  return static_cast<std::int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE) / 2;
}

absl::StatusOr<ServerOptions> MakeServerOptions(const ServerConfig& config) {
  ServerOptions options;
  std::shared_ptr<grpc::ServerCredentials> credentials;
  if (!config.tls.certificate.empty()) {
    absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> made =
        MakeTlsCredentials({config.tls.certificate, config.tls.key, config.tls.client_ca});
    if (!made.ok()) return made.status();
    credentials = *made;
  }
  for (const std::string& address : config.server.listen) options.endpoints.push_back({address, credentials});
  options.reflection = config.server.reflection;
  options.limits.memory_bytes = config.limits.memory;
  options.limits.received_bytes_max =
      std::max(kReceivedBytesMin, kReceivedPart * std::min(config.limits.memory, HalfOfTheMemory() / kReceivedPart));
  options.limits.streams_per_connection_max = static_cast<int>(config.limits.streams);
  options.limits.idle_seconds = config.limits.idle_seconds;
  options.limits.partial_bytes_max = std::min(options.limits.partial_bytes_max, config.storage.size / kPartialsPart);
  options.limits.blob_bytes_max = std::min(config.limits.blob, config.storage.size);
  options.limits.staged_bytes_max = config.storage.size;
  options.limits.staged_files_max = OpenFilesMax() / 4;
  options.limits.staging_free_bytes_min = config.storage.free / kStagingReserve;
  options.limits.partial_uploads_max = std::min(options.limits.partial_uploads_max, OpenFilesMax() / 8);
  return options;
}

void CollectStore(RocksStore& store, std::vector<Sample>& samples) {
  const RocksStore::Usage usage = store.GetUsage();
  const Outbox::Backlog backlog = store.outbox() ? store.outbox()->Pending() : Outbox::Backlog();
  const std::pair<const char*, std::int64_t> kValues[] = {
      {"smelt_cas_bytes", usage.bytes},
      {"smelt_cas_limit_bytes", usage.limit_bytes},
      {"smelt_cas_blobs", usage.blobs},
      {"smelt_cas_leased_bytes", usage.leased_bytes},
      {"smelt_cas_oldest_idle_seconds", usage.oldest_use_seconds},
      {"smelt_cas_evicted_last_idle_seconds", usage.evicted_last_idle_seconds},
      {"smelt_cas_corrupt_total", usage.corrupt_blobs},
      {"smelt_cas_read_only", usage.read_only ? 1 : 0},
      {"smelt_cas_counted", usage.counted ? 1 : 0},
      {"smelt_ac_entries", usage.actions},
      {"smelt_s3_pending_bytes", backlog.bytes},
      {"smelt_s3_oldest_pending_seconds", backlog.oldest_seconds}};
  for (const auto& [name, value] : kValues) samples.push_back({name, {}, static_cast<double>(value)});
}

// The store first, since the bucket has what it drops.
absl::StatusOr<Administration::Collected> Collect(RocksStore& store, ServerBucket* bucket, bool dry_run,
                                                  std::optional<std::int64_t> down_to) {
  ASSIGN_OR_RETURN(const RocksStore::CollectionReport report, store.Collect(dry_run, down_to));
  Administration::Collected collected{report.bytes_before, report.bytes_after, report.blobs_removed,
                                      report.actions_removed};
  if (!bucket) return collected;
  ASSIGN_OR_RETURN(const BucketCollectionReport there, bucket->Collect(dry_run));
  collected.bucket = {there.bytes_before, there.condemned_bytes + there.waiting_bytes, there.deleted,
                      there.deleted_bytes};
  return collected;
}

Administration MakeAdministration(RocksStore& store, ServerBucket* bucket, StatusSite& site) {
  return {[&store, bucket](bool dry_run, std::optional<std::int64_t> down_to) {
            return Collect(store, bucket, dry_run, down_to);
          },
          [&site] { return site.Json(); }};
}

// Ends everything: nothing new is taken, what runs may finish; a second signal ends it at once, and time does if gRPC
// still waits for a connection when all calls must have ended.
void Drain(const ServerConfig& config, StatusSite& site, Server& server) {
  LOG(INFO) << "smelt-server ends; calls may finish for " << config.server.drain_seconds << " s";
  std::thread([seconds = config.server.drain_seconds + kShutdownSeconds] {
    const sigset_t signals = EndingSignals();
    const timespec patience = {static_cast<time_t>(seconds), 0};
    if (sigtimedwait(&signals, nullptr, &patience) < 0) LOG(ERROR) << "gRPC does not end after " << seconds << " s";
    std::_Exit(1);  // as safe as kill -9
  }).detach();
  site.Drain();
  server.SetServing(false);
  HoldSends(false);  // who shuts gRPC down polls too
  server.Shutdown(std::chrono::seconds(config.server.drain_seconds));
}

void SayWhatIsOpen(const ServerConfig& config, const Server& server, const WebServer* status) {
  for (const int port : server.ports()) fmt::print("listening on port {}\n", port);
  if (status) fmt::print("status on port {}\n", status->port());
  std::fflush(stdout);
  if (config.auth.empty()) LOG(WARNING) << "nobody is asked who they are: everybody who gets here may do everything";
  if (!config.auth.empty() && config.tls.certificate.empty()) {
    for (const std::string& address : config.server.listen) {
      if (!IsLocalAddress(address)) LOG(WARNING) << address << " is without TLS: tokens travel in clear text";
    }
  }
  LOG(INFO) << "smelt-server " << wire::BuildId() << " serves " << config.storage.directory;
}

// Whether a callback may wait for a network: it does for an issuer's keys, and then another thread goes on.
bool WaitsForNetwork(const AuthOptions& auth) {
  return std::any_of(auth.jwts.begin(), auth.jwts.end(),
                     [](const AuthOptions::Jwt& jwt) { return !jwt.jwks_url.empty(); });
}

// Objects are put together here, from the disk up to the socket.
int Serve(const ServerConfig& config) {
  Clock& clock = Clock::System();
  absl::StatusOr<ServerOptions> options = MakeServerOptions(config);
  if (!options.ok()) return Fail(options.status());
  absl::StatusOr<std::unique_ptr<RocksStore>> store =
      RocksStore::Open(StoreOptions(config), FileSystem::System(), Clock::Steady());
  if (!store.ok()) return Fail(store.status());
  std::vector<ParentRule> rules;
  for (const auto& [instance, parent] : config.parents) rules.push_back({instance, parent});
  ZstdForms forms((*store)->staging_directory(), config.storage.size / kZstdFormsPart, config.storage.free);
  const std::string forms_directory = config.storage.directory + "/zstd-forms";
  forms.LoadFrom(forms_directory);
  std::unique_ptr<ServerBucket> bucket;
  if (config.s3) {
    absl::StatusOr<std::unique_ptr<ServerBucket>> opened = ServerBucket::Open(*config.s3, **store, forms, clock);
    if (!opened.ok()) return Fail(opened.status());
    bucket = *std::move(opened);
  }
  BlobStore& blobs = bucket ? bucket->blobs() : (*store)->blobs();
  ReadThroughParents actions(bucket ? bucket->actions() : (*store)->actions(), blobs, rules);
  const std::unique_ptr<Authorizer> roles = MakeAuthorizer(config.auth, clock);
  AuditLog audit(clock);
  AuditingAuthorizer authorizer(*roles, audit);

  Activity activity(clock);
  Server* running = nullptr;
  StatusSite site(
      {wire::BuildId(), activity,
       [&](std::vector<Sample>& samples) {
         CollectStore(**store, samples);
         ServerBucket::AddSamples(bucket.get(), samples);
         samples.push_back({"smelt_held_bytes", {}, running ? static_cast<double>(running->held_bytes()) : 0});
       },
       [&](const std::string& authorization) {
         if (config.status.open) return absl::OkStatus();
         return roles->Authorize({authorization}, std::nullopt, Permission::kAdminister).status();
       }});
  const std::unique_ptr<grpc::Service> admin =
      NewAdminService(authorizer, MakeAdministration(**store, bucket.get(), site));
  options->more_services.push_back(admin.get());
  options->calls = &activity;
  options->audit = &audit;
  options->reads_in_place = !bucket;

  std::optional<FewPollingThreads> polling;
  if (!WaitsForNetwork(config.auth)) polling.emplace();
  HoldSends(polling && polling->polling() == 1 && !config.server.reflection);  // which polls with threads of its own
  absl::StatusOr<std::unique_ptr<Server>> server =
      Server::Start({blobs, actions, authorizer, Clock::Steady(), (*store)->staging_directory(), forms,
                     &(*store)->deferred_puts(), &(*store)->complete_results(), bucket ? &bucket->packed() : nullptr},
                    *options);
  if (!server.ok()) return Fail(server.status());
  running = server->get();
  std::unique_ptr<WebServer> status;
  if (!config.status.listen.empty()) {
    auto started = WebServer::Start(config.status.listen, [&](const WebRequest& r) { return site.Answer(r); });
    if (!started.ok()) return Fail(started.status());
    status = *std::move(started);
  }
  SayWhatIsOpen(config, **server, status.get());
  AwaitSignal();
  Drain(config, site, **server);
  const absl::Status saved = forms.SaveTo(forms_directory);
  if (!saved.ok()) LOG(WARNING) << "blobs are compressed anew after the next start: " << saved;
  return 0;
}

int Main(int argc, char** argv) {
  google::InitGoogleLogging(argv[0]);
  FLAGS_logtostderr = true;
  // Debian's absl looks for deadlocks at each Mutex of gRPC's, which is a twentieth of what a call costs.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  std::vector<std::string> arguments(argv + 1, argv + argc);
  const std::string command = arguments.empty() ? "" : arguments.front();
  if (command == "hash-token") return HashTokenCommand();
  if (command == "gc" || command == "status") {
    return RunAdminCommand(command, {arguments.begin() + 1, arguments.end()});
  }
  if (command == "--list-kill-points") {
    for (std::string_view name : KillPoints()) fmt::print("{}\n", name);
    return 0;
  }
  if (command == "--help") return fmt::print("{}", kServerUsage), 0;
  if (command == "--version") return fmt::print("smelt-server {}\n", wire::BuildId()), 0;
  absl::StatusOr<ServerConfig> config = ParseServerFlags(arguments);
  if (!config.ok()) return Fail(config.status());
  if (const absl::Status files = CheckNamedFiles(config->files); !files.ok()) return Fail(files);
  if (std::find(arguments.begin(), arguments.end(), "--check") != arguments.end()) return 0;
  const sigset_t signals = EndingSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // every thread made later inherits it
  signal(SIGPIPE, SIG_IGN);
  AllowManyOpenFiles();
  KeepDescriptorsFromConnections();
  return Serve(*config);
}

}  // namespace
}  // namespace smelt

int main(int argc, char** argv) { return smelt::Main(argc, argv); }

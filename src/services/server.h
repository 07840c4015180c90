#ifndef SMELT_SERVICES_SERVER_H_
#define SMELT_SERVICES_SERVER_H_

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/auth/authorizer.h"
#include "src/base/clock.h"
#include "src/metrics/call_observer.h"
#include "src/services/audit/audit_log.h"
#include "src/services/limits.h"
#include "src/services/zstd/packed_reads.h"
#include "src/services/zstd/zstd_forms.h"
#include "src/store/action_caches.h"
#include "src/store/blob_store.h"
#include "src/store/complete_results.h"
#include "src/store/deferred_puts.h"

namespace grpc {
class ServerCredentials;
class Service;
}  // namespace grpc

namespace smelt {

// What a server stands on. All of it lives longer than the server.
struct ServerParts {
  BlobStore& blobs;
  ActionCaches& actions;
  Authorizer& authorizer;
  Clock& clock;
  std::string staging_directory;  // for uploads under way: a directory of the file system that `blobs` is on
  ZstdForms& zstd_forms;
  DeferredPuts* puts = nullptr;        // into the same store; may be null
  CompleteResults* results = nullptr;  // of the same store; may be null
  PackedReads* packed = nullptr;       // where `blobs` reads through to a far store; may be null
};

// One address to listen on.
struct Endpoint {
  std::string address;  // "127.0.0.1:8980", "[::]:8980", "unix:/run/smelt/server.sock"; port 0: any free one
  std::shared_ptr<grpc::ServerCredentials> credentials;  // null: without TLS
};

struct ServerOptions {
  std::vector<Endpoint> endpoints;
  Limits limits;
  bool reflection = false;
  std::vector<grpc::Service*> more_services;  // served beside ours; they live longer than the server
  bool reads_in_place = false;                // see ServiceParts: for a store that is on this machine alone
  CallObserver* calls = nullptr;              // is told of every call; lives longer than the server
  AuditLog* audit = nullptr;                  // is told of every result that is written; lives longer, too
};

// The services of a cache on gRPC: ContentAddressableStorage, ByteStream, ActionCache, Capabilities, grpc.health.v1
// and, where it is configured, reflection. Threads: gRPC's few, two bounded pools for what blocks, one that ends idle
// streams and drops old uploads; their number does not depend on that of the connections. Thread-safe.
class Server {
 public:
  virtual ~Server() = default;  // as Shutdown without grace

  // Listens and serves. UNAVAILABLE, naming the address, where one cannot be had.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServerParts& parts, const ServerOptions& options);

  // The ports of the endpoints, in their order; 0 for a Unix socket.
  virtual const std::vector<int>& ports() const = 0;

  // What grpc.health.v1 answers; serving from the start. A drain begins with `false`.
  virtual void SetServing(bool serving) = 0;

  // Accepts nothing more, lets calls finish for so long, cancels the others. Returns when all are done.
  virtual void Shutdown(std::chrono::milliseconds grace) = 0;

  // Bytes of blobs held for calls now.
  virtual std::int64_t held_bytes() = 0;
};

}  // namespace smelt

#endif  // SMELT_SERVICES_SERVER_H_

#ifndef SMELT_SERVICES_SERVICE_PARTS_H_
#define SMELT_SERVICES_SERVICE_PARTS_H_

#include "src/auth/authorizer.h"
#include "src/metrics/call_observer.h"
#include "src/services/audit/audit_log.h"
#include "src/services/bytes_budget.h"
#include "src/services/limits.h"
#include "src/services/messages/answer_memory.h"
#include "src/services/partial_uploads.h"
#include "src/services/staging_room.h"
#include "src/services/stream_watch.h"
#include "src/services/worker_pool.h"
#include "src/services/zstd/packed_reads.h"
#include "src/services/zstd/zstd_forms.h"
#include "src/store/action_caches.h"
#include "src/store/blob_store.h"
#include "src/store/complete_results.h"
#include "src/store/deferred_puts.h"

namespace smelt {

// What the services share. All of it lives longer than they do.
struct ServiceParts {
  BlobStore& blobs;
  ActionCaches& actions;
  Authorizer& authorizer;
  Limits limits;
  StagingRoom& staging;  // for uploads, on the file system that `blobs` is on
  WorkerPool& reads;     // for what reads the store
  WorkerPool& writes;    // for what waits for the disk: many threads, which share a sync
  BytesBudget& budget;
  StreamWatch& watch;
  AnswerMemory& answers;
  PartialUploads& partials;
  ZstdForms& zstd_forms;

  // The store's answers come from memory or the page cache as a rule, never over a network: little reads are then done
  // on gRPC's own threads, since to hand one over to the pool costs more than the read itself.
  bool reads_in_place = false;

  // For little writes, where the store has it: they then take no thread of `writes`. May be null.
  DeferredPuts* puts = nullptr;

  AuditLog* audit = nullptr;  // of results that are written; may be null

  CallObserver* calls = nullptr;  // is told of the calls that gRPC's interceptor leaves out; may be null

  // Where `blobs` reads through to a far store; else null.
  PackedReads* packed = nullptr;

  // Hits that need no more than to be looked up, where the store has that. May be null.
  CompleteResults* results = nullptr;
};

// Little: done on gRPC's own threads where the store allows it.
inline constexpr std::int64_t kBytesInPlaceMax = 64 << 10;

// What a call gets that finds a pool's queue full.
inline absl::Status TooBusy() { return absl::UnavailableError("the server has too much to do; try again"); }

}  // namespace smelt

#endif  // SMELT_SERVICES_SERVICE_PARTS_H_

#ifndef SMELT_STORE_S3_OUTBOX_UPLOADER_H_
#define SMELT_STORE_S3_OUTBOX_UPLOADER_H_

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "src/store/action_caches.h"
#include "src/store/blob_store.h"
#include "src/store/outbox.h"
#include "src/store/s3/bucket_store.h"

namespace smelt {

struct OutboxUploaderOptions {
  std::size_t batch_entries = 1000;  // confirmed together, after one Flush
  int threads = 4;                   // entries read and sent at a time
  std::int64_t poll_ms = 1000;       // how often an empty outbox is looked at
  std::int64_t retry_ms = 5000;      // pause after a failure
};

// Brings what is in an Outbox into a bucket, behind whoever wrote it: in order, batch by batch; an entry is confirmed
// when its pack or object and its index are in the bucket, so that whatever dies, nothing is forgotten: a restart sends
// at most one batch again, of which the bucket has most. What is no longer in the local store is confirmed too, since
// there is nothing to send, and so is a result that no bucket takes (reapi::CheckResultSize). Runs on threads of its
// own from construction to destruction, and first of all has `bucket` read its index: so that no caller waits for that,
// and the log says soon if it cannot be read.
class OutboxUploader {
 public:
  struct Statistics {
    Outbox::Backlog backlog;
    std::int64_t sent = 0;     // entries confirmed
    std::int64_t dropped = 0;  // of them, those that were gone from the local store, or refused
    std::int64_t failures = 0;
    absl::Status failing;  // why the last batch failed, until one succeeds
  };

  // All outlive this. `blobs` and `actions` are the local store.
  OutboxUploader(OutboxUploaderOptions options, Outbox& outbox, BlobStore& blobs, ActionCaches& actions,
                 BucketStore& bucket);

  // Ends without sending what is left; it is in the outbox.
  ~OutboxUploader();

  // Waits until all that is in the outbox now is in the bucket; the reason if a batch fails meanwhile.
  absl::Status Drain();

  Statistics GetStatistics();

 private:
  using Entry = Outbox::Entry;

  void Run();
  absl::Status SendBatch();
  absl::Status SendAll(const std::vector<Entry>& entries);
  absl::Status Send(const Entry& entry);
  absl::StatusOr<ActionCache::ActionResult> ResultOf(const Entry& entry);

  const OutboxUploaderOptions options_;
  Outbox& outbox_;
  BlobStore& blobs_;
  ActionCaches& actions_;
  BucketStore& bucket_;
  std::mutex mu_;
  std::condition_variable wake_, progress_;
  bool ending_ = false;  // this and what follows: guarded by mu_
  bool draining_ = false;
  std::int64_t rounds_ = 0;  // batches tried
  std::int64_t sent_ = 0, dropped_ = 0, failures_ = 0;
  absl::Status failing_;
  std::thread thread_;
};

}  // namespace smelt

#endif  // SMELT_STORE_S3_OUTBOX_UPLOADER_H_

#ifndef SMELT_STORE_S3_PACK_WRITER_H_
#define SMELT_STORE_S3_PACK_WRITER_H_

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "smelt/bucket/v1/bucket.pb.h"
#include "src/base/clock.h"
#include "src/digest/digest.h"
#include "src/store/s3/bucket_index.h"
#include "src/store/s3/object_store.h"

namespace smelt {

struct PackWriterOptions {
  std::string writer;                         // a name that no other writer has
  std::int64_t pack_bytes = 8 << 20;          // a pack is sealed when it is this large,
  std::int64_t seal_after_ms = 1000;          // or has been open for so long; so long its index waits for others
  std::int64_t pending_bytes_max = 64 << 20;  // Put waits while more than this is in memory
  int threads = 4;                            // uploads at a time
  std::int64_t retry_ms = 5000;               // pause after a failed upload
  std::int64_t marks_after_ms = 60'000;       // marks wait so long for an index to go with
};

// Packs payloads and puts the packs into a bucket, behind the callers' backs: first the pack, then an index that names
// it, so that what an index names is there. One index names many: readers with empty disks read them all. Thread-safe.
class PackWriter {
 public:
  struct Payload {
    std::string stored;
    bool zstd = false;
  };
  struct Pending {
    std::int64_t payloads = 0;
    std::int64_t bytes = 0;  // as stored
  };

  // The three outlive this.
  PackWriter(PackWriterOptions options, ObjectStore& objects, BucketIndex& index, Clock& clock);

  // Ends the threads. What is not in the bucket is lost: Flush first.
  ~PackWriter();

  // Takes the payload, which is then found here until it is found in the index. Waits while too much is pending; fails
  // instead of waiting, with the reason, while uploads fail.
  absl::Status Put(const Digest& name, Payload payload);

  // An object that is in the bucket already is to be named by the next index.
  void Publish(bucket::v1::Pack object);

  // What is to be told of packs goes with the next index; Flush or an upload makes one.
  void Publish(std::vector<bucket::v1::Mark> marks);

  std::optional<Payload> Find(const Digest& name);
  bool Holds(const Digest& name);

  // Waits until all that was put and published before is in the bucket, or until an upload fails: then the reason.
  // What failed stays pending and is tried again.
  absl::Status Flush();

  Pending GetPending();

  // Nanoseconds since 1970, later than any time that it gave before.
  std::int64_t NextTime();

  // What is sealed from now on is later than `time_ns`, whatever the clock says: it replaces what was sealed then.
  void After(std::int64_t time_ns);

  const std::string& writer() const { return options_.writer; }

 private:
  struct Batch {
    std::map<Digest, Payload> payloads;
    std::int64_t bytes = 0;
    std::int64_t sealed_ns = 0;
    std::chrono::steady_clock::time_point opened;
  };
  using Lock = std::unique_lock<std::mutex>;

  const Payload* FindHeld(const Digest& name) const;  // mu_ is held
  void Work();
  void Wait(Lock& lock);
  void SealOpen();            // mu_ is held
  bool HasWork() const;       // mu_ is held
  bool OpenIsDue() const;     // mu_ is held
  bool HasToPublish() const;  // mu_ is held
  void Upload(Lock& lock, std::shared_ptr<Batch> batch);
  void AddWaiting(bucket::v1::Pack pack);  // mu_ is held
  void PublishWaiting(Lock& lock);
  void Failed(const absl::Status& status);  // mu_ is held

  const PackWriterOptions options_;
  ObjectStore& objects_;
  BucketIndex& index_;
  Clock& clock_;

  std::mutex mu_;
  std::condition_variable work_;  // for the threads
  std::condition_variable done_;  // for Put and Flush
  std::shared_ptr<Batch> open_;   // this and what follows: guarded by mu_
  std::deque<std::shared_ptr<Batch>> sealed_;
  std::vector<std::shared_ptr<Batch>> uploading_;
  bucket::v1::Index waiting_;                                    // uploaded, and in no index
  std::chrono::steady_clock::time_point packs_due_, marks_due_;  // of waiting_
  std::int64_t added_ = 0;                                       // to waiting_, ever
  std::int64_t published_ = 0;                                   // of them
  int publishing_ = 0;
  std::int64_t pending_bytes_ = 0;
  std::int64_t last_time_ns_ = 0;
  absl::Status failing_;  // of the last upload
  std::int64_t failures_ = 0;
  std::chrono::steady_clock::time_point retry_at_;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace smelt

#endif  // SMELT_STORE_S3_PACK_WRITER_H_

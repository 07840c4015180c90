#ifndef SMELT_STORE_S3_BUCKET_STORE_H_
#define SMELT_STORE_S3_BUCKET_STORE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "src/base/clock.h"
#include "src/store/action_caches.h"
#include "src/store/blob_store.h"
#include "src/store/packed_blobs.h"
#include "src/store/s3/bucket_index.h"
#include "src/store/s3/bucket_log.h"
#include "src/store/s3/index_reader.h"
#include "src/store/s3/object_store.h"
#include "src/store/s3/pack_reader.h"
#include "src/store/s3/pack_writer.h"
#include "src/store/shared_calls.h"
#include "src/store/spool.h"

namespace smelt {

struct BucketStoreOptions {
  // A name that no other writer of the bucket has; empty: a random one.
  std::string writer;

  std::int64_t packed_bytes_max = 1 << 20;  // larger blobs are objects of their own
  std::int64_t pack_bytes = 8 << 20;        // PackWriterOptions
  std::int64_t seal_after_ms = 1000;
  std::int64_t pending_bytes_max = 64 << 20;
  int upload_threads = 4;
  std::int64_t retry_ms = 5000;

  std::int64_t read_cache_bytes = 64 << 20;  // PackReader
  int zstd_level = 1;                        // docs/adr/0006 has the figures
  std::string staging_directory;             // for large blobs on their way; empty: TMPDIR, else /tmp

  // Called with each large blob that was put and the zstd frames that now lie in the bucket. May block; any thread.
  std::function<void(const Digest&, const Bytes&)> on_packed;

  // Takes the lines of BucketLog; empty: the program's log does.
  std::function<void(const std::string& line)> log;

  std::int64_t index_bytes_max = std::int64_t{2} << 30;  // BucketIndex

  // How old the index in memory may be when something is missing from it, and in any case.
  std::int64_t refresh_on_miss_ms = 3000;
  std::int64_t refresh_ms = 60'000;

  // How long after the index began to be read a call goes on with what has been read.
  std::int64_t patience_ms = 5000;

  // A pack that is used so long after its last use was published has this use published: see Collect.
  std::int64_t touch_after_seconds = 12 * 3600;
};

// Blobs and results in a bucket that any number of these use at once, on any number of machines. Small ones lie in
// packs, large ones are objects; indexes in the bucket say what is where, and are kept in memory here: so existence is
// answered without asking the bucket, and whoever starts with nothing but the bucket finds everything. What is put is
// found here at once and by others after Flush, or after a second or so. Thread-safe.
//
// docs/adr/0006-bucket-of-packs.md has the layout and the reasoning.
//
// Every blob and result is checked as it arrives. What does not come as it should, twice, is DATA_LOSS, counted, named
// in the log and forgotten, so that the next Put heals it for everybody. While the bucket does not answer, calls fail
// with UNAVAILABLE, except for what is in memory. While the index is still being read, what is not known yet is
// UNAVAILABLE too, and not NOT_FOUND; FindMissing says then that it is missing, and so it does of what a collection may
// be about to delete. Nobody is told that something is there, or is not, on the strength of half an index.
class BucketStore : public BlobStore, public ActionCaches, public PackedBlobs {
 public:
  // Both outlive this. Nothing is asked of the bucket before the first call.
  BucketStore(BucketStoreOptions options, ObjectStore& objects, Clock& clock);

  // What was not flushed is lost.
  ~BucketStore() override;

  // Large blobs are uploaded before Put returns, small ones behind it. What the bucket has already is not sent again.
  absl::StatusOr<Bytes> Get(const Digest& digest) override;
  absl::Status Put(const Digest& digest, Bytes bytes) override;
  absl::StatusOr<std::vector<Digest>> FindMissing(absl::Span<const Digest> digests) override;

  // Compressed blobs as they lie in the bucket.
  absl::Status ReadPacked(const Digest& digest, const PackedSink& sink) override;

  // A large blob with `insertion` in it, put together as it arrives, and not verified: see SharedCache::GetWith.
  // NOT_FOUND for all that is no object of its own.
  absl::StatusOr<Bytes> GetObjectWith(const Digest& digest, const Insertion& insertion);

  // The last one written is the one: by the clocks of their writers, where several write.
  std::shared_ptr<ActionCache> Of(std::string_view instance) override;

  // Waits until all that was put before is in the bucket and found by others. UNAVAILABLE, with the reason, if it
  // cannot be brought there now: it stays in memory and is tried again.
  absl::Status Flush();

  // Brings the index up to date now, however long that takes: for those who know that something has come, and those who
  // must not go on with less.
  absl::Status Refresh() { return reader_.Refresh(0); }

  struct Statistics {
    std::int64_t payloads = 0;       // blobs and results known
    std::int64_t index_bytes = 0;    // of memory that this takes
    std::int64_t left_out = 0;       // blobs and results, ever, since it would have taken more than it may
    bool is_complete = false;        // all of the index has been read
    std::int64_t pending = 0;        // not yet in the bucket
    std::int64_t pending_bytes = 0;  // of them, as stored
    std::int64_t corrupt = 0;        // came otherwise than they should, twice
    std::int64_t damaged_indexes = 0;
  };
  Statistics GetStatistics();

 private:
  class Results;
  class Arrival;

  using Place = BucketIndex::Place;

  absl::Status Freshen(std::int64_t max_age_ms);
  std::optional<Place> Find(const Digest& name);
  bool Stays(const Digest& name);
  absl::StatusOr<Place> FindOrRefresh(const Digest& name);
  void PublishUses();

  absl::StatusOr<Bytes> Receive(const Place& place, Arrival arrival);
  absl::Status ReadObject(const Place& place, const PackedSink& sink);
  absl::Status ReadPayload(const Place& place, const PackedSink& sink);
  absl::StatusOr<Bytes> Fetch(const Digest& name, const Place& place, std::int64_t bytes_max);
  absl::StatusOr<Bytes> FetchChecked(const Digest& name, const Place& place, std::int64_t bytes_max,
                                     const std::function<absl::Status(const Bytes&)>& check);
  void Forget(const Digest& name, const Place& place, const absl::Status& damage, bool all_of_it);
  absl::StatusOr<Bytes> GetHere(const Digest& digest);
  absl::StatusOr<std::string> GetResult(const Digest& name);

  PackWriter::Payload Packed(std::string contents) const;
  absl::Status PutObject(const Digest& digest, const Bytes& bytes);

  const BucketStoreOptions options_;
  ObjectStore& objects_;
  Clock& clock_;
  BucketLog log_;
  BucketIndex index_;
  IndexReader reader_;
  PackReader packs_;
  SharedCalls<absl::StatusOr<Bytes>> downloads_;
  SharedCalls<absl::Status> uploads_;
  std::atomic<std::int64_t> corrupt_{0};
  PackWriter writer_;
};

}  // namespace smelt

#endif  // SMELT_STORE_S3_BUCKET_STORE_H_

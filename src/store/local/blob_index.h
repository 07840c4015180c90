#ifndef SMELT_STORE_LOCAL_BLOB_INDEX_H_
#define SMELT_STORE_LOCAL_BLOB_INDEX_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/base/clock.h"
#include "src/digest/digest.h"
#include "src/store/local/database.h"
#include "src/store/local/file_record.h"

namespace smelt {

// What the database knows of the blobs: which are here, whether inside it or as files, when each was last used, and
// how much they are together. Thread-safe.
//
// Times of use and refreshed records gather in memory until Flush: losing them costs an eviction out of order and a
// file digested once more.
class BlobIndex {
 public:
  // How coarse times of use are in the database.
  static constexpr std::int64_t kUseGranularitySeconds = 3600;

  // `on_added` is called after a blob was added, with its entry still locked.
  BlobIndex(Database& database, Clock& clock, std::function<void()> on_added)
      : database_(database), clock_(clock), on_added_(std::move(on_added)) {}

  // The bytes of a blob inside the database, unverified; nothing if it is not there.
  absl::StatusOr<std::optional<std::string>> InlineBytes(const Digest& digest);

  struct Stripe {
    std::mutex mu;
    struct Cached {
      FileRecord record;
      bool dirty = false;
    };
    struct Use {
      std::int64_t seconds = 0;
      std::int64_t written_seconds = 0;  // what the database has, as far as known
      bool dirty() const { return seconds - written_seconds >= kUseGranularitySeconds; }
    };
    absl::flat_hash_map<Digest, Cached> records;  // guarded by mu
    absl::flat_hash_map<Digest, Use> uses;        // guarded by mu; uses of the last hour
  };

  // Sole access to what is known of one blob, and of those that share its stripe: what changes a blob's state holds it.
  // One at a time in a thread.
  class Entry {
   public:
    const Digest& digest() const { return digest_; }

    // Of the blob's file; nothing if it has none.
    absl::StatusOr<std::optional<FileRecord>> Record();

    // The blob is here from now on.
    absl::Status AddInline(std::string_view bytes);
    absl::Status AddFile(const FileRecord& record);

    // The blob's file is as it should be, but no longer as recorded.
    void RefreshFile(const FileRecord& record);

    // The blob is not here any more.
    absl::Status Remove();

    void Touch();

    // The last Touch that memory still has, in seconds since 1970; 0 if none.
    std::int64_t LastTouch() const;

   private:
    friend class BlobIndex;
    Entry(BlobIndex& index, Stripe& stripe, const Digest& digest)
        : index_(index), stripe_(stripe), digest_(digest), lock_(stripe.mu) {}
    absl::Status Add(Database::Batch& batch);

    BlobIndex& index_;
    Stripe& stripe_;
    const Digest digest_;
    std::unique_lock<std::mutex> lock_;
  };
  Entry Lock(const Digest& digest) { return Entry(*this, StripeOf(digest), digest); }

  // Writes down what has gathered.
  absl::Status Flush();

  // Every blob with the second it was last used, in no order. As of some moment during the call.
  using VisitUse = std::function<void(const Digest& digest, std::int64_t seconds)>;
  absl::Status ForEachUse(const VisitUse& visit);

  // Adds up what `snapshot`, taken before any change through this object, holds.
  absl::Status Count(const Database::Snapshot& snapshot);

  // The database has begun anew. Nobody else uses this.
  void NoteBegunAnew();

  std::int64_t bytes() const { return bytes_; }
  std::int64_t blobs() const { return blobs_; }

 private:
  static constexpr std::size_t kStripes = 64;
  static constexpr std::size_t kCachedRecordsPerStripe = 1024;

  Stripe& StripeOf(const Digest& digest) { return stripes_[digest.hash[0] % kStripes]; }
  std::int64_t NowSeconds() { return clock_.NowNanos() / 1'000'000'000; }
  void Remember(Stripe& stripe, const Digest& digest, const FileRecord& record, bool dirty);
  absl::Status FlushStripe(Stripe& stripe);  // stripe.mu is held

  // Constant after construction.
  Database& database_;
  Clock& clock_;
  const std::function<void()> on_added_;

  std::array<Stripe, kStripes> stripes_;
  std::atomic<std::int64_t> bytes_ = 0;
  std::atomic<std::int64_t> blobs_ = 0;
};

}  // namespace smelt

#endif  // SMELT_STORE_LOCAL_BLOB_INDEX_H_

#ifndef SMELT_STORE_ROCKS_ROCKS_BLOB_STORE_H_
#define SMELT_STORE_ROCKS_ROCKS_BLOB_STORE_H_

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "src/store/blob_store.h"
#include "src/store/gate.h"
#include "src/store/rocks/committer.h"
#include "src/store/rocks/durable_files.h"
#include "src/store/rocks/presence_index.h"
#include "src/store/rocks/recent_values.h"
#include "src/store/rocks/rocks_database.h"
#include "src/store/rocks/space.h"
#include "src/store/rocks/uses.h"

namespace smelt {

// The server's blobs: the smallest as values of the LSM tree, larger ones in RocksDB's blob files, the largest as files
// of their own. Values are digested when they are read from the database; files as DurableFiles says.
class RocksBlobStore : public BlobStore {
 public:
  struct Borders {
    std::int64_t tree_bytes_max = 0;
    std::int64_t blob_db_bytes_max = 0;
  };

  // What it uses lives longer than this.
  RocksBlobStore(const Borders& borders, RocksDatabase& database, DurableFiles& files, Uses& uses, Committer& committer,
                 Space& space, Gate& gate)
      : borders_(borders),
        database_(database),
        files_(files),
        uses_(uses),
        committer_(committer),
        space_(space),
        gate_(gate) {}

  absl::StatusOr<Bytes> Get(const Digest& digest) override;
  absl::Status Put(const Digest& digest, Bytes bytes) override { return Put(digest, std::move(bytes), false); }
  absl::StatusOr<std::vector<Digest>> FindMissing(absl::Span<const Digest> digests) override;

  // Put of a blob that the bucket has: it does not go to the outbox.
  absl::Status PutFetched(const Digest& digest, Bytes bytes) { return Put(digest, std::move(bytes), true); }

  // Put of a blob that is no file, by a caller who does not wait (see DeferredPuts).
  void Defer(const Digest& digest, Bytes bytes, Committer::Done done);
  std::int64_t deferred_bytes_max() const { return borders_.blob_db_bytes_max; }

  // The blob whose file is there, and which neither the database nor the index know. With nobody inside the gate.
  absl::Status TakeUp(const Digest& digest);

  // Blobs that were not what their digest names, or that should have been here and were not.
  std::int64_t corrupt() const { return corrupt_; }

  // Deletes what the database has of a blob.
  static void DeleteFrom(RocksDatabase::Batch& batch, const Digest& digest, Place place);

 private:
  static constexpr std::int64_t kRecentBytes = 64 << 20;

  Place PlaceOf(std::int64_t size) const;
  std::optional<PresenceIndex::Entry> Use(const Digest& digest);
  absl::StatusOr<Bytes> Read(const Digest& digest, Place place);
  absl::StatusOr<Bytes> ReadValue(const Digest& digest, RocksDatabase::Family family);
  absl::StatusOr<Bytes> ReadAgainOrDrop(const Digest& digest);
  absl::Status Put(const Digest& digest, Bytes bytes, bool fetched);
  Committer::Entry EntryOf(const Digest& digest, Bytes value, Place place, bool fetched = false);
  absl::Status PutFile(const Digest& digest, const Bytes& bytes, bool fetched);

  const Borders borders_;
  RocksDatabase& database_;
  DurableFiles& files_;
  Uses& uses_;
  Committer& committer_;
  Space& space_;
  Gate& gate_;
  RecentValues recent_{kRecentBytes};
  std::atomic<std::int64_t> corrupt_ = 0;
};

}  // namespace smelt

#endif  // SMELT_STORE_ROCKS_ROCKS_BLOB_STORE_H_

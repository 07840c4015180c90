#ifndef SMELT_STORE_ROCKS_ROCKS_BLOB_STORE_H_
#define SMELT_STORE_ROCKS_ROCKS_BLOB_STORE_H_

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "src/store/blob_store.h"
#include "src/store/rocks/durable_files.h"
#include "src/store/rocks/presence_index.h"
#include "src/store/rocks/rocks_database.h"
#include "src/store/rocks/rocks_outbox.h"
#include "src/store/rocks/space.h"
#include "src/store/rocks/uses.h"

namespace smelt {

// The server's blobs: the smallest as values of the LSM tree, larger ones in RocksDB's blob files, the largest as files
// of their own. Values are digested at each read; files as DurableFiles says.
class RocksBlobStore : public BlobStore {
 public:
  struct Borders {
    std::int64_t tree_bytes_max = 0;
    std::int64_t blob_db_bytes_max = 0;
  };

  // What it uses lives longer than this. `outbox` may be null.
  RocksBlobStore(const Borders& borders, RocksDatabase& database, DurableFiles& files, Uses& uses, RocksOutbox* outbox,
                 Space& space)
      : borders_(borders), database_(database), files_(files), uses_(uses), outbox_(outbox), space_(space) {}

  absl::StatusOr<Bytes> Get(const Digest& digest) override;
  absl::Status Put(const Digest& digest, Bytes bytes) override;
  absl::StatusOr<std::vector<Digest>> FindMissing(absl::Span<const Digest> digests) override;

  // Blobs that were not what their digest names, or that should have been here and were not.
  std::int64_t corrupt() const { return corrupt_; }

  // Deletes what the database has of a blob.
  static void DeleteFrom(RocksDatabase::Batch& batch, const Digest& digest, Place place);

 private:
  Place PlaceOf(std::int64_t size) const;
  absl::StatusOr<Bytes> Read(const Digest& digest, Place place);
  absl::StatusOr<Bytes> ReadValue(const Digest& digest, RocksDatabase::Family family);
  absl::StatusOr<Bytes> ReadAgainOrDrop(const Digest& digest);
  absl::Status PutValue(const Digest& digest, const Bytes& bytes, Place place);
  absl::Status PutFile(const Digest& digest, const Bytes& bytes);
  bool UseIfHere(const PresenceIndex::Claim& claim, const Digest& digest);
  absl::Status Acknowledge(const PresenceIndex::Claim& claim, const Digest& digest, Place place,
                           RocksDatabase::Batch& batch);

  const Borders borders_;
  RocksDatabase& database_;
  DurableFiles& files_;
  Uses& uses_;
  RocksOutbox* const outbox_;
  Space& space_;
  std::atomic<std::int64_t> corrupt_ = 0;
};

}  // namespace smelt

#endif  // SMELT_STORE_ROCKS_ROCKS_BLOB_STORE_H_

#ifndef SMELT_STORE_S3_PACK_READER_H_
#define SMELT_STORE_S3_PACK_READER_H_

#include <condition_variable>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/store/s3/bucket_index.h"
#include "src/store/s3/object_store.h"

namespace smelt {

// Reads payloads out of packs, in blocks of a pack that it keeps for a while: the units of one build lie together, so
// that one request serves many. The first read of a pack takes the blocks it needs; the next takes all that follow,
// up to kAheadBytes. Threads that need the same block wait for one request. Thread-safe; memory: `cache_bytes_max` and
// what is being read.
class PackReader {
 public:
  static constexpr std::int64_t kBlockBytes = 512 << 10;
  static constexpr std::int64_t kAheadBytes = 8 << 20;

  // `objects` outlives this.
  PackReader(ObjectStore& objects, std::int64_t cache_bytes_max)
      : objects_(objects), cache_bytes_max_(cache_bytes_max) {}

  // The payload as stored. NOT_FOUND if the pack is not there, OUT_OF_RANGE if it is shorter than it should be.
  absl::StatusOr<std::string> Read(const BucketIndex::Place& place);

  // Forgets the blocks of that payload: what came was not right.
  void Drop(const BucketIndex::Place& place);

 private:
  struct Block {
    bool done = false;
    absl::Status status;
    std::string bytes;
  };
  using Key = std::pair<std::string, std::int64_t>;  // pack and number
  struct Held {
    std::shared_ptr<Block> block;
    std::list<Key>::iterator used;
  };
  struct Wanted {
    std::vector<std::shared_ptr<Block>> blocks;                         // of the payload, in order
    std::vector<std::pair<std::int64_t, std::shared_ptr<Block>>> ours;  // to be read by us, by number
  };

  Wanted Claim(const BucketIndex::Place& place, std::int64_t first, std::int64_t last, std::int64_t ahead);
  void Fetch(const BucketIndex::Place& place, const Wanted& wanted);
  void FetchRun(const BucketIndex::Place& place, const Wanted& wanted, std::size_t begin, std::size_t end);
  void Shrink();  // mu_ is held

  ObjectStore& objects_;
  const std::int64_t cache_bytes_max_;
  std::mutex mu_;
  std::condition_variable done_;
  std::map<Key, Held> blocks_;  // this and what follows: guarded by mu_
  std::list<Key> by_use_;       // the latest first
  std::int64_t cached_bytes_ = 0;
};

}  // namespace smelt

#endif  // SMELT_STORE_S3_PACK_READER_H_

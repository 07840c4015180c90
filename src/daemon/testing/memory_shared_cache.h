#ifndef SMELT_DAEMON_TESTING_MEMORY_SHARED_CACHE_H_
#define SMELT_DAEMON_TESTING_MEMORY_SHARED_CACHE_H_

#include <atomic>
#include <functional>
#include <string>
#include <utility>

#include "src/store/memory/memory_action_cache.h"
#include "src/store/memory/memory_blob_store.h"
#include "src/store/shared_cache.h"

namespace smelt {

// A team's cache in memory that counts what it is asked, and can be unreachable or read-only.
class MemorySharedCache : public SharedCache {
 public:
  class Blobs : public MemoryBlobStore {
   public:
    explicit Blobs(MemorySharedCache& cache) : cache_(cache) {}
    absl::StatusOr<Bytes> Get(const Digest& digest) override {
      ++gets;
      if (!cache_.down.ok()) return cache_.down;
      if (cache_.before_get) cache_.before_get();
      return MemoryBlobStore::Get(digest);
    }
    absl::Status Put(const Digest& digest, Bytes bytes) override {
      ++puts;
      if (!cache_.down.ok()) return cache_.down;
      return MemoryBlobStore::Put(digest, std::move(bytes));
    }
    absl::StatusOr<std::vector<Digest>> FindMissing(absl::Span<const Digest> digests) override {
      if (!cache_.down.ok()) return cache_.down;
      return MemoryBlobStore::FindMissing(digests);
    }
    std::atomic<int> gets = 0, puts = 0;

   private:
    MemorySharedCache& cache_;
  };

  class Actions : public MemoryActionCache {
   public:
    explicit Actions(MemorySharedCache& cache) : cache_(cache) {}
    absl::StatusOr<ActionResult> Get(const Digest& action) override {
      ++gets;
      if (!cache_.down.ok()) return cache_.down;
      return MemoryActionCache::Get(action);
    }
    absl::Status Put(const Digest& action, const ActionResult& result) override {
      ++puts;
      if (!cache_.down.ok()) return cache_.down;
      return MemoryActionCache::Put(action, result);
    }
    std::atomic<int> gets = 0, puts = 0;

   private:
    MemorySharedCache& cache_;
  };

  BlobStore& blobs() override { return memory_blobs; }
  ActionCache& actions() override { return memory_actions; }
  absl::Status Reach() override {
    ++reached;
    return down;
  }
  SharedCacheState State() override {
    SharedCacheState state;
    state.where = where;
    state.writable = writable;
    return state;
  }

  // To be set while nobody calls.
  absl::Status down;
  bool writable = true;
  std::string where = "memory";
  std::function<void()> before_get;  // called by Get of a blob

  std::atomic<int> reached = 0;

  Blobs memory_blobs{*this};
  Actions memory_actions{*this};
};

}  // namespace smelt

#endif  // SMELT_DAEMON_TESTING_MEMORY_SHARED_CACHE_H_

#ifndef SMELT_STORE_PUTS_BEHIND_H_
#define SMELT_STORE_PUTS_BEHIND_H_

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/store/blob_store.h"

namespace smelt {

// A store that takes in what is put when this machine has time for it, so that nobody waits for the disk: for blobs
// that can be had elsewhere, since what waits is lost with the process, and what the store then refuses is dropped. Who
// asks finds them at once. Thread-safe.
class PutsBehind : public BlobStore {
 public:
  // While `waiting_bytes_max` bytes wait, Put waits for the store as it would without this. `store` outlives this.
  PutsBehind(BlobStore& store, std::int64_t waiting_bytes_max);

  // What waits is dropped.
  ~PutsBehind() override;

  absl::StatusOr<Bytes> Get(const Digest& digest) override;
  absl::Status Put(const Digest& digest, Bytes bytes) override;
  absl::StatusOr<std::vector<Digest>> FindMissing(absl::Span<const Digest> digests) override;

  // Waits until nothing waits.
  void Await();

 private:
  bool Waits(const Digest& digest, const Bytes& bytes);
  void Run();

  BlobStore& store_;
  const std::int64_t waiting_bytes_max_;

  std::mutex mu_;
  std::condition_variable changed_;
  absl::flat_hash_map<Digest, Bytes> waiting_;  // guarded by mu_; a blob stays until the store has it
  std::deque<Digest> order_;                    // guarded by mu_; of what waits
  std::int64_t waiting_bytes_ = 0;              // guarded by mu_
  bool ending_ = false;                         // guarded by mu_
  std::thread thread_;
};

}  // namespace smelt

#endif  // SMELT_STORE_PUTS_BEHIND_H_

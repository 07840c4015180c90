#ifndef SMELT_SERVICES_ZSTD_PACKED_READS_H_
#define SMELT_SERVICES_ZSTD_PACKED_READS_H_

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "src/digest/digest.h"
#include "src/digest/hasher.h"
#include "src/services/zstd/zstd_forms.h"
#include "src/store/blob_store.h"
#include "src/store/packed_blobs.h"
#include "src/store/shared_calls.h"

namespace smelt {

// Answers reads of blobs that only the far store has with the frames that it has, for readers who verify what they get,
// and takes the blobs into the near store when such reads have ceased: so that a build that waits for a server with an
// empty disk waits for bytes only. What is read and not yet taken in lies in `forms`; what is lost from there is
// fetched again. Thread-safe; blocks. docs/adr/0018-a-far-blob-is-passed-on-packed.md has what it saves.
class PackedReads {
 public:
  struct Options {
    std::string directory;                       // for blobs on their way into the near store
    std::chrono::milliseconds quiet{30'000};     // without a read, after which blobs are taken in
    std::chrono::milliseconds longest{300'000};  // after which a blob is, quiet or not
  };

  // `both` reads through `near` to what `far` is a view of. All outlive this.
  PackedReads(BlobStore& near, PackedBlobs& far, BlobStore& both, ZstdForms& forms, Options options);

  // What has not been taken in is forgotten.
  ~PackedReads();

  // The blob's frames, of which nobody knows that they hold it; nothing where the blob is to be read like any other.
  std::optional<ZstdForms::Reader> Find(const Digest& blob);

  // Waits until nothing is left to be taken in.
  void Await();

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Waiting {
    Digest blob;
    Time since;
  };

  bool IsNear(const Digest& blob);
  bool Fetch(const Digest& blob);
  void TakeInLater(const Digest& blob);
  void Run();
  Time NextTime() const;  // with mu_ held
  void TakeIn(const Digest& blob);
  absl::StatusOr<Bytes> Unpacked(const Digest& blob, ZstdForms::Reader frames, Hasher& hasher) const;

  BlobStore& near_;
  PackedBlobs& far_;
  BlobStore& both_;
  ZstdForms& forms_;
  const Options options_;
  SharedCalls<bool> fetches_;

  std::mutex mu_;
  std::condition_variable changed_;
  std::deque<Waiting> waiting_;          // guarded by mu_; the first one stays while it is taken in
  absl::flat_hash_set<Digest> awaited_;  // guarded by mu_; those of waiting_
  Time last_read_;                       // guarded by mu_
  std::atomic<bool> ending_ = false;     // set with mu_ held
  std::thread thread_;
};

}  // namespace smelt

#endif  // SMELT_SERVICES_ZSTD_PACKED_READS_H_

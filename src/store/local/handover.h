#ifndef SMELT_STORE_LOCAL_HANDOVER_H_
#define SMELT_STORE_LOCAL_HANDOVER_H_

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/base/file_system.h"
#include "src/digest/digest.h"
#include "src/store/gate.h"
#include "src/store/local/blob_files.h"
#include "src/store/local/blob_index.h"
#include "src/store/local/spares.h"

namespace smelt {

// Blobs that have just come from another store and are restored for the first time: copying them would cost as much as
// fetching them did. So the blob's own file becomes a spare, which is put in place and lent; the blob has no file then,
// and gets one once the store has not been asked for anything for kIdleNanos: a copy of what is lent, digested, so that
// a file that was changed meanwhile is not taken. Killed before that, the store does not have the blob: the other one
// does. Thread-safe.
class Handover {
 public:
  static constexpr std::int64_t kIdleNanos = 10'000'000'000;

  // All outlive it.
  Handover(BlobIndex& index, BlobFiles& blob_files, Spares& spares, FileSystem& files, Gate& gate)
      : index_(index), blob_files_(blob_files), spares_(spares), files_(files), gate_(gate) {}

  ~Handover() { Stop(); }

  // Begins to look for idle moments, in a thread of its own. Not thread-safe.
  void Start();

  // Takes all back, and looks no more.
  void Stop();

  // The blob's file is new here, and another store has the blob too.
  void NoteArrival(const Digest& digest);

  // The blob, which was looked at, is about to be restored: if it has just arrived and can be lent, its file is now a
  // spare, and the blob has none.
  void HandOver(BlobIndex::Entry& entry);

  // As BlobFiles::Check, of a file that is made now if it was handed over.
  absl::Status Check(BlobIndex::Entry& entry);

  // Whether Check would find it, as far as that can be said without copying.
  bool Has(BlobIndex::Entry& entry);

  // Makes all files that were handed over; or, until `stop`, which is asked before each.
  void TakeBack(const std::function<bool()>& stop);

 private:
  void Run();
  bool AwaitIdleness();
  // A file in the staging area that holds the blob. NOT_FOUND if nothing that is lent holds it any more.
  absl::StatusOr<std::string> Copy(const Digest& digest);
  absl::Status CopyTo(const std::string& path, const Digest& digest, const std::string& staged);
  absl::Status TakeOneBack(const Digest& digest);
  bool IsOwed(const Digest& digest);
  void Settle(const Digest& digest);

  BlobIndex& index_;
  BlobFiles& blob_files_;
  Spares& spares_;
  FileSystem& files_;
  Gate& gate_;

  std::mutex mu_;  // after an Entry
  std::condition_variable wake_;
  bool stopping_ = false;                // guarded by mu_
  absl::flat_hash_set<Digest> arrived_;  // guarded by mu_; not restored yet
  absl::flat_hash_set<Digest> owed_;     // guarded by mu_; handed over, without a file
  std::thread thread_;
};

}  // namespace smelt

#endif  // SMELT_STORE_LOCAL_HANDOVER_H_

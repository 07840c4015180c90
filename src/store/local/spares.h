#ifndef SMELT_STORE_LOCAL_SPARES_H_
#define SMELT_STORE_LOCAL_SPARES_H_

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/base/clock.h"
#include "src/base/file_system.h"
#include "src/digest/digest.h"
#include "src/store/gate.h"
#include "src/store/local/blob_files.h"
#include "src/store/local/blob_index.h"
#include "src/store/local/loans.h"
#include "src/store/local/local_store.h"

namespace smelt {

// Copies of blobs made in advance, while nobody waits: a spare is renamed to where its blob is to be restored. Copying
// 1 to 10 MB where the file system has no reflinks costs 1 to 4 ms, renaming some 20 microseconds.
//
// A thread of its own, of the lowest priority, makes spares of the blobs that are wanted, those wanted last first, once
// the store has not been asked for anything for kIdleNanos; it stops after the present one as soon as it is asked
// again: one of each, then a second one of those that were restored more than once. Spares are files in the staging
// area that nobody else has, and are gone when the store is closed or opened again.
//
// What is put in place is only lent (see Loans): once the target directory is removed, it is a spare again, and nothing
// is copied for the next build. A blob has at most kOfEachMax files that are spares or lent. Thread-safe.
class Spares {
 public:
  static constexpr std::int64_t kIdleNanos = 50'000'000;
  static constexpr std::int64_t kLookNanos = 30'000'000'000;  // how often it is looked for what came back
  static constexpr std::size_t kOfEachMax = 4;

  // `options` and the others outlive it.
  Spares(BlobIndex& index, BlobFiles& blob_files, FileSystem& files, Clock& clock, Gate& gate,
         const LocalStoreOptions& options)
      : index_(index),
        blob_files_(blob_files),
        files_(files),
        clock_(clock),
        gate_(gate),
        options_(options),
        loans_(files, options.directory) {}
  ~Spares();

  // The staging area is ready. Not thread-safe.
  void Start();

  // Makes no more spares. Waits for at most one copy.
  void Stop();

  // Does what the store was asked for: no spares are begun meanwhile. If that finds the disk full while there are
  // spares, they go and it is done once more.
  template <typename Operation>
  auto Serve(Operation operation) -> decltype(operation()) {
    NoteActivity();
    auto result = operation();
    if (!absl::IsResourceExhausted(StatusOf(result)) || !DropAll()) return result;
    return operation();
  }

  // For how long the store has not been asked for anything.
  std::int64_t IdleNanos() { return clock_.NowNanos() - last_activity_ns_; }

  // The blob was restored with this mode, or ingested, and is likely to be needed.
  void Want(const Digest& digest, std::uint32_t mode, bool restored);

  // Puts a spare of the blob, which was looked at, in the place of `path`, on the same file system, with mtime the
  // kernel's now. False if there is none or anything is wrong with it: then it is gone, and nothing else has changed.
  bool Restore(const Digest& digest, const std::string& path, std::uint32_t mode);

  // The file at `staged`, which holds the blob and which nobody has seen yet, is about to be put in place.
  void Lend(const Digest& digest, const std::string& staged);

  // Whether a file of this blob that is put in place would be lent.
  bool CanLend(const Digest& digest);

  // The file at `path`, which holds the blob, is a spare from now on. Removed if it cannot be.
  void Add(const Digest& digest, const std::string& path);

  // Those that are spares of the blob or lent, which may have been changed.
  std::vector<std::string> FilesOf(const Digest& digest);

  // False if there are none. What is just being made goes too; what is lent stays.
  bool DropAll();

  // What the thread does when the store is idle, now and in this one. True if it came to its end.
  bool Make();

  std::int64_t bytes() const { return bytes_; }

 private:
  struct Spare {
    std::string path;
    FileStat stat;
  };
  struct Wanted {
    std::uint64_t use = 0;     // number of its last use
    std::size_t restored = 0;  // times
    std::uint32_t mode = 0;
    std::vector<Spare> spares;
    std::vector<Loans::Loan> lent;
  };
  struct Job {
    Digest digest;
    std::uint32_t mode = 0;
  };

  static const absl::Status& StatusOf(const absl::Status& status) { return status; }
  template <typename T>
  static const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
    return result.status();
  }

  void NoteActivity() {
    last_activity_ns_ = clock_.NowNanos();
    ++activity_;
  }

  void Run();
  bool WaitForWork(std::unique_lock<std::mutex>& lock);

  // Looks at what is lent, of this blob or of all: what has come back is a spare, what was changed is gone.
  void LookForReturns(const Digest& digest);
  void LookForAllReturns();
  void Return(const Digest& digest, const Loans::Loan& loan);

  // What is to be made, in this order; drops what there is no room for any more.
  std::vector<Job> Plan();
  std::size_t CopiesOf(const Wanted& wanted) const;
  void Forget(const Digest& digest);  // mu_ is held
  std::int64_t Budget() const;        // bytes
  bool DiskHasRoomFor(std::int64_t bytes) const;
  bool ReflinksAreAsGood(const Digest& digest);

  absl::Status MakeOne(const Job& job);
  absl::Status CopyUnchanged(const Job& job, const std::string& path);
  absl::Status Keep(const Digest& digest, Spare spare, std::uint64_t drops);

  std::optional<Spare> Take(const Digest& digest);
  std::optional<Spare> TakeReady(const Digest& digest);  // without looking for what has come back
  absl::Status PutAt(const Digest& digest, const Spare& spare, const std::string& path, std::uint32_t mode);
  Spare Detach(Wanted& wanted);              // mu_ is held; there is one
  void Attach(Wanted& wanted, Spare spare);  // mu_ is held
  void EndLoans();
  void RemoveFiles(const std::vector<Spare>& spares);

  // Constant after construction.
  BlobIndex& index_;
  BlobFiles& blob_files_;
  FileSystem& files_;
  Clock& clock_;
  Gate& gate_;
  const LocalStoreOptions& options_;
  Loans loans_;

  std::atomic<std::int64_t> last_activity_ns_ = 0;
  std::atomic<std::uint64_t> activity_ = 0;  // requests so far
  std::atomic<std::int64_t> bytes_ = 0;      // of all spares; changed with mu_ held
  std::atomic<bool> stopping_ = false;       // set with mu_ held

  std::mutex making_mu_;              // held while spares are made; before mu_
  std::optional<bool> has_reflinks_;  // guarded by making_mu_; once known

  std::mutex mu_;
  std::condition_variable wake_;
  bool pending_ = false;                        // guarded by mu_; there may be something to make
  std::uint64_t uses_ = 0;                      // guarded by mu_
  std::uint64_t drops_ = 0;                     // guarded by mu_; calls of DropAll
  std::size_t lent_ = 0;                        // guarded by mu_; files
  absl::flat_hash_map<Digest, Wanted> wanted_;  // guarded by mu_

  std::thread thread_;
};

}  // namespace smelt

#endif  // SMELT_STORE_LOCAL_SPARES_H_

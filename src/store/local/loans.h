#ifndef SMELT_STORE_LOCAL_LOANS_H_
#define SMELT_STORE_LOCAL_LOANS_H_

#include <mutex>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "src/base/file_system.h"
#include "src/base/unique_fd.h"

namespace smelt {

// Files that were put into target directories and are to come back: each keeps a second name in the staging area. Once
// every other name is gone (`rm -rf target`, `cargo clean`, a newer file in its place) the file is the store's alone
// again and can be put in place once more, without a byte being copied.
//
// That the file still holds what it held is known from the kernel, not from its times, which anybody can set and which
// change with each link:
//  - inotify tells of each write, truncation and close of a descriptor that could write, from before the file was lent;
//  - a lease that is taken for a moment tells that no such descriptor, and no shared mapping made by one, is there now.
// Both hold on local file systems only; where they may not, nothing is lent. Thread-safe.
class Loans {
 public:
  struct Loan {
    std::string path;  // its name in the staging area
    std::uint64_t inode = 0;
    int watch = -1;
  };

  enum class State {
    kOut,   // others have a name of it
    kBack,  // it is ours alone, and as it was when it was lent
    kLost,  // it is ours alone, but was changed or may have been; or it is gone
  };

  // `files` outlives it. `directory`: the staging area.
  Loans(FileSystem& files, std::string directory);

  // How many there should be at once: of the watches that the kernel gives a user, editors want most.
  std::size_t AtOnce() const { return at_once_; }

  // Gives the file at `staged`, which nobody else has seen yet and which is about to be renamed to its place, the
  // second name `path`. Nothing if that cannot be; the file is as it was then.
  std::optional<Loan> Lend(const std::string& staged, const std::string& path);

  // With kBack, `stat` is the file's, and it need not be watched any more: End with `remove` false.
  State StateOf(const Loan& loan, FileStat* stat);

  // Ends the watching, and with `remove` takes the second name away.
  void End(const Loan& loan, bool remove);

 private:
  // Whether the file system tells of all writers; makes the inotify descriptor. mu_ is held.
  bool CanWatch();

  // Reads what inotify has to tell. mu_ is held.
  void NoteEvents();
  bool WasWritten(int watch);

  // The file carries nothing but its contents.
  static bool HasNoAttributes(int fd);

  FileSystem& files_;
  const std::string directory_;
  const std::size_t at_once_;

  std::mutex mu_;
  std::optional<bool> can_watch_;              // guarded by mu_; once known
  UniqueFd inotify_;                           // guarded by mu_
  absl::flat_hash_map<int, bool> written_to_;  // guarded by mu_; by watch
};

}  // namespace smelt

#endif  // SMELT_STORE_LOCAL_LOANS_H_

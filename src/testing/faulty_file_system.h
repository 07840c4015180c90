#ifndef SMELT_TESTING_FAULTY_FILE_SYSTEM_H_
#define SMELT_TESTING_FAULTY_FILE_SYSTEM_H_

#include <climits>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/file_system.h"

namespace smelt {

// Forwards to another file system, counts what it is asked, and fails what a test tells it to fail: a failing call does
// not reach the other one. Thread-safe.
class FaultyFileSystem : public FileSystem {
 public:
  enum class Call {
    kStat,
    kOpenForRead,
    kReadFile,
    kWriteNewFile,
    kCopyToNewFile,
    kLink,
    kRename,
    kRemove,
    kSetMode,
    kTouch,
    kMakeDirectories,
    kList,
    kFreeBytes,
  };

  // Which calls fail, and how. Without further ado: all of them, from now on.
  struct Fault {
    std::optional<Call> call;   // only this kind
    std::string path_contains;  // only where a path (either one, of two) contains this
    int skip = 0;               // so many matching calls succeed first
    int times = INT_MAX;        // then so many fail
    absl::Status status = absl::ResourceExhaustedError("No space left on device (injected)");
  };

  explicit FaultyFileSystem(FileSystem& target = FileSystem::System()) : target_(target) {}

  void Inject(Fault fault);
  void Heal();  // forgets all faults

  // From now on, whatever the disk says.
  void SetFreeBytes(std::int64_t bytes);

  // Called before each call that is let through, outside of any lock: for changing files at a chosen moment.
  void OnCall(std::function<void(Call, const std::string& path)> hook);

  // Calls since the beginning or ResetCounts, failed ones too.
  int Count(Call call) const;
  int Count() const;
  void ResetCounts();

  absl::StatusOr<FileStat> Stat(const std::string& path) override;
  absl::StatusOr<UniqueFd> OpenForRead(const std::string& path) override;
  absl::StatusOr<std::string> ReadFile(const std::string& path) override;
  absl::Status WriteNewFile(const std::string& path, std::string_view bytes, std::uint32_t mode) override;
  absl::Status CopyToNewFile(const std::string& from, const std::string& to, std::uint32_t mode) override;
  absl::Status Link(const std::string& from, const std::string& to) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status Remove(const std::string& path) override;
  absl::Status SetMode(const std::string& path, std::uint32_t mode) override;
  absl::Status Touch(const std::string& path) override;
  absl::Status MakeDirectories(const std::string& path, std::uint32_t mode) override;
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override;
  absl::StatusOr<std::int64_t> FreeBytes(const std::string& path) override;

 private:
  // Counts the call and says how it fails, if it does.
  absl::Status Enter(Call call, const std::string& path, const std::string& other_path = "");

  FileSystem& target_;
  mutable std::mutex mu_;
  std::vector<Fault> faults_;                                // guarded by mu_
  std::map<Call, int> counts_;                               // guarded by mu_
  std::optional<std::int64_t> free_bytes_;                   // guarded by mu_
  std::function<void(Call, const std::string& path)> hook_;  // guarded by mu_
};

}  // namespace smelt

#endif  // SMELT_TESTING_FAULTY_FILE_SYSTEM_H_

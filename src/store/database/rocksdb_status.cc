#include "src/store/database/rocksdb_status.h"

#include "fmt/format.h"

namespace smelt {

absl::Status ToStatus(const rocksdb::Status& status, const std::string& directory) {
  if (status.ok()) return absl::OkStatus();
  const std::string message = fmt::format("database {}: {}", directory, status.ToString());
  if (status.IsNoSpace()) return absl::ResourceExhaustedError(message);
  if (status.IsIOError() && status.ToString().find("denied") != std::string::npos) {
    return absl::PermissionDeniedError(message);
  }
  if (status.IsCorruption()) return absl::DataLossError(message);
  return absl::InternalError(message);
}

bool MeansCorrupt(const rocksdb::Status& status) { return status.IsCorruption() || status.IsPathNotFound(); }

bool MeansBroken(const rocksdb::Status& status) {
  // Open says so too of options that it could not read, whatever kept it from reading them: no descriptor, no right.
  const bool unread = status.IsInvalidArgument() && status.ToString().find("IO error") != std::string::npos;
  if (unread) return false;
  return MeansCorrupt(status) || status.IsInvalidArgument() || status.IsNotFound() || status.IsNotSupported();
}

}  // namespace smelt

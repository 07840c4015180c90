#ifndef SMELT_SERVICES_ADMIN_SERVICE_H_
#define SMELT_SERVICES_ADMIN_SERVICE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "src/auth/authorizer.h"

namespace grpc {
class Service;
}  // namespace grpc

namespace smelt {

// What a server can do for its administrators. The functions block and may be called by several threads.
struct Administration {
  struct Collected {
    std::int64_t bytes_before = 0, bytes_after = 0;
    std::int64_t blobs_removed = 0, actions_removed = 0;

    // Of the bucket behind the store, where there is one. What is condemned is deleted by a collection a day later,
    // unless somebody uses it until then.
    struct Bucket {
      std::int64_t bytes = 0, condemned_bytes = 0;
      std::int64_t objects_deleted = 0, bytes_deleted = 0;
    };
    std::optional<Bucket> bucket;
  };
  std::function<absl::StatusOr<Collected>(bool dry_run, std::optional<std::int64_t> down_to_bytes)> collect;
  std::function<std::string()> status_json;
};

// The service smelt.admin.v1.Admin, on a thread of its own: one collection runs at a time, and at most 16 calls wait.
// `authorizer` lives longer than it.
std::unique_ptr<grpc::Service> NewAdminService(Authorizer& authorizer, Administration administration);

}  // namespace smelt

#endif  // SMELT_SERVICES_ADMIN_SERVICE_H_

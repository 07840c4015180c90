#ifndef SMELT_STORE_S3_OBJECT_STORE_H_
#define SMELT_STORE_S3_OBJECT_STORE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/store/bytes.h"
#include "src/store/s3/http.h"

namespace smelt {

// A bucket as smelt needs one: whole objects by key. Thread-safe; blocks. Errors: NOT_FOUND for an absent object,
// PERMISSION_DENIED for refused credentials, UNAVAILABLE for what may pass (after the retries that the implementation
// makes), UNIMPLEMENTED for a bucket that does not exist or a configuration that cannot work: with what to mend.
class ObjectStore {
 public:
  static constexpr std::int64_t kObjectBytesMax = std::int64_t{1} << 46;  // more than any bucket takes as one

  struct Listed {
    std::string key;
    std::int64_t size = 0;
    std::int64_t modified_seconds = 0;  // since 1970
  };

  virtual ~ObjectStore() = default;

  virtual absl::Status Put(const std::string& key, const Bytes& bytes) = 0;

  // `length` bytes from `offset`, fewer at the end; a length of -1 means all that follows.
  virtual absl::StatusOr<Bytes> Get(const std::string& key, std::int64_t offset, std::int64_t length) = 0;

  // All of an object, into `sink` as it arrives.
  virtual absl::Status Read(const std::string& key, const BodySink& sink) = 0;

  // The keys that begin with `prefix` and come after `after`, in order, all of them.
  virtual absl::StatusOr<std::vector<Listed>> List(const std::string& prefix, const std::string& after) = 0;

  // An absent object is no error.
  virtual absl::Status Delete(const std::vector<std::string>& keys) = 0;
};

}  // namespace smelt

#endif  // SMELT_STORE_S3_OBJECT_STORE_H_

#ifndef SMELT_STORE_MEMORY_MEMORY_OBJECT_STORE_H_
#define SMELT_STORE_MEMORY_MEMORY_OBJECT_STORE_H_

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "src/base/clock.h"
#include "src/store/s3/object_store.h"

namespace smelt {

// A bucket in memory, for tests: it can fail and lie as they want. Thread-safe.
class MemoryObjectStore : public ObjectStore {
 public:
  // Called before each call, with the operation ("put", "get", "list", "delete") and key or prefix; an error is the
  // call's, and nothing happens.
  using Fault = std::function<absl::Status(const std::string& operation, const std::string& key)>;

  explicit MemoryObjectStore(Clock& clock = Clock::System()) : clock_(clock) {}

  absl::Status Put(const std::string& key, const Bytes& bytes) override;
  absl::StatusOr<Bytes> Get(const std::string& key, std::int64_t offset, std::int64_t length) override;
  absl::Status Read(const std::string& key, const BodySink& sink) override;  // with two beginnings
  absl::StatusOr<std::vector<Listed>> List(const std::string& prefix, const std::string& after) override;
  absl::Status Delete(const std::vector<std::string>& keys) override;

  void SetFault(Fault fault);
  std::vector<std::string> Keys(const std::string& prefix = "");
  void Change(const std::string& key, const std::function<void(std::string&)>& change);
  int Count(const std::string& operation);  // calls, failed ones too

 private:
  struct Object {
    std::string contents;
    std::int64_t modified_seconds = 0;
  };

  absl::Status Enter(const std::string& operation, const std::string& key);

  Clock& clock_;
  std::mutex mu_;
  std::map<std::string, Object> objects_;  // this and what follows: guarded by mu_
  std::map<std::string, int> counts_;
  Fault fault_;
};

}  // namespace smelt

#endif  // SMELT_STORE_MEMORY_MEMORY_OBJECT_STORE_H_

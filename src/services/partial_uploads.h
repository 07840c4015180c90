#ifndef SMELT_SERVICES_PARTIAL_UPLOADS_H_
#define SMELT_SERVICES_PARTIAL_UPLOADS_H_

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "src/base/clock.h"
#include "src/services/limits.h"
#include "src/services/staged_upload.h"

namespace smelt {

// Uploads that were broken off, by their resource name, so that the client may go on where it was. Kept for a while;
// the oldest go first when there are too many, or too many bytes of them. An upload that is under way is not here: who
// asks for it begins anew beside it. Thread-safe; nobody waits for files that are removed.
class PartialUploads {
 public:
  PartialUploads(const Limits& limits, Clock& clock) : limits_(limits), clock_(clock) {}

  // Replaces one of the same name.
  void Park(const std::string& name, std::unique_ptr<StagedUpload> upload);

  // Null if there is none.
  std::unique_ptr<StagedUpload> Take(std::string_view name);

  // How many bytes of it are here; 0 if there is none.
  std::int64_t SizeOf(std::string_view name);

  // Those whose time is over. To be called now and then: nothing else looks when no upload comes.
  void DropOld();

  std::int64_t bytes();  // of all

 private:
  struct Parked {
    std::string name;
    std::unique_ptr<StagedUpload> upload;
    std::int64_t since_ns;
  };
  using List = std::list<Parked>;

  // With mu_ held.
  List Old();
  std::unique_ptr<StagedUpload> Remove(List::iterator parked);

  const Limits limits_;
  Clock& clock_;
  std::mutex mu_;
  List parked_;                                                 // oldest first; guarded by mu_
  std::map<std::string, List::iterator, std::less<>> by_name_;  // guarded by mu_
  std::int64_t bytes_ = 0;                                      // guarded by mu_
};

}  // namespace smelt

#endif  // SMELT_SERVICES_PARTIAL_UPLOADS_H_

#ifndef SMELT_STORE_COMPLETE_RESULTS_H_
#define SMELT_STORE_COMPLETE_RESULTS_H_

#include <optional>
#include <string_view>

#include "src/digest/digest.h"
#include "src/store/bytes.h"

namespace smelt {

// The short way to a hit: results as they go over the wire, of which a store knows by itself that all they name is
// there. Thread-safe. Does not wait for a network.
class CompleteResults {
 public:
  struct Result {
    Bytes kept;                         // what `serialized` is part of
    std::string_view serialized;        // the ActionResult
    bool names_output_streams = false;  // has a digest of stdout or stderr, which a caller may want to have inside
  };

  virtual ~CompleteResults() = default;

  // The instance's own result, if a CompletenessCheckingActionCache over this store has a hit: a use of the result and
  // of all blobs that it names. Nothing if there is none, or if it takes long to say so: who asks goes the long way,
  // which may find one and knows what is missing.
  virtual std::optional<Result> Find(std::string_view instance, const Digest& action) = 0;
};

}  // namespace smelt

#endif  // SMELT_STORE_COMPLETE_RESULTS_H_

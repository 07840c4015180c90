#ifndef SMELT_METRICS_CALL_OBSERVER_H_
#define SMELT_METRICS_CALL_OBSERVER_H_

#include <string>
#include <string_view>

namespace smelt {

// A call that has ended.
struct FinishedCall {
  std::string_view method;  // "GetActionResult"; as long as Finished takes
  std::string code;         // "OK", "NOT_FOUND", ...
  double seconds = 0;
  std::string peer;    // the address of the machine, without the port
  std::string tool;    // from REAPI's RequestMetadata, as those below: "bazel 4.2.3"; empty if it says nothing
  std::string target;  // the crate or target that is being built
};

// Is told of each call. Thread-safe; does not block.
class CallObserver {
 public:
  virtual ~CallObserver() = default;
  virtual void Started() = 0;
  virtual void Finished(const FinishedCall& call) = 0;
};

}  // namespace smelt

#endif  // SMELT_METRICS_CALL_OBSERVER_H_

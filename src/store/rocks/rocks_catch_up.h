#ifndef SMELT_STORE_ROCKS_ROCKS_CATCH_UP_H_
#define SMELT_STORE_ROCKS_ROCKS_CATCH_UP_H_

#include <atomic>
#include <functional>
#include <mutex>

#include "absl/status/status.h"
#include "src/store/gate.h"
#include "src/store/rocks/durable_files.h"
#include "src/store/rocks/presence_index.h"

namespace smelt {

// What opening a store leaves for later, since it takes a while and calls need not wait for it: the index's parts are
// read one after the other, also those that nobody asks for; then files go that have no row, which were never
// acknowledged. Thread-safe.
class RocksCatchUp {
 public:
  // All live longer than this.
  RocksCatchUp(PresenceIndex& blobs, DurableFiles& files, Gate& gate) : blobs_(blobs), files_(files), gate_(gate) {}

  // Files without rows may lie there from now on, or cannot. With nobody inside the gate.
  void Expect(bool stray_files) { stray_files_ = stray_files; }

  // Nothing to do.
  bool done() const { return blobs_.filled() && !stray_files_; }

  // Does it, on as many threads as there are processors; returns when it is done, or `stop` says so. Not for who is
  // inside the gate. What could not be read is read by the next call.
  using Stop = std::function<bool()>;
  absl::Status Run(const Stop& stop);

 private:
  absl::Status ReadIndex(const Stop& stop);
  absl::Status RemoveStrayFiles(const Stop& stop);
  absl::Status RemoveUnlessKnown(const Digest& digest);

  PresenceIndex& blobs_;
  DurableFiles& files_;
  Gate& gate_;
  std::mutex mu_;  // held by Run
  std::atomic<bool> stray_files_ = false;
};

}  // namespace smelt

#endif  // SMELT_STORE_ROCKS_ROCKS_CATCH_UP_H_

#ifndef SMELT_DAEMON_DRAIN_H_
#define SMELT_DAEMON_DRAIN_H_

#include <utility>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace smelt {

// What `smelt stop` waits for: compiles that have begun are finished and stored, however long they take, and no other
// begins. Thread-safe; outlives its Works.
class Drain {
 public:
  // One compile under way, for as long as it lives.
  class Work {
   public:
    Work(Work&& other) noexcept : drain_(std::exchange(other.drain_, nullptr)) {}
    ~Work();

    // False if it may not begin: the daemon is about to end.
    bool held() const { return drain_ != nullptr; }

   private:
    friend class Drain;
    explicit Work(Drain* drain) : drain_(drain) {}

    Drain* drain_;
  };
  Work Begin();

  // From here on nothing begins. False if somebody has said so before.
  bool Close();

  // Waits until nothing is under way, for at most `time`; how much is left.
  int Await(absl::Duration time);

 private:
  absl::Mutex mu_;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  int works_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace smelt

#endif  // SMELT_DAEMON_DRAIN_H_

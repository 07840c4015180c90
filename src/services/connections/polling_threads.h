#ifndef SMELT_SERVICES_CONNECTIONS_POLLING_THREADS_H_
#define SMELT_SERVICES_CONNECTIONS_POLLING_THREADS_H_

#include <memory>

namespace smelt {

// gRPC 1.51 has threads that poll the connections of all callback services and channels of the process and run the
// callbacks: half as many as processors, at least two and at most sixteen, whoever asks. They take turns at the same
// connections: each event wakes another one, and on few processors that is a third of what a small call costs.
//
// While an object of this class lives, so many of them are kept busy with waiting that `polling` are left, or as near
// to it as gRPC allows. What blocks a callback then blocks more than before: callbacks that wait for a network are a
// reason to do without. At most one object at a time in a process. Threads: none of its own.
class FewPollingThreads {
 public:
  // Enough for the processors of this machine.
  static int Enough();

  // Returns once they wait. Should gRPC have other threads than it says, it keeps all of them.
  explicit FewPollingThreads(int polling = Enough());

  // Gives them back to gRPC.
  ~FewPollingThreads();

  // How many wait.
  int waiting() const;

  // How many are left.
  int polling() const;

 private:
  class Parking;
  std::unique_ptr<Parking> parking_;
};

}  // namespace smelt

#endif  // SMELT_SERVICES_CONNECTIONS_POLLING_THREADS_H_

#ifndef SMELT_SERVICES_CONNECTIONS_ANSWERING_H_
#define SMELT_SERVICES_CONNECTIONS_ANSWERING_H_

#include <utility>

namespace smelt {

// What a thread is about to send: the answer to a unary call may wait for the answers to calls that came with it
// (held_sends.h). gRPC sends an answer when the method has returned, so this is no scope.
class Answering {
 public:
  // An answer is what this thread sends next, if it sends anything before its next poll.
  static void Begin() { begun_ = true; }

  // Whether it is; not any more.
  static bool Take() { return std::exchange(begun_, false); }

 private:
  static inline thread_local bool begun_ = false;
};

}  // namespace smelt

#endif  // SMELT_SERVICES_CONNECTIONS_ANSWERING_H_

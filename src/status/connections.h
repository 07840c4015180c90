#ifndef SMELT_STATUS_CONNECTIONS_H_
#define SMELT_STATUS_CONNECTIONS_H_

#include <cstddef>
#include <list>
#include <mutex>

namespace smelt {

// The open connections of a server that must have room for one more, whoever holds the others: beyond `max` the one
// that has waited longest for the rest of a request is shut down; if all are being answered, the one that has been for
// longest. Who owns a socket sees its end and closes it. Thread-safe.
class Connections {
 public:
  struct Connection;

  explicit Connections(std::size_t max) : max_(max) {}

  // A connection whose first request is awaited. `socket` stays open until Closed, which ends the pointer.
  Connection* Opened(int socket);
  void Closed(Connection* connection);

  // Its request is there as a whole.
  void Asked(Connection* connection);

  // The answer has been sent, or has failed; the next request is awaited.
  void Answered(Connection* connection);

 private:
  using List = std::list<Connection>;

  void MoveTo(List& list, Connection* connection);

  const std::size_t max_;
  std::mutex mu_;         // guards all that follows
  List waiting_, asked_;  // each since when it is there: the longest first
  List ending_;           // were shut down
};

struct Connections::Connection {
  int socket;
  List* list;
  List::iterator place;
};

}  // namespace smelt

#endif  // SMELT_STATUS_CONNECTIONS_H_

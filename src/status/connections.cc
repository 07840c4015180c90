#include "src/status/connections.h"

#include <sys/socket.h>

#include <iterator>

namespace smelt {

Connections::Connection* Connections::Opened(int socket) {
  const std::lock_guard lock(mu_);
  waiting_.push_back({socket, &waiting_, {}});
  Connection* const opened = &waiting_.back();
  opened->place = std::prev(waiting_.end());
  if (waiting_.size() + asked_.size() > max_) {
    Connection* const longest = &(waiting_.size() > 1 || asked_.empty() ? waiting_ : asked_).front();
    ::shutdown(longest->socket, SHUT_RDWR);
    MoveTo(ending_, longest);
  }
  return opened;
}

void Connections::Closed(Connection* connection) {
  const std::lock_guard lock(mu_);
  connection->list->erase(connection->place);
}

void Connections::Asked(Connection* connection) {
  const std::lock_guard lock(mu_);
  if (connection->list != &ending_) MoveTo(asked_, connection);
}

void Connections::Answered(Connection* connection) {
  const std::lock_guard lock(mu_);
  if (connection->list != &ending_) MoveTo(waiting_, connection);
}

void Connections::MoveTo(List& list, Connection* connection) {
  list.splice(list.end(), *connection->list, connection->place);
  connection->list = &list;
}

}  // namespace smelt

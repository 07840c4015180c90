#ifndef SMELT_DAEMON_CONVERSATION_H_
#define SMELT_DAEMON_CONVERSATION_H_

#include <optional>
#include <string>

#include "src/daemon/cargo_call.h"
#include "src/wire/message.h"

namespace smelt {

// The daemon's side of one connection with a wrapper. Used by one thread, and IsThere by any.
class Conversation {
 public:
  virtual ~Conversation() = default;

  // False if the wrapper is gone.
  virtual bool Send(const wire::Message& message) = 0;

  // The next message, however long it takes; nullopt if the wrapper is gone.
  virtual std::optional<wire::Message> Receive() = 0;

  // False if the wrapper has gone: nobody waits for what comes of this.
  virtual bool IsThere() { return true; }

  // How the wrapper's parent, cargo, was called; empty where that cannot be told.
  virtual CargoCall Parent() { return {}; }
};

}  // namespace smelt

#endif  // SMELT_DAEMON_CONVERSATION_H_

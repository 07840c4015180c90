#ifndef SMELT_WIRE_MESSAGE_H_
#define SMELT_WIRE_MESSAGE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

// What the wrapper and the daemon say to each other over the daemon's Unix socket. protocol.md says it in words;
// frame.h puts messages on the wire. Depends on nothing but the standard library: the wrapper links it.
namespace smelt::wire {

// Changes whenever a message changes. Different builds of smelt never share a daemon: see protocol.md, "Versions".
inline constexpr std::uint32_t kProtocolVersion = 2;

// ---- wrapper -> daemon: the first frame of a connection ----

// "Here is a compile."
struct Compile {
  std::string build_id;              // of the wrapper: version and build, must equal the daemon's
  std::vector<std::string> command;  // what cargo runs behind the wrapper: rustc args... or driver rustc args...
  std::string working_directory;
  std::vector<std::string> environment;  // "NAME=value", all of it
  std::uint32_t umask = 022;             // of the wrapper: for the files that are made in the compiler's place
};

// "Run this command of the command line": `smelt stats --json`.
struct Command {
  std::string build_id;
  std::vector<std::string> arguments;  // without the program's name
  std::string working_directory;
  std::vector<std::string> environment;
  bool terminal = false;  // stdout is a terminal
};

// ---- wrapper -> daemon, in answer to Run ----

// Ran::wait_status where there is none to tell: the wrapper then ends by itself, whatever Exit says.
inline constexpr std::int32_t kWaitStatusNotStarted = -1;   // the wrapper runs its own command plainly
inline constexpr std::int32_t kWaitStatusNotCaptured = -2;  // ran, but wrote more than is captured: not to be stored

// "The compiler has ended."
struct Ran {
  std::int32_t wait_status = 0;  // as of waitpid, or one of the two above
  std::string standard_output;
  std::string standard_error;  // the compiler's own bytes, before display replacements
};

// ---- daemon -> wrapper ----

// "I am still at it": sent once a second, so that silence means a dead daemon. Also used while waiting for another
// compile.
struct Working {};

// "Write this to your stdout (stderr)."
struct Output {
  bool to_stderr = false;
  std::string bytes;
};

// "End with this exit code." The last message of a hit and of a Command.
struct Exit {
  std::int32_t code = 0;
};

// "Run this, watch it, and tell me" (Ran). Then wait for Exit, which may take as long as storing the outputs takes.
struct Run {
  std::vector<std::string> command;      // argv; command[0] is what to execute
  std::vector<std::string> environment;  // to set on top of the wrapper's own: "NAME=value"; "NAME" alone removes it
  // Replace on each line of stderr before it is passed on (first matching pair at each place; longest first). Only
  // where the replaced text is followed by '/', or where the replacement is empty.
  std::vector<std::pair<std::string, std::string>> display;
};

// "Run the compiler as if I were not there": the wrapper executes its own command in its place.
struct Plain {};

// "I am another build of smelt": the wrapper behaves as for Plain; the daemon ends when it has no work left.
struct OtherVersion {
  std::string build_id;  // of the daemon
};

using Message = std::variant<Compile, Command, Ran, Working, Output, Exit, Run, Plain, OtherVersion>;

// One message as the payload of a frame.
std::string Encode(const Message& message);

// The reverse; nullopt for anything that Encode does not make. Never reads past `payload`, never allocates more than a
// few times its size.
std::optional<Message> Decode(std::string_view payload);

// The build id at the front of a Compile or Command of any version of smelt, also of one whose messages Decode does not
// know: it and OtherVersion keep their encoding for ever, so that two versions can always tell each other apart.
std::optional<std::string> PeekBuildId(std::string_view payload);

}  // namespace smelt::wire

#endif  // SMELT_WIRE_MESSAGE_H_

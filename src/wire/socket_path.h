#ifndef SMELT_WIRE_SOCKET_PATH_H_
#define SMELT_WIRE_SOCKET_PATH_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Where a user's daemon is to be found: the wrapper and the daemon find it by the same rules from the environment.
namespace smelt::wire {

// All paths are absolute. Nothing is promised to exist.
struct DaemonPaths {
  std::string directory;  // $SMELT_DIR, else $XDG_CACHE_HOME/smelt, else $HOME/.cache/smelt
  std::string socket;     // $SMELT_SOCKET, else <directory>/smeltd.sock if short enough, else SocketPathFor
  std::string lock;       // <directory>/smeltd.lock: flock'ed by whoever is starting the daemon, only while starting
  std::string instance_lock;  // <directory>/smeltd.instance: flock'ed by the daemon as long as it lives
  std::string log;            // <directory>/smeltd.log: the daemon's stdout and stderr
  std::string failed;         // <directory>/smeltd.failed: its mtime is when a start last failed
};

// The longest socket path used, in bytes: less than what sockaddr_un::sun_path holds anywhere.
inline constexpr std::size_t kSocketPathBytesMax = 99;

// nullopt, and what to do about it in `error`, if the environment names no directory, or a relative one (which would be
// a different one for each crate), or a socket whose path is too long.
std::optional<DaemonPaths> FindDaemonPaths(std::string* error);

// <directory>/smeltd.sock, or where that is too long for a socket, /tmp/smelt-<uid>/<hash of the directory>.sock.
std::string SocketPathFor(std::string_view directory, std::uint32_t uid);

// Makes the directory and the socket's directory where they are missing, for nobody but this user (0700). False, and
// the reason in `error`, if that fails, or if the socket's directory lies where anybody may write (/tmp) and is not
// ours alone.
bool MakeDaemonDirectories(const DaemonPaths& paths, std::string* error);

}  // namespace smelt::wire

#endif  // SMELT_WIRE_SOCKET_PATH_H_

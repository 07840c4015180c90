#include "src/wire/socket_path.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

namespace smelt::wire {
namespace {

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

std::uint64_t Fnv1a(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

std::string Hex16(std::uint64_t value) {
  std::string hex(16, '0');
  for (auto digit = hex.rbegin(); digit != hex.rend(); ++digit, value >>= 4) *digit = "0123456789abcdef"[value & 15];
  return hex;
}

std::string Parent(const std::string& path) { return path.substr(0, path.rfind('/')); }

// The directory, or empty with `error`.
std::string FindDirectory(std::string* error) {
  std::string own = Environment("SMELT_DIR");
  if (!own.empty()) {
    if (own[0] == '/') return own;
    *error = "SMELT_DIR is '" + own + "', which is not absolute: set it to a path that begins with '/'";
    return {};
  }
  std::string sccache = Environment("SCCACHE_DIR");
  if (!sccache.empty() && sccache[0] == '/') return sccache + "/smelt";
  std::string xdg = Environment("XDG_CACHE_HOME");
  if (!xdg.empty() && xdg[0] == '/') return xdg + "/smelt";
  std::string home = Environment("HOME");
  if (!home.empty() && home[0] == '/') return home + "/.cache/smelt";
  *error = "no place for the cache: set SMELT_DIR (or HOME) to an absolute path";
  return {};
}

bool MakeDirectory(const std::string& path, std::string* error) {
  if (path.empty() || mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return true;
  if (errno == ENOENT) {
    if (!MakeDirectory(Parent(path), error)) return false;
    if (mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return true;
  }
  *error =
      "cannot make the directory " + path + ": " + strerror(errno) + " (set SMELT_DIR to a directory you may write)";
  return false;
}

// As in /tmp: a directory there that is not ours alone could hold somebody else's daemon.
bool AnybodyMayWriteTo(const std::string& directory) {
  struct stat info;
  return stat(directory.empty() ? "/" : directory.c_str(), &info) == 0 && (info.st_mode & S_IWOTH) != 0;
}

bool IsOursAlone(const std::string& directory, std::string* error) {
  struct stat info;
  if (lstat(directory.c_str(), &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == geteuid() &&
      (info.st_mode & 0077) == 0) {
    return true;
  }
  *error = directory + " is not a directory of this user alone: remove it, or set SMELT_SOCKET";
  return false;
}

}  // namespace

std::string SocketPathFor(std::string_view directory, std::uint32_t uid) {
  std::string beside = std::string(directory) + "/smeltd.sock";
  if (beside.size() <= kSocketPathBytesMax) return beside;
  return "/tmp/smelt-" + std::to_string(uid) + "/" + Hex16(Fnv1a(directory)) + ".sock";
}

std::optional<DaemonPaths> FindDaemonPaths(std::string* error) {
  DaemonPaths paths;
  paths.directory = FindDirectory(error);
  if (paths.directory.empty()) return std::nullopt;
  paths.socket = Environment("SMELT_SOCKET");
  if (paths.socket.empty()) paths.socket = SocketPathFor(paths.directory, geteuid());
  if (paths.socket[0] != '/' || paths.socket.size() > kSocketPathBytesMax) {
    *error = "SMELT_SOCKET is '" + paths.socket + "': set it to an absolute path of at most " +
             std::to_string(kSocketPathBytesMax) + " bytes";
    return std::nullopt;
  }
  paths.lock = paths.directory + "/smeltd.lock";
  paths.instance_lock = paths.directory + "/smeltd.instance";
  paths.log = paths.directory + "/smeltd.log";
  paths.failed = paths.directory + "/smeltd.failed";
  return paths;
}

bool MakeDaemonDirectories(const DaemonPaths& paths, std::string* error) {
  std::string socket_directory = Parent(paths.socket);
  if (!MakeDirectory(paths.directory, error) || !MakeDirectory(socket_directory, error)) return false;
  return !AnybodyMayWriteTo(Parent(socket_directory)) || IsOursAlone(socket_directory, error);
}

}  // namespace smelt::wire

#include "src/observer/record.h"

#include <fcntl.h>
#include <linux/stat.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstdint>
#include <cstring>
#include <system_error>

#include "src/observer/hook.h"
#include "src/observer/log_format.h"
#include "src/observer/objects.h"

namespace smelt::observer {
namespace {

enum class State : int { kNew, kStarting, kWatching, kOff };

// Above what programs hand to their children: cargo's jobserver has 8 and 9.
constexpr int kLogFdMin = 500;

constinit std::atomic<State> state{State::kNew};
constinit std::atomic<int> log_fd{-1};
// Constant once Watching().
constinit char log_path[PATH_MAX] = {};
constinit std::atomic<std::uint64_t> log_inode{0};
constinit std::atomic<std::uint64_t> log_device{0};

struct FileFacts {
  bool known = false;
  bool directory = false;
  std::uint64_t size = 0;
  std::uint64_t inode = 0;
  std::uint64_t device = 0;
};

FileFacts FactsOf(int fd) {
  struct statx facts;
  if (Kernel()(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_SIZE | STATX_INO, &facts) != 0) return {};
  return {.known = true,
          .directory = S_ISDIR(facts.stx_mode),
          .size = facts.stx_size,
          .inode = facts.stx_ino,
          .device = (std::uint64_t{facts.stx_dev_major} << 32) | facts.stx_dev_minor};
}

int OpenLog() {
  long low = Kernel()(SYS_openat, AT_FDCWD, log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (low < 0) return -1;
  for (int min = kLogFdMin; min >= 16; min /= 2) {  // RLIMIT_NOFILE may be lower
    int high = fcntl(static_cast<int>(low), F_DUPFD_CLOEXEC, min);
    if (high < 0) continue;
    Kernel()(SYS_close, low);
    return high;
  }
  return static_cast<int>(low);
}

bool IsLog(int fd) {
  FileFacts facts = FactsOf(fd);
  return facts.known && facts.inode == log_inode.load(std::memory_order_relaxed) &&
         facts.device == log_device.load(std::memory_order_relaxed);
}

// The log's descriptor even if the program has closed it, or closed it and opened something else there.
int LogFd() {
  int fd = log_fd.load(std::memory_order_relaxed);
  if (fd >= 0 && IsLog(fd)) return fd;
  fd = OpenLog();
  if (fd >= 0) log_fd.store(fd, std::memory_order_relaxed);
  return fd;
}

// One NUL byte at the end, by a way that needs no room on the disk.
void SpoilLog() {
  int fd = LogFd();
  if (fd < 0) {
    Kernel()(SYS_truncate, log_path, 1L);
    return;
  }
  FileFacts facts = FactsOf(fd);
  Kernel()(SYS_ftruncate, fd, static_cast<long>(facts.size + 1));
}

const char* VariableOf(const char* name) {
  std::size_t length = strlen(name);
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=') return *entry + length + 1;
  }
  return nullptr;
}

State Start() {
  const char* path = VariableOf(kObserverLogVariable);
  if (path == nullptr || path[0] != '/' || strlen(path) >= sizeof log_path) return State::kOff;
  strcpy(log_path, path);
  int fd = OpenLog();
  if (fd < 0) return State::kOff;
  FileFacts facts = FactsOf(fd);
  log_inode = facts.inode;
  log_device = facts.device;
  log_fd = fd;
  return State::kWatching;
}

bool Below(std::string_view path, std::string_view directory) {
  return path.starts_with(directory) && (path.size() == directory.size() || path[directory.size()] == '/');
}

bool LeftOut(std::string_view path) {
  return Below(path, "/proc") || Below(path, "/sys") || (Below(path, "/dev") && !Below(path, "/dev/shm"));
}

// What RecordPath makes of the few special files that matter. True if that was all.
bool RecordSpecial(char kind, std::string_view path, std::string_view module) {
  if (!LeftOut(path)) return false;
  if (kind != 'R') return true;
  if ((path == "/dev/urandom" || path == "/dev/random") && !IsCompilerObject(module)) Record('Z', path, module);
  if (path.starts_with("/proc/") && path.ends_with("/environ")) Record('E', ObjectPath(module), module);
  return true;
}

bool TakePrefix(std::string_view& path, std::string_view prefix) {
  if (!path.starts_with(prefix)) return false;
  path.remove_prefix(prefix.size());
  return true;
}

// Puts what /proc/self/cwd, root and fd/N stand for in their place: `path` becomes what follows, or ".", and
// `directory` what that is relative to.
bool FollowMagicLink(std::string_view& path, int& directory) {
  std::string_view rest = path;
  int place = AT_FDCWD;
  if (TakePrefix(rest, "/proc/self/root/") || TakePrefix(rest, "/proc/thread-self/root/")) {
    path.remove_prefix(path.size() - rest.size() - 1);
    return true;
  }
  if (TakePrefix(rest, "/proc/self/fd/") || TakePrefix(rest, "/proc/thread-self/fd/") || TakePrefix(rest, "/dev/fd/")) {
    auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), place);
    if (error != std::errc()) return false;
    rest.remove_prefix(end - rest.data());
  } else if (!TakePrefix(rest, "/proc/self/cwd") && !TakePrefix(rest, "/proc/thread-self/cwd")) {
    return false;
  }
  if (!rest.empty() && rest[0] != '/') return false;
  while (!rest.empty() && rest[0] == '/') rest.remove_prefix(1);
  path = rest.empty() ? "." : rest;
  directory = place;
  return true;
}

// Of what a descriptor leads to: a pipe or a socket, or what has no name any more.
bool IsNoPlace(std::string_view path) { return path.empty() || path.ends_with(" (deleted)"); }

struct Text {
  const void* data;
  std::size_t size;
};

void Append(char kind, pid_t pid, pid_t tid, Text first, Text second, Text module) {
  const char separator = '/';
  bool joined = first.size > 0;
  std::size_t path_bytes = first.size + (joined ? 1 : 0) + second.size;
  RecordHeader header = {
      kind, kRecordMark, static_cast<std::uint16_t>(module.size), static_cast<std::uint32_t>(path_bytes), pid, tid};
  iovec parts[] = {
      {&header, sizeof header},
      {const_cast<void*>(first.data), first.size},
      {const_cast<char*>(&separator), joined ? std::size_t{1} : std::size_t{0}},
      {const_cast<void*>(second.data), second.size},
      {const_cast<void*>(module.data), module.size},
      {const_cast<char*>(&kRecordEnd), 1},
  };
  std::size_t all = sizeof header + path_bytes + module.size + 1;
  int fd = LogFd();
  bool fits = path_bytes <= kRecordPathBytesMax && module.size <= kRecordModuleBytesMax;
  if (!fits || fd < 0 || Kernel()(SYS_writev, fd, parts, sizeof parts / sizeof parts[0]) != static_cast<long>(all)) {
    SpoilLog();
  }
}

pid_t ThreadId() { return static_cast<pid_t>(Kernel()(SYS_gettid)); }

void AppendOwn(char kind, std::string_view first, std::string_view second, std::string_view module) {
  Append(kind, getpid(), ThreadId(), {first.data(), first.size()}, {second.data(), second.size()},
         {module.data(), module.size()});
}

// The directory that `directory` stands for, into `buffer`; empty if it cannot be told.
std::string_view DirectoryPath(int directory, char (&buffer)[PATH_MAX]) {
  if (directory == AT_FDCWD) {
    long size = Kernel()(SYS_getcwd, buffer, sizeof buffer);
    return size > 1 && buffer[0] == '/' ? std::string_view(buffer, size - 1) : std::string_view();
  }
  char link[32];
  WriteDescriptorPath(directory, link);
  long size = Kernel()(SYS_readlinkat, AT_FDCWD, link, buffer, sizeof buffer);
  return size > 0 && buffer[0] == '/' ? std::string_view(buffer, size) : std::string_view();
}

}  // namespace

std::size_t WriteDescriptorPath(int fd, char* out) {
  constexpr std::string_view kPrefix = "/proc/self/fd/";
  memcpy(out, kPrefix.data(), kPrefix.size());
  char digits[12];
  std::size_t count = 0;
  for (unsigned rest = fd; rest > 0 || count == 0; rest /= 10) digits[count++] = static_cast<char>('0' + rest % 10);
  std::size_t size = kPrefix.size();
  while (count > 0) out[size++] = digits[--count];
  out[size] = '\0';
  return size;
}

ErrnoScope::ErrnoScope() : value_(errno) {}
ErrnoScope::~ErrnoScope() { errno = value_; }

bool Watching() {
  State now = state.load(std::memory_order_acquire);
  if (now != State::kNew) return now == State::kWatching;
  if (!state.compare_exchange_strong(now, State::kStarting)) return false;
  ErrnoScope keep;
  State next = Start();
  if (next == State::kWatching) RecordStart();
  state.store(next, std::memory_order_release);
  return next == State::kWatching;
}

void Record(char kind, std::string_view path, std::string_view module) {
  ErrnoScope keep;
  AppendOwn(kind, {}, path, module);
}

void RecordWorkingDirectory(const void* caller) {
  ErrnoScope keep;
  std::string_view module = ModuleOf(caller);
  if (!IsCompilerObject(module)) Record('C', {}, module);
}

void RecordPath(char kind, int directory, const char* path, const void* caller) {
  if (path == nullptr || path[0] == '\0') return;
  ErrnoScope keep;
  std::string_view module = caller == nullptr ? std::string_view() : ModuleOf(caller);
  std::string_view given = path;
  const bool magic = FollowMagicLink(given, directory);
  if (given[0] == '/') {
    if (!RecordSpecial(kind, given, module)) AppendOwn(kind, {}, given, module);
    return;
  }
  char buffer[PATH_MAX];
  std::string_view base = DirectoryPath(directory, buffer);
  if (LeftOut(base) || (magic && IsNoPlace(base))) return;
  if (given == "." && !base.empty()) return AppendOwn(kind, {}, base, module);
  AppendOwn(kind, base == "/" ? std::string_view() : base, given, module);
}

void RecordFailure(int directory, const char* path, int error) {
  if (error == ENOENT || error == ENOTDIR) RecordPath('A', directory, path);
  if (error == EACCES || error == EPERM || error == ELOOP || error == EISDIR || error == EEXIST) {
    RecordPath('S', directory, path);
  }
}

void RecordLookup(int directory, const char* path, bool failed) {
  ErrnoScope keep;
  if (failed) {
    RecordFailure(directory, path, keep.value());
  } else {
    RecordPath('S', directory, path);
  }
}

void RecordOpened(int directory, const char* path, int flags, int fd, const void* caller) {
  ErrnoScope keep;
  if ((flags & O_TMPFILE) == O_TMPFILE) return;
  FileFacts facts = FactsOf(fd);
  if (facts.directory) return RecordPath((flags & O_PATH) != 0 ? 'S' : 'D', directory, path);
  bool writes = (flags & O_PATH) == 0 && ((flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC)) != 0);
  bool reads = (flags & O_ACCMODE) != O_WRONLY && (flags & O_TRUNC) == 0;
  if (!writes || (reads && facts.size > 0)) RecordPath('R', directory, path, caller);
  if (writes) RecordPath('W', directory, path);
}

void RecordExec(const char* path, pid_t pid) {
  ErrnoScope keep;
  char buffer[PATH_MAX];
  std::string_view given = path;
  std::string_view base = given.starts_with("/") ? std::string_view() : DirectoryPath(AT_FDCWD, buffer);
  Append('X', pid, pid == getpid() ? pid : ThreadId(), {base.data(), base.size()}, {given.data(), given.size()}, {});
}

namespace {
[[gnu::constructor]] void StartAtLoad() { Watching(); }
}  // namespace

}  // namespace smelt::observer

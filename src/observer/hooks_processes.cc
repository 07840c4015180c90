// Programs that are executed: 'X' for the one that was found, 'A' for the places where it was not.
//
// Many of these run between vfork and exec, in memory that is the parent's: they write to nothing but their own stack.

#include <fcntl.h>
#include <linux/stat.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "src/observer/hook.h"
#include "src/observer/record.h"

namespace smelt::observer {
namespace {

constexpr pid_t kUnknownProcess = 0;

bool IsProgram(const char* path) {
  struct statx facts;
  if (Kernel()(SYS_statx, AT_FDCWD, path, 0, STATX_TYPE, &facts) != 0) return false;
  errno = EACCES;
  return S_ISREG(facts.stx_mode) && Kernel()(SYS_faccessat, AT_FDCWD, path, X_OK) == 0;
}

// Records why `path` is no program that could be executed, if so.
bool Probe(const char* path) {
  if (IsProgram(path)) return true;
  RecordFailure(AT_FDCWD, path, errno);
  return false;
}

std::string_view SearchPath() {
  constexpr std::string_view kVariable = "PATH=";
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    if (std::string_view(*entry).starts_with(kVariable)) return *entry + kVariable.size();
  }
  return "/bin:/usr/bin";
}

// Which file execvp and posix_spawnp execute for `name`, or nullptr; recorded is what they find on the way.
const char* Find(const char* name, char (&buffer)[PATH_MAX]) {
  if (strchr(name, '/') != nullptr) return Probe(name) ? name : nullptr;
  std::size_t length = strlen(name);
  std::string_view rest = SearchPath();
  while (true) {
    std::size_t end = rest.find(':');
    std::size_t directory = end == std::string_view::npos ? rest.size() : end;
    if (directory + length + 2 <= sizeof buffer) {
      memcpy(buffer, rest.data(), directory);
      if (directory > 0) buffer[directory] = '/';
      memcpy(buffer + directory + (directory > 0 ? 1 : 0), name, length + 1);
      if (Probe(buffer)) return buffer;
    }
    if (end == std::string_view::npos) return nullptr;
    rest.remove_prefix(end + 1);
  }
}

void Executing(const char* path) {
  if (path == nullptr || path[0] == '\0' || !Watching()) return;
  ErrnoScope keep;
  if (Probe(path)) RecordExec(path, getpid());
}

void ExecutingFound(const char* name) {
  if (name == nullptr || name[0] == '\0' || !Watching()) return;
  ErrnoScope keep;
  char buffer[PATH_MAX];
  if (const char* path = Find(name, buffer)) RecordExec(path, getpid());
}

int Spawned(const char* path, int error, const pid_t* pid) {
  if (!Watching()) return error;
  ErrnoScope keep;
  if (error == 0) {
    RecordExec(path, *pid);
  } else {
    Probe(path);
  }
  return error;
}

int SpawnedFound(const char* name, int error, const pid_t* pid) {
  if (!Watching()) return error;
  ErrnoScope keep;
  char buffer[PATH_MAX];
  const char* path = Find(name, buffer);
  if (error == 0) RecordExec(path == nullptr ? name : path, *pid);
  return error;
}

void ExecutingAt(int directory, const char* path) {
  if (path == nullptr || !Watching()) return;
  ErrnoScope keep;
  char buffer[PATH_MAX];
  if (directory == AT_FDCWD || path[0] == '/') return Executing(path);
  std::size_t size = WriteDescriptorPath(directory, buffer);
  std::size_t rest = strlen(path);
  if (rest > 0 && size + rest + 2 <= sizeof buffer) {
    buffer[size++] = '/';
    memcpy(buffer + size, path, rest + 1);
  }
  Executing(buffer);
}

}  // namespace

SMELT_HOOK(int, execve, const char* path, char* const* arguments, char* const* environment) {
  Executing(path);
  return SMELT_NEXT(execve)(path, arguments, environment);
}
SMELT_HOOK(int, execv, const char* path, char* const* arguments) {
  Executing(path);
  return SMELT_NEXT(execv)(path, arguments);
}
SMELT_HOOK(int, execvp, const char* name, char* const* arguments) {
  ExecutingFound(name);
  return SMELT_NEXT(execvp)(name, arguments);
}
SMELT_HOOK(int, execvpe, const char* name, char* const* arguments, char* const* environment) {
  ExecutingFound(name);
  return SMELT_NEXT(execvpe)(name, arguments, environment);
}
SMELT_HOOK(int, execveat, int directory, const char* path, char* const* arguments, char* const* environment,
           int flags) {
  ExecutingAt(directory, path);
  return SMELT_NEXT(execveat)(directory, path, arguments, environment, flags);
}
SMELT_HOOK(int, fexecve, int fd, char* const* arguments, char* const* environment) {
  ExecutingAt(fd, "");
  return SMELT_NEXT(fexecve)(fd, arguments, environment);
}

// Calls `function` with the arguments that follow `first` as an array on the stack, and for execle the environment
// that comes after them.
#define SMELT_LISTED(function, path, first, ...)                                             \
  va_list rest;                                                                              \
  std::size_t count = 1;                                                                     \
  va_start(rest, first);                                                                     \
  for (const char* next = first; next != nullptr; next = va_arg(rest, const char*)) ++count; \
  va_end(rest);                                                                              \
  auto** arguments = static_cast<char**>(__builtin_alloca(count * sizeof(char*)));           \
  va_start(rest, first);                                                                     \
  arguments[0] = const_cast<char*>(first);                                                   \
  for (std::size_t i = 1; i < count; ++i) arguments[i] = va_arg(rest, char*);                \
  __VA_ARGS__                                                                                \
  va_end(rest)

SMELT_HOOK(int, execl, const char* path, const char* first, ...) {
  SMELT_LISTED(execv, path, first);
  return smelt_hook_execv(path, arguments);
}
SMELT_HOOK(int, execlp, const char* name, const char* first, ...) {
  SMELT_LISTED(execvp, name, first);
  return smelt_hook_execvp(name, arguments);
}
SMELT_HOOK(int, execle, const char* path, const char* first, ...) {
  SMELT_LISTED(execve, path, first, auto* environment = va_arg(rest, char* const*););
  return smelt_hook_execve(path, arguments, environment);
}

SMELT_HOOK(int, posix_spawn, pid_t* pid, const char* path, const posix_spawn_file_actions_t* actions,
           const posix_spawnattr_t* attributes, char* const* arguments, char* const* environment) {
  pid_t own = kUnknownProcess;
  pid_t* child = pid == nullptr ? &own : pid;
  return Spawned(path, SMELT_NEXT(posix_spawn)(child, path, actions, attributes, arguments, environment), child);
}
SMELT_HOOK(int, posix_spawnp, pid_t* pid, const char* name, const posix_spawn_file_actions_t* actions,
           const posix_spawnattr_t* attributes, char* const* arguments, char* const* environment) {
  pid_t own = kUnknownProcess;
  pid_t* child = pid == nullptr ? &own : pid;
  return SpawnedFound(name, SMELT_NEXT(posix_spawnp)(child, name, actions, attributes, arguments, environment), child);
}

// libc starts the shell by itself, and does not say which process it is.
SMELT_HOOK(int, system, const char* command) {
  if (command != nullptr && Watching()) RecordExec("/bin/sh", kUnknownProcess);
  return SMELT_NEXT(system)(command);
}
SMELT_HOOK(FILE*, popen, const char* command, const char* mode) {
  if (Watching()) RecordExec("/bin/sh", kUnknownProcess);
  return SMELT_NEXT(popen)(command, mode);
}

}  // namespace smelt::observer

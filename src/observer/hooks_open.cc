// Files that are opened or created, and how.

#include <fcntl.h>
#include <sys/types.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>

#include "src/observer/hook.h"
#include "src/observer/record.h"

namespace smelt::observer {
namespace {

int Opened(int directory, const char* path, int flags, int fd, const void* caller) {
  if (!Watching()) return fd;
  ErrnoScope keep;
  if (fd < 0) {
    RecordFailure(directory, path, keep.value());
  } else {
    RecordOpened(directory, path, flags, fd, caller);
  }
  return fd;
}

int FlagsOfMode(const char* mode) {
  bool plus = false;
  for (const char* c = mode; *c != '\0' && *c != ','; ++c) plus = plus || *c == '+';
  int access = plus ? O_RDWR : (mode[0] == 'r' ? O_RDONLY : O_WRONLY);
  if (mode[0] == 'w') return access | O_CREAT | O_TRUNC;
  return mode[0] == 'a' ? access | O_CREAT | O_APPEND : access;
}

FILE* Opened(const char* path, const char* mode, FILE* file, const void* caller) {
  if (path == nullptr || !Watching()) return file;
  ErrnoScope keep;
  Opened(AT_FDCWD, path, FlagsOfMode(mode), file == nullptr ? -1 : fileno(file), caller);
  return file;
}

int Made(char* path, int fd) {
  if (fd >= 0 && Watching()) RecordPath('W', AT_FDCWD, path);
  return fd;
}

}  // namespace

// The mode is there only if a file may be created.
#define SMELT_MODE(flags)                                           \
  mode_t mode = 0;                                                  \
  if (((flags)&O_CREAT) != 0 || ((flags)&O_TMPFILE) == O_TMPFILE) { \
    va_list rest;                                                   \
    va_start(rest, flags);                                          \
    mode = va_arg(rest, mode_t);                                    \
    va_end(rest);                                                   \
  }

#define SMELT_HOOK_OPEN(name)                                                                  \
  SMELT_HOOK(int, name, const char* path, int flags, ...) {                                    \
    SMELT_MODE(flags)                                                                          \
    return Opened(AT_FDCWD, path, flags, SMELT_NEXT(name)(path, flags, mode), SMELT_CALLER()); \
  }
#define SMELT_HOOK_OPENAT(name)                                                                            \
  SMELT_HOOK(int, name, int directory, const char* path, int flags, ...) {                                 \
    SMELT_MODE(flags)                                                                                      \
    return Opened(directory, path, flags, SMELT_NEXT(name)(directory, path, flags, mode), SMELT_CALLER()); \
  }
#define SMELT_HOOK_OPEN_2(name)                                                          \
  SMELT_HOOK(int, name, const char* path, int flags) {                                   \
    return Opened(AT_FDCWD, path, flags, SMELT_NEXT(name)(path, flags), SMELT_CALLER()); \
  }
#define SMELT_HOOK_OPENAT_2(name)                                                                    \
  SMELT_HOOK(int, name, int directory, const char* path, int flags) {                                \
    return Opened(directory, path, flags, SMELT_NEXT(name)(directory, path, flags), SMELT_CALLER()); \
  }
#define SMELT_HOOK_CREAT(name)                                                                          \
  SMELT_HOOK(int, name, const char* path, mode_t mode) {                                                \
    return Opened(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, SMELT_NEXT(name)(path, mode), nullptr); \
  }
#define SMELT_HOOK_FOPEN(name)                                               \
  SMELT_HOOK(FILE*, name, const char* path, const char* mode) {              \
    return Opened(path, mode, SMELT_NEXT(name)(path, mode), SMELT_CALLER()); \
  }
#define SMELT_HOOK_FREOPEN(name)                                                   \
  SMELT_HOOK(FILE*, name, const char* path, const char* mode, FILE* file) {        \
    return Opened(path, mode, SMELT_NEXT(name)(path, mode, file), SMELT_CALLER()); \
  }
#define SMELT_HOOK_MAKE(name, parameters, arguments) \
  SMELT_HOOK(int, name, SMELT_LIST parameters) { return Made(path, SMELT_NEXT(name) arguments); }
#define SMELT_LIST(...) __VA_ARGS__

SMELT_HOOK_OPEN(open)
SMELT_HOOK_OPEN(open64)
SMELT_HOOK_OPENAT(openat)
SMELT_HOOK_OPENAT(openat64)
SMELT_HOOK_OPEN_2(__open_2)
SMELT_HOOK_OPEN_2(__open64_2)
SMELT_HOOK_OPENAT_2(__openat_2)
SMELT_HOOK_OPENAT_2(__openat64_2)
SMELT_HOOK_CREAT(creat)
SMELT_HOOK_CREAT(creat64)
SMELT_HOOK_FOPEN(fopen)
SMELT_HOOK_FOPEN(fopen64)
SMELT_HOOK_FREOPEN(freopen)
SMELT_HOOK_FREOPEN(freopen64)
SMELT_HOOK_MAKE(mkstemp, (char* path), (path))
SMELT_HOOK_MAKE(mkstemp64, (char* path), (path))
SMELT_HOOK_MAKE(mkostemp, (char* path, int flags), (path, flags))
SMELT_HOOK_MAKE(mkostemp64, (char* path, int flags), (path, flags))
SMELT_HOOK_MAKE(mkstemps, (char* path, int suffix), (path, suffix))
SMELT_HOOK_MAKE(mkstemps64, (char* path, int suffix), (path, suffix))
SMELT_HOOK_MAKE(mkostemps, (char* path, int suffix, int flags), (path, suffix, flags))
SMELT_HOOK_MAKE(mkostemps64, (char* path, int suffix, int flags), (path, suffix, flags))

SMELT_HOOK(char*, mkdtemp, char* path) {
  char* made = SMELT_NEXT(mkdtemp)(path);
  if (made != nullptr && Watching()) RecordPath('W', AT_FDCWD, made);
  return made;
}

}  // namespace smelt::observer

// Names that are looked up, and directories that are listed.

#include <dirent.h>
#include <fcntl.h>
#include <sys/types.h>

#include <cerrno>
#include <cstddef>
#include <string_view>

#include "src/observer/hook.h"
#include "src/observer/record.h"

namespace smelt::observer {
namespace {

int LookedUp(int directory, const char* path, int result) {
  if (Watching()) RecordLookup(directory, path, result != 0);
  return result;
}

// Whether what `path` resolves to tells where the process is.
bool TellsWhereWeAre(const char* path) {
  std::string_view given = path;
  return !given.starts_with("/") || (given.starts_with("/proc/") && !given.ends_with("/exe"));
}

// What a symbolic link says is found again in what is opened through it: only its absence counts.
ssize_t LinkRead(int directory, const char* path, ssize_t result, const void* caller) {
  if (!Watching()) return result;
  ErrnoScope keep;
  if (result >= 0) {
    if (path[0] == '/' && TellsWhereWeAre(path)) RecordWorkingDirectory(caller);
    return result;
  }
  if (keep.value() == ENOENT || keep.value() == ENOTDIR) RecordPath('A', directory, path);
  return result;
}

char* Resolved(const char* path, char* result, const void* caller) {
  if (!Watching()) return result;
  RecordLookup(AT_FDCWD, path, result == nullptr);
  if (result != nullptr && TellsWhereWeAre(path)) RecordWorkingDirectory(caller);
  return result;
}

void Listed(int directory, const char* path, bool failed) {
  if (!Watching()) return;
  ErrnoScope keep;
  if (failed) {
    RecordFailure(directory, path, keep.value());
  } else {
    RecordPath('D', directory, path);
  }
}

}  // namespace

#define SMELT_HOOK_LOOKUP(name, directory, parameters, arguments) \
  SMELT_HOOK(int, name, SMELT_LIST parameters) { return LookedUp(directory, path, SMELT_NEXT(name) arguments); }
#define SMELT_LIST(...) __VA_ARGS__
#define SMELT_HOOK_STAT(name) SMELT_HOOK_LOOKUP(name, AT_FDCWD, (const char* path, void* out), (path, out))
#define SMELT_HOOK_STATAT(name) \
  SMELT_HOOK_LOOKUP(name, at, (int at, const char* path, void* out, int flags), (at, path, out, flags))
#define SMELT_HOOK_XSTAT(name) \
  SMELT_HOOK_LOOKUP(name, AT_FDCWD, (int version, const char* path, void* out), (version, path, out))
#define SMELT_HOOK_XSTATAT(name)                                                             \
  SMELT_HOOK_LOOKUP(name, at, (int version, int at, const char* path, void* out, int flags), \
                    (version, at, path, out, flags))
#define SMELT_HOOK_ACCESS(name) SMELT_HOOK_LOOKUP(name, AT_FDCWD, (const char* path, int how), (path, how))

SMELT_HOOK_STAT(stat)
SMELT_HOOK_STAT(stat64)
SMELT_HOOK_STAT(lstat)
SMELT_HOOK_STAT(lstat64)
SMELT_HOOK_STATAT(fstatat)
SMELT_HOOK_STATAT(fstatat64)
SMELT_HOOK_XSTAT(__xstat)
SMELT_HOOK_XSTAT(__xstat64)
SMELT_HOOK_XSTAT(__lxstat)
SMELT_HOOK_XSTAT(__lxstat64)
SMELT_HOOK_XSTATAT(__fxstatat)
SMELT_HOOK_XSTATAT(__fxstatat64)
SMELT_HOOK_LOOKUP(statx, at, (int at, const char* path, int flags, unsigned mask, void* out),
                  (at, path, flags, mask, out))
SMELT_HOOK_ACCESS(access)
SMELT_HOOK_ACCESS(eaccess)
SMELT_HOOK_ACCESS(euidaccess)
SMELT_HOOK_LOOKUP(faccessat, at, (int at, const char* path, int how, int flags), (at, path, how, flags))

SMELT_HOOK(ssize_t, readlink, const char* path, char* out, std::size_t size) {
  return LinkRead(AT_FDCWD, path, SMELT_NEXT(readlink)(path, out, size), SMELT_CALLER());
}
SMELT_HOOK(ssize_t, readlinkat, int directory, const char* path, char* out, std::size_t size) {
  return LinkRead(directory, path, SMELT_NEXT(readlinkat)(directory, path, out, size), SMELT_CALLER());
}
SMELT_HOOK(ssize_t, __readlink_chk, const char* path, char* out, std::size_t size, std::size_t room) {
  return LinkRead(AT_FDCWD, path, SMELT_NEXT(__readlink_chk)(path, out, size, room), SMELT_CALLER());
}
SMELT_HOOK(ssize_t, __readlinkat_chk, int directory, const char* path, char* out, std::size_t size, std::size_t room) {
  return LinkRead(directory, path, SMELT_NEXT(__readlinkat_chk)(directory, path, out, size, room), SMELT_CALLER());
}

SMELT_HOOK(char*, realpath, const char* path, char* out) {
  return Resolved(path, SMELT_NEXT(realpath)(path, out), SMELT_CALLER());
}
SMELT_HOOK(char*, __realpath_chk, const char* path, char* out, std::size_t room) {
  return Resolved(path, SMELT_NEXT(__realpath_chk)(path, out, room), SMELT_CALLER());
}
SMELT_HOOK(char*, canonicalize_file_name, const char* path) {
  return Resolved(path, SMELT_NEXT(canonicalize_file_name)(path), SMELT_CALLER());
}

SMELT_HOOK(DIR*, opendir, const char* path) {
  DIR* opened = SMELT_NEXT(opendir)(path);
  Listed(AT_FDCWD, path, opened == nullptr);
  return opened;
}

// An fd from a hooked open was recorded there; it may also have come in some other way.
SMELT_HOOK(DIR*, fdopendir, int fd) {
  DIR* opened = SMELT_NEXT(fdopendir)(fd);
  if (opened != nullptr) Listed(fd, ".", false);
  return opened;
}

#define SMELT_HOOK_SCANDIR(name)                                                     \
  SMELT_HOOK(int, name, const char* path, void* list, void* filter, void* compare) { \
    int count = SMELT_NEXT(name)(path, list, filter, compare);                       \
    Listed(AT_FDCWD, path, count < 0);                                               \
    return count;                                                                    \
  }
#define SMELT_HOOK_SCANDIRAT(name)                                                                  \
  SMELT_HOOK(int, name, int directory, const char* path, void* list, void* filter, void* compare) { \
    int count = SMELT_NEXT(name)(directory, path, list, filter, compare);                           \
    Listed(directory, path, count < 0);                                                             \
    return count;                                                                                   \
  }

SMELT_HOOK_SCANDIR(scandir)
SMELT_HOOK_SCANDIR(scandir64)
SMELT_HOOK_SCANDIRAT(scandirat)
SMELT_HOOK_SCANDIRAT(scandirat64)

}  // namespace smelt::observer

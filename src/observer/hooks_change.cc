// Names that are given to files and directories: 'W' for the new name.

#include <fcntl.h>
#include <sys/types.h>

#include "src/observer/hook.h"
#include "src/observer/record.h"

namespace smelt::observer {
namespace {

int Named(int directory, const char* path, int result) {
  if (!Watching()) return result;
  ErrnoScope keep;
  if (result == 0) {
    RecordPath('W', directory, path);
  } else {
    RecordFailure(directory, path, keep.value());
  }
  return result;
}

// A second name makes the content readable by that name.
int Linked(int from, const char* old_path, int to, const char* new_path, int result) {
  if (result == 0 && Watching()) RecordPath('R', from, old_path);
  return Named(to, new_path, result);
}

// ENOENT may mean either of two names: nothing is recorded of a failure.
int Renamed(int directory, const char* path, int result) {
  return result == 0 ? Named(directory, path, result) : result;
}

}  // namespace

SMELT_HOOK(int, rename, const char* from, const char* path) {
  return Renamed(AT_FDCWD, path, SMELT_NEXT(rename)(from, path));
}
SMELT_HOOK(int, renameat, int from_directory, const char* from, int directory, const char* path) {
  return Renamed(directory, path, SMELT_NEXT(renameat)(from_directory, from, directory, path));
}
SMELT_HOOK(int, renameat2, int from_directory, const char* from, int directory, const char* path, unsigned flags) {
  return Renamed(directory, path, SMELT_NEXT(renameat2)(from_directory, from, directory, path, flags));
}
SMELT_HOOK(int, link, const char* from, const char* path) {
  return Linked(AT_FDCWD, from, AT_FDCWD, path, SMELT_NEXT(link)(from, path));
}
SMELT_HOOK(int, linkat, int from_directory, const char* from, int directory, const char* path, int flags) {
  return Linked(from_directory, from, directory, path,
                SMELT_NEXT(linkat)(from_directory, from, directory, path, flags));
}
SMELT_HOOK(int, symlink, const char* target, const char* path) {
  return Named(AT_FDCWD, path, SMELT_NEXT(symlink)(target, path));
}
SMELT_HOOK(int, symlinkat, const char* target, int directory, const char* path) {
  return Named(directory, path, SMELT_NEXT(symlinkat)(target, directory, path));
}
SMELT_HOOK(int, mkdir, const char* path, mode_t mode) { return Named(AT_FDCWD, path, SMELT_NEXT(mkdir)(path, mode)); }
SMELT_HOOK(int, mkdirat, int directory, const char* path, mode_t mode) {
  return Named(directory, path, SMELT_NEXT(mkdirat)(directory, path, mode));
}
SMELT_HOOK(int, truncate, const char* path, off_t size) {
  return Named(AT_FDCWD, path, SMELT_NEXT(truncate)(path, size));
}
SMELT_HOOK(int, truncate64, const char* path, off64_t size) {
  return Named(AT_FDCWD, path, SMELT_NEXT(truncate64)(path, size));
}

}  // namespace smelt::observer

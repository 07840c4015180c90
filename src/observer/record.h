#ifndef SMELT_OBSERVER_RECORD_H_
#define SMELT_OBSERVER_RECORD_H_

#include <sys/types.h>

#include <cstddef>
#include <string_view>

// The writing side of the log. Everything under observer/ but log.{h,cc} is loaded into other people's programs, so it
// allocates nothing, takes no lock, uses no stdio, leaves errno as it found it, and may be called from any thread, from
// signal handlers and between vfork and exec. It calls the kernel by syscall(2) wherever the libc function of that name
// is one of ours.
namespace smelt::observer {

// Whether there is a log to write to. The first call (the library's constructor, or another library's constructor that
// runs before it and calls a hook) opens the log and writes what is loaded. False while it does so. Nothing below may
// be called unless it was true.
bool Watching();

// Appends one record, complete or not at all.
void Record(char kind, std::string_view path, std::string_view module = {});

// The same for a path as it was passed to a system call relative to `directory` (AT_FDCWD or a descriptor): made
// absolute; left out if empty or below /proc, /sys, /dev (see log_format.h). A path that cannot be made absolute, its
// directory being gone, is recorded as it is. What the links of /proc/self stand for is put in their place.
void RecordPath(char kind, int directory, const char* path, const void* caller = nullptr);

// By the errno of a call that failed: 'A' if it says that nothing is there, 'S' if it says that something is.
void RecordFailure(int directory, const char* path, int error);

// 'C', unless `caller` is a part of the compiler.
void RecordWorkingDirectory(const void* caller);

// 'S' or, if `failed`, RecordFailure by the errno of now.
void RecordLookup(int directory, const char* path, bool failed);

// What a successful open with `flags` gave: 'R', 'W', both, 'D' or 'S'.
void RecordOpened(int directory, const char* path, int flags, int fd, const void* caller);

// 'X': `pid` is the process that becomes the program, 0 if it is not known. tid is the calling thread's if that is
// another process (spawn), else `pid` (exec).
void RecordExec(const char* path, pid_t pid);

// Writes "/proc/self/fd/<fd>" and a NUL to `out`, which holds 32 bytes or more; returns the length. No stdio: this is
// called between vfork and exec.
std::size_t WriteDescriptorPath(int fd, char* out);

// Keeps errno over a scope.
class ErrnoScope {
 public:
  ErrnoScope();
  ~ErrnoScope();
  int value() const { return value_; }

 private:
  int value_;
};

}  // namespace smelt::observer

#endif  // SMELT_OBSERVER_RECORD_H_

// The kernel called by number, and random numbers, which are often asked for in that way.

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>

#include "src/observer/hook.h"
#include "src/observer/log_format.h"
#include "src/observer/objects.h"
#include "src/observer/record.h"

namespace smelt::observer {
namespace {

void Drew(std::string_view what, const void* caller) {
  if (!Watching()) return;
  ErrnoScope keep;
  std::string_view module = ModuleOf(caller);
  if (!IsCompilerObject(module)) Record('Z', what, module);
}

std::string_view RandomBy(unsigned flags) {
  return (flags & GRND_INSECURE) != 0 ? kRandomGetrandomInsecure : kRandomGetrandom;
}

// Where among its arguments a call has what it names.
struct Naming {
  long number;
  int directory;  // -1: the working directory
  int path;
  int flags;  // of an open; -1: it is a lookup
};

constexpr Naming kNaming[] = {
    {SYS_open, -1, 0, 1},      {SYS_openat, 0, 1, 2},      {SYS_openat2, 0, 1, 2},    {SYS_stat, -1, 0, -1},
    {SYS_lstat, -1, 0, -1},    {SYS_newfstatat, 0, 1, -1}, {SYS_statx, 0, 1, -1},     {SYS_access, -1, 0, -1},
    {SYS_faccessat, 0, 1, -1}, {SYS_faccessat2, 0, 1, -1}, {SYS_readlink, -1, 0, -1}, {SYS_readlinkat, 0, 1, -1},
};

const Naming* NamingOf(long number) {
  for (const Naming& naming : kNaming) {
    if (naming.number == number) return &naming;
  }
  return nullptr;
}

long Named(const Naming& naming, const long (&arguments)[6], const void* caller) {
  const auto [a, b, c, d, e, f] = arguments;
  long result = Kernel()(naming.number, a, b, c, d, e, f);
  if (!Watching()) return result;
  ErrnoScope keep;
  int directory = naming.directory < 0 ? AT_FDCWD : static_cast<int>(arguments[naming.directory]);
  const char* path = reinterpret_cast<const char*>(arguments[naming.path]);
  if (naming.flags < 0 || result < 0) {
    RecordLookup(directory, path, result < 0);
  } else {
    long flags = naming.number == SYS_openat2 ? static_cast<long>(reinterpret_cast<const open_how*>(c)->flags)
                                              : arguments[naming.flags];
    RecordOpened(directory, path, static_cast<int>(flags), static_cast<int>(result), caller);
  }
  return result;
}

}  // namespace

SMELT_HOOK(ssize_t, getrandom, void* out, std::size_t size, unsigned flags) {
  Drew(RandomBy(flags), SMELT_CALLER());
  return SMELT_NEXT(getrandom)(out, size, flags);
}
SMELT_HOOK(int, getentropy, void* out, std::size_t size) {
  Drew(kRandomGetentropy, SMELT_CALLER());
  return SMELT_NEXT(getentropy)(out, size);
}

// The getrandom crate asks in this way. All arguments are passed on, whether or not there are so many, and by a jump: a
// process that shares the caller's stack may come back from here, twice.
SMELT_HOOK(long, syscall, long number, long a, long b, long c, long d, long e, long f) {
  if (number == SYS_getrandom) Drew(RandomBy(static_cast<unsigned>(c)), SMELT_CALLER());
  if (const Naming* naming = NamingOf(number)) return Named(*naming, {a, b, c, d, e, f}, SMELT_CALLER());
  return SMELT_NEXT(syscall)(number, a, b, c, d, e, f);
}

}  // namespace smelt::observer

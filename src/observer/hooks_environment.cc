// What a program asks of its surroundings besides files: variables, the network; and shared objects,
// which may ask for more.

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "src/observer/hook.h"
#include "src/observer/log_format.h"
#include "src/observer/objects.h"
#include "src/observer/record.h"

namespace smelt::observer {
namespace {

void Asked(const char* name, const void* caller) {
  if (name == nullptr || !Watching()) return;
  ErrnoScope keep;
  Record('G', name, ModuleOf(caller));
}

void Addressed(const sockaddr* address, socklen_t size, const void* caller) {
  if (address == nullptr || size < sizeof address->sa_family || !Watching()) return;
  ErrnoScope keep;
  if (address->sa_family == AF_UNIX || address->sa_family == AF_UNSPEC) return;
  Record('N', {}, ModuleOf(caller));
}

}  // namespace

SMELT_HOOK(char*, getenv, const char* name) {
  Asked(name, SMELT_CALLER());
  return SMELT_NEXT(getenv)(name);
}
SMELT_HOOK(char*, secure_getenv, const char* name) {
  Asked(name, SMELT_CALLER());
  return SMELT_NEXT(secure_getenv)(name);
}

SMELT_HOOK(char*, getcwd, char* out, std::size_t size) {
  if (Watching()) RecordWorkingDirectory(SMELT_CALLER());
  return SMELT_NEXT(getcwd)(out, size);
}

SMELT_HOOK(int, connect, int fd, const sockaddr* address, socklen_t size) {
  Addressed(address, size, SMELT_CALLER());
  return SMELT_NEXT(connect)(fd, address, size);
}
SMELT_HOOK(int, bind, int fd, const sockaddr* address, socklen_t size) {
  Addressed(address, size, SMELT_CALLER());
  return SMELT_NEXT(bind)(fd, address, size);
}
SMELT_HOOK(ssize_t, sendto, int fd, const void* data, std::size_t bytes, int flags, const sockaddr* address,
           socklen_t size) {
  Addressed(address, size, SMELT_CALLER());
  return SMELT_NEXT(sendto)(fd, data, bytes, flags, address, size);
}

// A name without a slash is searched for by the RUNPATH of the object that calls, so libc must see the real caller:
// this is a jump, and the object is recorded with the next one, or before it goes.
SMELT_HOOK(void*, dlopen, const char* path, int mode) {
  if (path == nullptr || strchr(path, '/') == nullptr || !Watching()) return SMELT_NEXT(dlopen)(path, mode);
  void* opened = SMELT_NEXT(dlopen)(path, mode);
  ErrnoScope keep;
  if (opened != nullptr) {
    RecordNewObjects();
  } else if (Kernel()(SYS_faccessat, AT_FDCWD, path, F_OK) != 0) {
    RecordFailure(AT_FDCWD, path, errno);
  } else {
    RecordPath('R', AT_FDCWD, path);
  }
  return opened;
}

SMELT_HOOK(int, dlclose, void* object) {
  if (Watching()) RecordNewObjects();
  return SMELT_NEXT(dlclose)(object);
}

namespace {
[[gnu::destructor]] void RecordAtExit() {
  if (Watching()) RecordNewObjects();
}
}  // namespace

}  // namespace smelt::observer

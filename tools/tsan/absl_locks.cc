// Debian's absl is not instrumented: ThreadSanitizer does not see that its locks order anything. This stands in front
// of absl's functions, in our programs and in the libraries that call them (gRPC), and says it.
//
// A waiting thread's condition is read by the thread that unlocks, in absl's own code: reads are ignored there. gRPC
// hands a call from thread to thread by atomics, which are not seen either: all locks that gRPC takes count as one.

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <sanitizer/tsan_interface.h>

#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

extern "C" {
void AnnotateIgnoreReadsBegin(const char* file, int line);
void AnnotateIgnoreReadsEnd(const char* file, int line);
}

namespace {

class IgnoreReads {
 public:
  IgnoreReads() { AnnotateIgnoreReadsBegin(__FILE__, __LINE__); }
  ~IgnoreReads() { AnnotateIgnoreReadsEnd(__FILE__, __LINE__); }
};

// Whoever takes a lock between a call of the system and a look at errno sees what the call left.
class KeepErrno {
 public:
  ~KeepErrno() { errno = errno_; }

 private:
  const int errno_ = errno;
};

struct Code {
  std::uintptr_t begin, end;
};

int AddGrpc(dl_phdr_info* object, std::size_t, void* found) {
  if (std::string_view(object->dlpi_name).find("/libgrpc") == std::string_view::npos) return 0;
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)& part = object->dlpi_phdr[i];
    const std::uintptr_t begin = object->dlpi_addr + part.p_vaddr;
    if ((part.p_flags & PF_X) != 0) static_cast<std::vector<Code>*>(found)->push_back({begin, begin + part.p_memsz});
  }
  return 0;
}

bool IsGrpc(const void* caller) {
  static const std::vector<Code>& grpc = *[] {
    const KeepErrno keep;
    auto* found = new std::vector<Code>;
    ::dl_iterate_phdr(AddGrpc, found);
    return found;
  }();
  const auto at = reinterpret_cast<std::uintptr_t>(caller);
  for (const Code& code : grpc) {
    if (code.begin <= at && at < code.end) return true;
  }
  return false;
}

char grpc_order;

void Acquire(void* at, const void* caller) {
  const KeepErrno keep;
  __tsan_acquire(at);
  if (IsGrpc(caller)) __tsan_acquire(&grpc_order);
}

void Release(void* at, const void* caller) {
  const KeepErrno keep;
  __tsan_release(at);
  if (IsGrpc(caller)) __tsan_release(&grpc_order);
}

// absl's own function of this name.
template <typename Result, typename... Arguments>
auto Absl(const char* symbol) {
  const KeepErrno keep;
  void* found = ::dlsym(RTLD_NEXT, symbol);
  if (found == nullptr) std::abort();
  return reinterpret_cast<Result (*)(Arguments...)>(found);
}

// Waits with `mu` held at the beginning and at the end.
template <typename Result, typename... Arguments>
Result Wait(const void* caller, Result (*wait)(Arguments...), void* mu, Arguments... arguments) {
  Release(mu, caller);
  const IgnoreReads ignore;
  struct Reacquire {
    void* mu;
    const void* caller;
    ~Reacquire() { Acquire(mu, caller); }
  } reacquire{mu, caller};
  return wait(arguments...);
}

using absl::Duration;
using absl::Time;

}  // namespace

#define ABSL(name) "_ZN4absl7debian3" name
#define CONST_ABSL(name) "_ZNK4absl7debian3" name

#define CALLER __builtin_return_address(0)

// Below, SYMBOL is a member function as the linker knows it, and `object` is its `this`.

#define LOCK(function, at, SYMBOL)                        \
  extern "C" void function(void* object) __asm__(SYMBOL); \
  extern "C" void function(void* object) {                \
    static const auto absl = Absl<void, void*>(SYMBOL);   \
    absl(object);                                         \
    Acquire(at, CALLER);                                  \
  }

#define TRY_LOCK(function, SYMBOL)                        \
  extern "C" bool function(void* object) __asm__(SYMBOL); \
  extern "C" bool function(void* object) {                \
    static const auto absl = Absl<bool, void*>(SYMBOL);   \
    if (!absl(object)) return false;                      \
    Acquire(object, CALLER);                              \
    return true;                                          \
  }

#define UNLOCK(function, at, SYMBOL)                      \
  extern "C" void function(void* object) __asm__(SYMBOL); \
  extern "C" void function(void* object) {                \
    static const auto absl = Absl<void, void*>(SYMBOL);   \
    Release(at, CALLER);                                  \
    const IgnoreReads ignore;                             \
    absl(object);                                         \
  }

#define WAIT(function, mu, SYMBOL)                                     \
  extern "C" void function(void* object, void* other) __asm__(SYMBOL); \
  extern "C" void function(void* object, void* other) {                \
    static const auto absl = Absl<void, void*, void*>(SYMBOL);         \
    Wait(CALLER, absl, mu, object, other);                             \
  }

#define WAIT_UNTIL(function, mu, Limit, SYMBOL)                                     \
  extern "C" bool function(void* object, void* other, Limit limit) __asm__(SYMBOL); \
  extern "C" bool function(void* object, void* other, Limit limit) {                \
    static const auto absl = Absl<bool, void*, void*, Limit>(SYMBOL);               \
    return Wait(CALLER, absl, mu, object, other, limit);                            \
  }

#define ACQUIRE_UNTIL(function, at, Limit, SYMBOL)                     \
  extern "C" bool function(void* object, Limit limit) __asm__(SYMBOL); \
  extern "C" bool function(void* object, Limit limit) {                \
    static const auto absl = Absl<bool, void*, Limit>(SYMBOL);         \
    const bool result = absl(object, limit);                           \
    Acquire(at, CALLER);                                               \
    return result;                                                     \
  }

LOCK(MutexLock, object, ABSL("5Mutex4LockEv"))
LOCK(MutexReaderLock, object, ABSL("5Mutex10ReaderLockEv"))
TRY_LOCK(MutexTryLock, ABSL("5Mutex7TryLockEv"))
TRY_LOCK(MutexReaderTryLock, ABSL("5Mutex13ReaderTryLockEv"))
UNLOCK(MutexUnlock, object, ABSL("5Mutex6UnlockEv"))
UNLOCK(MutexReaderUnlock, object, ABSL("5Mutex12ReaderUnlockEv"))

// Until a condition.
WAIT(MutexAwait, object, ABSL("5Mutex5AwaitERKNS0_9ConditionE"))
WAIT(MutexLockWhen, object, ABSL("5Mutex8LockWhenERKNS0_9ConditionE"))
WAIT(MutexReaderLockWhen, object, ABSL("5Mutex14ReaderLockWhenERKNS0_9ConditionE"))
WAIT_UNTIL(MutexAwaitWithTimeout, object, Duration, ABSL("5Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE"))
WAIT_UNTIL(MutexAwaitWithDeadline, object, Time, ABSL("5Mutex17AwaitWithDeadlineERKNS0_9ConditionENS0_4TimeE"))
WAIT_UNTIL(MutexLockWithTimeout, object, Duration, ABSL("5Mutex19LockWhenWithTimeoutERKNS0_9ConditionENS0_8DurationE"))
WAIT_UNTIL(MutexLockWithDeadline, object, Time, ABSL("5Mutex20LockWhenWithDeadlineERKNS0_9ConditionENS0_4TimeE"))

// Of a condition variable: the other is the mutex.
WAIT(CondVarWait, other, ABSL("7CondVar4WaitEPNS0_5MutexE"))
WAIT_UNTIL(CondVarWaitWithTimeout, other, Duration, ABSL("7CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE"))
WAIT_UNTIL(CondVarWaitWithDeadline, other, Time, ABSL("7CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE"))

// Of a notification: what HasBeenNotified, which is compiled into its callers, reads. It lies behind a mutex.
#define NOTIFIED (static_cast<char*>(object) + sizeof(absl::Mutex))

UNLOCK(Notify, NOTIFIED, ABSL("12Notification6NotifyEv"))
LOCK(WaitForNotification, NOTIFIED, CONST_ABSL("12Notification19WaitForNotificationEv"))
ACQUIRE_UNTIL(WaitForNotificationWithTimeout, NOTIFIED, Duration,
              CONST_ABSL("12Notification30WaitForNotificationWithTimeoutENS0_8DurationE"))
ACQUIRE_UNTIL(WaitForNotificationWithDeadline, NOTIFIED, Time,
              CONST_ABSL("12Notification31WaitForNotificationWithDeadlineENS0_4TimeE"))

#ifndef SMELT_OBSERVER_HOOK_H_
#define SMELT_OBSERVER_HOOK_H_

#include <dlfcn.h>

#include <atomic>

#include "src/observer/record.h"

// How a function of libc is hooked: SMELT_HOOK(int, creat, const char* path, mode_t mode) { ... } defines an exported
// function of that name, which stands before libc's in the search order, and SMELT_NEXT(creat) is the one it hides.
// In C++ the hook bears another name, so that it neither needs to repeat libc's declaration nor is confused with it.
//
// Only functions that every supported libc has (glibc 2.35) are hooked: programs that look for a newer function by a
// weak symbol must not find ours without one behind it.
#define SMELT_HOOK(result, name, ...)                                                                     \
  extern "C" __attribute__((visibility("default"))) result smelt_hook_##name(__VA_ARGS__) __asm__(#name); \
  result smelt_hook_##name(__VA_ARGS__)

#define SMELT_NEXT(name)                                                                             \
  ([] {                                                                                              \
    static constinit std::atomic<void*> next{nullptr};                                               \
    return reinterpret_cast<decltype(&smelt_hook_##name)>(::smelt::observer::FindNext(next, #name)); \
  }())

// Within a hook: where it was called from.
#define SMELT_CALLER() __builtin_return_address(0)

namespace smelt::observer {

// The next definition of `name` after ours, remembered in `next`. Ends the process if there is none.
inline void* FindNext(std::atomic<void*>& next, const char* name) {
  void* found = next.load(std::memory_order_acquire);
  if (found != nullptr) return found;
  found = dlsym(RTLD_NEXT, name);
  if (found == nullptr) __builtin_trap();
  next.store(found, std::memory_order_release);
  return found;
}

// libc's syscall(2), past our own hook of it.
using KernelCall = long (*)(long number, ...);
inline KernelCall Kernel() {
  static constinit std::atomic<void*> next{nullptr};
  return reinterpret_cast<KernelCall>(FindNext(next, "syscall"));
}

}  // namespace smelt::observer

#endif  // SMELT_OBSERVER_HOOK_H_

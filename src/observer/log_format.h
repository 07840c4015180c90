#ifndef SMELT_OBSERVER_LOG_FORMAT_H_
#define SMELT_OBSERVER_LOG_FORMAT_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

// The observer's log, as both sides see it: the library that is loaded into the compiler writes it (record.h), the
// daemon reads it (log.h). Standard library headers only, and nothing that needs libstdc++ at run time.
//
// A log is a sequence of records and nothing else:
//
//     RecordHeader   16 bytes, in the machine's own byte order: a log never leaves the machine
//     path           header.path_bytes bytes, no terminator; what it is depends on the kind, see ObserverEvent
//     module         header.module_bytes bytes: base name of the object that called, or empty
//     '\n'           so that a record which was cut or overwritten is noticed
//
// Every record is appended by one writev(2) to a descriptor opened with O_APPEND. Linux makes that one indivisible
// step for regular files, whatever the size, so any number of threads and processes share a file. The file must lie on
// a local file system.
//
// A record is written when the thing has happened, except that kExec by exec(3) is written before. The order within
// one thread (tid) is the order of the calls. Between threads it is only the order in which the records were written.
//
// What the observer cannot write it does not pass over in silence: it appends one NUL byte, which is no record, and the
// whole log is then unreadable. So a readable log is complete, within these limits:
//   * calls that do not go through libc's dynamic symbols are not seen: raw system calls (the rustix crate),
//     syscall(2) other than for random numbers and to open or look up names, libc's own inner calls (locale archives,
//     gconv, nsswitch, glob, nftw, fts), statically linked programs (kExec without kProcess tells), dlsym(RTLD_NEXT)
//     past us, and descriptors inherited or received over a socket;
//   * the calling object is the one that the call returns to: an outermost function that ends in a jump to getenv is
//     taken for its own caller (std's functions hold a lock over the call, so they do not);
//   * paths below /proc, /sys and /dev are left out, but for /dev/shm, what the links cwd, root and fd/N of /proc/self
//     lead to, environments (kEnviron) and the random devices (kRandom).
//
// Iterating over the environment (kEnviron). std::env::vars() calls no function that could be hooked: it walks libc's
// `environ`. Objects that can do that import the data symbol `environ`, and others do not: rustc links proc macros
// with std inside and --gc-sections, so the import is there exactly if the code is reached. Measured with 1.95.0, dev
// and release, by `nm -D --undefined-only` on the .so:
//
//     proc macro that calls            imports
//     std::env::vars()                 environ, getenv
//     std::process::Command            environ, getenv     (it captures the environment for the child)
//     std::env::var("X")               getenv
//     nothing of the kind              getenv              (std's own RUST_BACKTRACE and the like)
//
// Of 21 published macro crates one imports it: num_enum_derive, by way of proc-macro-crate, which runs cargo. The
// others, among them serde_derive, clap_derive, thiserror-impl, tokio-macros, async-trait, tracing-attributes,
// zerocopy-derive and prost-derive, do not.
//
// An object linked against a shared libstd imports std's functions instead. So the rule: an object can iterate if it
// imports `environ`, `_environ` or `__environ`, or std::env::vars or vars_os under either mangling; a program, which
// has a copy of the variable of its own, if it has any symbol of that name.
namespace smelt {

inline constexpr char kObserverLogVariable[] = "SMELT_OBSERVER_LOG";

struct RecordHeader {
  char kind;  // ObserverEvent::Kind
  std::uint8_t mark;
  std::uint16_t module_bytes;
  std::uint32_t path_bytes;
  std::int32_t pid;
  std::int32_t tid;
};
static_assert(sizeof(RecordHeader) == 16);

inline constexpr std::uint8_t kRecordMark = 0xB5;
inline constexpr char kRecordEnd = '\n';
// More than any path or variable name that a system call takes; a longer one makes the log unreadable.
inline constexpr std::size_t kRecordPathBytesMax = std::size_t{1} << 20;
inline constexpr std::size_t kRecordModuleBytesMax = 4096;

// kRandom, path: what was asked. The seed of std's HashMap is asked for with GRND_INSECURE: every object that has a
// HashMap asks it, and it is harmless unless the iteration order reaches the output.
inline constexpr std::string_view kRandomGetrandom = "getrandom";
inline constexpr std::string_view kRandomGetrandomInsecure = "getrandom(GRND_INSECURE)";
inline constexpr std::string_view kRandomGetentropy = "getentropy";

// Whether `module` (a base name) is a part of the compiler or of the C library under it: what these ask of the
// environment is known, and what they do with random numbers does not reach their output.
constexpr bool IsCompilerObject(std::string_view module) {
  for (std::string_view prefix :
       {"rustc", "librustc_driver-", "libLLVM", "libstd-", "libc.so", "ld-linux", "libgcc_s", "clippy-driver"}) {
    if (module.starts_with(prefix)) return true;
  }
  return false;
}

}  // namespace smelt

#endif  // SMELT_OBSERVER_LOG_FORMAT_H_

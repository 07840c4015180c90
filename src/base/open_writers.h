#ifndef SMELT_BASE_OPEN_WRITERS_H_
#define SMELT_BASE_OPEN_WRITERS_H_

#include <cstdint>
#include <string>

namespace smelt {

// Whether a file of this mode can be run by anybody.
inline bool IsExecutable(std::uint32_t mode) { return (mode & 0111) != 0; }

// Whether nobody, in this process or another, has the file of `fd` open for writing: a lease for reading can be had.
// False also where the file system knows no leases. `fd` is open for reading only.
bool HasNoWriter(int fd);

// How long AwaitNoWriter waits at most.
inline constexpr std::int64_t kAwaitNoWriterMsMax = 2000;

// Returns when nobody has the file at `path` open for writing any more; execve(2) gives ETXTBSY until then. We have
// closed it, but a process that another thread forked meanwhile has our descriptor until it executes its program.
// Returns at once where that cannot be told.
void AwaitNoWriter(const std::string& path);

}  // namespace smelt

#endif  // SMELT_BASE_OPEN_WRITERS_H_

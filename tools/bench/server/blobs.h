#ifndef SMELT_TOOLS_BENCH_SERVER_BLOBS_H_
#define SMELT_TOOLS_BENCH_SERVER_BLOBS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "src/digest/digest.h"

namespace smelt::bench {

struct Blob {
  std::string bytes;
  Digest digest;
};

// `count` different blobs whose sizes are drawn from those that production caches see (a third below 100 bytes, two
// thirds below 1 KB, 86 % below 10 KB, 96 % below 100 KB, 99.4 % below 1 MB), but none larger than `bytes_max`. The
// same for the same arguments; other bytes for another `seed`. They do not compress.
std::vector<Blob> ProductionMix(int count, std::int64_t bytes_max, std::uint64_t seed);

// One blob of this size.
Blob BlobOf(std::int64_t size, std::uint64_t seed);

}  // namespace smelt::bench

#endif  // SMELT_TOOLS_BENCH_SERVER_BLOBS_H_

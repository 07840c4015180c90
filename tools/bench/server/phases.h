#ifndef SMELT_TOOLS_BENCH_SERVER_PHASES_H_
#define SMELT_TOOLS_BENCH_SERVER_PHASES_H_

#include <grpcpp/channel.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tools/bench/server/unary_load.h"

namespace smelt::bench {

struct LoadOptions {
  std::string target;      // host:port
  int concurrency = 64;    // calls under way
  int blobs = 20000;       // of the small phases
  int lookups = 60000;     // calls of the lookup phases
  int find_digests = 600;  // digests in one FindMissingBlobs
  std::int64_t large_bytes = 256LL << 20;
  int large_streams = 4;
  int slow_streams = 1000;
};

struct Phase {
  std::string name;
  std::function<Sample()> run;
};

// The phases in the order in which they must run: what one writes the next ones read.
std::vector<Phase> Phases(const LoadOptions& options);

}  // namespace smelt::bench

#endif  // SMELT_TOOLS_BENCH_SERVER_PHASES_H_

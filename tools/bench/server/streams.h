#ifndef SMELT_TOOLS_BENCH_SERVER_STREAMS_H_
#define SMELT_TOOLS_BENCH_SERVER_STREAMS_H_

#include <memory>
#include <string>
#include <vector>

#include "tools/bench/server/blobs.h"
#include "tools/bench/server/phases.h"

namespace smelt::bench {

// A connection of its own, with no limit on message sizes.
std::shared_ptr<grpc::Channel> NewChannel(const std::string& target);

// Each blob by one ByteStream call, LoadOptions::concurrency at once.
Sample WriteStreams(const LoadOptions& options, const std::vector<Blob>& blobs);
Sample ReadStreams(const LoadOptions& options, const std::vector<Blob>& blobs);

// LoadOptions::large_streams blobs of large_bytes, all at once, each over a connection of its own.
Sample WriteLarge(const LoadOptions& options);
Sample ReadLarge(const LoadOptions& options);

// LoadOptions::slow_streams reads of one blob of 8 MiB, all open at once and read to the end only when all have begun.
// What it is for is the server's memory.
Sample ReadSlowly(const LoadOptions& options);

}  // namespace smelt::bench

#endif  // SMELT_TOOLS_BENCH_SERVER_STREAMS_H_

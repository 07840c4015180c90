// Loads a REAPI server and prints a line of JSON for each phase. `tools/bench/server/bench` calls it for several
// servers in turn.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <string>

#include "absl/synchronization/mutex.h"
#include "fmt/format.h"
#include "tools/bench/server/phases.h"

namespace smelt::bench {
namespace {

double Percentile(std::vector<double>& sorted, double share) {
  if (sorted.empty()) return 0;
  return sorted[std::min(sorted.size() - 1, static_cast<std::size_t>(share * static_cast<double>(sorted.size())))];
}

void Print(const Phase& phase, Sample sample) {
  std::sort(sample.seconds.begin(), sample.seconds.end());
  for (char& c : sample.first_failure) {
    if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  fmt::print(
      "{{\"phase\": \"{}\", \"calls\": {}, \"items\": {}, \"bytes\": {}, \"wall\": {:.6f}, \"cpu\": {:.6f}, \"p50\": "
      "{:.6f}, "
      "\"p99\": {:.6f}, \"failures\": {}, \"failure\": \"{}\"}}\n",
      phase.name, sample.seconds.size(), sample.items, sample.bytes, sample.wall, sample.cpu,
      Percentile(sample.seconds, 0.5), Percentile(sample.seconds, 0.99), sample.failures, sample.first_failure);
  std::fflush(stdout);
}

int Main(int argc, char** argv) {
  // What Debian's absl looks for at each Mutex of gRPC's takes processors from the server.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  LoadOptions options;
  std::string only;
  const std::map<std::string, std::function<void(const char*)>> flags = {
      {"--target", [&](const char* value) { options.target = value; }},
      {"--only", [&](const char* value) { only = value; }},
      {"--concurrency", [&](const char* value) { options.concurrency = std::max(1, std::atoi(value)); }},
      {"--blobs", [&](const char* value) { options.blobs = std::max(8, std::atoi(value)); }},
      {"--lookups", [&](const char* value) { options.lookups = std::max(1, std::atoi(value)); }},
      {"--large-bytes", [&](const char* value) { options.large_bytes = std::max(1LL, std::atoll(value)); }},
      {"--slow-streams", [&](const char* value) { options.slow_streams = std::max(1, std::atoi(value)); }},
  };
  for (int i = 1; i < argc; i += 2) {
    const auto flag = flags.find(argv[i]);
    if (flag == flags.end() || i + 1 == argc) {
      fmt::print(stderr, "load: {}: the flags, each with a value, are:", argv[i]);
      for (const auto& known : flags) fmt::print(stderr, " {}", known.first);
      fmt::print(stderr, "\n");
      return 2;
    }
    flag->second(argv[i + 1]);
  }
  if (options.target.empty()) {
    fmt::print(stderr, "load: --target HOST:PORT says which server\n");
    return 2;
  }
  for (const Phase& phase : Phases(options)) {
    if (only.empty() || only == phase.name) Print(phase, phase.run());
  }
  return 0;
}

}  // namespace
}  // namespace smelt::bench

int main(int argc, char** argv) { return smelt::bench::Main(argc, argv); }

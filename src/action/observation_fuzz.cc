// A log, a line for each event ("R1 /w/a.rs libm.so": kind, process, path, module): whatever a compile did, it gives a
// shape as Shape demands it, and a reason or none, the same each time.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "src/action/observation.h"

namespace smelt {
namespace {

const std::string kOutDir = "/w/target/debug/build/a-1/out";

std::vector<ObserverEvent> EventsIn(std::string_view text) {
  std::vector<ObserverEvent> events;
  while (text.size() > 3) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.size() < 3) continue;
    const std::string_view rest = line.substr(3);
    const std::size_t space = std::min(rest.find(' '), rest.size());
    const std::string_view module = rest.substr(std::min(space + 1, rest.size()));
    events.push_back({static_cast<ObserverEvent::Kind>(line[0]), line[1], line[1], std::string(rest.substr(0, space)),
                      std::string(module)});
  }
  return events;
}

rustc::Invocation TheInvocation() {
  rustc::Invocation invocation;
  invocation.compiler = "/tc/bin/rustc";
  invocation.source = "src/lib.rs";
  invocation.crate_name = "a";
  invocation.crate_types = {"lib"};
  invocation.emits = {{"dep-info", {}}, {"metadata", {}}, {"link", {}}};
  invocation.out_dir = "/w/target/debug/deps";
  invocation.search_paths = {{"dependency", "/w/target/debug/deps"}};
  return invocation;
}

void CheckPaths(const google::protobuf::RepeatedPtrField<std::string>& paths) {
  if (!std::is_sorted(paths.begin(), paths.end())) std::abort();
  if (std::adjacent_find(paths.begin(), paths.end()) != paths.end()) std::abort();
  for (const std::string& path : paths) {
    if (!path.starts_with('/')) std::abort();
  }
}

Observation ObserveEvents(const std::vector<ObserverEvent>& events) {
  static const rustc::Invocation& invocation = *new rustc::Invocation(TheInvocation());
  static const rustc::PathMap& paths =
      *new rustc::PathMap({{"workspace", "/w", "/smelt/workspace", "/proc/self/cwd"},
                           {"build", "/w/target/debug", "/smelt/build", "/cargo/build-dir"},
                           {"toolchain", "/tc", "/smelt/toolchain", ""}});
  rustc::DepInfo dep_info;
  dep_info.sources = {"src/lib.rs"};
  const std::vector<std::string> linker_inputs;
  return Observe(
      {invocation, paths, "/w", {"/tc"}, {"/tmp"}, events, dep_info, linker_inputs, [](std::string_view name) {
         return name == "OUT_DIR" ? &kOutDir : nullptr;
       }});
}

}  // namespace
}  // namespace smelt

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto events = smelt::EventsIn({reinterpret_cast<const char*>(data), size});
  const smelt::Observation seen = smelt::ObserveEvents(events);
  const smelt::Shape& shape = seen.shape;
  for (const auto* paths : {&shape.files(), &shape.absent(), &shape.listings(), &shape.existing()}) {
    smelt::CheckPaths(*paths);
  }
  if (smelt::ObserveEvents(events).refusal != seen.refusal) std::abort();
  return 0;
}

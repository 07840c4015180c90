#include "src/observer/log.h"

#include <cstring>
#include <set>
#include <unordered_map>
#include <utility>

#include "absl/status/status.h"
#include "fmt/core.h"
#include "src/observer/log_format.h"

namespace smelt {
namespace {

constexpr std::string_view kKinds = "PLRWASDGEXNCZ";

absl::Status Unreadable(std::size_t offset, std::string_view what) {
  return absl::DataLossError(fmt::format("observer log, byte {}: {}; nothing is known of this run", offset, what));
}

std::string_view WhatIsWrongWith(const RecordHeader& header) {
  if (header.mark != kRecordMark || kKinds.find(header.kind) == std::string_view::npos) return "no record";
  if (header.path_bytes > kRecordPathBytesMax) return "path too long";
  if (header.module_bytes > kRecordModuleBytesMax) return "module too long";
  return {};
}

}  // namespace

absl::StatusOr<std::vector<ObserverEvent>> ParseObserverLog(std::string_view text) {
  std::vector<ObserverEvent> events;
  std::size_t at = 0;
  while (at < text.size()) {
    RecordHeader header;
    if (text.size() - at < sizeof header) return Unreadable(at, "ends within a record");
    std::memcpy(&header, text.data() + at, sizeof header);
    if (std::string_view wrong = WhatIsWrongWith(header); !wrong.empty()) return Unreadable(at, wrong);
    std::string_view rest = text.substr(at + sizeof header);
    std::size_t size = std::size_t{header.path_bytes} + header.module_bytes + 1;
    if (rest.size() < size) return Unreadable(at, "ends within a record");
    if (rest[size - 1] != kRecordEnd) return Unreadable(at, "no end of record");
    events.push_back({.kind = static_cast<ObserverEvent::Kind>(header.kind),
                      .pid = header.pid,
                      .tid = header.tid,
                      .path = std::string(rest.substr(0, header.path_bytes)),
                      .module = std::string(rest.substr(header.path_bytes, header.module_bytes))});
    at += sizeof header + size;
  }
  return events;
}

std::vector<std::string> UntracedPrograms(const std::vector<ObserverEvent>& events) {
  std::set<std::size_t> untraced;                           // indices of events
  std::unordered_map<std::int32_t, std::size_t> executing;  // pid -> its exec that has not been answered yet
  std::unordered_map<std::int32_t, int> check_ins;          // pid -> kProcess records that answer no exec
  for (std::size_t i = 0; i < events.size(); ++i) {
    const ObserverEvent& event = events[i];
    if (event.kind == ObserverEvent::Kind::kProcess && executing.erase(event.pid) == 0) ++check_ins[event.pid];
    if (event.kind != ObserverEvent::Kind::kExec || event.tid != event.pid) continue;
    auto [earlier, is_first] = executing.try_emplace(event.pid, i);
    if (!is_first) untraced.insert(std::exchange(earlier->second, i));
  }
  for (const auto& [pid, i] : executing) untraced.insert(i);
  for (std::size_t i = 0; i < events.size(); ++i) {
    const ObserverEvent& event = events[i];
    bool spawned = event.kind == ObserverEvent::Kind::kExec && event.tid != event.pid;
    if (spawned && (event.pid == 0 || check_ins[event.pid]-- <= 0)) untraced.insert(i);
  }
  std::vector<std::string> paths;
  for (std::size_t i : untraced) paths.push_back(events[i].path);
  return paths;
}

}  // namespace smelt

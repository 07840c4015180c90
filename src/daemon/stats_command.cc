#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "fmt/format.h"
#include "src/daemon/command.h"

namespace smelt {
namespace {

using nlohmann::json;
using Values = std::map<std::string, std::int64_t, std::less<>>;

std::int64_t ValueOf(const Values& values, std::string_view name) {
  auto found = values.find(name);
  return found == values.end() ? 0 : found->second;
}

// The counters "<group>.<reason>" as an object of reasons.
json Group(const Values& values, const std::string& group) {
  json reasons = json::object();
  for (const auto& [name, value] : values) {
    if (name.starts_with(group + ".")) reasons[name.substr(group.size() + 1)] = value;
  }
  return reasons;
}

json ToJson(const Values& values) {
  json stats = json::object();
  for (const char* name : {"compile_requests",
                           "hits",
                           "misses",
                           "stored",
                           "refused",
                           "bytes_restored",
                           "bytes_stored",
                           "restore_failures",
                           "hit_micros",
                           "miss_micros",
                           "verified",
                           "verify_differences",
                           "wrappers_lost",
                           "questions",
                           "remote_hits",
                           "remote_results_fetched",
                           "remote_results_absent",
                           "remote_results_published",
                           "states_made",
                           "states_taken"}) {
    stats[name] = ValueOf(values, name);
  }
  stats["refusals"] = Group(values, "refusals");
  stats["not_stored"] = Group(values, "not_stored");
  return stats;
}

std::string ToText(const json& stats) {
  auto number = [&](const char* name) { return stats[name].get<std::int64_t>(); };
  const std::int64_t hits = number("hits"), lookups = hits + number("misses");
  std::string text = fmt::format("Compile requests   {:>10}\n", number("compile_requests"));
  text += fmt::format("Hits               {:>10}", hits);
  if (lookups > 0) text += fmt::format("   {:.1f} % of {} looked up", 100.0 * hits / lookups, lookups);
  if (number("remote_hits") > 0) text += fmt::format("\n  from the shared cache {:>7}", number("remote_hits"));
  text += fmt::format("\nMisses             {:>10}\n", number("misses"));
  text += fmt::format("Not cacheable      {:>10}\n", number("refused"));
  for (const auto& [reason, count] : stats["refusals"].items()) {
    text += fmt::format("  {:<32} {:>8}\n", reason, count.get<std::int64_t>());
  }
  text += fmt::format("Compiled and kept  {:>10}\n", number("stored"));
  for (const auto& [reason, count] : stats["not_stored"].items()) {
    text += fmt::format("  not kept: {:<22} {:>8}\n", reason, count.get<std::int64_t>());
  }
  text += fmt::format("Restored           {:>10.1f} MB\n", number("bytes_restored") / 1e6);
  text += fmt::format("Stored             {:>10.1f} MB\n", number("bytes_stored") / 1e6);
  if (hits > 0)
    text +=
        fmt::format("Time for a hit     {:>10.2f} ms in the daemon, on average\n", number("hit_micros") / 1e3 / hits);
  if (number("verify_differences") > 0) {
    text += fmt::format("DIFFERENCES found by verifying: {} (see the daemon's log)\n", number("verify_differences"));
  }
  return text;
}

}  // namespace

int RunStats(const CommandParts& parts, CommandCall& call) {
  if (!call.Accepts({"--json", "--reset"}, 0)) return 2;
  json stats = ToJson(parts.counters.All());
  if (call.Has("--reset")) parts.counters.Reset();
  call.Print(call.Has("--json") ? stats.dump(2) + "\n" : ToText(stats));
  return 0;
}

}  // namespace smelt

#include "src/metrics/activity.h"

#include <algorithm>
#include <ctime>

#include "fmt/chrono.h"
#include "fmt/format.h"

namespace smelt {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000, kDaySeconds = 86'400;
constexpr std::size_t kDaysMax = 30, kEntriesMax = 1000;
constexpr std::int64_t kConnectedSeconds = 300;

void Count(const std::string& code, Activity::Lookups& lookups) {
  ++(code == "OK" ? lookups.hits : code == "NOT_FOUND" ? lookups.misses : lookups.errors);
}

// Makes room for `name` among `entries`.
template <typename Entry>
void MakeRoom(const std::string& name, std::map<std::string, Entry>& entries) {
  if (entries.size() < kEntriesMax || entries.count(name) > 0) return;
  entries.erase(std::min_element(entries.begin(), entries.end(),
                                 [](const auto& a, const auto& b) { return a.second.last_ns < b.second.last_ns; }));
}

std::string DateOf(std::int64_t day) {
  return fmt::format("{:%Y-%m-%d}", fmt::gmtime(static_cast<std::time_t>(day * kDaySeconds)));
}

}  // namespace

void Activity::Started() {
  std::lock_guard lock(mu_);
  ++active_;
}

void Activity::Finished(const FinishedCall& call) {
  std::lock_guard lock(mu_);
  const std::int64_t now = clock_.NowNanos();
  --active_;
  auto named = methods_.find(call.method);
  if (named == methods_.end()) named = methods_.try_emplace(std::string(call.method)).first;
  Method& method = named->second;
  ++method.calls[call.code];
  for (std::size_t i = 0; i < kBounds.size(); ++i) method.counts[i] += call.seconds <= kBounds[i];
  ++method.count;
  method.sum += call.seconds;
  MakeRoom(call.peer, clients_);
  Seen& client = clients_[call.peer];
  ++client.calls;
  client.last_ns = now;
  if (!call.tool.empty()) client.tool = call.tool;
  if (call.method == "GetActionResult") CountLookup(call, now);
}

void Activity::CountLookup(const FinishedCall& call, std::int64_t now_ns) {
  Count(call.code, lookups_);
  Count(call.code, days_[now_ns / kSecond / kDaySeconds]);
  if (days_.size() > kDaysMax) days_.erase(days_.begin());
  if (call.target.empty()) return;
  MakeRoom(call.target, targets_);
  Looked& target = targets_[call.target];
  Count(call.code, target.lookups);
  target.last_ns = now_ns;
}

void Activity::Collect(std::vector<Sample>& samples) {
  std::lock_guard lock(mu_);
  const std::int64_t now = clock_.NowNanos();
  samples.push_back({"smelt_uptime_seconds", {}, static_cast<double>((now - started_ns_) / kSecond)});
  samples.push_back({"smelt_clients", {}, static_cast<double>(ClientsSince(now, kConnectedSeconds).size())});
  samples.push_back({"smelt_rpc_active", {}, static_cast<double>(active_)});
  for (const auto& [name, method] : methods_) {
    for (const auto& [code, count] : method.calls) {
      samples.push_back({"smelt_rpc_requests_total", {{"method", name}, {"code", code}}, static_cast<double>(count)});
    }
  }
  CollectDurations(samples);
  for (const auto& [result, count] :
       {std::pair{"hit", lookups_.hits}, std::pair{"miss", lookups_.misses}, std::pair{"error", lookups_.errors}}) {
    samples.push_back({"smelt_ac_requests_total", {{"result", result}}, static_cast<double>(count)});
  }
}

void Activity::CollectDurations(std::vector<Sample>& samples) {
  for (const auto& [name, method] : methods_) {
    const std::pair<std::string, std::string> label{"method", name};
    for (std::size_t i = 0; i < kBounds.size(); ++i) {
      samples.push_back({"smelt_rpc_seconds_bucket",
                         {label, {"le", fmt::format("{}", kBounds[i])}},
                         static_cast<double>(method.counts[i])});
    }
    const double count = static_cast<double>(method.count);
    samples.push_back({"smelt_rpc_seconds_bucket", {label, {"le", "+Inf"}}, count});
    samples.push_back({"smelt_rpc_seconds_sum", {label}, method.sum});
    samples.push_back({"smelt_rpc_seconds_count", {label}, count});
  }
}

std::vector<Activity::Day> Activity::Days() {
  std::lock_guard lock(mu_);
  std::vector<Day> days;
  for (const auto& [day, lookups] : days_) days.push_back({DateOf(day), lookups});
  return days;
}

std::vector<Activity::Target> Activity::Targets(std::size_t max) {
  std::vector<Target> targets;
  {
    std::lock_guard lock(mu_);
    for (const auto& [name, looked] : targets_) targets.push_back({name, looked.lookups});
  }
  const auto total = [](const Target& t) { return t.lookups.hits + t.lookups.misses + t.lookups.errors; };
  std::stable_sort(targets.begin(), targets.end(),
                   [&](const Target& a, const Target& b) { return total(a) > total(b); });
  targets.resize(std::min(max, targets.size()));
  return targets;
}

std::vector<Activity::Client> Activity::Clients() {
  std::lock_guard lock(mu_);
  return ClientsSince(clock_.NowNanos(), kConnectedSeconds);
}

std::vector<Activity::Client> Activity::ClientsSince(std::int64_t now_ns, std::int64_t seconds) {
  std::vector<Client> clients;
  for (const auto& [peer, seen] : clients_) {
    const std::int64_t idle = (now_ns - seen.last_ns) / kSecond;
    if (idle <= seconds) clients.push_back({peer, seen.tool, seen.calls, idle});
  }
  std::stable_sort(clients.begin(), clients.end(),
                   [](const Client& a, const Client& b) { return a.idle_seconds < b.idle_seconds; });
  return clients;
}

}  // namespace smelt

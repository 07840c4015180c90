#include "src/status/status_site.h"

#include <nlohmann/json.hpp>

namespace smelt {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kTargetsShown = 50;

Json LookupsJson(const Activity::Lookups& lookups) {
  return {{"hits", lookups.hits}, {"misses", lookups.misses}, {"errors", lookups.errors}};
}

Json DaysJson(Activity& activity) {
  Json days = Json::array();
  for (const Activity::Day& day : activity.Days()) {
    days.push_back({{"date", day.date}});
    days.back().update(LookupsJson(day.lookups));
  }
  return days;
}

Json TargetsJson(Activity& activity) {
  Json targets = Json::array();
  for (const Activity::Target& target : activity.Targets(kTargetsShown)) {
    targets.push_back({{"name", target.name}});
    targets.back().update(LookupsJson(target.lookups));
  }
  return targets;
}

Json ClientsJson(Activity& activity) {
  Json clients = Json::array();
  for (const Activity::Client& client : activity.Clients()) {
    clients.push_back(
        {{"peer", client.peer}, {"tool", client.tool}, {"calls", client.calls}, {"idle_seconds", client.idle_seconds}});
  }
  return clients;
}

Json CasJson(const std::vector<Sample>& samples) {
  const auto value = [&](const char* name) { return static_cast<std::int64_t>(ValueOf(samples, name)); };
  return {{"bytes", value("smelt_cas_bytes")},
          {"limit_bytes", value("smelt_cas_limit_bytes")},
          {"objects", value("smelt_cas_blobs")},
          {"leased_bytes", value("smelt_cas_leased_bytes")},
          {"oldest_idle_seconds", value("smelt_cas_oldest_idle_seconds")},
          {"evicted_last_idle_seconds", value("smelt_cas_evicted_last_idle_seconds")},
          {"corrupt", value("smelt_cas_corrupt_total")}};
}

// Who says nothing may be somebody all the same.
WebResponse Refusal(const absl::Status& reason, bool anonymous) {
  const char* const type = "text/plain; charset=utf-8";
  const std::string kNeeded = "this needs the token of an administrator (as the password, or as Bearer)\n";
  if (anonymous) return {401, type, kNeeded};
  const std::string why = std::string(reason.message()) + "\n";
  if (absl::IsUnauthenticated(reason)) return {401, type, why + kNeeded};
  if (absl::IsPermissionDenied(reason)) return {403, type, why + "this needs the role administrator\n"};
  return {503, type, why};
}

}  // namespace

std::string StatusJson(const std::string& version, const std::vector<Sample>& samples, Activity& activity) {
  const auto value = [&](const char* name) { return static_cast<std::int64_t>(ValueOf(samples, name)); };
  const auto lookups = [&](const char* result) {
    return static_cast<std::int64_t>(ValueOf(samples, "smelt_ac_requests_total", {"result", result}));
  };
  Json reasons = Json::array();
  std::string mode = "ok";
  const auto look = [&](const char* metric, const char* mode_then, const char* reason) {
    if (value(metric) <= 0) return;
    mode = mode_then;
    reasons.push_back(reason);
  };
  look("smelt_s3_failing", "degraded", "nothing can be brought into the bucket");
  look("smelt_s3_breaker_open", "degraded", "the bucket does not answer");
  look("smelt_cas_read_only", "read_only", "the disk is full, or leases fill the store");
  look("smelt_draining", "draining", "the server is ending");  // the worst is last
  Json json = {{"version", version},
               {"uptime_seconds", value("smelt_uptime_seconds")},
               {"mode", mode},
               {"reasons", reasons},
               {"cas", CasJson(samples)},
               {"ac",
                {{"entries", value("smelt_ac_entries")},
                 {"hits", lookups("hit")},
                 {"misses", lookups("miss")},
                 {"errors", lookups("error")}}},
               {"s3",
                {{"pending_bytes", value("smelt_s3_pending_bytes")},
                 {"oldest_pending_seconds", value("smelt_s3_oldest_pending_seconds")}}},
               {"held_bytes", value("smelt_held_bytes")},
               {"active_calls", value("smelt_rpc_active")},
               {"days", DaysJson(activity)},
               {"targets", TargetsJson(activity)},
               {"clients", ClientsJson(activity)}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

WebResponse StatusSite::Answer(const WebRequest& request) {
  if (request.path == "/healthz")
    return draining_ ? WebResponse{503, "text/plain", "ending\n"} : WebResponse{200, "text/plain", "ok\n"};
  if (request.path == "/metrics") return {200, "text/plain; version=0.0.4; charset=utf-8", PrometheusText(Samples())};
  if (request.path != "/" && request.path != "/status") {
    return {404, "text/plain; charset=utf-8", "there are /, /status, /metrics and /healthz\n"};
  }
  const absl::Status may = parts_.may_see(request.authorization);
  if (!may.ok()) return Refusal(may, request.authorization.empty());
  if (request.path == "/status") return {200, "application/json", Json()};
  return {200, "text/html; charset=utf-8", kStatusPage};
}

std::string StatusSite::Json() { return StatusJson(parts_.version, Samples(), parts_.activity); }

std::vector<Sample> StatusSite::Samples() {
  std::vector<Sample> samples = {{"smelt_build_info", {{"version", parts_.version}}, 1},
                                 {"smelt_draining", {}, draining_ ? 1.0 : 0.0}};
  parts_.activity.Collect(samples);
  parts_.collect(samples);
  return samples;
}

}  // namespace smelt

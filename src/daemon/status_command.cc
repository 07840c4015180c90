#include <unistd.h>

#include <nlohmann/json.hpp>

#include "fmt/format.h"
#include "src/daemon/command.h"
#include "src/wire/build_id.h"

namespace smelt {

namespace {

const char* NameOf(SharedCacheState::Link link) {
  return link == SharedCacheState::Link::kUp ? "up" : link == SharedCacheState::Link::kDown ? "down" : "untried";
}

nlohmann::json RemoteJson(const TeamParts& team) {
  if (!team.shared) return nullptr;
  const SharedCacheState state = team.shared->State();
  const Publisher::Backlog left = team.publisher ? team.publisher->Pending() : Publisher::Backlog();
  return {{"where", state.where},
          {"state", NameOf(state.link)},
          {"problem", state.problem},
          {"reads", team.fetcher != nullptr},
          {"writes", team.publisher != nullptr && state.writable},
          {"bytes_up", state.bytes_up},
          {"bytes_down", state.bytes_down},
          {"requests", state.requests},
          {"failures", state.failures},
          {"pending_uploads", left.entries},
          {"upload_problem", left.problem}};
}

std::string RemoteText(const TeamParts& team) {
  if (!team.shared) return "Shared cache   none\n";
  const SharedCacheState state = team.shared->State();
  std::string text = fmt::format(
      "Shared cache   {}: {}{}{}{}\n", state.where, NameOf(state.link), team.fetcher ? "" : ", write-only",
      team.publisher && state.writable ? "" : ", read-only", state.problem.empty() ? "" : " (" + state.problem + ")");
  text += fmt::format("Traffic        {} up, {} down in {} requests, {} failed\n", HumanBytes(state.bytes_up),
                      HumanBytes(state.bytes_down), state.requests, state.failures);
  if (!team.publisher) return text;
  const Publisher::Backlog left = team.publisher->Pending();
  return text +
         fmt::format("To upload      {} results{}\n", left.entries, left.problem.empty() ? "" : ": " + left.problem);
}

}  // namespace

int RunStatus(const CommandParts& parts, CommandCall& call) {
  if (!call.Accepts({"--json"}, 0)) return 2;
  const StoreUsage usage = parts.store.Usage();
  const std::int64_t uptime = (parts.clock.NowNanos() - parts.start_ns) / 1'000'000'000;
  const std::int64_t free_bytes = parts.files.FreeBytes(parts.cache_directory).value_or(-1);
  if (call.Has("--json")) {
    nlohmann::json status = {
        {"version", wire::kVersion},
        {"pid", getpid()},
        {"uptime_seconds", uptime},
        {"socket", parts.socket_path},
        {"configuration", parts.configuration},
        {"observer", parts.observer},
        {"remote", RemoteJson(parts.team)},
        {"store",
         {{"directory", parts.cache_directory},
          {"bytes", usage.bytes},
          {"limit_bytes", usage.limit_bytes},
          {"blobs", usage.blobs},
          {"actions", usage.actions},
          {"oldest_use_seconds", usage.oldest_use_seconds},
          {"corrupt_blobs", usage.corrupt_blobs},
          {"spare_bytes", usage.spare_bytes},
          {"free_bytes", free_bytes}}},
    };
    call.Print(status.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
    return 0;
  }
  call.Print(fmt::format("smeltd {}, process {}, running for {}\n", wire::kVersion, getpid(), HumanSeconds(uptime)));
  call.Print(fmt::format("Cache          {}\n", parts.cache_directory));
  call.Print(fmt::format("Size           {} of {}; {} free on the disk\n", HumanBytes(usage.bytes),
                         HumanBytes(usage.limit_bytes), HumanBytes(free_bytes)));
  call.Print(fmt::format("Holds          {} results in {} blobs\n", usage.actions, usage.blobs));
  call.Print(fmt::format("Oldest use     {} ago\n", HumanSeconds(usage.oldest_use_seconds)));
  call.Print(fmt::format("Socket         {}\n", parts.socket_path));
  call.Print(fmt::format("Configuration  {}\n", parts.configuration.empty() ? "none (defaults)" : parts.configuration));
  call.Print(RemoteText(parts.team));
  if (usage.corrupt_blobs > 0)
    call.Print(fmt::format("Dropped        {} blobs that had changed on disk\n", usage.corrupt_blobs));
  if (parts.observer.empty()) call.Print("NOTHING IS STORED: libsmelt_observer.so is missing; see `smelt doctor`\n");
  return 0;
}

}  // namespace smelt

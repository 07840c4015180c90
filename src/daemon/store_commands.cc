#include <chrono>
#include <map>
#include <nlohmann/json.hpp>

#include "fmt/format.h"
#include "src/config/config.h"
#include "src/daemon/builds.h"
#include "src/daemon/command.h"
#include "src/reapi/digests.h"

namespace smelt {
namespace {

using nlohmann::json;

// A key as `smelt why` prints it, "<hex>/<size>"; the error says where keys come from.
absl::StatusOr<Digest> KeyOf(const std::string& text) {
  absl::StatusOr<Digest> key = Digest::Parse(text);
  if (key.ok()) return key;
  return absl::InvalidArgumentError(fmt::format(
      "'{}' is not a key: write it as `smelt why CRATE` prints it, 64 hexadecimal digits, '/', size", text));
}

std::string FileLine(const build::bazel::remote::execution::v2::OutputFile& file, bool is_here) {
  return fmt::format("  {:>10}  {}  /{}{}{}\n", HumanBytes(file.digest().size_bytes()),
                     file.digest().hash().substr(0, 16), file.path(), file.is_executable() ? " (executable)" : "",
                     is_here ? "" : " (MISSING)");
}

}  // namespace

int RunShow(const CommandParts& parts, CommandCall& call) {
  if (!call.Accepts({"--json"}, 1)) return 2;
  absl::StatusOr<Digest> key = KeyOf(call.Operands().empty() ? "" : call.Operands()[0]);
  if (!key.ok()) {
    call.Error(fmt::format("smelt show: {}\n", std::string(key.status().message())));
    return 2;
  }
  absl::StatusOr<ActionCache::ActionResult> result = parts.store.actions().Get(*key);
  if (!result.ok()) {
    call.Error(fmt::format("smelt show: nothing is stored under {}\n", key->ToString()));
    return 1;
  }
  json files = json::array();
  std::string text = fmt::format("Result of {}\n", key->ToString());
  for (const auto& file : result->output_files()) {
    absl::StatusOr<Digest> digest = reapi::FromProto(file.digest());
    const bool is_here = digest.ok() && parts.store.blobs().Get(*digest).ok();
    text += FileLine(file, is_here);
    files.push_back({{"path", file.path()},
                     {"hash", file.digest().hash()},
                     {"size_bytes", file.digest().size_bytes()},
                     {"is_executable", file.is_executable()},
                     {"is_here", is_here}});
  }
  text += fmt::format("  {} bytes of stdout, {} of stderr\n", result->stdout_raw().size(),
                      result->has_stderr_digest() ? result->stderr_digest().size_bytes() : result->stderr_raw().size());
  call.Print(call.Has("--json") ? json{{"key", key->ToString()}, {"output_files", files}}.dump(2) + "\n" : text);
  return 0;
}

int RunGc(const CommandParts& parts, CommandCall& call) {
  if (!call.Accepts({"--dry-run"}, 0)) return 2;
  if (call.command().terminal) call.Error("Looking for what was not used for longest...\n");
  absl::StatusOr<CollectionReport> report = parts.store.Collect(call.Has("--dry-run"), std::nullopt);
  if (!report.ok()) {
    call.Error(fmt::format("smelt gc: {}\n", std::string(report.status().message())));
    return 1;
  }
  const char* verb = call.Has("--dry-run") ? "Would remove" : "Removed";
  call.Print(fmt::format("{} {} of {}: {} results and {} blobs; {} stay of at most {}\n", verb,
                         HumanBytes(report->bytes_before - report->bytes_after), HumanBytes(report->bytes_before),
                         report->actions_removed, report->blobs_removed, HumanBytes(report->bytes_after),
                         HumanBytes(parts.store.Usage().limit_bytes)));
  return 0;
}

int RunFlush(const CommandParts& parts, CommandCall& call) {
  if (!call.Accepts({}, 1)) return 2;
  absl::StatusOr<std::int64_t> seconds = ParseDuration(call.Operands().empty() ? "10m" : call.Operands()[0]);
  if (!seconds.ok()) {
    call.Error(fmt::format("smelt flush: {}\n", std::string(seconds.status().message())));
    return 2;
  }
  parts.counters.Save();
  if (!parts.team.publisher) return 0;
  if (parts.team.builds) parts.team.builds->WriteNow();
  absl::Status flushed =
      parts.team.publisher->Flush(std::chrono::seconds(*seconds), [&](const Publisher::Backlog& left) {
        if (call.command().terminal) call.Error(fmt::format("{} results to upload\n", left.entries));
        return call.Working();
      });
  if (flushed.ok()) return 0;
  call.Error(fmt::format("smelt flush: {}\n", std::string(flushed.message())));
  return 1;
}

}  // namespace smelt

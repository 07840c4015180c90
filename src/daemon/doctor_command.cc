#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>

#include "fmt/format.h"
#include "src/base/background_process.h"
#include "src/base/program_path.h"
#include "src/daemon/closure_evaluator.h"
#include "src/daemon/command.h"
#include "src/digest/hasher.h"

namespace smelt {
namespace {

struct Finding {
  bool good;
  std::string what;
  std::string mend;
};

// That the user's PATH leads to a program that is needed.
Finding Program(const Environment& environment, const std::string& name, const Finding& absent) {
  const auto found = FindProgram(environment.ValueOr("PATH", kDefaultProgramPath), name);
  if (found.ok()) return {true, fmt::format("{} is {}", name, *found), ""};
  if (absl::IsNotFound(found.status())) return absent;
  return {false, fmt::format("{} where {} is looked for", std::string(found.status().message()), name),
          "name directories of PATH from '/' on"};
}

Finding Observer(const CommandParts& parts) {
  if (!parts.observer.empty()) return {true, "the observer is " + parts.observer, ""};
  return {false, "libsmelt_observer.so is not beside smeltd, so nothing can be stored",
          "install smelt again (tools/install)"};
}

Finding Store(const CommandParts& parts) {
  const std::string text = fmt::format("smelt doctor {}", parts.clock.NowNanos());
  absl::Status status = parts.store.blobs().Put(DigestOf(text), Bytes(text));
  if (status.ok()) return {true, "the cache in " + parts.cache_directory + " can be written", ""};
  return {false, fmt::format("the cache cannot be written: {}", std::string(status.message())),
          "make room, or set SMELT_DIR to a directory that can be written"};
}

Finding Room(const CommandParts& parts) {
  constexpr std::int64_t kFreeBytesMin = 1LL << 30;
  const std::int64_t free_bytes = parts.files.FreeBytes(parts.cache_directory).value_or(0);
  if (free_bytes >= kFreeBytesMin) return {true, HumanBytes(free_bytes) + " are free on the cache's disk", ""};
  return {false, "only " + HumanBytes(free_bytes) + " are free on the cache's disk",
          "lower [cache] size and run `smelt gc`"};
}

Finding Blobs(const CommandParts& parts) {
  const StoreUsage usage = parts.store.Usage();
  if (usage.corrupt_blobs == 0) return {true, "no blob has been changed on disk", ""};
  return {false, fmt::format("{} blobs had changed on disk and were dropped", usage.corrupt_blobs),
          fmt::format("find out what writes into {}, or whether its disk fails", parts.cache_directory)};
}

Finding Compiler(const Environment& environment) {
  return Program(environment, "rustc", {false, "there is no rustc in PATH", "install Rust (rustup)"});
}

Finding Linker(const Environment& environment) {
  return Program(environment, "cc",
                 {false, "there is no cc in PATH, so nothing can be linked", "install a C compiler (gcc)"});
}

Finding Wrapper(const Environment& environment) {
  for (const char* name : {"RUSTC_WRAPPER", "CARGO_BUILD_RUSTC_WRAPPER"}) {
    const std::string* wrapper = environment.Find(name);
    if (wrapper && wrapper->find("smelt") == std::string::npos) {
      return {false, fmt::format("{} is '{}': cargo does not use smelt", name, *wrapper),
              fmt::format("unset {}", name)};
    }
  }
  return {true, "no variable keeps cargo from using smelt (`smelt init --check` looks at cargo's files)", ""};
}

// Without it first edits take longer; nothing is wrong.
Finding Background(const CommandParts& parts) {
  const std::string place = parts.cache_directory + "/doctor";
  BackgroundCommand command;
  command.command = {"/bin/true"};
  command.covered = place + "/covered";
  command.writable = command.working_directory = place + "/writable";
  command.scratch = place + "/scratch";
  for (const std::string& directory : {command.covered, command.writable, command.scratch}) {
    parts.files.MakeDirectories(directory, 0700).IgnoreError();
  }
  const absl::Status status = StartInBackground(command).status();
  std::error_code ignored;
  std::filesystem::remove_all(place, ignored);
  if (status.ok()) return {true, "incremental state for first edits can be made behind builds", ""};
  return {true,
          fmt::format("no incremental state is made behind builds, since users may not have overlays here ({})",
                      std::string(status.message())),
          ""};
}

// Asks and, where we may, writes: a blob, always the same one.
Finding Shared(const CommandParts& parts) {
  SharedCache* shared = parts.team.shared;
  if (!shared) return {true, "no shared cache is configured", ""};
  const std::string where = shared->State().where;
  const std::string text = "smelt doctor was here\n";
  absl::Status status = shared->Reach();
  if (status.ok() && parts.team.fetcher) status = shared->blobs().FindMissing({DigestOf(text)}).status();
  if (!status.ok()) {
    return {false, fmt::format("the shared cache {} does not answer: {}", where, std::string(status.message())),
            "look at [remote] or [cache.s3] in the configuration; without it crates are compiled or taken from the "
            "local cache"};
  }
  if (!parts.team.publisher || !shared->State().writable) return {true, where + " can be read; it is not written", ""};
  status = shared->blobs().Put(DigestOf(text), Bytes(text));
  if (status.ok()) return {true, where + " can be read and written", ""};
  return {false, fmt::format("{} cannot be written: {}", where, std::string(status.message())),
          "use a token that may write, or set [remote] mode = \"read-only\""};
}

// For people to compare with what the bucket wants.
Finding BucketSettings(const CommandParts& parts) { return {true, "[cache.s3] has " + parts.bucket_settings, ""}; }

Finding Differences(const CommandParts& parts) {
  auto counters = parts.counters.All();
  auto found = counters.find("verify_differences");
  if (found == counters.end()) return {true, "verified hits have not differed", ""};
  return {false, fmt::format("{} verified hits differed from a new compile", found->second),
          fmt::format("see {}/smeltd.log, and please report it", parts.cache_directory)};
}

}  // namespace

int RunDoctor(const CommandParts& parts, CommandCall& call) {
  if (!call.Accepts({"--json"}, 0)) return 2;
  const Environment environment(call.command().environment);
  std::vector<Finding> findings = {Observer(parts),       Store(parts),        Room(parts),          Blobs(parts),
                                   Compiler(environment), Linker(environment), Wrapper(environment), Background(parts),
                                   Shared(parts),         Differences(parts)};
  if (!parts.bucket_settings.empty()) findings.insert(findings.end() - 1, BucketSettings(parts));
  bool all_good = true;
  nlohmann::json list = nlohmann::json::array();
  std::string text;
  for (const Finding& finding : findings) {
    all_good &= finding.good;
    list.push_back({{"good", finding.good}, {"what", finding.what}, {"mend", finding.mend}});
    text += fmt::format("{} {}\n", finding.good ? "ok     " : "PROBLEM", finding.what);
    if (!finding.good) text += fmt::format("        mend: {}\n", finding.mend);
  }
  if (call.Has("--json")) {
    call.Print(nlohmann::json{{"good", all_good}, {"findings", list}}.dump(2, ' ', false,
                                                                           nlohmann::json::error_handler_t::replace) +
               "\n");
  } else {
    call.Print(text);
  }
  return all_good ? 0 : 1;
}

}  // namespace smelt

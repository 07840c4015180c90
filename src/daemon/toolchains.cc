#include "src/daemon/toolchains.h"

#include <sys/stat.h>

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <thread>
#include <utility>

#include "fmt/format.h"
#include "src/base/parallel.h"
#include "src/base/path_names.h"
#include "src/base/process.h"
#include "src/base/status_macros.h"

namespace smelt {
namespace {

constexpr std::int64_t kAheadBytesMin = 1 << 20;

std::string RealPath(const std::string& path) {
  char resolved[PATH_MAX];
  return realpath(path.c_str(), resolved) ? std::string(resolved) : path;
}

bool IsLink(const std::string& path) {
  struct stat st;
  return lstat(path.c_str(), &st) == 0 && S_ISLNK(st.st_mode);
}

// The value of a "name: value" line of `rustc -vV`.
std::string Field(const std::string& text, const std::string& name) {
  std::size_t at = text.find("\n" + name + ": ");
  if (at == std::string::npos) return "";
  at += name.size() + 3;
  return text.substr(at, text.find('\n', at) - at);
}

}  // namespace

Toolchains::Toolchains(FileSystem& files, Clock& clock, FileDigests& digests, Table& table,
                       std::function<void()> before_digesting)
    : files_(files), clock_(clock), digests_(digests), table_(table), before_digesting_(std::move(before_digesting)) {}

Toolchains::Programs Toolchains::Resolve(const Request& request) {
  auto resolved = [&](const std::string& path, const char* name) {
    const std::string real = RealPath(path);
    if (BaseName(real) != "rustup" || request.rustup_toolchain.empty()) return real;
    return RealPath(fmt::format("{}/toolchains/{}/bin/{}", request.rustup_home, request.rustup_toolchain, name));
  };
  Programs programs;
  programs.rustc = resolved(request.compiler, "rustc");
  if (!request.driver.empty()) programs.driver = resolved(request.driver, "clippy-driver");
  return programs;
}

absl::StatusOr<std::string> Toolchains::Sysroot(const Request& request, const Programs& programs) {
  std::string sysroot(DirectoryName(DirectoryName(programs.rustc)));
  // A rustc that is called by a symbolic link takes the sysroot around the link, if there is one.
  if (IsLink(request.compiler)) {
    const std::string beside = fmt::format("{}/lib/rustlib", DirectoryName(DirectoryName(request.compiler)));
    if (files_.Stat(beside).ok() && RealPath(beside) != sysroot + "/lib/rustlib") {
      return absl::FailedPreconditionError(
          fmt::format("{} is a link out of a sysroot of its own; name {} instead", request.compiler, programs.rustc));
    }
  }
  absl::StatusOr<std::vector<std::string>> names = files_.List(sysroot + "/lib");
  if (names.ok()) {
    for (const std::string& name : *names) {
      if (name.starts_with("librustc_driver-")) return sysroot;
    }
  }
  return absl::FailedPreconditionError(fmt::format(
      "{}: no librustc_driver in {}/lib; smelt knows toolchains as rustup installs them", programs.rustc, sysroot));
}

absl::StatusOr<std::shared_ptr<const Toolchain>> Toolchains::Find(const Request& request) {
  const Programs programs = Resolve(request);
  std::shared_ptr<Known> known;
  {
    absl::MutexLock lock(&mu_);
    if (known_.size() >= kKnownMax) known_.clear();
    std::shared_ptr<Known>& slot =
        known_[fmt::format("{}\n{}\n{}\n{}", request.compiler, programs.rustc, programs.driver, request.target)];
    if (!slot) slot = std::make_shared<Known>();
    known = slot;
  }
  absl::MutexLock lock(&known->mu);
  const std::int64_t now = clock_.NowNanos();
  const bool is_fresh = known->checked_ns <= now && now - known->checked_ns < kCheckNanos;
  if (known->toolchain && (is_fresh || IsUnchanged(*known->toolchain))) {
    if (!is_fresh) known->checked_ns = now;
    return known->toolchain;
  }
  ASSIGN_OR_RETURN(known->toolchain, Read(request, programs));
  known->checked_ns = now;
  return known->toolchain;
}

absl::StatusOr<Digest> Toolchains::Program(const Request& request) {
  const Programs programs = Resolve(request);
  ASSIGN_OR_RETURN(const std::string sysroot, Sysroot(request, programs));
  return ProgramOf(programs, sysroot);
}

absl::StatusOr<Digest> Toolchains::ProgramOf(const Programs& programs, const std::string& sysroot) {
  ASSIGN_OR_RETURN(const FileDigest file,
                   digests_.Of(programs.driver.empty() ? sysroot + "/bin/rustc" : programs.driver));
  return file.digest;
}

bool Toolchains::IsUnchanged(const Toolchain& toolchain) {
  return std::all_of(toolchain.members.begin(), toolchain.members.end(), [&](const auto& member) {
    absl::StatusOr<FileStat> now = files_.Stat(member.first);
    return now.ok() && (*now == member.second || IsSameMember(member.first, member.second, *now, toolchain));
  });
}

// A link to a file, made or removed elsewhere, changes its stat but not the file: a copy of the toolchain by links.
bool Toolchains::IsSameMember(const std::string& path, const FileStat& was, const FileStat& now,
                              const Toolchain& toolchain) {
  if (now.type != was.type || now.inode != was.inode || now.mtime_ns != was.mtime_ns || now.mode != was.mode) {
    return false;
  }
  if (now.type == FileStat::Type::kDirectory) return true;
  absl::StatusOr<FileDigest> file = digests_.Of(path, now);
  auto digest = toolchain.digests.find(path);
  return file.ok() && digest != toolchain.digests.end() && file->digest == digest->second;
}

absl::StatusOr<std::shared_ptr<Toolchain>> Toolchains::Read(const Request& request, const Programs& programs) {
  auto toolchain = std::make_shared<Toolchain>();
  ASSIGN_OR_RETURN(toolchain->sysroot, Sysroot(request, programs));
  ASSIGN_OR_RETURN(toolchain->program, ProgramOf(programs, toolchain->sysroot));
  RETURN_IF_ERROR(Ask(request, *toolchain));
  DigestAhead(*toolchain);
  reapi::InputTree tree;
  RETURN_IF_ERROR(AddFile(toolchain->sysroot + "/bin/rustc", "bin/rustc", *toolchain, tree));
  if (!programs.driver.empty()) {
    RETURN_IF_ERROR(AddFile(programs.driver, fmt::format("bin/{}", BaseName(request.driver)), *toolchain, tree));
  }
  RETURN_IF_ERROR(AddTree("lib", false, *toolchain, tree));
  RETURN_IF_ERROR(AddTree("lib/rustlib/" + toolchain->host, true, *toolchain, tree));
  if (!request.target.empty()) RETURN_IF_ERROR(AddTarget(request.target, *toolchain, tree));
  reapi::InputTree::Built built = tree.Build();
  toolchain->root = built.root;
  toolchain->directories = std::move(built.directories);
  return toolchain;
}

// Some 500 MB where nothing is remembered: on all processors, the largest first.
void Toolchains::DigestAhead(const Toolchain& toolchain) {
  std::vector<std::pair<std::int64_t, std::string>> large;
  for (const std::string& directory : {std::string("lib"), fmt::format("lib/rustlib/{}/lib", toolchain.host)}) {
    const std::string below = fmt::format("{}/{}", toolchain.sysroot, directory);
    for (const std::string& name : files_.List(below).value_or(std::vector<std::string>())) {
      const std::string path = fmt::format("{}/{}", below, name);
      absl::StatusOr<FileStat> stat = files_.Stat(path);
      if (!stat.ok() || stat->type != FileStat::Type::kRegular || stat->size < kAheadBytesMin) continue;
      if (!digests_.Remembered(path, *stat)) large.emplace_back(-stat->size, path);
    }
  }
  if (!large.empty() && before_digesting_) before_digesting_();
  std::sort(large.begin(), large.end());
  ParallelFor(large.size(), std::thread::hardware_concurrency(),
              [&](std::size_t i) { digests_.Of(large[i].second).status().IgnoreError(); });
}

// A target that is not installed may be one day.
absl::Status Toolchains::AddTarget(const std::string& target, Toolchain& toolchain, reapi::InputTree& tree) {
  std::string name(BaseName(target));
  if (name.ends_with(".json")) name.resize(name.size() - 5);
  if (name == toolchain.host) return absl::OkStatus();
  const std::string rustlib = toolchain.sysroot + "/lib/rustlib";
  ASSIGN_OR_RETURN(FileStat stat, files_.Stat(rustlib));
  toolchain.members.emplace_back(rustlib, stat);
  if (absl::IsNotFound(files_.Stat(rustlib + "/" + name).status())) return absl::OkStatus();
  return AddTree("lib/rustlib/" + name, true, toolchain, tree);
}

absl::Status Toolchains::AddTree(const std::string& below, bool recursive, Toolchain& toolchain,
                                 reapi::InputTree& tree) {
  const std::string directory = toolchain.sysroot + "/" + below;
  ASSIGN_OR_RETURN(FileStat directory_stat, files_.Stat(directory));
  toolchain.members.emplace_back(directory, directory_stat);
  ASSIGN_OR_RETURN(std::vector<std::string> names, files_.List(directory));
  for (const std::string& name : names) {
    const std::string path = directory + "/" + name;
    ASSIGN_OR_RETURN(FileStat stat, files_.Stat(path));
    if (stat.type == FileStat::Type::kRegular) {
      RETURN_IF_ERROR(AddFile(path, below + "/" + name, toolchain, tree));
    } else if (stat.type == FileStat::Type::kDirectory && recursive) {
      RETURN_IF_ERROR(AddTree(below + "/" + name, true, toolchain, tree));
    }
  }
  return absl::OkStatus();
}

absl::Status Toolchains::AddFile(const std::string& path, const std::string& name, Toolchain& toolchain,
                                 reapi::InputTree& tree) {
  ASSIGN_OR_RETURN(FileDigest file, digests_.Of(path));
  tree.AddFile(name, file.digest, (file.stat.mode & 0111) != 0);
  toolchain.members.emplace_back(path, file.stat);
  toolchain.digests.emplace(path, file.digest);
  return absl::OkStatus();
}

absl::Status Toolchains::Ask(const Request& request, Toolchain& toolchain) {
  ASSIGN_OR_RETURN(FileDigest rustc, digests_.Of(toolchain.sysroot + "/bin/rustc"));
  const std::string key = fmt::format("vV\n{}\n{}", toolchain.sysroot, rustc.digest.Hex());
  std::string text = table_.Get(key).value_or("");
  if (Field(text, "host").empty()) {
    ASSIGN_OR_RETURN(text, OutputOf({toolchain.sysroot + "/bin/rustc", "-vV"}, request.environment));
    table_.Put(key, text).IgnoreError();
  }
  toolchain.host = Field(text, "host");
  toolchain.release = Field(text, "release");
  toolchain.commit_hash = Field(text, "commit-hash");
  if (toolchain.commit_hash == "unknown") toolchain.commit_hash.clear();
  if (toolchain.host.empty()) return absl::FailedPreconditionError(request.compiler + " -vV names no host");
  return absl::OkStatus();
}

}  // namespace smelt

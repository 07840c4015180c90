#include "src/daemon/toolchains.h"

#include <climits>
#include <cstdlib>
#include <utility>

#include "fmt/format.h"
#include "src/base/process.h"
#include "src/base/status_macros.h"

namespace smelt {
namespace {

std::string RealPath(const std::string& path) {
  char resolved[PATH_MAX];
  return realpath(path.c_str(), resolved) ? std::string(resolved) : path;
}

std::string Parent(const std::string& path) { return path.substr(0, path.rfind('/')); }
std::string BaseName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// The value of a "name: value" line of `rustc -vV`.
std::string Field(const std::string& text, const std::string& name) {
  std::size_t at = text.find("\n" + name + ": ");
  if (at == std::string::npos) return "";
  at += name.size() + 3;
  return text.substr(at, text.find('\n', at) - at);
}

}  // namespace

Toolchains::Toolchains(FileSystem& files, Clock& clock, FileDigests& digests, Table& table)
    : files_(files), clock_(clock), digests_(digests), table_(table) {}

absl::StatusOr<std::string> Toolchains::Sysroot(const Request& request) {
  std::string compiler = RealPath(request.compiler);
  if (BaseName(compiler) == "rustup" && !request.rustup_toolchain.empty()) {
    compiler = RealPath(fmt::format("{}/toolchains/{}/bin/rustc", request.rustup_home, request.rustup_toolchain));
  }
  std::string sysroot = Parent(Parent(compiler));
  absl::StatusOr<std::vector<std::string>> names = files_.List(sysroot + "/lib");
  if (names.ok()) {
    for (const std::string& name : *names) {
      if (name.starts_with("librustc_driver-")) return sysroot;
    }
  }
  return absl::FailedPreconditionError(fmt::format(
      "{}: no librustc_driver in {}/lib; smelt knows toolchains as rustup installs them", compiler, sysroot));
}

absl::StatusOr<std::shared_ptr<const Toolchain>> Toolchains::Find(const Request& request) {
  std::shared_ptr<Known> known;
  {
    absl::MutexLock lock(&mu_);
    std::shared_ptr<Known>& slot = known_[fmt::format("{}\n{}\n{}\n{}", request.compiler, request.driver,
                                                      request.target, request.rustup_toolchain)];
    if (!slot) slot = std::make_shared<Known>();
    known = slot;
  }
  absl::MutexLock lock(&known->mu);
  if (known->toolchain && Unchanged(*known)) {
    known->checked_ns = clock_.NowNanos();
    return known->toolchain;
  }
  ASSIGN_OR_RETURN(std::string sysroot, Sysroot(request));
  std::vector<std::pair<std::string, FileStat>> members;
  ASSIGN_OR_RETURN(std::shared_ptr<Toolchain> toolchain, Read(request, sysroot, members));
  known->toolchain = toolchain;
  known->members = std::move(members);
  known->checked_ns = clock_.NowNanos();
  return known->toolchain;
}

bool Toolchains::Unchanged(const Known& known) {
  if (clock_.NowNanos() - known.checked_ns < kCheckNanos) return true;
  for (const auto& [path, stat] : known.members) {
    absl::StatusOr<FileStat> now = files_.Stat(path);
    if (!now.ok() || !(*now == stat)) return false;
  }
  return true;
}

absl::StatusOr<std::shared_ptr<Toolchain>> Toolchains::Read(const Request& request, const std::string& sysroot,
                                                            std::vector<std::pair<std::string, FileStat>>& members) {
  auto toolchain = std::make_shared<Toolchain>();
  toolchain->sysroot = sysroot;
  RETURN_IF_ERROR(Ask(request, *toolchain));
  reapi::InputTree tree;
  RETURN_IF_ERROR(AddFile(sysroot + "/bin/rustc", "bin/rustc", tree, members));
  if (!request.driver.empty()) {
    RETURN_IF_ERROR(AddFile(RealPath(request.driver), "bin/" + BaseName(request.driver), tree, members));
  }
  const std::string rustlib = "lib/rustlib/";
  RETURN_IF_ERROR(AddTree(sysroot, "lib", false, tree, members));
  RETURN_IF_ERROR(AddTree(sysroot, rustlib + toolchain->host, true, tree, members));
  if (!request.target.empty() && request.target != toolchain->host && request.target.find('/') == std::string::npos) {
    AddTree(sysroot, rustlib + request.target, true, tree, members).IgnoreError();
  }
  reapi::InputTree::Built built = tree.Build();
  toolchain->root = built.root;
  toolchain->directories = std::move(built.directories);
  return toolchain;
}

absl::Status Toolchains::AddTree(const std::string& sysroot, const std::string& below, bool recursive,
                                 reapi::InputTree& tree, std::vector<std::pair<std::string, FileStat>>& members) {
  const std::string directory = sysroot + "/" + below;
  ASSIGN_OR_RETURN(FileStat directory_stat, files_.Stat(directory));
  members.emplace_back(directory, directory_stat);
  ASSIGN_OR_RETURN(std::vector<std::string> names, files_.List(directory));
  for (const std::string& name : names) {
    const std::string path = directory + "/" + name;
    ASSIGN_OR_RETURN(FileStat stat, files_.Stat(path));
    if (stat.type == FileStat::Type::kRegular) {
      RETURN_IF_ERROR(AddFile(path, below + "/" + name, tree, members));
    } else if (stat.type == FileStat::Type::kDirectory && recursive) {
      RETURN_IF_ERROR(AddTree(sysroot, below + "/" + name, true, tree, members));
    }
  }
  return absl::OkStatus();
}

absl::Status Toolchains::AddFile(const std::string& path, const std::string& name, reapi::InputTree& tree,
                                 std::vector<std::pair<std::string, FileStat>>& members) {
  ASSIGN_OR_RETURN(FileDigest file, digests_.Of(path));
  tree.AddFile(name, file.digest, (file.stat.mode & 0111) != 0);
  members.emplace_back(path, file.stat);
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

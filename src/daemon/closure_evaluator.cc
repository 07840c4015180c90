#include "src/daemon/closure_evaluator.h"

#include <sys/stat.h>

#include <algorithm>
#include <thread>

#include "src/base/parallel.h"
#include "src/base/program_path.h"
#include "src/compilers/rustc/key_arguments.h"
#include "src/digest/hasher.h"

namespace smelt {
namespace {

// Fewer files are read sooner than threads are started.
constexpr int kFilesWorthThreads = 32;
constexpr unsigned kThreadsMax = 8;

}  // namespace

Environment::Environment(const std::vector<std::string>& block) {
  for (const std::string& entry : block) {
    std::size_t equals = entry.find('=', 1);
    if (equals != std::string::npos) variables_.emplace_back(entry.substr(0, equals), entry.substr(equals + 1));
  }
  std::stable_sort(variables_.begin(), variables_.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
}

const std::string* Environment::Find(std::string_view name) const {
  auto found = std::lower_bound(variables_.begin(), variables_.end(), name,
                                [](const auto& variable, std::string_view n) { return variable.first < n; });
  return found != variables_.end() && found->first == name ? &found->second : nullptr;
}

std::string Environment::ValueOr(std::string_view name, std::string_view otherwise) const {
  const std::string* value = Find(name);
  return value ? *value : std::string(otherwise);
}

ClosureEvaluator::ClosureEvaluator(FileSystem& files, FileDigests& digests, const rustc::PathMap& paths,
                                   const std::string& working_directory, const Environment& environment)
    : files_(files),
      digests_(digests),
      paths_(paths),
      working_directory_(working_directory),
      environment_(environment) {}

bool ClosureEvaluator::Fail(const std::string& why) const {
  obstacle_ = why;
  return false;
}

std::optional<Evaluation> ClosureEvaluator::Evaluate(const Shape& shape, const Before* before) const {
  Evaluation evaluation;
  if (!AddFiles(shape, before, evaluation) || !AddPresence(shape, before, evaluation) ||
      !AddListings(shape, before, evaluation) || !AddTools(shape, evaluation) || !CheckPlainDirectories(shape)) {
    return std::nullopt;
  }
  AddVariables(shape, evaluation);
  if (shape.working_directory()) evaluation.closure.working_directory = working_directory_;
  return evaluation;
}

bool ClosureEvaluator::MayHaveChanged(const Before& before, const std::string& real, const FileStat& stat) const {
  auto was = before.stats.find(real);
  if (was != before.stats.end()) {
    if (was->second == stat) return false;
    // What we have put there may be linked elsewhere at any time.
    const bool same_file = was->second.inode == stat.inode && was->second.mtime_ns == stat.mtime_ns;
    return !same_file || !digests_.IsRestored(real, stat);
  }
  // Coarse stamps are older than what they stamp.
  const std::int64_t racy_ns = FileDigests::RacyNanos(stat);
  const std::int64_t start_ns = before.start_ns - (racy_ns == FileDigests::kRacyNanos ? 0 : racy_ns);
  if (std::max(stat.mtime_ns, stat.ctime_ns) < start_ns) return false;
  // What we put there just before the start looks as if it had been then.
  return stat.mtime_ns >= before.start_ns + FileDigests::kRacyNanos || !digests_.IsRestored(real, stat);
}

bool ClosureEvaluator::AddFile(const std::string& canonical, const FileStat& stat, const std::string& real,
                               const Before* before, Evaluation& evaluation) const {
  if (before && MayHaveChanged(*before, real, stat)) evaluation.changed_since = real;
  absl::StatusOr<FileDigest> file = digests_.Of(real, stat);
  if (!file.ok()) return Fail("cannot read " + real);
  evaluation.closure.files.emplace(canonical, file->digest);
  if ((stat.mode & 0111) != 0) evaluation.closure.executables.insert(canonical);
  if (const rustc::Root* root = paths_.DisplayRootOf(real)) {
    evaluation.closure.remaps.emplace(paths_.Canonical(root->real, "/"), root->embedded);
  }
  return true;
}

// A package in a place where nobody has looked yet: its files are read by several threads, and then remembered. One in
// the middle tells for all.
void ClosureEvaluator::DigestAhead(const Shape& shape) const {
  if (shape.files_size() < kFilesWorthThreads) return;
  const std::string one = paths_.Real(shape.files(shape.files_size() / 2));
  const absl::StatusOr<FileStat> stat = files_.Stat(one);
  if (!stat.ok() || digests_.Remembered(one, *stat)) return;
  ParallelFor(
      static_cast<std::size_t>(shape.files_size()), std::min(std::thread::hardware_concurrency(), kThreadsMax),
      [&](std::size_t i) { digests_.Of(paths_.Real(shape.files(static_cast<int>(i)))).status().IgnoreError(); });
}

bool ClosureEvaluator::AddFiles(const Shape& shape, const Before* before, Evaluation& evaluation) const {
  if (!before) DigestAhead(shape);
  for (const std::string& canonical : shape.files()) {
    const std::string real = paths_.Real(canonical);
    absl::StatusOr<FileStat> stat = files_.Stat(real);
    if (!stat.ok()) return Fail("missing " + real);
    if (stat->type == FileStat::Type::kDirectory) {
      evaluation.closure.directories.insert(canonical);
    } else if (!AddFile(canonical, *stat, real, before, evaluation)) {
      return false;
    }
  }
  return true;
}

bool ClosureEvaluator::AddPresence(const Shape& shape, const Before* before, Evaluation& evaluation) const {
  for (const std::string& canonical : shape.existing()) {
    const std::string real = paths_.Real(canonical);
    absl::StatusOr<FileStat> stat = files_.Stat(real);
    if (!stat.ok()) return Fail("missing " + real);
    if (stat->type == FileStat::Type::kRegular) {
      if (!AddFile(canonical, *stat, real, before, evaluation)) return false;
    } else {
      evaluation.closure.directories.insert(canonical);
    }
  }
  for (const std::string& canonical : shape.absent()) {
    const std::string real = paths_.Real(canonical);
    if (files_.Stat(real).ok()) return Fail("there is now " + real);
    evaluation.closure.absent.insert(canonical);
  }
  return true;
}

bool ClosureEvaluator::AddListings(const Shape& shape, const Before* before, Evaluation& evaluation) const {
  for (const std::string& canonical : shape.listings()) {
    const std::string real = paths_.Real(canonical);
    absl::StatusOr<FileStat> directory = files_.Stat(real);
    if (before && directory.ok() && MayHaveChanged(*before, real, *directory)) evaluation.changed_since = real;
    absl::StatusOr<std::vector<std::string>> names = files_.List(real);
    if (!names.ok()) return Fail("cannot list " + real);
    std::string text;
    for (const std::string& name : *names) {
      absl::StatusOr<FileStat> stat = files_.Stat(real + "/" + name);
      text += stat.ok() && stat->type == FileStat::Type::kDirectory ? 'd' : 'f';
      text += name;
      text += '\0';
    }
    evaluation.closure.listings.emplace(canonical, DigestOf(text));
  }
  return true;
}

void ClosureEvaluator::AddVariables(const Shape& shape, Evaluation& evaluation) const {
  auto& variables = evaluation.closure.variables;
  if (shape.whole_environment()) {
    for (const auto& [name, value] : environment_.all()) {
      if (!rustc::MayEnterKey(name)) continue;
      auto [variable, is_new] = variables.emplace(name, value);
      if (!is_new) *variable->second += '\0' + value;  // given twice: whoever walks sees both
    }
  }
  for (const std::string& name : shape.variables()) {
    const std::string* value = environment_.Find(name);
    variables.emplace(name, value ? std::optional(*value) : std::nullopt);
  }
  for (const std::string& name : shape.path_variables()) {
    const std::string* value = environment_.Find(name);
    variables.insert_or_assign(name, value ? std::optional(paths_.Canonical(*value, "/")) : std::nullopt);
  }
}

bool ClosureEvaluator::CheckPlainDirectories(const Shape& shape) const {
  for (const std::string& canonical : shape.plain_directories()) {
    const std::string real = paths_.Real(canonical);
    struct stat st;
    if (lstat(real.c_str(), &st) == 0 && S_ISLNK(st.st_mode)) return Fail("a symbolic link and '..': " + real);
  }
  return true;
}

bool ClosureEvaluator::AddTools(const Shape& shape, Evaluation& evaluation) const {
  const std::string path = environment_.ValueOr("PATH", kDefaultProgramPath);
  for (const Shape::Tool& tool : shape.tools()) {
    const absl::StatusOr<std::string> found = FindProgram(path, tool.name());
    if (!found.ok()) return Fail(std::string(found.status().message()));
    if (paths_.Canonical(*found, "/") != tool.path()) return Fail(tool.name() + " is now " + *found);
    evaluation.closure.tools.emplace(tool.name(), tool.path());
  }
  return true;
}

}  // namespace smelt

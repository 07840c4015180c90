#ifndef SMELT_DAEMON_CLOSURE_EVALUATOR_H_
#define SMELT_DAEMON_CLOSURE_EVALUATOR_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "src/action/closure.h"
#include "src/base/file_system.h"
#include "src/compilers/rustc/path_map.h"
#include "src/digest/file_digests.h"

namespace smelt {

// The environment of a compile, by name. Keeps views of the strings it was made from.
class Environment {
 public:
  explicit Environment(const std::vector<std::string>& block);

  // nullptr if it is unset.
  const std::string* Find(std::string_view name) const;
  std::string ValueOr(std::string_view name, std::string_view otherwise) const;
  const std::vector<std::pair<std::string, std::string>>& all() const { return variables_; }

 private:
  std::vector<std::pair<std::string, std::string>> variables_;  // sorted by name
};

// What `Evaluate` found out beside the values.
struct Evaluation {
  Closure closure;
  // An input that may have changed since the compiler was started (see Before). Empty if there is none.
  std::string changed_since;
};

// The state of likely inputs before the compiler ran. What is not as it was then, or, where that is not known, not
// older than `start_ns` (an instant of the coarse clock), may have changed while it ran, unless it is an output that we
// put there.
struct Before {
  std::int64_t start_ns = 0;
  std::unordered_map<std::string, FileStat> stats;  // by real path
};

// Takes today's values of everything that `shape` names: digests through `digests`, presence, listings, variables.
// nullopt if the shape cannot hold here: a file is missing, something is there that must be absent, a tool is
// found elsewhere, a directory is a symbolic link. `before`: null for a prediction, else see Evaluation. Reads only
// what has to be.
class ClosureEvaluator {
 public:
  ClosureEvaluator(FileSystem& files, FileDigests& digests, const rustc::PathMap& paths,
                   const std::string& working_directory, const Environment& environment);

  std::optional<Evaluation> Evaluate(const Shape& shape, const Before* before) const;

  // What hindered the last Evaluate that gave nullopt, for `smelt why`.
  const std::string& obstacle() const { return obstacle_; }

 private:
  bool MayHaveChanged(const Before& before, const std::string& real, const FileStat& stat) const;
  bool AddFile(const std::string& canonical, const FileStat& stat, const std::string& real, const Before* before,
               Evaluation& evaluation) const;
  void DigestAhead(const Shape& shape) const;
  bool AddFiles(const Shape& shape, const Before* before, Evaluation& evaluation) const;
  bool AddPresence(const Shape& shape, const Before* before, Evaluation& evaluation) const;
  bool AddListings(const Shape& shape, const Before* before, Evaluation& evaluation) const;
  void AddVariables(const Shape& shape, Evaluation& evaluation) const;
  bool AddTools(const Shape& shape, Evaluation& evaluation) const;
  bool CheckPlainDirectories(const Shape& shape) const;
  bool Fail(const std::string& why) const;

  FileSystem& files_;
  FileDigests& digests_;
  const rustc::PathMap& paths_;
  const std::string& working_directory_;
  const Environment& environment_;
  mutable std::string obstacle_;
};

}  // namespace smelt

#endif  // SMELT_DAEMON_CLOSURE_EVALUATOR_H_

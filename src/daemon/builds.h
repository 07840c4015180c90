#ifndef SMELT_DAEMON_BUILDS_H_
#define SMELT_DAEMON_BUILDS_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "src/base/clock.h"
#include "src/base/file_system.h"
#include "src/daemon/build_record.h"
#include "src/daemon/cargo_call.h"
#include "src/daemon/team/team_parts.h"
#include "src/digest/file_digests.h"
#include "src/store/action_cache.h"

namespace smelt {

// Notices builds: the compiles of one lockfile, profile and toolchain that follow each other without a pause of
// kPauseNanos. When one begins, what the last such build used (here or elsewhere in the team) is fetched in the
// background, many things at once and in the order in which they were asked for; when it has ended, what it used is
// written down for the next. docs/adr/0009-build-records.md has the reasons. Thread-safe.
class Builds {
 public:
  static constexpr std::int64_t kPauseNanos = 10'000'000'000;

  // `actions` is the local cache as far as its results are complete. All outlive this; `team.shared` is not null, and
  // is reached in the background: what starts a daemon is a build, as a rule.
  Builds(const TeamParts& team, ActionCache& actions, FileSystem& files, FileDigests& digests, Clock& clock);

  // Ends what is under way, after the transfers of the moment; writes down what the builds have used so far.
  ~Builds();

  // A compile has come of which it takes a while to tell what it is: the team's cache is reached meanwhile, if that was
  // not done in the last kPauseNanos.
  void Expect();

  // Cargo has asked this compiler (Toolchain::program) about `target` ("" for the host's; nullopt: about itself), which
  // it does before it reads manifests: what its call says that it will build is taken as begun.
  void Foresee(const Digest& compiler, const std::optional<std::string>& target, const CargoCall& cargo);

  // A compile begins. `cargo` says how cargo was called, if anybody wants to know.
  void Begin(const Unit& unit, const std::function<CargoCall()>& cargo);

  // It was a hit of `action`, or has been stored under it.
  void Used(const Unit& unit, const Digest& action);

  // Takes the builds of the moment as ended: their records are written and on their way when this returns.
  void WriteNow();

 private:
  struct Build {
    std::int64_t last_ns = 0;
    bool prefetched = false;
    std::vector<RecordedUnit> used;
  };

  static std::string PlaceOf(const Unit& unit);
  std::optional<Digest> KeyOf(const Unit& unit, const std::function<CargoCall()>& cargo);
  std::optional<Digest> KeyOf(const RecordedBuild& build, const std::optional<std::string>& lockfile);
  void NoteBegun(const Digest& key);
  void Run();
  struct Work {
    bool expected = false;
    std::vector<Digest> begun;
    std::map<Digest, Build> ended;
  };
  bool AwaitWork(Work& work);
  bool IsWork() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Prefetch(const Digest& key);
  bool IsAllHere(const std::vector<RecordedUnit>& units);
  BuildRecord FindRecord(const Digest& key);
  void Write(const Digest& key, const Build& build);

  const TeamParts team_;
  ActionCache& actions_;
  FileSystem& files_;
  FileDigests& digests_;
  Clock& clock_;
  std::atomic<bool> stopping_ = false;

  absl::Mutex mu_;
  bool expecting_ ABSL_GUARDED_BY(mu_) = true;  // and nobody has begun to reach
  std::optional<std::int64_t> reached_ns_ ABSL_GUARDED_BY(mu_);
  std::map<Digest, Build> builds_ ABSL_GUARDED_BY(mu_);  // by the key of the record
  // The record's key of the units of one output directory, and until when it holds.
  struct Place {
    std::optional<Digest> key;
    std::int64_t until_ns = 0;
  };
  absl::flat_hash_map<std::string, Place> places_ ABSL_GUARDED_BY(mu_);
  std::thread thread_;
};

}  // namespace smelt

#endif  // SMELT_DAEMON_BUILDS_H_

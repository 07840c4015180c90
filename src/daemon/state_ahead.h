#ifndef SMELT_DAEMON_STATE_AHEAD_H_
#define SMELT_DAEMON_STATE_AHEAD_H_

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "src/base/background_process.h"
#include "src/daemon/counters.h"

namespace smelt {

struct StateAheadOptions {
  std::string directory;                  // its own; made when needed, survives restarts
  std::uint64_t bytes_max = 0;            // of states that nobody has taken yet; 0: none are made
  std::chrono::milliseconds settle{250};  // nothing begins sooner after a compile
};

// Makes incremental state behind the build. A unit for which cargo asks for incremental compilation is compiled without
// it at first (EditedUnits), so its first edit would find none and cost a full compile. Therefore, once such a unit has
// been compiled and stored here and no compiler is at work, it is compiled a second time: at the lowest priority, with
// state in a directory of our own, its outputs unseen (BackgroundProcess) and not linked. The first edit takes the
// state. rustc itself checks a state against everything it depends on: an old one is at worst of no use.
//
// One at a time, the last compiled unit first; any compile that really runs ends it, to be begun again later.
// Thread-safe.
class StateAhead {
 public:
  struct Job {
    std::string unit;                      // Unit::identity
    BackgroundCommand command;             // with its state in state_directory(), which is `writable`
    std::chrono::microseconds duration{};  // of the compile without state
    int attempts = 0;
  };
  using Start = std::function<absl::StatusOr<std::unique_ptr<BackgroundProcess>>(const BackgroundCommand&)>;

  static constexpr std::size_t kJobsMax = 64;  // what has waited longest is forgotten
  static constexpr int kAttemptsMax = 3;
  // For how much longer than the compile took an edit waits for its state: that of a small unit takes no less.
  static constexpr std::chrono::milliseconds kPatience{250};
  // Nothing is made on a disk with less than this free.
  static constexpr std::uint64_t kFreeBytesMin = 1 << 30;

  StateAhead(StateAheadOptions options, Start start, Counters& counters);
  ~StateAhead();  // ends what is being made

  // A compiler at work, for as long as it lives. Outlived by the StateAhead.
  class Compile {
   public:
    explicit Compile(StateAhead& ahead) : ahead_(&ahead) {}
    Compile(Compile&& other) noexcept : ahead_(std::exchange(other.ahead_, nullptr)) {}
    Compile& operator=(Compile&&) = delete;
    ~Compile() {
      if (ahead_) ahead_->Ended();
    }

   private:
    StateAhead* ahead_;
  };

  // Where the command of a Job must make its state, and its `scratch`. Both exist, and are empty, when it is started.
  const std::string& state_directory() const { return state_; }
  const std::string& scratch_directory() const { return scratch_; }

  // A compiler is about to run for `unit`. If the state of that unit is just being made, waits for it, unless it takes
  // longer than the compile did; `waiting` is called about once a second meanwhile, and false ends the wait.
  Compile Begin(const std::string& unit, const std::function<bool()>& waiting);

  // Moves the state of `unit`, if there is one, into `incremental`, the directory that cargo names; made if absent.
  // What lies there and is newer stays. Copies if that is another file system; calls `waiting` after each file then,
  // and gives up if it returns false.
  void Take(const std::string& unit, const std::string& incremental, const std::function<bool()>& waiting);

  // `job.unit` was stored, and may be edited next.
  void Want(Job job);

  // Waits until all that is wanted is made or given up. For tests.
  void Wait();

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;

  struct Running {
    std::string unit;
    SteadyTime patience_ends;
    BackgroundProcess* process = nullptr;  // null while it is being started
    bool killed = false;
    bool forgotten = false;  // not to be made again
  };

  void Run();
  std::optional<Job> Next();  // waits for one; nullopt: the end
  bool Make(const Job& job);  // false if it was killed
  bool RunToItsEnd(const Job& job);
  void Keep(const Job& job);
  void KillRunning();  // mu_ is held
  void Ended();
  void Trim();
  std::string HomeOf(const std::string& unit) const;

  const StateAheadOptions options_;
  const std::string making_, state_, scratch_;  // what is being made lies in `making_`
  const Start start_;
  Counters& counters_;

  std::mutex mu_;
  std::condition_variable changed_;
  std::vector<Job> jobs_;  // the next one last
  std::optional<Running> running_;
  int compiles_ = 0;
  SteadyTime last_compile_;
  bool stopping_ = false;
  std::mutex homes_mu_;  // the directories of what is made
  int takes_ = 0;        // guarded by homes_mu_
  std::thread thread_;
};

}  // namespace smelt

#endif  // SMELT_DAEMON_STATE_AHEAD_H_

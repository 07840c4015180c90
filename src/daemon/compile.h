#ifndef SMELT_DAEMON_COMPILE_H_
#define SMELT_DAEMON_COMPILE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "src/action/observation.h"
#include "src/base/clock.h"
#include "src/base/file_system.h"
#include "src/daemon/builds.h"
#include "src/daemon/conversation.h"
#include "src/daemon/counters.h"
#include "src/daemon/edited_units.h"
#include "src/daemon/in_flight.h"
#include "src/daemon/journal.h"
#include "src/daemon/predictor.h"
#include "src/daemon/questions.h"
#include "src/daemon/results.h"
#include "src/daemon/state_ahead.h"
#include "src/daemon/toolchains.h"
#include "src/daemon/unit.h"

namespace smelt {

struct CompileOptions {
  std::string observer;        // path of libsmelt_observer.so; empty: nothing is stored
  FileStat observer_stat;      // of that file when it was found to work; another one is not used
  std::string runs_directory;  // for the observer's logs; must exist, and holds nothing else
  bool incremental = true;     // keep incremental state for units that are being edited; else never
  bool remap = true;           // make outputs independent of where checkouts lie; else keys hold literal paths
  // Of hits that are compiled anyway and compared, unless the compile's environment has SMELT_VERIFY=<share>.
  double verify_share = 0;
};

// Everything that a compile needs; all outlive the Compiles made of them.
struct CompileParts {
  FileSystem& files;
  Clock& clock;
  Toolchains& toolchains;
  Predictor& predictor;
  Results& results;
  FileDigests& digests;
  EditedUnits& edited;
  PackageRoots& packages;
  InFlight& in_flight;
  Questions& questions;
  StateAhead& state_ahead;
  Counters& counters;
  Journal& journal;
  Builds* builds = nullptr;  // null without a team's cache
};

// One compile, from the wrapper's question to its end. Handle is the list of steps. Thread-safe.
class CompileHandler {
 public:
  CompileHandler(CompileParts parts, CompileOptions options);

  void Handle(const wire::Compile& request, Conversation& wrapper);

 private:
  struct Plan;

  void Foresee(const Questions::Question& question, Conversation& wrapper);
  bool AnswerQuestion(const wire::Compile& request, Conversation& wrapper);
  std::string FlightKey(const Unit& unit, const Predictor::Prediction& prediction);
  void Refuse(const wire::Compile& request, rustc::Refusal refusal, Conversation& wrapper);
  bool ServeHit(const Unit& unit, Predictor::Prediction& prediction, Conversation& wrapper);
  Plan MakePlan(const Unit& unit, const Predictor::Prediction& prediction);
  void SnapshotInputs(const Unit& unit, const Predictor::Prediction& prediction, Plan& plan);
  wire::Run RunMessage(const Unit& unit, const Plan& plan);
  void Keep(const Unit& unit, const Plan& plan, const Predictor::Prediction& prediction, const wire::Ran& ran,
            Conversation& wrapper);
  std::optional<NotStored> TryKeep(const Unit& unit, const Plan& plan, const Predictor::Prediction& prediction,
                                   const wire::Ran& ran, Conversation& wrapper, JournalEntry& entry);
  std::optional<NotStored> ObserveRun(const Unit& unit, const Plan& plan, bool failed_probe, Shape& shape,
                                      std::string& detail);
  bool CanObserve(const std::string& log);
  bool HasEarlierOutputs(const Unit& unit);
  bool HasPrivateInput(const Unit& unit);
  bool IsSampled(const Unit& unit);

  CompileParts parts_;
  CompileOptions options_;
  const std::int64_t start_ns_;  // tells this daemon's runs from those of others
  std::atomic<std::uint64_t> runs_{0};
  std::atomic<std::uint64_t> hits_{0};
};

}  // namespace smelt

#endif  // SMELT_DAEMON_COMPILE_H_

#ifndef SMELT_DAEMON_TESTING_DAEMON_FIXTURE_H_
#define SMELT_DAEMON_TESTING_DAEMON_FIXTURE_H_

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/base/clock.h"
#include "src/daemon/commands.h"
#include "src/daemon/compile.h"
#include "src/daemon/testing/checkout.h"
#include "src/daemon/testing/fake_rustc.h"
#include "src/daemon/testing/scripted_wrapper.h"
#include "src/store/completeness_checking_action_cache.h"
#include "src/store/local/local_store.h"
#include "src/testing/fake_clock.h"
#include "src/testing/faulty_file_system.h"
#include "src/testing/status_matchers.h"
#include "src/testing/temp_dir.h"

namespace smelt {

// A clock by which more than Toolchains::kCheckNanos pass between any two looks.
class HastyClock : public FakeClock {
 public:
  std::int64_t NowNanos() override {
    AdvanceNanos(Toolchains::kCheckNanos);
    return FakeClock::NowNanos();
  }
};

// Everything that smeltd puts together, in this process, over `files` and a store in a directory of its own.
struct DaemonParts {
  DaemonParts(const std::string& directory, FaultyFileSystem& files, CompileOptions options, StateAhead::Start start);

  std::unique_ptr<LocalStore> store;
  CompletenessCheckingActionCache actions;
  FileDigests digests;
  HastyClock toolchains_clock;
  Toolchains toolchains;
  Predictor predictor;
  Results results;
  EditedUnits edited;
  PackageRoots packages;
  InFlight in_flight;
  Questions questions;
  Counters counters;
  StateAhead state_ahead;
  Journal journal;
  CompileHandler compiles;
};

// What became of one compile, as the one who called cargo sees it.
struct Outcome {
  bool ran = false;    // the compiler ran, under the daemon's eyes
  bool plain = false;  // the compiler ran as if smelt were not there
  int exit_code = -1;
  std::string standard_output, standard_error;
  wire::Run run;
};

// A daemon, a toolchain and two checkouts of the same crate with the same sources; what is compiled is compiled by
// FakeRustc.
class DaemonFixture : public testing::Test {
 protected:
  using Call = FaultyFileSystem::Call;

  DaemonFixture();

  // Ends the daemon and starts another on the same store.
  void Restart();

  // Writes the same file into both checkouts.
  void WriteBoth(const std::string& name, const std::string& contents);

  // One compile from the wrapper's question to its end. `during` is called while the compiler runs.
  Outcome Compile(const Checkout& checkout, std::function<void()> during = nullptr);

  // The outcome of the last compile of crate "a": "hit", "miss", or "not_stored inputs_changed".
  std::string Last();

  // What plain cargo would make of the checkout in its state of now, with the daemon's remapping and without
  // incremental state.
  std::map<std::string, std::string> Expected(const Checkout& checkout, const Outcome& outcome);

  // Compiles and expects what plain cargo gives: the bytes, what is printed and the exit code.
  Outcome CompileAndCheck(const Checkout& checkout);

  std::int64_t Count(const std::string& counter);

  TempDir dir_;
  FakeToolchain toolchain_{dir_ / "toolchain"};
  Checkout one_{dir_ / "one", toolchain_};
  Checkout two_{dir_ / "elsewhere/deeper/two", toolchain_};
  FaultyFileSystem files_;
  CompileOptions options_;
  StateAhead::Start background_;  // null: no state is made ahead. Takes effect at the next Restart
  std::unique_ptr<DaemonParts> daemon_;
};

}  // namespace smelt

#endif  // SMELT_DAEMON_TESTING_DAEMON_FIXTURE_H_

#include "src/daemon/state_ahead.h"

#include <sys/wait.h>

#include <filesystem>
#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/testing/memory_table.h"
#include "src/testing/temp_dir.h"

namespace smelt {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;

// A compile that goes on until it is told to end, or is killed.
class Compiler {
 public:
  void Await(int count) {
    std::unique_lock lock(mu_);
    changed_.wait(lock, [&] { return static_cast<int>(commands_.size()) >= count; });
  }

  void Finish() {
    const std::lock_guard lock(mu_);
    finished_ = true;
    changed_.notify_all();
  }

  std::vector<std::string> commands() {
    const std::lock_guard lock(mu_);
    return commands_;
  }

  StateAhead::Start Starter(const std::string& state_directory) {
    return [this, state_directory](const BackgroundCommand& command) {
      EXPECT_TRUE(fs::is_empty(state_directory));
      const std::lock_guard lock(mu_);
      commands_.push_back(command.command[0]);
      changed_.notify_all();
      return std::make_unique<Process>(*this, state_directory);
    };
  }

  std::string crate = "a-crate";
  std::string session = "s-1-1-hash";  // what a finished compile leaves

 private:
  class Process : public BackgroundProcess {
   public:
    Process(Compiler& compiler, std::string state) : compiler_(compiler), state_(std::move(state)) {}

    int Wait() override {
      std::unique_lock lock(compiler_.mu_);
      compiler_.changed_.wait(lock, [&] { return killed_ || compiler_.finished_; });
      const fs::path session = fs::path(state_) / compiler_.crate / compiler_.session;
      fs::create_directories(session);
      std::ofstream(session / "graph.bin") << std::string(1000, 'g');
      return killed_ ? SIGKILL : 0;
    }

    void Kill() override {
      const std::lock_guard lock(compiler_.mu_);
      killed_ = true;
      compiler_.changed_.notify_all();
    }

   private:
    Compiler& compiler_;
    const std::string state_;
    bool killed_ = false;
  };

  std::mutex mu_;
  std::condition_variable changed_;
  std::vector<std::string> commands_;
  bool finished_ = false;
};

class StateAheadTest : public testing::Test {
 protected:
  StateAheadTest() { Open(1 << 20); }

  void Open(std::uint64_t bytes_max, StateAhead::Start start = nullptr) {
    ahead_.reset();
    counters_ = std::make_unique<Counters>(table_);
    ahead_ = std::make_unique<StateAhead>(StateAheadOptions{dir_ / "states", bytes_max, std::chrono::milliseconds(0)},
                                          start ? start : compiler_.Starter(dir_ / "states/making/state"), *counters_);
  }

  void Want(const std::string& unit, std::chrono::milliseconds duration = std::chrono::hours(1)) {
    ahead_->Want({unit, {{unit}, {}, "", 022, dir_.path(), "", ""}, duration});
  }

  void AwaitMade(int count) {
    ahead_->Wait();
    EXPECT_EQ(counters_->All()["states_made"], count);
  }

  StateAhead::Compile Begin(const std::string& unit) {
    return ahead_->Begin(unit, [] { return true; });
  }

  bool Take(const std::string& unit) {
    const std::int64_t before = counters_->All()["states_taken"];
    ahead_->Take(unit, dir_ / "incremental", [] { return true; });
    return counters_->All()["states_taken"] > before;
  }

  bool HasState() { return fs::exists(dir_ / "incremental/a-crate/s-1-1-hash/graph.bin"); }

  TempDir dir_;
  Compiler compiler_;
  MemoryTable table_;
  std::unique_ptr<Counters> counters_;
  std::unique_ptr<StateAhead> ahead_;
};

TEST_F(StateAheadTest, WhatIsWantedIsMadeAndTakenOnce) {
  compiler_.Finish();
  Want("u");
  AwaitMade(1);
  EXPECT_FALSE(Take("other"));
  EXPECT_FALSE(HasState());
  EXPECT_TRUE(Take("u"));
  EXPECT_TRUE(HasState());
  EXPECT_FALSE(Take("u"));
  EXPECT_TRUE(HasState());
}

TEST_F(StateAheadTest, NothingBeginsWhileACompilerIsAtWork) {
  compiler_.Finish();
  {
    const StateAhead::Compile one = Begin("one"), two = Begin("two");
    Want("one");
    Want("two");
    EXPECT_THAT(compiler_.commands(), ElementsAre());
  }
  AwaitMade(2);
  EXPECT_THAT(compiler_.commands(), ElementsAre("two", "one")) << "the last compiled first";
}

TEST_F(StateAheadTest, ACompileEndsWhatIsBeingMadeForAnother) {
  Want("u");
  compiler_.Await(1);
  { const StateAhead::Compile other = Begin("other"); }
  compiler_.Await(2);
  compiler_.Finish();
  AwaitMade(1);
  EXPECT_THAT(compiler_.commands(), ElementsAre("u", "u"));
  EXPECT_TRUE(Take("u"));
}

TEST_F(StateAheadTest, WhatIsEndedAgainAndAgainIsGivenUp) {
  Want("u");
  for (int attempt = 1; attempt <= StateAhead::kAttemptsMax; ++attempt) {
    compiler_.Await(attempt);
    const StateAhead::Compile other = Begin("other");
  }
  Want("v");
  compiler_.Finish();
  AwaitMade(1);
  EXPECT_THAT(compiler_.commands(), ElementsAre("u", "u", "u", "v"));
}

TEST_F(StateAheadTest, AnEditWaitsForItsState) {
  Want("u");
  compiler_.Await(1);
  std::thread finisher([&] { compiler_.Finish(); });
  {
    const StateAhead::Compile edit = Begin("u");
    EXPECT_TRUE(Take("u"));
  }
  finisher.join();
}

TEST_F(StateAheadTest, AnEditDoesNotWaitForLongerThanTheCompileTook) {
  Want("u", std::chrono::milliseconds(1));
  compiler_.Await(1);
  {
    const StateAhead::Compile edit = Begin("u");
    EXPECT_FALSE(Take("u"));
  }
  compiler_.Finish();
  AwaitMade(0);
  EXPECT_THAT(compiler_.commands(), ElementsAre("u")) << "the edit has its own";
}

TEST_F(StateAheadTest, AnEditThatNobodyWaitsForAnyMoreDoesNotWait) {
  Want("u");
  compiler_.Await(1);
  int asked = 0;
  const StateAhead::Compile edit = ahead_->Begin("u", [&] { return ++asked < 2; });
  EXPECT_EQ(asked, 2);
}

TEST_F(StateAheadTest, AnEditBeforeItIsBegunMakesItsOwn) {
  {
    const StateAhead::Compile other = Begin("other");
    Want("u");
    const StateAhead::Compile edit = Begin("u");
  }
  Want("v");
  compiler_.Await(1);
  EXPECT_THAT(compiler_.commands(), ElementsAre("v"));
}

TEST_F(StateAheadTest, AnUnfinishedSessionIsNoState) {
  compiler_.session = "s-1-1-working";
  compiler_.Finish();
  Want("u");
  Want("v");
  AwaitMade(0);
  EXPECT_FALSE(Take("u"));
}

TEST_F(StateAheadTest, NothingHalfMadeStays) {
  compiler_.session = "s-1-1-working";
  compiler_.Finish();
  Want("u");
  AwaitMade(0);
  EXPECT_TRUE(fs::is_empty(dir_ / "states"));
}

TEST_F(StateAheadTest, ACrateOfThatNameIsNoSession) {
  compiler_.crate = "s-crate";
  compiler_.session = "s-1-1-working";
  compiler_.Finish();
  Want("u");
  AwaitMade(0);
}

TEST_F(StateAheadTest, AnotherFileSystemGetsACopy) {
  const fs::path elsewhere = "/dev/shm/" + fs::path(dir_.path()).filename().string();
  std::error_code error;
  if (!fs::create_directory(elsewhere, error)) GTEST_SKIP() << "no /dev/shm";
  compiler_.Finish();
  Want("u");
  AwaitMade(1);
  ahead_->Take("u", elsewhere, [] { return true; });
  EXPECT_TRUE(fs::exists(elsewhere / "a-crate/s-1-1-hash/graph.bin"));
  EXPECT_EQ(std::distance(fs::directory_iterator(elsewhere), {}), 1);

  fs::remove_all(elsewhere);
  Want("u");
  AwaitMade(2);
  ahead_->Take("u", elsewhere, [] { return false; });
  EXPECT_TRUE(fs::is_empty(elsewhere)) << "whole or not at all";
  EXPECT_TRUE(fs::is_empty(dir_ / "states"));
  fs::remove_all(elsewhere);
}

TEST_F(StateAheadTest, ARestartKeepsWhatIsMade) {
  compiler_.Finish();
  Want("u");
  AwaitMade(1);
  Open(1 << 20);
  EXPECT_TRUE(Take("u"));
}

TEST_F(StateAheadTest, TheEndDoesNotWait) {
  Want("u");
  compiler_.Await(1);
  ahead_.reset();
  EXPECT_FALSE(fs::exists(dir_ / "incremental"));
}

TEST_F(StateAheadTest, TheOldestGoWhenItIsTooMuch) {
  Open(2500);
  compiler_.Finish();
  for (int i = 0; i < 3; ++i) {
    Want(std::to_string(i));
    AwaitMade(i + 1);
    for (const fs::directory_entry& state : fs::directory_iterator(dir_ / "states")) {
      fs::last_write_time(state, state.last_write_time() - std::chrono::hours(1));
    }
  }
  EXPECT_FALSE(Take("0"));
  EXPECT_TRUE(Take("1"));
  EXPECT_TRUE(Take("2"));
}

TEST_F(StateAheadTest, WithoutALimitNothingIsMade) {
  compiler_.Finish();
  Open(0);
  Want("u");
  ahead_->Wait();
  EXPECT_THAT(compiler_.commands(), ElementsAre());
}

TEST_F(StateAheadTest, AnOlderStateOfCargoIsReplacedAndANewerOneStays) {
  compiler_.Finish();
  const fs::path cargos = dir_ / "incremental/a-crate/s-0-0-cargo";
  fs::create_directories(cargos);
  fs::last_write_time(cargos.parent_path(), fs::file_time_type::clock::now() - std::chrono::hours(1));
  Want("u");
  AwaitMade(1);
  EXPECT_TRUE(Take("u"));
  EXPECT_TRUE(HasState());
  EXPECT_FALSE(fs::exists(cargos));

  Want("u");
  AwaitMade(2);
  fs::create_directories(cargos);
  fs::last_write_time(cargos.parent_path(), fs::file_time_type::clock::now() + std::chrono::hours(1));
  EXPECT_FALSE(Take("u"));
  EXPECT_TRUE(fs::exists(cargos));
}

TEST_F(StateAheadTest, NothingIsMadeForATargetDirectoryThatIsGone) {
  ahead_->Want({"u", {{"u"}, {}, "", 022, dir_ / "gone", "", ""}, std::chrono::hours(1)});
  AwaitMade(0);
  EXPECT_THAT(compiler_.commands(), ElementsAre());
}

TEST_F(StateAheadTest, AStartThatFailsIsNothingToWaitFor) {
  Open(1 << 20, [](const BackgroundCommand&) -> absl::StatusOr<std::unique_ptr<BackgroundProcess>> {
    return absl::InternalError("no namespaces");
  });
  Want("u");
  const StateAhead::Compile edit = Begin("u");
  EXPECT_FALSE(Take("u"));
}

}  // namespace
}  // namespace smelt

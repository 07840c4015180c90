// Incremental state that is made behind the build: which units get it, and how it is compiled.

#include <atomic>
#include <filesystem>
#include <string>

#include "src/daemon/testing/daemon_fixture.h"

namespace smelt {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

// A compiler that is done at once, and has made its state.
class Done : public BackgroundProcess {
 public:
  int Wait() override { return 1 << 8; }
  void Kill() override {}
};

class CompileStateAheadTest : public DaemonFixture {
 protected:
  CompileStateAheadTest() {
    one_.arguments = {"-C", "incremental=" + Incremental()};
    background_ = [this](const BackgroundCommand& command) {
      std::filesystem::create_directories(dir_ / "cache/states/making/state/a-crate/s-1-1-hash");
      command_ = command;
      ++started_;
      return std::make_unique<Done>();
    };
    Restart();
  }

  std::string Incremental() { return one_.Path("target/debug/incremental"); }

  std::atomic<int> started_ = 0;
  BackgroundCommand command_;
};

TEST_F(CompileStateAheadTest, TheFirstEditFindsTheState) {
  Compile(one_);
  EXPECT_EQ(Last(), "miss");
  daemon_->state_ahead.Wait();
  one_.Write("src/m.rs", "fn edited\n");
  Compile(one_);
  EXPECT_EQ(Last(), "not_stored incremental");
  EXPECT_TRUE(std::filesystem::exists(Incremental() + "/a-crate/s-1-1-hash"));
  EXPECT_EQ(Count("states_made"), 1);
  EXPECT_EQ(Count("states_taken"), 1);
  daemon_->state_ahead.Wait();
  EXPECT_EQ(started_, 1) << "an edited unit keeps its own";
}

TEST_F(CompileStateAheadTest, ItIsTheSameCompileElsewhereAndUnseen) {
  one_.environment["CARGO_MAKEFLAGS"] = "-j --jobserver-fds=8,9";
  one_.environment["V"] = "1";
  const Outcome outcome = Compile(one_);
  daemon_->state_ahead.Wait();
  std::vector<std::string> expected = outcome.run.command;
  expected.push_back("-Cincremental=" + (dir_ / "cache/states/making/state"));
  EXPECT_EQ(command_.command, expected);
  EXPECT_EQ(command_.covered, one_.Deps());
  EXPECT_EQ(command_.writable, dir_ / "cache/states/making/state");
  EXPECT_THAT(command_.environment, Contains("TMPDIR=" + (dir_ / "cache/states/making/scratch/tmp")));
  EXPECT_EQ(command_.working_directory, one_.Request().working_directory);
  EXPECT_THAT(command_.environment, Contains("V=1"));
  EXPECT_THAT(command_.environment, Not(Contains(StartsWith("CARGO_MAKEFLAGS="))));
  EXPECT_THAT(command_.environment, Not(Contains(StartsWith("LD_PRELOAD="))));
}

TEST_F(CompileStateAheadTest, NothingIsMadeForHits) {
  Compile(one_);
  daemon_->state_ahead.Wait();
  one_.RemoveTarget();
  Compile(one_);
  EXPECT_EQ(Last(), "hit");
  daemon_->state_ahead.Wait();
  EXPECT_EQ(started_, 1);
}

TEST_F(CompileStateAheadTest, NothingIsMadeWhereNobodyEdits) {
  Checkout ci = one_, dependency = one_, named = one_;
  ci.environment["CI"] = "true";
  Compile(ci);
  EXPECT_EQ(Last(), "miss");
  named.arguments = {"-C", "incremental=" + Incremental(), "--cfg", "named"};
  named.emits = "dep-info=" + named.Path("a.d") + ",link=" + named.Path("liba.rlib");
  Compile(named);
  dependency.arguments = {"--cfg", "x"};
  Compile(dependency);
  EXPECT_EQ(Last(), "miss");
  one_.Write("src/m.rs", "fail\n");
  EXPECT_EQ(Compile(one_).exit_code, 1);
  daemon_->state_ahead.Wait();
  EXPECT_EQ(started_, 0);
}

TEST_F(CompileStateAheadTest, NothingIsMadeWithoutIncremental) {
  options_.incremental = false;
  Restart();
  Compile(one_);
  EXPECT_EQ(Last(), "miss");
  daemon_->state_ahead.Wait();
  EXPECT_EQ(started_, 0);
}

}  // namespace
}  // namespace smelt

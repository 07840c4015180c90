// Units for which cargo asks for incremental compilation: stored until somebody edits them.

#include <filesystem>
#include <string>

#include "src/daemon/testing/daemon_fixture.h"

namespace smelt {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

class IncrementalTest : public DaemonFixture {
 protected:
  IncrementalTest() {
    for (Checkout* checkout : {&one_, &two_}) {
      checkout->arguments = {"-C", "incremental=" + checkout->Path("target/debug/incremental")};
    }
  }

  // "hit", "miss" or what hindered it, and " incremental" if the state was kept.
  std::string CompileOne() {
    const Outcome outcome = Compile(one_);
    EXPECT_EQ(outcome.exit_code, 0);
    bool incremental = false;
    for (const std::string& argument : outcome.run.command) {
      incremental |= argument.find("incremental=") != argument.npos;
    }
    return Last() + (incremental ? ", with state" : "");
  }

  // A crate "d" that depends on "a".
  Checkout Dependent() {
    Checkout dependent = one_;
    dependent.crate_name = "d";
    dependent.source = "src/d.rs";
    dependent.arguments = {"--extern", "a=" + one_.Deps() + "/liba-1.rmeta"};
    return dependent;
  }

  std::string CompileDependent() {
    Compile(Dependent());
    std::optional<JournalEntry> entry = daemon_->journal.LastOf("d");
    return entry->outcome + " " + entry->reason;
  }
};

TEST_F(IncrementalTest, TheFirstCompileIsWithoutStateAndStored) {
  EXPECT_EQ(CompileOne(), "miss");
  one_.RemoveTarget();
  EXPECT_EQ(CompileOne(), "hit");
  CompileAndCheck(two_);
  EXPECT_EQ(Last(), "hit");
}

TEST_F(IncrementalTest, AnEditedUnitKeepsItsStateAndIsNotStored) {
  CompileOne();
  one_.Write("src/m.rs", "fn edited\n");
  EXPECT_EQ(CompileOne(), "not_stored incremental, with state");
  one_.Write("src/m.rs", "fn edited again\n");
  EXPECT_EQ(CompileOne(), "not_stored incremental, with state");
  EXPECT_EQ(CompileOne(), "not_stored incremental, with state") << "it was never stored";
}

TEST_F(IncrementalTest, AnIncrementalResultIsNeverSeenElsewhere) {
  CompileOne();
  WriteBoth("src/m.rs", "fn edited\n");
  EXPECT_EQ(CompileOne(), "not_stored incremental, with state");
  const Outcome other = CompileAndCheck(two_);
  EXPECT_TRUE(other.ran);
  EXPECT_EQ(Last(), "miss") << "the first compile in that target directory";
}

TEST_F(IncrementalTest, ARevertIsAHit) {
  CompileOne();
  one_.Write("src/m.rs", "fn edited\n");
  CompileOne();
  one_.Write("src/m.rs", "fn m\n");
  EXPECT_EQ(CompileOne(), "hit");
  one_.Write("src/m.rs", "fn edited\n");
  EXPECT_EQ(CompileOne(), "not_stored incremental, with state");
}

TEST_F(IncrementalTest, AfterACleanUnitsAreStoredAgain) {
  CompileOne();
  one_.Write("src/m.rs", "fn edited\n");
  CompileOne();
  one_.RemoveTarget();
  EXPECT_EQ(CompileOne(), "miss");
  one_.RemoveTarget();
  EXPECT_EQ(CompileOne(), "hit");
}

TEST_F(IncrementalTest, AnOtherChangeThanAnEditIsStored) {
  one_.Write("src/lib.rs", "mod m\nenv V\n");
  CompileOne();
  one_.environment["V"] = "1";
  EXPECT_EQ(CompileOne(), "miss");
  one_.arguments.push_back("--cfg");
  one_.arguments.push_back("x");
  EXPECT_EQ(CompileOne(), "miss");
}

TEST_F(IncrementalTest, ARestartRemembersWhoIsEdited) {
  CompileOne();
  Restart();
  one_.Write("src/m.rs", "fn edited\n");
  EXPECT_EQ(CompileOne(), "not_stored incremental, with state");
}

TEST_F(IncrementalTest, WhatDependsOnAnIncrementalResultIsNotStored) {
  one_.Write("src/d.rs", "fn d\n");
  CompileOne();
  EXPECT_EQ(CompileDependent(), "miss ");
  one_.Write("src/m.rs", "fn edited\n");
  CompileOne();
  EXPECT_EQ(CompileDependent(), "not_stored private_inputs");
  EXPECT_EQ(CompileDependent(), "not_stored private_inputs");
  one_.Write("src/m.rs", "fn m\n");
  EXPECT_EQ(CompileOne(), "hit");
  EXPECT_EQ(CompileDependent(), "hit ");
}

TEST_F(IncrementalTest, ADependentOfADependentIsNotStoredEither) {
  one_.Write("src/d.rs", "fn d\n");
  one_.Write("src/e.rs", "fn e\n");
  CompileOne();
  one_.Write("src/m.rs", "fn edited\n");
  CompileOne();
  CompileDependent();
  Checkout last = one_;
  last.crate_name = "e";
  last.source = "src/e.rs";
  last.arguments = {"--extern", "d=" + one_.Deps() + "/libd-1.rmeta"};
  Compile(last);
  EXPECT_EQ(daemon_->journal.LastOf("e")->reason, "private_inputs");
}

TEST_F(IncrementalTest, NeverMeansNever) {
  options_.incremental = false;
  Restart();
  CompileOne();
  one_.Write("src/m.rs", "fn edited\n");
  EXPECT_EQ(CompileOne(), "miss");
}

TEST_F(IncrementalTest, AnIncrementalCompileRunsUnobserved) {
  CompileOne();
  one_.Write("src/m.rs", "fn edited\n");
  const Outcome outcome = Compile(one_);
  EXPECT_THAT(outcome.run.environment, Not(Contains(HasSubstr("LD_PRELOAD"))));
  EXPECT_TRUE(std::filesystem::is_empty(options_.runs_directory));
}

TEST_F(IncrementalTest, AnIncrementalCompileDoesNotWriteIntoTheStore) {
  CompileOne();
  one_.RemoveTarget();
  CompileOne();
  one_.Write("src/m.rs", "fn edited\n");
  // A compiler that writes into the file that lies there.
  FakeRustc rustc(one_.directory(), one_.Environment());
  ScriptedWrapper wrapper([&](const wire::Run& run) {
    const auto stat = FileSystem::System().Stat(one_.Deps() + "/liba-1.rlib");
    EXPECT_FALSE(stat.ok() && stat->links > 1);
    return rustc.Run(run);
  });
  daemon_->compiles.Handle(one_.Request(), wrapper);
  one_.Write("src/m.rs", "fn m\n");
  CompileAndCheck(one_);
}

}  // namespace
}  // namespace smelt

// Whatever fails, the build goes on as plain cargo's would, and nothing wrong is stored or left behind.

#include <filesystem>
#include <fstream>
#include <string>

#include "src/daemon/testing/daemon_fixture.h"

namespace smelt {
namespace {

namespace fs = std::filesystem;

class FaultsTest : public DaemonFixture {
 protected:
  // The files of the store that hold blobs.
  std::vector<std::string> BlobFiles() {
    std::vector<std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(dir_ / "cache/store/blobs")) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
    return files;
  }

  // Compiles while `fault` is there, checks the outcome, and that afterwards all is as if it had never been.
  void CheckUnder(FaultyFileSystem::Fault fault, const std::string& what) {
    files_.Inject(std::move(fault));
    const Outcome outcome = Compile(one_);
    files_.Heal();
    EXPECT_EQ(outcome.exit_code, 0) << what;
    EXPECT_TRUE(one_.Outputs() == Expected(one_, outcome)) << what << ": wrong or partial outputs, " << Last();
    for (const Checkout* checkout : {&one_, &two_}) {
      checkout->RemoveTarget();
      CompileAndCheck(*checkout);
    }
    EXPECT_EQ(Last(), "hit") << what;
    ASSERT_FALSE(HasFailure()) << what;
  }
};

TEST_F(FaultsTest, TheNthCallFailsInACompileThatIsStored) {
  files_.ResetCounts();
  Compile(one_);
  ASSERT_EQ(Last(), "miss");
  const int calls = files_.Count();
  ASSERT_GT(calls, 30);
  for (int i = 0; i < calls; ++i) {
    WriteBoth("src/m.rs", "fn m" + std::to_string(i) + "\n");
    one_.RemoveTarget();
    CheckUnder({.skip = i, .times = 1}, "call " + std::to_string(i));
  }
}

TEST_F(FaultsTest, TheNthCallFailsInAHit) {
  Compile(one_);
  one_.RemoveTarget();
  files_.ResetCounts();
  Compile(one_);
  ASSERT_EQ(Last(), "hit");
  const int calls = files_.Count();
  ASSERT_GT(calls, 10);
  for (int i = 0; i < calls; ++i) {
    one_.RemoveTarget();
    CheckUnder({.skip = i, .times = 1}, "call " + std::to_string(i));
  }
}

TEST_F(FaultsTest, AllCallsOfOneKindFail) {
  Compile(one_);
  for (Call call : {Call::kOpenForRead, Call::kReadFile, Call::kWriteNewFile, Call::kCopyToNewFile, Call::kRename,
                    Call::kSetMode, Call::kMakeDirectories, Call::kList, Call::kStat}) {
    const std::string what = "kind " + std::to_string(static_cast<int>(call));
    one_.RemoveTarget();
    CheckUnder({.call = call}, what + " in a hit");
    WriteBoth("src/m.rs", "fn " + what + "\n");
    one_.RemoveTarget();
    CheckUnder({.call = call, .status = absl::PermissionDeniedError("injected")}, what + " in a miss");
  }
}

TEST_F(FaultsTest, AFullStoreIsSaidAndCounted) {
  files_.Inject({.path_contains = "/cache/"});
  Compile(one_);
  EXPECT_EQ(Last(), "not_stored store_failed");
  EXPECT_EQ(Count("not_stored.store_failed"), 1);
}

TEST_F(FaultsTest, ATargetDirectoryThatCannotBeWrittenIsTheCompilersToComplainAbout) {
  Compile(one_);
  one_.RemoveTarget();
  files_.Inject({.path_contains = "/target/"});
  const Outcome outcome = Compile(one_);
  EXPECT_TRUE(outcome.ran);
  files_.Heal();
  EXPECT_EQ(Count("restore_failures"), 1);
}

TEST_F(FaultsTest, ACorruptedBlobIsAMissAndIsHealed) {
  Compile(one_);
  const std::vector<std::string> blobs = BlobFiles();
  ASSERT_FALSE(blobs.empty());
  one_.RemoveTarget();
  for (const std::string& blob : blobs) {
    fs::permissions(blob, fs::perms(0644));
    std::fstream(blob, std::ios::in | std::ios::out | std::ios::binary).seekp(100) << "rotten";
  }
  EXPECT_TRUE(CompileAndCheck(one_).ran);
  EXPECT_EQ(Last(), "miss");
  one_.RemoveTarget();
  CompileAndCheck(one_);
  EXPECT_EQ(Last(), "hit");
}

TEST_F(FaultsTest, AMissingBlobIsAMissAndIsHealed) {
  Compile(one_);
  one_.RemoveTarget();
  for (const std::string& blob : BlobFiles()) fs::remove(blob);
  EXPECT_TRUE(CompileAndCheck(one_).ran);
  one_.RemoveTarget();
  EXPECT_FALSE(CompileAndCheck(one_).ran);
}

TEST_F(FaultsTest, WhatIsWrittenIntoAnOutputDoesNotReachOthers) {
  Compile(one_);
  one_.RemoveTarget();
  Compile(one_);
  const std::string rlib = one_.Deps() + "/liba-1.rlib";
  fs::permissions(rlib, fs::perms(0644));
  std::fstream(rlib, std::ios::in | std::ios::out | std::ios::binary).seekp(100) << "stripped in place";
  CompileAndCheck(two_);
  one_.RemoveTarget();
  CompileAndCheck(one_);
}

TEST_F(FaultsTest, WhatEarlierDaemonsHaveLeftIsCleanedUp) {
  WriteAndWait(options_.runs_directory + "/1-0.observed", "an old log");
  Restart();
  EXPECT_TRUE(fs::is_empty(options_.runs_directory));
  CompileAndCheck(one_);
  EXPECT_EQ(Last(), "miss");
}

TEST_F(FaultsTest, OutputsThatLieThereAsDirectoriesFailAsPlainlyAsEver) {
  Compile(one_);
  one_.RemoveTarget();
  fs::create_directories(one_.Deps() + "/liba-1.rmeta");
  ScriptedWrapper wrapper([](const wire::Run&) { return wire::Ran{1 << 8, "", "error: it is a directory\n"}; });
  daemon_->compiles.Handle(one_.Request(), wrapper);
  EXPECT_EQ(wrapper.exit_code, 1);
  fs::remove_all(one_.Deps() + "/liba-1.rmeta");
  CompileAndCheck(one_);
  EXPECT_EQ(Last(), "hit");
}

}  // namespace
}  // namespace smelt

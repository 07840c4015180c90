#include "src/daemon/builds.h"

#include <thread>

#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "src/daemon/testing/memory_shared_cache.h"
#include "src/digest/hasher.h"
#include "src/reapi/digests.h"
#include "src/testing/fake_clock.h"
#include "src/testing/memory_table.h"
#include "src/testing/status_matchers.h"
#include "src/testing/temp_dir.h"

namespace smelt {
namespace {

class BuildsTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(files_.WriteNewFile(dir_.path() + "/Cargo.lock", "version = 4\n", 0644));
    ASSERT_OK(files_.MakeDirectories(dir_.path() + "/member", 0755));
    shared_.before_get = [this] {
      if (!fetching_.HasBeenNotified()) fetching_.Notify();
    };
  }

  // The team has a record of such a build, and the result of its only unit.
  void TeamHas(const RecordedBuild& build) {
    ActionCache::ActionResult result;
    *result.add_output_files()->mutable_digest() = reapi::ToProto(DigestOf("output"));
    ASSERT_OK(shared_.memory_blobs.MemoryBlobStore::Put(DigestOf("output"), Bytes(std::string("output"))));
    ASSERT_OK(shared_.memory_actions.MemoryActionCache::Put(action_, result));
    BuildRecord record;
    Update(record, {{DigestOf("manifest"), action_}},
           static_cast<std::int32_t>(clock_.NowNanos() / 86'400'000'000'000));
    const Digest lockfile = DigestOf("version = 4\n");
    ASSERT_OK(shared_.memory_actions.MemoryActionCache::Put(RecordKey(build, lockfile), EntryOf(record)));
  }

  FileSystem& files_ = FileSystem::System();
  TempDir dir_;
  MemorySharedCache shared_;
  MemoryBlobStore blobs_;
  MemoryActionCache actions_;
  MemoryTable table_;
  Counters counters_{table_};
  FakeClock clock_{1'000'000'000'000'000'000};
  FileDigests digests_{files_, clock_, table_};
  ProgramReferences references_{table_};
  Fetcher fetcher_{shared_, blobs_, actions_, references_, counters_, clock_};
  absl::Notification fetching_;
  const Digest compiler_ = DigestOf("compiler"), action_ = DigestOf("action");
};

TEST_F(BuildsTest, WhatCargosCallSaysIsFetchedBeforeAnythingIsCompiled) {
  TeamHas({compiler_, "", "release", true});
  {
    Builds builds({.fetcher = &fetcher_, .shared = &shared_}, actions_, files_, digests_, clock_);
    builds.Foresee(compiler_, "", {dir_.path() + "/member", {"cargo", "build", "--release"}});
    fetching_.WaitForNotification();
  }
  EXPECT_OK(actions_.Get(action_));
  EXPECT_OK(blobs_.Get(DigestOf("output")));
}

TEST_F(BuildsTest, TheTeamIsReachedBeforeAnybodyAsksAndOnceForABuild) {
  Builds builds({.fetcher = &fetcher_, .shared = &shared_}, actions_, files_, digests_, clock_);
  while (shared_.reached < 1) std::this_thread::yield();
  builds.Expect();
  builds.Foresee(compiler_, "", {dir_.path(), {"cargo", "build"}});
  while (shared_.memory_actions.gets < 1) std::this_thread::yield();
  EXPECT_EQ(shared_.reached, 1);
  clock_.AdvanceNanos(Builds::kPauseNanos + 1);
  builds.Expect();
  while (shared_.reached < 2) std::this_thread::yield();
}

TEST_F(BuildsTest, TheTargetIsTheCallsWhereTheCompilerIsAskedAboutItself) {
  TeamHas({compiler_, "wasm32-unknown-unknown", "debug", true});
  Builds builds({.fetcher = &fetcher_, .shared = &shared_}, actions_, files_, digests_, clock_);
  builds.Foresee(compiler_, std::nullopt, {dir_.path(), {"cargo", "build", "--target", "wasm32-unknown-unknown"}});
  fetching_.WaitForNotification();
}

TEST_F(BuildsTest, OtherBuildsAreNotFetched) {
  TeamHas({compiler_, "", "release", true});
  {
    Builds builds({.fetcher = &fetcher_, .shared = &shared_}, actions_, files_, digests_, clock_);
    builds.Foresee(compiler_, "", {dir_.path(), {"cargo", "build"}});
    builds.Foresee(compiler_, "", {dir_.path(), {"cargo", "check", "--release"}});
    builds.Foresee(compiler_, "wasm32-unknown-unknown", {dir_.path(), {"cargo", "build", "--release"}});
    builds.Foresee(DigestOf("another"), "", {dir_.path(), {"cargo", "build", "--release"}});
    builds.Foresee(compiler_, "", {dir_.path(), {"cargo", "metadata"}});
    builds.Foresee(compiler_, "", {"/", {"cargo", "build", "--release"}});
    while (shared_.memory_actions.gets < 4) std::this_thread::yield();
  }
  EXPECT_EQ(shared_.memory_actions.gets, 4) << "a record each, but for the last two";
  EXPECT_FALSE(fetching_.HasBeenNotified());
}

}  // namespace
}  // namespace smelt

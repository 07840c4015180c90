#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <thread>

#include "src/store/local/local_store_fixture.h"

namespace smelt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// The clock stands still, so the store is never idle: spares are made by MakeSpares alone.
class SparesTest : public LocalStoreFixture {
 protected:
  SparesTest() {
    options_.spares = true;
    options_.loans = false;
    options_.spare_limits = {
        .disk_free_bytes_min = 0, .disk_free_share_min = 0, .copies_max = 1, .despite_reflinks = true};
    Open();
  }

  void Restore(const Digest& digest, std::string_view name, bool executable = false) {
    ASSERT_OK(store_->outputs().Restore(digest, Target(name), executable ? 0755 : 0644));
  }

  // A blob that was restored once, and a spare of it.
  Digest PutWithSpare(const std::string& contents) {
    const Digest digest = Put(contents);
    Restore(digest, "first");
    store_->MakeSparesForTest();
    return digest;
  }

  // Restores the blob as "out" and says whether that took a spare, which then has the inode `spare`.
  bool RestoreTakesSpare(const Digest& digest, std::uint64_t spare, bool executable = false) {
    const int copies = files_.Count(Call::kCopyToNewFile);
    Restore(digest, "out", executable);
    EXPECT_EQ(DigestOf(Read(Target("out"))), digest);
    EXPECT_EQ(StatOf(Target("out")).mode, executable ? 0755u : 0644u);
    EXPECT_EQ(StatOf(Target("out")).links, 1u);
    const bool takes = files_.Count(Call::kCopyToNewFile) == copies;
    EXPECT_EQ(StatOf(Target("out")).inode == spare, takes);
    return takes;
  }

  std::string OnlySpare() {
    EXPECT_THAT(Staging(), SizeIs(1));
    return Staging().empty() ? "no spare" : Staging().front();
  }

  std::int64_t SpareBytes() { return store_->Usage().spare_bytes; }

  const std::string large_ = Contents(kLarge);
};

TEST_F(SparesTest, ARestoreTakesTheSpareThatTheLastOneLedTo) {
  const Digest digest = PutWithSpare(large_);
  EXPECT_EQ(SpareBytes(), kLarge);
  EXPECT_EQ(store_->Usage().bytes, kLarge);
  for (bool executable : {false, true, true, false}) {
    EXPECT_TRUE(RestoreTakesSpare(digest, StatOf(OnlySpare()).inode, executable));
    EXPECT_EQ(SpareBytes(), 0);
    EXPECT_THAT(Staging(), IsEmpty());
    EXPECT_THAT(List(target_), ElementsAre("first", "out"));
    store_->MakeSparesForTest();
  }
}

TEST_F(SparesTest, TheTimeIsThatOfTheRestore) {
  const Digest digest = PutWithSpare(large_);
  const std::int64_t made_ns = StatOf(OnlySpare()).mtime_ns;
  std::int64_t before_ns = 0;
  do before_ns = Clock::System().NowNanos();
  while (before_ns <= made_ns);
  Restore(digest, "out");
  EXPECT_GE(StatOf(Target("out")).mtime_ns, before_ns);
}

TEST_F(SparesTest, WhatWasIngestedGetsOneOfItsMode) {
  const std::string path = Write("program", large_);
  ASSERT_EQ(::chmod(path.c_str(), 0755), 0);
  ASSERT_OK(store_->outputs().Ingest(path));
  store_->MakeSparesForTest();
  EXPECT_EQ(StatOf(OnlySpare()).mode, 0755u);
  files_.ResetCounts();
  EXPECT_TRUE(RestoreTakesSpare(DigestOf(large_), StatOf(OnlySpare()).inode, /*executable=*/true));
  EXPECT_EQ(files_.Count(Call::kSetMode), 0);
}

TEST_F(SparesTest, WhatIsSmallOrSwitchedOffGetsNone) {
  PutWithSpare(Contents(options_.spare_limits.blob_bytes_min - 1));
  EXPECT_THAT(Staging(), IsEmpty());
  options_.spares = false;
  Open();
  PutWithSpare(large_);
  EXPECT_THAT(Staging(), IsEmpty());
}

TEST_F(SparesTest, ASpareThatWasChangedIsNotUsed) {
  const Digest digest = PutWithSpare(large_);
  const auto tamper = [](const std::string& path, const std::function<void(int fd)>& change) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    ASSERT_GE(fd, 0);
    struct stat before;
    ASSERT_EQ(::fstat(fd, &before), 0);
    change(fd);
    const timespec times[2] = {before.st_atim, before.st_mtim};
    ASSERT_EQ(::futimens(fd, times), 0);
    ::close(fd);
  };
  const std::vector<std::function<void(int)>> changes = {
      [](int fd) { ASSERT_EQ(::pwrite(fd, "x", 1, 0), 1); },
      [](int fd) { ASSERT_EQ(::ftruncate(fd, 1), 0); },
      [](int fd) { ASSERT_EQ(::fchmod(fd, 0666), 0); },
  };
  for (const auto& change : changes) {
    const std::uint64_t spare = StatOf(OnlySpare()).inode;
    tamper(OnlySpare(), change);
    EXPECT_FALSE(RestoreTakesSpare(digest, spare));
    EXPECT_THAT(Staging(), IsEmpty());
    store_->MakeSparesForTest();
  }
}

TEST_F(SparesTest, ASpareThatIsGoneIsNotUsed) {
  const Digest digest = PutWithSpare(large_);
  ASSERT_OK(FileSystem::System().Remove(OnlySpare()));
  EXPECT_FALSE(RestoreTakesSpare(digest, 0));
  EXPECT_EQ(SpareBytes(), 0);
}

TEST_F(SparesTest, WhateverFailsTheRestoreSucceeds) {
  const Digest digest = PutWithSpare(large_);
  for (const auto& [call, path] : {std::pair(Call::kStat, "/staging/"), std::pair(Call::kSetMode, "/staging/"),
                                   std::pair(Call::kRename, "/staging/")}) {
    const std::uint64_t spare = StatOf(OnlySpare()).inode;
    files_.Inject({.call = call, .path_contains = path, .times = 1, .status = absl::InternalError("injected")});
    EXPECT_FALSE(RestoreTakesSpare(digest, spare, /*executable=*/call == Call::kSetMode));
    files_.Heal();
    EXPECT_THAT(Staging(), IsEmpty());
    Restore(digest, "first");
    store_->MakeSparesForTest();
  }
}

TEST_F(SparesTest, AnotherFileSystemOrNoDirectoryWastesNone) {
  const Digest digest = PutWithSpare(large_);
  EXPECT_THAT(store_->outputs().Restore(digest, Target("no/such/out"), 0644),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_TRUE(RestoreTakesSpare(digest, StatOf(OnlySpare()).inode));
}

TEST_F(SparesTest, ABlobThatIsNotRightIsNotServedFromItsSpare) {
  const Digest digest = PutWithSpare(large_);
  ASSERT_OK(FileSystem::System().Remove(BlobPath(digest)));
  EXPECT_THAT(store_->outputs().Restore(digest, Target("out"), 0644), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(SparesTest, ABlobThatChangesWhileItIsCopiedGetsNone) {
  const Digest digest = Put(large_);
  Restore(digest, "first");
  files_.OnCall([&](Call call, const std::string& path) {
    if (call != Call::kCopyToNewFile) return;
    ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
    const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    ASSERT_EQ(::pwrite(fd, "other", 5, 0), 5);
    ::close(fd);
  });
  store_->MakeSparesForTest();
  files_.OnCall(nullptr);
  EXPECT_THAT(Staging(), IsEmpty());
  EXPECT_EQ(SpareBytes(), 0);
}

TEST_F(SparesTest, WhatWasUsedLastGetsThemFirstUpToTheLimit) {
  options_.spare_limits.bytes_max = 2 * kLarge + 1;
  Open();
  std::vector<Digest> digests;
  for (unsigned seed = 1; seed <= 4; ++seed) digests.push_back(Put(Contents(kLarge, seed)));
  for (const Digest& digest : digests) Restore(digest, "first");
  store_->MakeSparesForTest();
  EXPECT_EQ(SpareBytes(), 2 * kLarge);
  EXPECT_THAT(Staging(), SizeIs(2));
  // Now the first two are wanted more than the last two.
  for (const Digest& digest : {digests[0], digests[1]}) Restore(digest, "first");
  store_->MakeSparesForTest();
  EXPECT_THAT(Staging(), SizeIs(2));
  files_.ResetCounts();
  for (const Digest& digest : digests) Restore(digest, "out");
  EXPECT_EQ(files_.Count(Call::kCopyToNewFile), 2);
}

TEST_F(SparesTest, AreAtMostAQuarterOfTheStoreAndFitIntoItWithTheBlobs) {
  options_.limit_bytes = 4 * kLarge - 1;
  Open();
  PutWithSpare(large_);
  EXPECT_EQ(SpareBytes(), 0);
  options_.limit_bytes = 4 * kLarge;
  Open();
  PutWithSpare(large_);
  EXPECT_EQ(SpareBytes(), kLarge);
  for (unsigned seed = 2; seed <= 4; ++seed) Put(Contents(kLarge, seed));
  store_->MakeSparesForTest();
  EXPECT_EQ(SpareBytes(), 0);
  EXPECT_THAT(Staging(), IsEmpty());
}

TEST_F(SparesTest, NoneOnADiskWithLittleRoom) {
  const SpareLimits enough = options_.spare_limits;
  for (const auto& [bytes, share] : {std::pair(INT64_MAX, 0.0), std::pair(std::int64_t{0}, 1.0)}) {
    options_.spare_limits = enough;
    options_.spare_limits.disk_free_bytes_min = bytes;
    options_.spare_limits.disk_free_share_min = share;
    Open();
    PutWithSpare(large_);
    EXPECT_THAT(Staging(), IsEmpty());
  }
}

TEST_F(SparesTest, CollectingDropsThemFirst) {
  PutWithSpare(large_);
  Put(Contents(kLarge, 2));
  ASSERT_OK(store_->Collect(/*dry_run=*/true, kLarge));  // only reports
  ASSERT_OK(store_->Collect(/*dry_run=*/false, std::nullopt));
  EXPECT_EQ(SpareBytes(), kLarge);
  bool dropped_first = false;
  const std::string spare = OnlySpare();
  files_.OnCall([&](Call call, const std::string& path) {
    if (call == Call::kRemove && path.find("/blobs/") != std::string::npos) {
      dropped_first = !std::filesystem::exists(spare);
    }
  });
  ASSERT_OK(store_->Collect(/*dry_run=*/false, kLarge));
  files_.OnCall(nullptr);
  EXPECT_TRUE(dropped_first);
  EXPECT_EQ(SpareBytes(), 0);
}

TEST_F(SparesTest, AFullDiskTakesTheirRoom) {
  const std::string other = Contents(kLarge, 2), small = Contents(kSmall);
  const std::string path = Write("in", other);
  const Digest plain = Put(Contents(kLarge, 3));
  const std::vector<std::pair<Call, std::function<absl::Status()>>> operations = {
      {Call::kWriteNewFile, [&] { return store_->blobs().Put(DigestOf(other), Bytes(other)); }},
      {Call::kCopyToNewFile, [&] { return store_->outputs().Ingest(path).status(); }},
      {Call::kCopyToNewFile, [&] { return store_->outputs().Restore(plain, Target("out"), 0644); }},
      {Call::kWriteNewFile, [&] { return store_->outputs().Write(Target("out.d"), small, 0644); }},
  };
  for (const auto& [call, operation] : operations) {
    Open();
    PutWithSpare(large_);
    files_.Inject({.call = call, .times = 1});
    EXPECT_OK(operation());
    files_.Heal();
    EXPECT_EQ(SpareBytes(), 0);
    EXPECT_THAT(Staging(), IsEmpty());
    // Nothing is left to give.
    files_.Inject({.call = call});
    EXPECT_THAT(store_->outputs().Write(Target("out.d"), small, 0644),
                StatusIs(call == Call::kWriteNewFile ? absl::StatusCode::kResourceExhausted : absl::StatusCode::kOk));
    files_.Heal();
  }
}

TEST_F(SparesTest, ADiskThatIsFullWhileTheyAreMadeHasNoneLeft) {
  PutWithSpare(large_);
  Restore(Put(Contents(kLarge, 2)), "first");
  files_.Inject({.call = Call::kCopyToNewFile});
  store_->MakeSparesForTest();
  files_.Heal();
  EXPECT_THAT(Staging(), IsEmpty());
  EXPECT_EQ(SpareBytes(), 0);
}

TEST_F(SparesTest, OneThatCannotBeLookedAtIsNotLeftBehind) {
  Restore(Put(large_), "first");
  files_.Inject({.call = Call::kStat, .path_contains = "/staging/"});
  store_->MakeSparesForTest();
  files_.Heal();
  EXPECT_THAT(Staging(), IsEmpty());
  EXPECT_EQ(SpareBytes(), 0);
}

TEST_F(SparesTest, TwoRestoresAtOnceShareNone) {
  const Digest digest = PutWithSpare(large_);
  files_.ResetCounts();
  std::vector<std::thread> threads;
  for (const char* name : {"a", "b"}) {
    threads.emplace_back([&, name] { Restore(digest, name); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(files_.Count(Call::kCopyToNewFile), 1);
  for (const char* name : {"a", "b"}) EXPECT_EQ(Read(Target(name)), large_);
  EXPECT_NE(StatOf(Target("a")).inode, StatOf(Target("b")).inode);
}

TEST_F(SparesTest, MakingStopsWhenTheStoreIsAskedForSomething) {
  for (unsigned seed = 1; seed <= 3; ++seed) Restore(Put(Contents(kLarge, seed)), "first");
  std::atomic<bool> asked = false;
  files_.OnCall([&](Call call, const std::string&) {
    if (call == Call::kCopyToNewFile && !asked.exchange(true)) Put(Contents(kSmall));
  });
  store_->MakeSparesForTest();
  files_.OnCall(nullptr);
  EXPECT_THAT(Staging(), SizeIs(1));
  store_->MakeSparesForTest();
  EXPECT_THAT(Staging(), SizeIs(3));
}

TEST_F(SparesTest, WhatIsBeingMadeWhileAllAreDroppedGoesToo) {
  Restore(Put(large_), "first");
  files_.OnCall([&](Call call, const std::string& path) {
    if (call != Call::kCopyToNewFile) return;
    EXPECT_OK(store_->Collect(/*dry_run=*/false, kLarge - 1));
  });
  store_->MakeSparesForTest();
  files_.OnCall(nullptr);
  EXPECT_THAT(Staging(), IsEmpty());
  EXPECT_EQ(SpareBytes(), 0);
}

TEST_F(SparesTest, TheStoreMakesThemByItselfOnceItIsIdle) {
  const Digest digest = Put(large_);
  Restore(digest, "first");
  EXPECT_EQ(SpareBytes(), 0);
  clock_.AdvanceSeconds(1);
  while (SpareBytes() == 0) std::this_thread::yield();
  EXPECT_TRUE(RestoreTakesSpare(digest, StatOf(OnlySpare()).inode));
}

TEST_F(SparesTest, WhatIsRestoredAgainAndAgainGetsTwo) {
  options_.spare_limits.copies_max = 2;
  Open();
  const Digest digest = PutWithSpare(large_), other = Put(Contents(kLarge, 2));
  EXPECT_THAT(Staging(), SizeIs(1));
  Restore(digest, "out");
  Restore(other, "other");
  store_->MakeSparesForTest();
  EXPECT_THAT(Staging(), SizeIs(3));
  EXPECT_EQ(SpareBytes(), 3 * kLarge);
  files_.ResetCounts();
  for (const char* name : {"a", "b"}) Restore(digest, name);
  EXPECT_EQ(files_.Count(Call::kCopyToNewFile), 0);
  EXPECT_NE(StatOf(Target("a")).inode, StatOf(Target("b")).inode);
}

TEST_F(SparesTest, AreGoneWhenTheStoreIsClosed) {
  PutWithSpare(large_);
  store_.reset();
  EXPECT_THAT(Staging(), IsEmpty());
}

}  // namespace
}  // namespace smelt

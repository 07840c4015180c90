#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "src/base/process.h"
#include "src/store/local/local_store_fixture.h"

namespace smelt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class LocalOutputFilesTest : public LocalStoreFixture {
 protected:
  OutputFiles& outputs() { return store_->outputs(); }

  Digest Ingest(const std::string& path) {
    const auto digest = outputs().Ingest(path);
    EXPECT_OK(digest);
    return digest.value_or(Digest());
  }

  absl::Status Restore(const Digest& digest, std::string_view name, std::uint32_t mode = 0644) {
    return outputs().Restore(digest, Target(name), mode);
  }

  // Writes over the first byte of a file in place; its mtime shows it, unless it is put back.
  static void FlipFirstByte(const std::string& path, bool put_mtime_back) {
    struct stat before;
    ASSERT_EQ(::stat(path.c_str(), &before), 0);
    ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
    const int fd = ::open(path.c_str(), O_RDWR);
    char byte;
    ASSERT_EQ(::pread(fd, &byte, 1, 0), 1);
    byte = static_cast<char>(byte ^ 1);
    ASSERT_EQ(::pwrite(fd, &byte, 1, 0), 1);
    ::close(fd);
    ASSERT_EQ(::chmod(path.c_str(), 0444), 0);
    const timespec times[2] = {before.st_atim, put_mtime_back ? before.st_mtim : timespec{.tv_sec = 1}};
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  }

  const std::string large_ = Contents(kLarge);
  const std::string small_ = Contents(kSmall);
};

TEST_F(LocalOutputFilesTest, IngestsLeavingTheFileAlone) {
  for (const std::string& contents : {small_, large_}) {
    const std::string path = Write("out", contents);
    const FileStat before = StatOf(path);
    EXPECT_EQ(Ingest(path), DigestOf(contents));
    EXPECT_EQ(StatOf(path), before);
    EXPECT_THAT(Get(DigestOf(contents)), IsOkAndHolds(contents));
  }
}

// Such a process has what other threads of ours have open for writing, until it executes its program.
TEST_F(LocalOutputFilesTest, ProgramsRunThoughProcessesAreForkedMeanwhile) {
  const Digest digest = Ingest(Write("app", "#!/bin/true\n" + std::string(8 << 20, 'x')));
  std::atomic<bool> done = false;
  std::thread forks([&] {
    while (!done) {
      const pid_t child = ::fork();
      if (child == 0) _exit(::usleep(20'000));
      ::waitpid(child, nullptr, 0);
    }
  });
  for (int i = 0; i < 20; ++i) {
    const std::string name = "app" + std::to_string(i);
    ASSERT_OK(Restore(digest, name, 0755));
    EXPECT_OK(OutputOf({Target(name)}, {}, 10'000));
  }
  done = true;
  forks.join();
}

TEST_F(LocalOutputFilesTest, WhatIsHereAlreadyIsNotTakenAgain) {
  Put(large_);
  const std::string path = Write("lib.rlib", large_);
  EXPECT_EQ(Ingest(path), DigestOf(large_));
  EXPECT_EQ(Ingest(path), DigestOf(large_));
  EXPECT_EQ(store_->Usage().blobs, 1);
  EXPECT_THAT(Staging(), IsEmpty());
}

TEST_F(LocalOutputFilesTest, IngestFollowsSymbolicLinks) {
  Write("real", large_);
  ASSERT_EQ(::symlink("real", Target("link").c_str()), 0);
  EXPECT_EQ(Ingest(Target("link")), DigestOf(large_));
  ASSERT_OK(FileSystem::System().Remove(Target("real")));
  EXPECT_THAT(Get(DigestOf(large_)), IsOkAndHolds(large_));
}

TEST_F(LocalOutputFilesTest, IngestRefusesWhatIsNoFile) {
  EXPECT_THAT(outputs().Ingest(Target("absent")), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(outputs().Ingest(target_), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(LocalOutputFilesTest, AFileThatChangesMeanwhileIsAborted) {
  for (const std::string& contents : {small_, large_}) {
    const std::string path = Write("out", contents);
    bool changed = false;
    files_.OnCall([&](Call call, const std::string& called) {
      if (called != path || call == Call::kStat || changed) return;
      changed = true;
      FlipFirstByte(path, /*put_mtime_back=*/false);
    });
    EXPECT_THAT(outputs().Ingest(path), StatusIs(absl::StatusCode::kAborted));
    files_.OnCall(nullptr);
    EXPECT_TRUE(changed);
    EXPECT_FALSE(Has(DigestOf(contents)));
    EXPECT_EQ(store_->Usage().blobs, 0);
    EXPECT_THAT(Staging(), IsEmpty());
  }
}

TEST_F(LocalOutputFilesTest, RestoresWhereTheStagingAreaDoesNotReach) {
  const Digest small = Put(small_), large = Put(large_);
  files_.ResetCounts();
  files_.Inject({.call = Call::kRename,
                 .path_contains = "/staging/",
                 .status = absl::UnimplementedError("Invalid cross-device link")});
  for (const Digest& digest : {small, large, small}) {
    Write("out", "older");
    ASSERT_OK(Restore(digest, "out"));
    EXPECT_EQ(DigestOf(Read(Target("out"))), digest);
    EXPECT_THAT(List(target_), ElementsAre("out"));
    EXPECT_THAT(Staging(), IsEmpty());
  }
  EXPECT_EQ(files_.Count(Call::kRename), 1 + 3);  // one attempt, then always beside
}

TEST_F(LocalOutputFilesTest, RestoresOnAnotherFileSystem) {
  const Digest small = Put(small_), large = Put(large_);
  const auto in_memory = FileSystem::System().Stat("/dev/shm");
  if (!in_memory.ok() || in_memory->device == StatOf(dir_.path()).device) GTEST_SKIP() << "there is only one";
  std::string directory = "/dev/shm/smelt-test-XXXXXX";
  ASSERT_NE(::mkdtemp(directory.data()), nullptr);
  for (const Digest& digest : {small, large}) {
    EXPECT_OK(outputs().Restore(digest, directory + "/out", 0644));
    EXPECT_EQ(DigestOf(Read(directory + "/out")), digest);
    EXPECT_THAT(List(directory), ElementsAre("out"));
    EXPECT_OK(outputs().Ingest(directory + "/out"));
  }
  std::filesystem::remove_all(directory);
}

TEST_F(LocalOutputFilesTest, RestoresWithANewInodeAndTime) {
  for (const std::string& contents : {small_, large_}) {
    const Digest digest = Put(contents);
    const std::int64_t before_ns = Clock::System().NowNanos();
    ASSERT_OK(Restore(digest, "out"));
    EXPECT_EQ(Read(Target("out")), contents);
    EXPECT_EQ(StatOf(Target("out")).mode, 0644u);
    EXPECT_EQ(StatOf(Target("out")).links, 1u);
    EXPECT_GE(StatOf(Target("out")).mtime_ns, before_ns);
  }
}

TEST_F(LocalOutputFilesTest, FilesHaveTheModeAskedForWhateverTheUmask) {
  const mode_t before = ::umask(077);
  for (const std::string& contents : {small_, large_}) {
    for (std::uint32_t mode : {0755u, 0666u, 0700u, 0640u}) {
      ASSERT_OK(Restore(Put(contents), "program", mode));
      EXPECT_EQ(StatOf(Target("program")).mode, mode);
    }
  }
  ::umask(before);
}

TEST_F(LocalOutputFilesTest, RestoresTheEmptyBlob) {
  ASSERT_OK(Restore(DigestOf(std::string_view()), "empty"));
  EXPECT_EQ(Read(Target("empty")), "");
}

TEST_F(LocalOutputFilesTest, WritesAreFilesOfTheirOwnInPlaceOfWhatIsThere) {
  const std::int64_t before_ns = Clock::System().NowNanos();
  ASSERT_OK(Restore(Put(large_), "out"));
  for (const std::string& contents : {std::string("lib.rmeta: src/lib.rs\n"), std::string(), large_}) {
    ASSERT_OK(outputs().Write(Target("out"), contents, 0640));
    EXPECT_EQ(Read(Target("out")), contents);
    EXPECT_EQ(StatOf(Target("out")).mode, 0640u);
    EXPECT_EQ(StatOf(Target("out")).links, 1u);
    EXPECT_GE(StatOf(Target("out")).mtime_ns, before_ns);
    EXPECT_THAT(List(target_), ElementsAre("out"));
  }
  EXPECT_THAT(Staging(), IsEmpty());
  EXPECT_EQ(store_->Usage().blobs, 1);
  EXPECT_THAT(Get(DigestOf(large_)), IsOkAndHolds(large_));
}

TEST_F(LocalOutputFilesTest, AWriteThatFailsLeavesWhatWasThere) {
  EXPECT_THAT(outputs().Write(Target("no/such/out"), "new", 0644), StatusIs(absl::StatusCode::kFailedPrecondition));
  Write("out", "older");
  for (Call call : {Call::kWriteNewFile, Call::kRename}) {
    files_.Inject({.call = call});
    EXPECT_THAT(outputs().Write(Target("out"), "new", 0644), StatusIs(absl::StatusCode::kResourceExhausted));
    files_.Heal();
    EXPECT_EQ(Read(Target("out")), "older");
    EXPECT_THAT(List(target_), ElementsAre("out"));
    EXPECT_THAT(Staging(), IsEmpty());
  }
}

TEST_F(LocalOutputFilesTest, ReplacesWhatIsThereAndLeavesNothingBesideIt) {
  const Digest digest = Put(large_), other = Put(Contents(kLarge, 2));
  Write("out", "older");
  for (const Digest& each : {digest, other, other}) {
    ASSERT_OK(Restore(each, "out"));
    EXPECT_EQ(DigestOf(Read(Target("out"))), each);
    EXPECT_THAT(List(target_), ElementsAre("out"));
  }
}

TEST_F(LocalOutputFilesTest, AMissingDirectoryIsNotAMissingBlob) {
  const Digest large = Put(large_), small = Put(small_);
  for (const Digest& digest : {large, small}) {
    EXPECT_THAT(Restore(digest, "no/such/out"), StatusIs(absl::StatusCode::kFailedPrecondition));
    EXPECT_TRUE(Has(digest));
  }
}

TEST_F(LocalOutputFilesTest, AnAbsentBlobIsNotFoundAndTouchesNothing) {
  Write("out", "older");
  for (std::int64_t size : {kSmall, kLarge}) {
    EXPECT_THAT(Restore(DigestOf(Contents(size, 9)), "out"), StatusIs(absl::StatusCode::kNotFound));
  }
  EXPECT_EQ(Read(Target("out")), "older");
  EXPECT_THAT(List(target_), ElementsAre("out"));
}

TEST_F(LocalOutputFilesTest, RestoringDigestsNothingThatLooksAsItDid) {
  const Digest digest = Ingest(Write("lib.rlib", large_));
  files_.ResetCounts();
  for (int i = 0; i < 3; ++i) {
    ASSERT_OK(Restore(digest, "again.rlib"));
    ASSERT_OK(FileSystem::System().Remove(Target("again.rlib")));  // as `cargo clean` does
  }
  EXPECT_EQ(files_.Count(Call::kOpenForRead), 0);
}

TEST_F(LocalOutputFilesTest, ABlobThatWasChangedInPlaceIsNoticedAndHealed) {
  for (bool put_mtime_back : {false, true}) {
    const std::int64_t corrupt_before = store_->Usage().corrupt_blobs;
    const Digest digest = Ingest(Write("lib.rlib", large_));
    FlipFirstByte(BlobPath(digest), put_mtime_back);
    EXPECT_THAT(Restore(digest, "other.rlib"), StatusIs(absl::StatusCode::kDataLoss));
    EXPECT_THAT(List(target_), ElementsAre("lib.rlib"));
    EXPECT_FALSE(Has(digest));
    EXPECT_EQ(store_->Usage().corrupt_blobs, corrupt_before + 1);
    EXPECT_EQ(store_->Usage().bytes, 0);
    EXPECT_EQ(Ingest(Write("lib.rlib", large_)), digest);
    ASSERT_OK(Restore(digest, "other.rlib"));
    EXPECT_EQ(Read(Target("other.rlib")), large_);
    ASSERT_OK(FileSystem::System().Remove(BlobPath(digest)));
    ASSERT_OK(FileSystem::System().Remove(Target("other.rlib")));
    EXPECT_FALSE(Has(digest));
  }
}

TEST_F(LocalOutputFilesTest, WhatIsRestoredSharesNothingWithTheStore) {
  const Digest digest = Ingest(Write("lib.rlib", large_));
  ASSERT_OK(Restore(digest, "other.rlib"));
  for (const char* name : {"lib.rlib", "other.rlib"}) {
    EXPECT_NE(StatOf(Target(name)).inode, StatOf(BlobPath(digest)).inode);
    FlipFirstByte(Target(name), /*put_mtime_back=*/true);
  }
  EXPECT_THAT(Get(digest), IsOkAndHolds(large_));
}

// A link by somebody's backup, say: the kernel does not tell it from a change under the old time.
TEST_F(LocalOutputFilesTest, ALinkToABlobHasItDigestedOnceAgain) {
  const Digest digest = Put(large_);
  std::filesystem::create_hard_link(BlobPath(digest), Target("backup"));
  files_.ResetCounts();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(Has(digest));
  EXPECT_EQ(files_.Count(Call::kOpenForRead), 1);
}

TEST_F(LocalOutputFilesTest, ANewTimeWithTheSameContentsIsNoChange) {
  const Digest digest = Ingest(Write("lib.rlib", large_));
  ASSERT_EQ(::utimensat(AT_FDCWD, BlobPath(digest).c_str(), nullptr, 0), 0);
  files_.ResetCounts();
  ASSERT_OK(Restore(digest, "a"));
  EXPECT_EQ(files_.Count(Call::kOpenForRead), 1);
  ASSERT_OK(Restore(digest, "b"));
  EXPECT_EQ(files_.Count(Call::kOpenForRead), 1);
}

TEST_F(LocalOutputFilesTest, AFileDigestedInTheTickOfItsLastChangeIsDigestedAgain) {
  const Digest digest = Ingest(Write("lib.rlib", large_));
  ASSERT_EQ(::utimensat(AT_FDCWD, BlobPath(digest).c_str(), nullptr, 0), 0);
  clock_.SetNanos(1);  // before every file's time, as a coarse clock may be
  EXPECT_TRUE(Has(digest));
  clock_.SetNanos(Clock::System().NowNanos() + 60'000'000'000);
  files_.ResetCounts();
  ASSERT_OK(Restore(digest, "a"));
  EXPECT_EQ(files_.Count(Call::kOpenForRead), 1);
  ASSERT_OK(Restore(digest, "b"));
  EXPECT_EQ(files_.Count(Call::kOpenForRead), 1);
}

TEST_F(LocalOutputFilesTest, AfterARebootEachFileIsDigestedOnce) {
  const Digest digest = Ingest(Write("lib.rlib", large_));
  OpenAfterReboot();
  files_.ResetCounts();
  ASSERT_OK(Restore(digest, "a"));
  ASSERT_OK(Restore(digest, "b"));
  EXPECT_EQ(files_.Count(Call::kOpenForRead), 1);
}

TEST_F(LocalOutputFilesTest, WhatAPowerCutToreIsAMiss) {
  const Digest digest = Put(large_);
  const FileStat before = StatOf(BlobPath(digest));
  FlipFirstByte(BlobPath(digest), /*put_mtime_back=*/true);
  EXPECT_EQ(StatOf(BlobPath(digest)).mtime_ns, before.mtime_ns);
  OpenAfterReboot();
  EXPECT_FALSE(Has(digest));
}

}  // namespace
}  // namespace smelt

#include "src/digest/file_digests.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/digest/hasher.h"
#include "src/testing/fake_clock.h"
#include "src/testing/faulty_file_system.h"
#include "src/testing/memory_table.h"
#include "src/testing/status_matchers.h"
#include "src/testing/temp_dir.h"

namespace smelt {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

// Real files whose stats are what a test says.
class StatedFiles : public FaultyFileSystem {
 public:
  std::map<std::string, FileStat> stats;

  absl::StatusOr<FileStat> Stat(const std::string& path) override {
    auto found = stats.find(path);
    return found == stats.end() ? FaultyFileSystem::Stat(path) : found->second;
  }
};

class FileDigestsTest : public testing::Test {
 protected:
  using Call = FaultyFileSystem::Call;

  // A file that was last changed a minute ago, and not on a whole second.
  std::string Write(const std::string& name, const std::string& contents) {
    const std::string path = dir_ / name;
    EXPECT_OK(FileSystem::System().Remove(path));
    EXPECT_OK(FileSystem::System().WriteNewFile(path, contents, 0644));
    FileStat stat = *FileSystem::System().Stat(path);
    stat.mtime_ns = stat.ctime_ns = clock_.NowNanos() - 60 * kSecond + 7;
    files_.stats[path] = stat;
    return path;
  }

  // Other contents of the same size in the same file, whose stat does not move by itself.
  void Overwrite(const std::string& path, const std::string& contents) {
    ASSERT_OK(FileSystem::System().Remove(path));
    ASSERT_OK(FileSystem::System().WriteNewFile(path, contents, 0644));
  }

  Digest Of(FileDigests& digests, const std::string& path) {
    auto file = digests.Of(path);
    EXPECT_OK(file);
    return file.ok() ? file->digest : Digest();
  }

  int Reads() const { return files_.Count(Call::kOpenForRead); }

  TempDir dir_;
  StatedFiles files_;
  FakeClock clock_;
  MemoryTable table_;
  FileDigests digests_{files_, clock_, table_};
};

TEST_F(FileDigestsTest, AFileIsReadOnceAndThenRemembered) {
  const std::string path = Write("a", "one");
  EXPECT_EQ(Of(digests_, path), DigestOf("one"));
  EXPECT_EQ(Of(digests_, path), DigestOf("one"));
  EXPECT_EQ(Reads(), 1);
  EXPECT_EQ(digests_.Remembered(path, files_.stats[path]), DigestOf("one"));
}

TEST_F(FileDigestsTest, WhatWasChangedJustNowIsNotRemembered) {
  const std::string path = Write("a", "one");
  for (std::int64_t age : {std::int64_t{0}, FileDigests::kRacyNanos, -5 * kSecond}) {
    files_.stats[path].mtime_ns = clock_.NowNanos() - age;
    EXPECT_EQ(Of(digests_, path), DigestOf("one"));
    EXPECT_EQ(digests_.Remembered(path, files_.stats[path]), std::nullopt) << age;
  }
  files_.stats[path].mtime_ns = clock_.NowNanos() - FileDigests::kRacyNanos - 1;
  Of(digests_, path);
  EXPECT_EQ(digests_.Remembered(path, files_.stats[path]), DigestOf("one"));
}

TEST_F(FileDigestsTest, ACtimeOfJustNowIsAsRacyAsAnMtime) {
  const std::string path = Write("a", "one");
  files_.stats[path].ctime_ns = clock_.NowNanos();
  Of(digests_, path);
  Overwrite(path, "two");
  EXPECT_EQ(Of(digests_, path), DigestOf("two"));
}

TEST_F(FileDigestsTest, OnAFileSystemOfWholeSecondsTheWindowIsTwoSeconds) {
  const std::string path = Write("a", "one");
  clock_.SetNanos(FakeClock::kStartNanos / kSecond * kSecond + 900'000'000);
  files_.stats[path].mtime_ns = files_.stats[path].ctime_ns = clock_.NowNanos() / kSecond * kSecond;
  Of(digests_, path);
  Overwrite(path, "two");
  EXPECT_EQ(Of(digests_, path), DigestOf("two"));
  clock_.AdvanceSeconds(2);
  Of(digests_, path);
  EXPECT_EQ(digests_.Remembered(path, files_.stats[path]), DigestOf("two"));
}

TEST_F(FileDigestsTest, AChangeOfAnyPartOfTheStatIsAnotherFile) {
  const std::vector<void (*)(FileStat&)> kChanges = {
      [](FileStat& s) { ++s.mtime_ns; }, [](FileStat& s) { --s.mtime_ns; }, [](FileStat& s) { ++s.ctime_ns; },
      [](FileStat& s) { ++s.inode; },    [](FileStat& s) { ++s.device; },   [](FileStat& s) { ++s.size; },
  };
  for (std::size_t i = 0; i < kChanges.size(); ++i) {
    const std::string path = Write(std::to_string(i), "one");
    ASSERT_EQ(Of(digests_, path), DigestOf("one"));
    Overwrite(path, "two");
    ASSERT_EQ(Of(digests_, path), DigestOf("one")) << "nothing says that it changed";
    kChanges[i](files_.stats[path]);
    EXPECT_EQ(Of(digests_, path), DigestOf("two")) << i;
  }
}

TEST_F(FileDigestsTest, ARestartForgetsNothingAndBelievesNoMoreThanBefore) {
  const std::string path = Write("a", "one");
  Of(digests_, path);
  FileDigests restarted(files_, clock_, table_);
  EXPECT_EQ(Of(restarted, path), DigestOf("one"));
  EXPECT_EQ(Reads(), 1);
  Overwrite(path, "two");
  ++files_.stats[path].ctime_ns;
  FileDigests again(files_, clock_, table_);
  EXPECT_EQ(Of(again, path), DigestOf("two"));
}

TEST_F(FileDigestsTest, ABrokenRecordIsNoRecord) {
  const std::string path = Write("a", "one");
  Of(digests_, path);
  const std::string record = *table_.Get(path);
  for (const std::string& broken : {std::string(), record.substr(1), record + "x", "\xff" + record.substr(1)}) {
    ASSERT_OK(table_.Put(path, broken));
    FileDigests restarted(files_, clock_, table_);
    EXPECT_EQ(restarted.Remembered(path, files_.stats[path]), std::nullopt);
    EXPECT_EQ(Of(restarted, path), DigestOf("one"));
  }
}

TEST_F(FileDigestsTest, WhatWeHavePutThereIsKnownAtOnceWithoutReading) {
  const std::string path = Write("a", "one");
  files_.stats[path].mtime_ns = files_.stats[path].ctime_ns = clock_.NowNanos();
  digests_.Restored(path, DigestOf("one"));
  EXPECT_EQ(Of(digests_, path), DigestOf("one"));
  EXPECT_EQ(Reads(), 0);
  EXPECT_TRUE(digests_.IsRestored(path, files_.stats[path]));
  ++files_.stats[path].mtime_ns;
  EXPECT_FALSE(digests_.IsRestored(path, files_.stats[path]));
}

TEST_F(FileDigestsTest, WhatWeHavePutThereIsInPlaceUntilItsInodeChanges) {
  const std::string path = Write("out", "contents");
  const Digest digest = DigestOf("contents");
  EXPECT_FALSE(digests_.IsInPlace(path, digest, 0644));
  ASSERT_OK(digests_.Of(path));
  EXPECT_FALSE(digests_.IsInPlace(path, digest, 0644));  // not put there by us
  digests_.Restored(path, digest);
  EXPECT_TRUE(digests_.IsInPlace(path, digest, 0644));
  EXPECT_FALSE(digests_.IsInPlace(path, digest, 0755));
  EXPECT_FALSE(digests_.IsInPlace(path, DigestOf("Contents"), 0644));
  files_.stats[path].ctime_ns += 1;
  EXPECT_FALSE(digests_.IsInPlace(path, digest, 0644));
  digests_.Restored(path, digest);
  files_.stats[path].links += 1;
  EXPECT_FALSE(digests_.IsInPlace(path, digest, 0644));
}

TEST_F(FileDigestsTest, WhatIsNotOfTheDigestsSizeWasNotPutThereByUs) {
  const std::string path = Write("a", "one");
  digests_.Restored(path, DigestOf("longer"));
  digests_.Restored(dir_ / "absent", DigestOf("one"));
  EXPECT_FALSE(digests_.IsRestored(path, files_.stats[path]));
  EXPECT_EQ(Of(digests_, path), DigestOf("one"));
}

TEST_F(FileDigestsTest, LinksThatComeAndGoDoNotMakeARestoredFileAnother) {
  const std::string path = Write("a", "one");
  FileStat& stat = files_.stats[path];
  stat.links = 2;
  digests_.Left(path, DigestOf("one"));
  stat.links = 3, stat.ctime_ns += 5;
  EXPECT_EQ(Of(digests_, path), DigestOf("one"));
  stat.links = 1, stat.ctime_ns += 5;
  EXPECT_EQ(Of(digests_, path), DigestOf("one"));
  EXPECT_EQ(Reads(), 0);
  Overwrite(path, "two");
  stat.links = 2, ++stat.mtime_ns;
  EXPECT_EQ(Of(digests_, path), DigestOf("two"));
}

TEST_F(FileDigestsTest, ANameOfOursExplainsNothingWhetherItStaysOrGoes) {
  const std::string path = Write("a", "one");
  FileStat& stat = files_.stats[path];
  for (const bool was_in_place : {false, true}) {
    for (const std::uint32_t links : {2, 1}) {
      Overwrite(path, "one");
      stat.links = 2;
      digests_.Restored(path, DigestOf("one"));
      if (was_in_place) digests_.Left(path, DigestOf("one"));
      EXPECT_TRUE(digests_.IsRestored(path, stat));
      stat.links = links, ++stat.ctime_ns;
      EXPECT_FALSE(digests_.IsRestored(path, stat)) << links;
    }
  }
  digests_.Restored(path, DigestOf("one"));  // with one link; then cargo makes one
  stat.links = 2, ++stat.ctime_ns;
  EXPECT_TRUE(digests_.IsRestored(path, stat));
}

TEST_F(FileDigestsTest, ACtimeThatNoLinkExplainsMakesARestoredFileAnother) {
  const std::string path = Write("a", "one");
  files_.stats[path].links = 1;
  digests_.Restored(path, DigestOf("one"));
  Overwrite(path, "two");
  ++files_.stats[path].ctime_ns;
  EXPECT_EQ(Of(digests_, path), DigestOf("two"));
}

TEST_F(FileDigestsTest, LinksExplainNothingForAFileThatIsNotOurs) {
  const std::string path = Write("a", "one");
  files_.stats[path].links = 2;
  Of(digests_, path);
  Overwrite(path, "two");
  ++files_.stats[path].ctime_ns;
  EXPECT_EQ(Of(digests_, path), DigestOf("two"));
}

TEST_F(FileDigestsTest, AFileThatIsRewrittenWithTheSameSizeIsReadAgainOnARealDisk) {
  clock_.SetNanos(Clock::System().NowNanos() + 60 * kSecond);  // so that nothing is racy
  const std::string path = dir_ / "real";
  ASSERT_OK(FileSystem::System().WriteNewFile(path, "one", 0644));
  EXPECT_EQ(Of(digests_, path), DigestOf("one"));
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  ASSERT_EQ(::pwrite(fd, "two", 3, 0), 3);
  const timespec times[2] = {{0, UTIME_OMIT}, {1'600'000'000, 5}};  // an older time than before is another time too
  ASSERT_EQ(::futimens(fd, times), 0);
  ::close(fd);
  EXPECT_EQ(Of(digests_, path), DigestOf("two"));
}

TEST_F(FileDigestsTest, AFileThatChangesWhileItIsReadIsReadAgain) {
  const std::string path = Write("a", "one");
  int opened = 0;
  files_.OnCall([&](Call call, const std::string&) {
    if (call != Call::kOpenForRead || ++opened > 1) return;
    Overwrite(path, "two");
    ++files_.stats[path].mtime_ns;
  });
  EXPECT_EQ(Of(digests_, path), DigestOf("two"));
}

TEST_F(FileDigestsTest, AFileThatNeverRestsIsAborted) {
  const std::string path = Write("a", "one");
  files_.OnCall([&](Call call, const std::string&) {
    if (call == Call::kOpenForRead) ++files_.stats[path].mtime_ns;
  });
  EXPECT_THAT(digests_.Of(path), StatusIs(absl::StatusCode::kAborted, testing::HasSubstr(path)));
}

TEST_F(FileDigestsTest, OnlyRegularFilesHaveDigests) {
  EXPECT_THAT(digests_.Of(dir_ / "absent"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(digests_.Of(dir_.path()), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(digests_.Of("/dev/null"), StatusIs(absl::StatusCode::kFailedPrecondition));
  const std::string path = Write("a", "one");
  files_.Inject({.call = Call::kOpenForRead, .status = absl::PermissionDeniedError("injected")});
  EXPECT_THAT(digests_.Of(path), StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST_F(FileDigestsTest, ThreadsMayAskForTheSameFilesWhileTheyAreRestored) {
  std::vector<std::string> paths;
  for (int i = 0; i < 40; ++i) paths.push_back(Write(std::to_string(i), "file " + std::to_string(i)));
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (std::size_t i = 0; i < paths.size(); ++i) {
        const Digest expected = DigestOf("file " + std::to_string(i));
        if (thread == 0) digests_.Restored(paths[i], expected);
        auto file = digests_.Of(paths[i]);
        ASSERT_OK(file);
        EXPECT_EQ(file->digest, expected);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(FileDigestsTest, PruningForgetsFilesThatAreGone) {
  const std::string here = Write("here", "one"), gone = Write("gone", "two");
  Of(digests_, here);
  Of(digests_, gone);
  files_.stats.erase(gone);
  ASSERT_OK(FileSystem::System().Remove(gone));
  digests_.Prune([] { return false; });
  EXPECT_TRUE(table_.Get(here).has_value());
  EXPECT_FALSE(table_.Get(gone).has_value());
}

TEST_F(FileDigestsTest, PruningEndsWhenItIsToldTo) {
  const std::string gone = Write("gone", "two");
  Of(digests_, gone);
  files_.stats.erase(gone);
  ASSERT_OK(FileSystem::System().Remove(gone));
  digests_.Prune([] { return true; });
  EXPECT_TRUE(table_.Get(gone).has_value());
}

}  // namespace
}  // namespace smelt

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <functional>
#include <optional>

#include "src/store/local/local_store_fixture.h"

namespace smelt {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

// The clock stands still, so the store is never idle: what is lent is looked for by MakeSpares and Restore alone.
class LoansTest : public LocalStoreFixture {
 protected:
  LoansTest() {
    options_.spares = true;
    options_.spare_limits = {
        .disk_free_bytes_min = 0, .disk_free_share_min = 0, .copies_max = 0, .despite_reflinks = true};
    Open();
    Put(large_);
  }

  absl::Status TryRestore(std::string_view name, std::uint32_t mode = 0644) {
    return store_->outputs().Restore(digest_, Target(name), mode);
  }

  // Restores the blob and gives the inode of what was put in place.
  std::uint64_t Restore(std::string_view name, std::uint32_t mode = 0644) {
    EXPECT_OK(TryRestore(name, mode));
    EXPECT_EQ(Read(Target(name)), large_);
    EXPECT_EQ(StatOf(Target(name)).mode, mode);
    return StatOf(Target(name)).inode;
  }

  void Remove(std::string_view name) { ASSERT_OK(FileSystem::System().Remove(Target(name))); }
  std::int64_t SpareBytes() { return store_->Usage().spare_bytes; }

  const std::string large_ = Contents(kLarge);
  const Digest digest_ = DigestOf(large_);
};

TEST_F(LoansTest, WhatWasRemovedIsPutInPlaceAgainWithoutACopy) {
  const std::uint64_t inode = Restore("out");
  EXPECT_EQ(StatOf(Target("out")).links, 2u);
  EXPECT_EQ(SpareBytes(), 0);
  files_.ResetCounts();
  for (const std::uint32_t mode : {0644, 0755, 0644}) {
    Remove("out");
    EXPECT_EQ(Restore("out", mode), inode);
  }
  EXPECT_EQ(files_.Count(Call::kCopyToNewFile), 0);
  EXPECT_THAT(Staging(), SizeIs(1));
}

TEST_F(LoansTest, WhatIsInPlaceStaysThere) {
  const std::uint64_t inode = Restore("out");
  EXPECT_NE(Restore("other"), inode);
  ASSERT_OK(FileSystem::System().Link(Target("out"), Target("uplifted")));
  Remove("out");
  EXPECT_NE(Restore("out"), inode);
  EXPECT_EQ(StatOf(Target("uplifted")).inode, inode);
}

TEST_F(LoansTest, WhatWasReplacedComesBackToo) {
  const std::uint64_t inode = Restore("out");
  Write("new", "another compile");
  ASSERT_OK(FileSystem::System().Rename(Target("new"), Target("out")));
  EXPECT_EQ(Restore("other"), inode);
}

TEST_F(LoansTest, TheTimeIsThatOfTheRestore) {
  Restore("out");
  const timespec long_ago[2] = {{1, 0}, {1, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, Target("out").c_str(), long_ago, 0), 0);
  Remove("out");
  const std::int64_t before_ns = Clock::System().NowNanos() - 20'000'000;  // the kernel's clock has coarse ticks
  Restore("out");
  EXPECT_GE(StatOf(Target("out")).mtime_ns, before_ns);
}

// Whoever wrote to it set its times back and removed it: only the kernel's word is left.
TEST_F(LoansTest, WhatWasWrittenToInAnyWayIsNotUsedAgain) {
  const std::vector<std::pair<const char*, std::function<void(const std::string&)>>> writes = {
      {"write",
       [](const std::string& path) {
         const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
         ASSERT_EQ(::pwrite(fd.get(), "x", 1, 0), 1);
       }},
      {"truncate", [](const std::string& path) { ASSERT_EQ(::truncate(path.c_str(), kLarge - 1), 0); }},
      {"mmap",
       [](const std::string& path) {
         UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
         void* memory = ::mmap(nullptr, kLarge, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
         ASSERT_NE(memory, MAP_FAILED);
         fd.Reset();
         static_cast<char*>(memory)[7] ^= 1;
         ::munmap(memory, kLarge);
       }},
      {"open for writing", [](const std::string& path) { UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC)); }},
      {"attribute",
       [](const std::string& path) { ASSERT_EQ(::setxattr(path.c_str(), "user.note", "x", 1, 0), 0) << path; }},
  };
  for (const auto& [name, write] : writes) {
    SCOPED_TRACE(name);
    const std::uint64_t inode = Restore("out");
    const FileStat before = StatOf(Target("out"));
    write(Target("out"));
    const timespec times[2] = {{0, UTIME_OMIT}, {before.mtime_ns / 1'000'000'000, before.mtime_ns % 1'000'000'000}};
    ASSERT_EQ(::utimensat(AT_FDCWD, Target("out").c_str(), times, 0), 0);
    const UniqueFd inode_is_not_reused(::open(Target("out").c_str(), O_RDONLY | O_CLOEXEC));
    Remove("out");
    EXPECT_NE(Restore("out"), inode);
    EXPECT_THAT(Staging(), SizeIs(1));
  }
}

TEST_F(LoansTest, WhatSomebodyMayStillWriteToIsNotUsedAgain) {
  const std::uint64_t inode = Restore("out");
  UniqueFd fd(::open(Target("out").c_str(), O_RDWR | O_CLOEXEC));
  void* memory = ::mmap(nullptr, kLarge, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  ASSERT_NE(memory, MAP_FAILED);
  Remove("out");
  EXPECT_NE(Restore("out"), inode);
  ::munmap(memory, kLarge);
}

TEST_F(LoansTest, WhoReadsItDoesNotMind) {
  const std::uint64_t inode = Restore("out");
  const UniqueFd fd(::open(Target("out").c_str(), O_RDONLY | O_CLOEXEC));
  Remove("out");
  EXPECT_EQ(Restore("out"), inode);
}

TEST_F(LoansTest, WhatCameBackIsCountedAndDroppedAsSparesAre) {
  options_.spare_limits.copies_max = 1;
  Open();
  Restore("out");
  store_->MakeSparesForTest();
  EXPECT_EQ(SpareBytes(), kLarge);
  Remove("out");
  store_->MakeSparesForTest();
  EXPECT_EQ(SpareBytes(), 2 * kLarge);
  Put(Contents(kLarge, 2));
  ASSERT_OK(store_->Collect(/*dry_run=*/false, kLarge));
  EXPECT_EQ(SpareBytes(), 0);
  EXPECT_THAT(Staging(), IsEmpty());
}

TEST_F(LoansTest, WhatCameBackIsDroppedWhereSparesHaveNoRoom) {
  options_.spare_limits.bytes_max = kLarge - 1;
  Open();
  Restore("out");
  Remove("out");
  store_->MakeSparesForTest();
  EXPECT_EQ(SpareBytes(), 0);
  EXPECT_THAT(Staging(), IsEmpty());
}

TEST_F(LoansTest, AFullDiskTakesWhatCameBackAndLeavesWhatIsInPlace) {
  Restore("out");
  Restore("other");
  Remove("other");
  files_.Inject({.call = Call::kCopyToNewFile, .times = 1, .status = absl::ResourceExhaustedError("injected")});
  const std::string fresh = Contents(kLarge, 2);
  ASSERT_OK(store_->outputs().Ingest(Write("in", fresh)));
  EXPECT_THAT(Staging(), SizeIs(1));
  EXPECT_EQ(Read(Target("out")), large_);
}

TEST_F(LoansTest, ABlobLendsAFewFilesOnly) {
  for (int i = 0; i < 10; ++i) Restore(std::to_string(i));
  EXPECT_THAT(Staging(), SizeIs(4));
}

TEST_F(LoansTest, WhateverFailsTheRestoreSucceeds) {
  const std::uint64_t inode = Restore("out");
  files_.Inject({.call = Call::kLink, .status = absl::InternalError("injected")});
  EXPECT_NE(Restore("other"), inode);
  EXPECT_EQ(StatOf(Target("other")).links, 1u);
  files_.Heal();
  for (const Call call : {Call::kStat, Call::kOpenForRead}) {
    Restore("out");
    Remove("out");
    files_.Inject({.call = call, .path_contains = "/staging/", .times = 1, .status = absl::InternalError("injected")});
    Restore("out");
    files_.Heal();
  }
}

TEST_F(LoansTest, SecondNamesAreGoneWhenTheStoreIsClosedOrOpenedAgain) {
  Restore("out");
  store_.reset();
  EXPECT_THAT(Staging(), IsEmpty());
  EXPECT_EQ(StatOf(Target("out")).links, 1u);
}

TEST_F(LoansTest, NoneWhenSwitchedOff) {
  options_.loans = false;
  Open();
  Restore("out");
  EXPECT_EQ(StatOf(Target("out")).links, 1u);
}

}  // namespace
}  // namespace smelt

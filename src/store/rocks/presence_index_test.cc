#include "src/store/rocks/presence_index.h"

#include <atomic>
#include <map>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "src/digest/hasher.h"
#include "src/testing/status_matchers.h"

namespace smelt {
namespace {

using Entry = PresenceIndex::Entry;

Entry Of(std::uint64_t bytes, std::uint32_t used, unsigned pending = 0) {
  Entry entry;
  entry.bytes = bytes;
  entry.pending = pending;
  entry.used = used;
  entry.used_until = used + 10;
  return entry;
}

class PresenceIndexTest : public testing::Test {
 protected:
  const PresenceIndex::Key key_ = PresenceIndex::KeyOf(DigestOf("x"));
  PresenceIndex index_;
};

TEST_F(PresenceIndexTest, CountsWhatIsHere) {
  index_.Wait(key_).Set(Of(100, 1));
  index_.Wait(key_).Set(Of(70, 1));
  index_.Wait(PresenceIndex::KeyOf(DigestOf("y"))).Set(Of(5, 1));
  EXPECT_EQ(index_.entries(), 2);
  EXPECT_EQ(index_.bytes(), 75);
  index_.Wait(key_).Erase();
  index_.Wait(key_).Erase();
  EXPECT_EQ(index_.entries(), 1);
  EXPECT_EQ(index_.bytes(), 5);
}

TEST_F(PresenceIndexTest, ARowIsDueOnlyWhenTheDatabaseSaysLess) {
  index_.Wait(key_).Set(Of(1, 100));
  EXPECT_FALSE(index_.Use(key_, 110, 10)->row_due);
  const auto due = index_.Use(key_, 111, 10);
  EXPECT_TRUE(due->row_due);
  EXPECT_EQ(due->entry.used_until, 121u);
  EXPECT_FALSE(index_.Use(key_, 111, 10)->row_due);
  EXPECT_EQ(index_.Use(key_, 50, 10)->entry.used, 111u) << "a clock that steps back takes no use away";
  EXPECT_FALSE(index_.Use(PresenceIndex::KeyOf(DigestOf("y")), 1, 1).has_value());
}

TEST_F(PresenceIndexTest, TakesOutOnlyWhatMayGoAndNobodyHasClaimed) {
  index_.Wait(key_).Set(Of(1, 100));
  EXPECT_FALSE(index_.TakeOut(key_, [](const Entry&) { return false; }).has_value());
  {
    const auto claim = index_.Wait(key_);
    EXPECT_FALSE(index_.TakeOut(key_, [](const Entry&) { return true; }).has_value());
  }
  EXPECT_TRUE(index_.TakeOut(key_, [](const Entry& entry) { return entry.used == 100; }).has_value());
  EXPECT_EQ(index_.entries(), 0);
  EXPECT_FALSE(index_.TakeOut(key_, [](const Entry&) { return true; }).has_value());
}

TEST_F(PresenceIndexTest, PendingAddsUpAndNeverGoesBelowNothing) {
  index_.Wait(key_).Set(Of(1, 1, 1));
  index_.Wait(key_).Set(Of(1, 1, 1));
  EXPECT_EQ(index_.Wait(key_).Get()->pending, 2u);
  for (int i = 0; i < 3; ++i) index_.ChangePending(key_, -1);
  EXPECT_EQ(index_.Wait(key_).Get()->pending, 0u);
  index_.Wait(key_).Set(Of(1, 1, PresenceIndex::kPendingMax));
  index_.ChangePending(key_, -1);
  EXPECT_EQ(index_.Wait(key_).Get()->pending, PresenceIndex::kPendingMax);
}

// An index whose one entry is to be read.
class LatePresenceIndexTest : public PresenceIndexTest {
 protected:
  LatePresenceIndexTest() {
    index_.FillLater([this](unsigned part) -> absl::StatusOr<PresenceIndex::Entries> {
      ++reads_[part];
      if (!error_.ok()) return error_;
      PresenceIndex::Entries entries;
      if (part == part_) entries.emplace_back(key_, Of(70, 100));
      return entries;
    });
  }

  const unsigned part_ = static_cast<unsigned>(key_.high >> (64 - PresenceIndex::kPartBits));
  absl::Status error_;
  std::map<unsigned, int> reads_;
};

TEST_F(LatePresenceIndexTest, ReadsOnceWhatIsAskedForAndNoMore) {
  EXPECT_FALSE(index_.filled());
  EXPECT_TRUE(index_.Use(key_, 100, 10).has_value());
  EXPECT_TRUE(index_.Wait(key_).Get().has_value());
  EXPECT_EQ(reads_, (std::map<unsigned, int>{{part_, 1}}));
  EXPECT_EQ(index_.entries(), 1);
  EXPECT_EQ(index_.bytes(), 70);
  EXPECT_OK(index_.FillAll());
  EXPECT_TRUE(index_.filled());
  EXPECT_EQ(reads_.size(), PresenceIndex::kParts);
  EXPECT_EQ(reads_[part_], 1);
}

TEST_F(LatePresenceIndexTest, WhoClaimsAKeyOrTakesItOutReadsItFirst) {
  EXPECT_TRUE(index_.TakeOut(key_, [](const Entry&) { return true; }).has_value());
  EXPECT_EQ(index_.entries(), 0);
  EXPECT_OK(index_.FillAll());
  EXPECT_EQ(index_.entries(), 0) << "what has gone does not come back";
}

TEST_F(LatePresenceIndexTest, WhatCannotBeReadIsNotThereUntilItCan) {
  error_ = absl::UnavailableError("injected");
  EXPECT_FALSE(index_.Use(key_, 100, 10).has_value());
  EXPECT_THAT(index_.FillFor(key_), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(index_.FillAll(), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_FALSE(index_.filled());
  error_ = absl::OkStatus();
  EXPECT_TRUE(index_.Use(key_, 100, 10).has_value());
}

TEST_F(LatePresenceIndexTest, WhatWasSetMeanwhileStays) {
  error_ = absl::UnavailableError("injected");
  index_.Wait(key_).Set(Of(70, 200));
  error_ = absl::OkStatus();
  EXPECT_OK(index_.FillAll());
  EXPECT_EQ(index_.Wait(key_).Get()->used, 200u);
  EXPECT_EQ(index_.bytes(), 70);
}

TEST_F(LatePresenceIndexTest, PendingIsCountedBeforeItIsRead) {
  for (int by : {+1, +1, -1}) index_.ChangePending(key_, by);
  EXPECT_TRUE(reads_.empty());
  EXPECT_EQ(index_.Wait(key_).Get()->pending, 1u);
  index_.ChangePending(key_, -1);
  EXPECT_EQ(index_.Wait(key_).Get()->pending, 0u);
}

TEST_F(LatePresenceIndexTest, ClearedItHasNothingAndReadsNothing) {
  index_.Clear();
  EXPECT_TRUE(index_.filled());
  EXPECT_FALSE(index_.Use(key_, 100, 10).has_value());
  EXPECT_TRUE(reads_.empty());
}

TEST_F(PresenceIndexTest, AClaimIsForOneAtATime) {
  std::atomic<int> inside = 0, together = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 1000; ++round) {
        const auto claim = index_.Wait(key_);
        if (++inside > 1) ++together;
        claim.Set(Of(static_cast<std::uint64_t>(round), 1));
        --inside;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(together, 0);
  EXPECT_EQ(index_.entries(), 1);
}

}  // namespace
}  // namespace smelt

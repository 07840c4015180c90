#include "src/base/short_slices.h"

#include <sys/resource.h>

#include <thread>

#include "gtest/gtest.h"

namespace smelt {
namespace {

TEST(ShortSlices, AreOfTheThreadThatAsksWhereLinuxHasThem) {
  const auto usual = SliceOfThisThread();
  std::thread([&] {
    const int priority = ::getpriority(PRIO_PROCESS, 0);
    const bool asked = RunInShortSlices();
    EXPECT_EQ(asked, usual.count() != 0);
    EXPECT_EQ(SliceOfThisThread(), asked ? kShortSlice : usual);
    EXPECT_EQ(::getpriority(PRIO_PROCESS, 0), priority);
  }).join();
  EXPECT_EQ(SliceOfThisThread(), usual);
}

TEST(ShortSlices, AreNotOfThreadsThatItStarts) {
  const auto usual = SliceOfThisThread();
  std::thread([&] {
    RunInShortSlices();
    std::thread([&] { EXPECT_EQ(SliceOfThisThread(), usual); }).join();
  }).join();
}

TEST(ShortSlices, MayBeAskedForTwice) {
  std::thread([] {
    const bool once = RunInShortSlices();
    EXPECT_EQ(RunInShortSlices(), once);
  }).join();
}

}  // namespace
}  // namespace smelt

#include "src/daemon/counters.h"

#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/testing/memory_table.h"
#include "src/testing/status_matchers.h"

namespace smelt {
namespace {

using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

TEST(Counters, CountByName) {
  MemoryTable table;
  Counters counters(table);
  counters.Add("hits");
  counters.Add("hits", 2);
  counters.Add("refusals.logging");
  counters.Add("nothing", 0);
  EXPECT_THAT(counters.All(), UnorderedElementsAre(Pair("hits", 3), Pair("refusals.logging", 1)));
}

TEST(Counters, SurviveARestartOnceTheyAreSaved) {
  MemoryTable table;
  {
    Counters counters(table);
    counters.Add("hits", 5);
    counters.Save();
    counters.Add("hits", 7);
  }
  EXPECT_THAT(Counters(table).All(), UnorderedElementsAre(Pair("hits", 5)));
}

TEST(Counters, SavingWritesOnlyIfSomethingHasChanged) {
  MemoryTable table;
  Counters counters(table);
  counters.Add("hits");
  counters.Save();
  ASSERT_OK(table.Delete("hits"));
  counters.Save();
  EXPECT_FALSE(table.Get("hits"));
}

TEST(Counters, AResetIsAtOnceAndForGood) {
  MemoryTable table;
  Counters counters(table);
  counters.Add("hits", 5);
  counters.Save();
  counters.Add("misses");
  counters.Reset();
  EXPECT_THAT(counters.All(), IsEmpty());
  EXPECT_THAT(Counters(table).All(), IsEmpty());
  counters.Add("hits");
  counters.Save();
  EXPECT_THAT(Counters(table).All(), UnorderedElementsAre(Pair("hits", 1)));
}

TEST(Counters, WhatIsNoNumberIsNoCounter) {
  MemoryTable table;
  ASSERT_OK(table.Put("hits", "many"));
  ASSERT_OK(table.Put("misses", ""));
  ASSERT_OK(table.Put("stored", "99999999999999999999999"));
  ASSERT_OK(table.Put("bytes", "-3"));
  EXPECT_THAT(Counters(table).All(), UnorderedElementsAre(Pair("bytes", -3)));
}

TEST(Counters, WhatNobodyCanHaveCountedIsForgotten) {
  MemoryTable table;
  for (const char* number : {"9223372036854775807", "-9223372036854775808"}) {
    ASSERT_OK(table.Put("hits", number));
    Counters counters(table);
    counters.Add("hits");
    EXPECT_THAT(counters.All(), UnorderedElementsAre(Pair("hits", 1))) << number;
  }
}

TEST(Counters, ThreadsLoseNothing) {
  MemoryTable table;
  Counters counters(table);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 1000; ++j) counters.Add(j % 2 ? "odd" : "even");
      counters.Save();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(Counters(table).All(), UnorderedElementsAre(Pair("odd", 2000), Pair("even", 2000)));
}

}  // namespace
}  // namespace smelt

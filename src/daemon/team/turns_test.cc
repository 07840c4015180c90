#include "src/daemon/team/turns.h"

#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "src/digest/hasher.h"

namespace smelt {
namespace {

using testing::ElementsAre;

constexpr std::int64_t kRoom = 100;

class TurnsTest : public testing::Test {
 protected:
  ~TurnsTest() override {
    full_.reset();
    for (std::thread& thread : threads_) thread.join();
  }

  // A transfer that takes all the room waits for its turn.
  void Wait(const std::string& what, Turns::Place place) {
    const std::size_t before = turns_.waiting();
    threads_.emplace_back([this, what, place] {
      const Turns::Turn turn = turns_.Enter(place, kRoom);
      absl::MutexLock lock(&mu_);
      entered_.push_back(what);
    });
    while (turns_.waiting() == before) std::this_thread::yield();
  }

  std::vector<std::string> EnteredWhenThereIsRoom() {
    full_.reset();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    absl::MutexLock lock(&mu_);
    return entered_;
  }

  Turns turns_{kRoom};
  const Digest one_ = DigestOf("one"), two_ = DigestOf("two"), three_ = DigestOf("three");
  std::optional<Turns::Turn> full_{turns_.Enter(turns_.Begin(DigestOf("before"), false), kRoom)};
  std::vector<std::thread> threads_;
  absl::Mutex mu_;
  std::vector<std::string> entered_ ABSL_GUARDED_BY(mu_);
};

TEST_F(TurnsTest, WhatBeganFirstGoesFirstWhoeverWaitsLonger) {
  const auto one = turns_.Begin(one_, false), two = turns_.Begin(two_, false), three = turns_.Begin(three_, false);
  Wait("three", three);
  Wait("one", one);
  Wait("two", two);
  EXPECT_THAT(EnteredWhenThereIsRoom(), ElementsAre("one", "two", "three"));
}

TEST_F(TurnsTest, MoreThanFitsEntersWhereThereIsAnyRoom) {
  full_.reset();
  const auto one = turns_.Begin(one_, false), two = turns_.Begin(two_, false);
  const Turns::Turn small = turns_.Enter(one, 1);
  const Turns::Turn large = turns_.Enter(two, 1000 * kRoom);
  Wait("one", one);
  EXPECT_EQ(turns_.waiting(), 1u);
}

TEST_F(TurnsTest, WhatIsWantedAtOnceNeedsNoRoomEvenIfItWaitsAlready) {
  const auto one = turns_.Begin(one_, false), two = turns_.Begin(two_, false);
  Wait("two", two);
  EXPECT_EQ(turns_.Begin(one_, true), one);
  const Turns::Turn past = turns_.Enter(one, kRoom);
  EXPECT_EQ(turns_.waiting(), 1u);
  EXPECT_EQ(turns_.Begin(two_, true), two);
  threads_[0].join();
  threads_.clear();
  EXPECT_EQ(turns_.waiting(), 0u);
}

TEST_F(TurnsTest, ThePlaceIsKeptUntilAllHaveLeft) {
  const auto first = turns_.Begin(one_, false);
  EXPECT_EQ(turns_.Begin(one_, false), first);
  turns_.End(one_);
  EXPECT_EQ(turns_.Begin(one_, false), first);
  turns_.End(one_);
  turns_.End(one_);
  EXPECT_NE(turns_.Begin(one_, false), first);
}

}  // namespace
}  // namespace smelt

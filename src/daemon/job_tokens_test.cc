#include "src/daemon/job_tokens.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <optional>

#include "absl/synchronization/notification.h"
#include "fmt/format.h"
#include "gmock/gmock.h"

namespace smelt {
namespace {

using testing::Eq;
using testing::Optional;
using testing::Pair;

// This process is cargo and its wrappers.
class JobTokensTest : public testing::Test {
 protected:
  void SetUp() override {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    read_.Reset(ends[0]);
    write_.Reset(ends[1]);
  }

  JobTokens::Lent Lend() {
    return tokens_.Lend(::getpid(),
                        fmt::format("-j --jobserver-fds={0},{1} --jobserver-auth={0},{1}", read_.get(), write_.get()));
  }

  int TokensInPipe() {
    int bytes = -1;
    EXPECT_EQ(::ioctl(read_.get(), FIONREAD, &bytes), 0);
    return bytes;
  }

  void Take() {
    char token;
    ASSERT_EQ(::read(read_.get(), &token, 1), 1);
  }
  void Give() { ASSERT_EQ(::write(write_.get(), "|", 1), 1); }

  void AwaitOwed(int owed) {
    while (tokens_.owed() != owed) std::this_thread::yield();
  }

  UniqueFd read_, write_;
  JobTokens tokens_;
};

TEST_F(JobTokensTest, ATokenIsInThePipeWhileItIsLent) {
  {
    const JobTokens::Lent one = Lend(), two = Lend();
    EXPECT_EQ(TokensInPipe(), 2);
  }
  EXPECT_EQ(TokensInPipe(), 0);
  EXPECT_EQ(tokens_.owed(), 0);
}

TEST_F(JobTokensTest, WhatIsNotThereIsOwedAndTakenLater) {
  {
    const JobTokens::Lent lent = Lend();
    Take();
  }
  EXPECT_EQ(tokens_.owed(), 1);
  Give();
  AwaitOwed(0);
  EXPECT_EQ(TokensInPipe(), 0);
}

TEST_F(JobTokensTest, WhoWaitsNextPaysWhatIsOwed) {
  {
    const JobTokens::Lent lent = Lend();
    Take();
  }
  {
    const JobTokens::Lent lent = Lend();
    EXPECT_EQ(TokensInPipe(), 0);
    EXPECT_EQ(tokens_.owed(), 0);
  }
  EXPECT_EQ(TokensInPipe(), 0);
  EXPECT_EQ(tokens_.owed(), 0);
}

TEST_F(JobTokensTest, NotManyGoOnWithout) {
  std::vector<std::optional<JobTokens::Lent>> lent;
  for (int i = 0; i < JobTokens::kOwedMax + 1; ++i) lent.emplace_back(Lend());
  for (std::size_t i = 0; i < lent.size(); ++i) Take();
  for (int i = 0; i < JobTokens::kOwedMax; ++i) lent[i].reset();
  EXPECT_EQ(tokens_.owed(), JobTokens::kOwedMax);
  std::atomic<bool> given = false;
  std::thread last([&] {
    lent.back().reset();
    EXPECT_TRUE(given);
  });
  given = true;
  Give();
  last.join();
  EXPECT_EQ(tokens_.owed(), JobTokens::kOwedMax);
}

// One token is enough for all who wait for one, if each gives it back.
TEST_F(JobTokensTest, ManyWhoWaitGoOnOneAfterTheOther) {
  constexpr int kMany = 20;
  std::vector<std::optional<JobTokens::Lent>> lent;
  for (int i = 0; i < kMany; ++i) lent.emplace_back(Lend());
  for (int i = 0; i < kMany; ++i) Take();
  const auto begin = std::chrono::steady_clock::now();
  std::atomic<int> begun = 0;
  absl::Notification give;
  std::vector<std::thread> threads;
  for (auto& one : lent) {
    threads.emplace_back([&] {
      ++begun;
      one.reset();
      give.WaitForNotification();
      Give();
    });
  }
  while (begun < kMany || tokens_.owed() < JobTokens::kOwedMax) std::this_thread::yield();
  give.Notify();
  for (std::thread& thread : threads) thread.join();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(JobTokens::kAwaitMsMax));
  AwaitOwed(0);
  EXPECT_EQ(TokensInPipe(), 0);
}

TEST_F(JobTokensTest, WhatIsOwedToACargoThatHasEndedIsForgotten) {
  {
    const JobTokens::Lent lent = Lend();
    Take();
  }
  EXPECT_EQ(tokens_.owed(), 1);
  write_.Reset();
  read_.Reset();
  AwaitOwed(0);
}

TEST_F(JobTokensTest, NothingIsLentWhereThereIsNoPipe) {
  const UniqueFd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  for (const std::string& flags :
       {std::string(), std::string("-j"), std::string("--jobserver-auth=fifo:/nowhere"),
        std::string("--jobserver-auth=98765,98766"), fmt::format("--jobserver-auth={0},{0}", file.get())}) {
    const JobTokens::Lent lent = tokens_.Lend(::getpid(), flags);
  }
  int other[2];
  ASSERT_EQ(::pipe2(other, O_CLOEXEC), 0);
  const UniqueFd other_read(other[0]), other_write(other[1]);
  const JobTokens::Lent two_pipes =
      tokens_.Lend(::getpid(), fmt::format("--jobserver-auth={},{}", read_.get(), other[1]));
  const JobTokens::Lent nobody = tokens_.Lend(0, fmt::format("--jobserver-auth={},{}", read_.get(), write_.get()));
  EXPECT_EQ(TokensInPipe(), 0);
  EXPECT_EQ(tokens_.owed(), 0);
}

TEST(JobServerIn, ReadsWhatCargoWrites) {
  EXPECT_THAT(JobServerIn("-j --jobserver-fds=8,9 --jobserver-auth=8,9"), Optional(Pair(8, 9)));
  EXPECT_THAT(JobServerIn("-j4 --jobserver-fds=3,4"), Optional(Pair(3, 4)));
  EXPECT_THAT(JobServerIn("--jobserver-auth=1,2 --jobserver-auth=10,11"), Optional(Pair(10, 11)));
  for (const char* flags : {"", "-j", "--jobserver-auth=", "--jobserver-auth=8", "--jobserver-auth=-1,-1",
                            "--jobserver-auth=fifo:/tmp/x", "--jobserver-auth=99999999999,1"}) {
    EXPECT_THAT(JobServerIn(flags), Eq(std::nullopt)) << flags;
  }
}

}  // namespace
}  // namespace smelt

#include "src/services/connections/held_sends.h"

#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "src/base/unique_fd.h"
#include "src/services/connections/answering.h"
#include "src/testing/fake_clock.h"

namespace smelt {
namespace {

// Two ends of a TCP connection, and an epoll without anything in it.
class HeldSendsTest : public testing::Test {
 protected:
  void SetUp() override {
    const UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = {.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    socklen_t size = sizeof(address);
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    ASSERT_EQ(::bind(listener.get(), any, size), 0);
    ASSERT_EQ(::listen(listener.get(), 1), 0);
    ASSERT_EQ(::getsockname(listener.get(), any, &size), 0);
    here_ = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::connect(here_.get(), any, size), 0);
    there_ = UniqueFd(::accept(listener.get(), nullptr, nullptr));
    ASSERT_TRUE(there_.valid());
    const int on = 1;
    ASSERT_EQ(::setsockopt(here_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), 0);
    HoldSends(true, clock_);
  }

  void TearDown() override {
    HoldSends(false);
    Poll();
  }

  void Poll() {
    epoll_event event;
    EXPECT_EQ(::epoll_wait(epoll_.get(), &event, 1, 0), 0);
  }

  static void Send(int fd, std::string_view bytes) {
    iovec piece = {const_cast<char*>(bytes.data()), bytes.size()};
    msghdr message = {};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    ASSERT_EQ(::sendmsg(fd, &message, MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }

  static void Answer(int fd, std::string_view bytes) {
    Answering::Begin();
    Send(fd, bytes);
  }

  void AnswerMany(int count) {
    for (int i = 0; i < count; ++i) Answer(here_.get(), std::string(1, static_cast<char>('a' + i % 26)));
  }

  // Bytes that wait in the kernel's buffer.
  int Unsent() {
    int bytes = -1;
    EXPECT_EQ(::ioctl(here_.get(), SIOCOUTQNSD, &bytes), 0);
    return bytes;
  }

  // The next bytes at the other end.
  std::string Receive(std::size_t count) {
    std::string bytes(count, '\0');
    EXPECT_EQ(::recv(there_.get(), bytes.data(), count, MSG_WAITALL), static_cast<ssize_t>(count));
    return bytes;
  }

  FakeClock clock_;
  const UniqueFd epoll_{::epoll_create1(EPOLL_CLOEXEC)};
  UniqueFd here_, there_;
};

TEST_F(HeldSendsTest, WhatAThreadSendsBetweenPollsLeavesTogether) {
  Poll();
  AnswerMany(26);
  EXPECT_GE(Unsent(), 1);  // all, unless somebody held this process for a fifth of a second
  Poll();
  EXPECT_EQ(Unsent(), 0);
  EXPECT_EQ(Receive(26), "abcdefghijklmnopqrstuvwxyz");
}

TEST_F(HeldSendsTest, GoesOutBeforeThePollThatWaits) {
  Poll();
  Answer(here_.get(), "answer");
  std::thread other([&] { EXPECT_EQ(Receive(6), "answer"); });
  Poll();
  other.join();
}

TEST_F(HeldSendsTest, AThreadThatNeverPollsSendsAtOnce) {
  std::thread other([&] {
    Answer(here_.get(), "now");
    EXPECT_EQ(Unsent(), 0);
  });
  other.join();
  EXPECT_EQ(Receive(3), "now");
}

TEST_F(HeldSendsTest, AnotherThreadSendsWhatIsHeldToo) {
  Poll();
  Answer(here_.get(), "first,");
  std::thread other([&] { Answer(here_.get(), "second"); });
  other.join();
  EXPECT_EQ(Unsent(), 0);
  EXPECT_EQ(Receive(12), "first,second");
}

TEST_F(HeldSendsTest, WhatIsNoAnswerTakesAnswersWithIt) {
  Poll();
  Answer(here_.get(), "answer,");
  Send(here_.get(), "news");
  EXPECT_EQ(Unsent(), 0);
  EXPECT_EQ(Receive(11), "answer,news");
}

TEST_F(HeldSendsTest, AnAnswerThatWasNotSentIsForgottenByTheNextPoll) {
  Poll();
  Answering::Begin();
  Poll();
  Send(here_.get(), "news");
  EXPECT_EQ(Unsent(), 0);
}

TEST_F(HeldSendsTest, LargeMessagesAreNotHeld) {
  Poll();
  Answer(here_.get(), std::string(kHeldBytesMax + 1, 'x'));
  EXPECT_EQ(Unsent(), 0);
  EXPECT_EQ(Receive(kHeldBytesMax + 1), std::string(kHeldBytesMax + 1, 'x'));
}

TEST_F(HeldSendsTest, NotMoreThanSoManyAreHeld) {
  Poll();
  AnswerMany(kHeldSendsMax + 1);
  EXPECT_EQ(Unsent(), 0);
  EXPECT_EQ(Receive(kHeldSendsMax + 1).size(), static_cast<std::size_t>(kHeldSendsMax + 1));
}

TEST_F(HeldSendsTest, WhatHasWaitedGoesOutWithWhateverIsSentNext) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const UniqueFd one(ends[0]), other(ends[1]);
  Poll();
  for (const std::int64_t step : {kHeldNanosMax + 1, std::int64_t{-1}}) {  // the clock may be set back
    Answer(here_.get(), "answer");
    clock_.AdvanceNanos(step);
    Send(one.get(), "to somebody else");
    EXPECT_EQ(Unsent(), 0);
    EXPECT_EQ(Receive(6), "answer");
  }
}

TEST_F(HeldSendsTest, NothingIsHeldUnlessItIsWanted) {
  HoldSends(false);
  Poll();
  Answer(here_.get(), "x");
  EXPECT_EQ(Unsent(), 0);
}

TEST_F(HeldSendsTest, WhatIsClosedSendsWhatItHeld) {
  Poll();
  Answer(here_.get(), "last words");
  here_.Reset();
  EXPECT_EQ(Receive(10), "last words");
  Poll();
}

TEST_F(HeldSendsTest, OtherSocketsAreAsTheyAre) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), 0);
  const UniqueFd one(ends[0]), other(ends[1]);
  Poll();
  for (const char* message : {"one", "two"}) {
    Answer(one.get(), message);
    char bytes[8];
    EXPECT_EQ(std::string_view(bytes, static_cast<std::size_t>(::recv(other.get(), bytes, sizeof(bytes), 0))), message);
  }
}

TEST_F(HeldSendsTest, ManyConnectionsAreServedAtOnce) {
  std::vector<UniqueFd> copies;  // of one connection, which is many descriptors
  Poll();
  for (int i = 0; i < 100; ++i) {
    copies.emplace_back(::dup(here_.get()));
    Answer(copies.back().get(), "x");
  }
  Poll();
  EXPECT_EQ(Receive(100), std::string(100, 'x'));
}

}  // namespace
}  // namespace smelt

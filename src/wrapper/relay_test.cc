#include "src/wrapper/relay.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "src/wrapper/own_fd.h"

namespace smelt::wrapper {
namespace {

class RelayTest : public testing::Test {
 protected:
  RelayTest() {
    if (!pipe_.Open() || fcntl(pipe_.read.get(), F_SETFL, O_NONBLOCK) != 0) abort();
  }

  // What has been passed on since the last call.
  std::string PassedOn() {
    char buffer[65536];
    ssize_t n = read(pipe_.read.get(), buffer, sizeof(buffer));
    return n > 0 ? std::string(buffer, static_cast<std::size_t>(n)) : std::string();
  }

  OwnPipe pipe_;
  Display none_;
};

TEST_F(RelayTest, WithoutDisplayEverythingPassesAtOnce) {
  Relay relay(pipe_.write.get(), nullptr);
  relay.Append("par");
  EXPECT_EQ(PassedOn(), "par");
  EXPECT_FALSE(relay.HasPartialLine());
  relay.Append("t\n");
  EXPECT_EQ(PassedOn(), "t\n");
  EXPECT_EQ(relay.TakeCaptured(), "part\n");
}

TEST_F(RelayTest, WithDisplayLinesPassWhenTheyAreComplete) {
  Relay relay(pipe_.write.get(), &none_);
  relay.Append("one\ntw");
  EXPECT_EQ(PassedOn(), "one\n");
  EXPECT_TRUE(relay.HasPartialLine());
  relay.Append("o\n");
  EXPECT_EQ(PassedOn(), "two\n");
  relay.Append("three");
  relay.Flush();
  EXPECT_EQ(PassedOn(), "three");
  EXPECT_FALSE(relay.HasPartialLine());
}

TEST_F(RelayTest, APathCutByTheReadIsReplacedAsAWhole) {
  Display display = {{"/v/w", "/home/u/w"}};
  Relay relay(pipe_.write.get(), &display);
  relay.Append("at /v");
  relay.Append("/w/a.rs\n");
  EXPECT_EQ(PassedOn(), "at /home/u/w/a.rs\n");
  EXPECT_EQ(relay.TakeCaptured(), "at /v/w/a.rs\n");
}

TEST_F(RelayTest, UpToTheLimitIsCapturedAndBeyondNothing) {
  Relay at(pipe_.write.get(), nullptr, 4);
  at.Append("four");
  EXPECT_FALSE(at.Overflowed());
  EXPECT_EQ(at.TakeCaptured(), "four");
  PassedOn();
  Relay beyond(pipe_.write.get(), nullptr, 4);
  beyond.Append("four");
  beyond.Append("5");
  beyond.Append("6");
  EXPECT_TRUE(beyond.Overflowed());
  EXPECT_EQ(beyond.TakeCaptured(), "");
  EXPECT_EQ(PassedOn(), "four56");
}

TEST_F(RelayTest, WhenNobodyReadsItIsStillCaptured) {
  signal(SIGPIPE, SIG_IGN);
  pipe_.read.Reset();
  Relay relay(pipe_.write.get(), nullptr);
  relay.Append("a");
  relay.Append("b");
  EXPECT_EQ(relay.TakeCaptured(), "ab");
}

TEST(WithDisplay, ReplacesOnlyWholeDirectoriesFollowedByASlash) {
  Display display = {{"/v/w", "/home/u/w"}};
  EXPECT_EQ(WithDisplay("/v/w/a /v/w /v/w2/a x/v/w/b", display), "/home/u/w/a /v/w /v/w2/a x/home/u/w/b");
}

TEST(WithDisplay, TheFirstPairThatFitsCountsAndItsTextIsNotLookedAtAgain) {
  Display display = {{"/v/w/t", "/v/w"}, {"/v/w", "/W"}, {"", "never"}};
  EXPECT_EQ(WithDisplay("/v/w/t/x /v/w/y", display), "/v/w/x /W/y");
}

TEST(WithDisplay, LeavesAloneWhatHasNone) {
  EXPECT_EQ(WithDisplay("", {{"/v", "/w"}}), "");
  EXPECT_EQ(WithDisplay("text\n", {}), "text\n");
}

}  // namespace
}  // namespace smelt::wrapper

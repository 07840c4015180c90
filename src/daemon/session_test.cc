#include "src/daemon/session.h"

#include <sys/socket.h>

#include <filesystem>
#include <optional>
#include <string>
#include <thread>

#include "absl/synchronization/notification.h"
#include "src/daemon/testing/daemon_fixture.h"
#include "src/wire/build_id.h"
#include "src/wire/frame.h"

namespace smelt {
namespace {

// One connection, with the wrapper's end in the test's hands.
class SessionTest : public DaemonFixture {
 protected:
  SessionTest() {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    ours_.Reset(ends[0]);
    thread_ = std::thread([this, fd = ends[1]] {
      ServeConnection(UniqueFd(fd), daemon_->compiles, commands_, drain_, heartbeat_,
                      [this] { other_version_ = true; });
    });
  }
  ~SessionTest() override { End(); }

  void End() {
    ours_.Reset();
    if (thread_.joinable()) thread_.join();
  }

  void Send(const wire::Message& message) {
    EXPECT_EQ(wire::WriteMessage(ours_.get(), message), wire::FrameStatus::kOk);
  }

  // The next message; nullopt when the daemon has closed the connection.
  std::optional<wire::Message> Receive() {
    wire::Message message;
    if (wire::ReadMessage(ours_.get(), &message) != wire::FrameStatus::kOk) return std::nullopt;
    return message;
  }

  template <typename M>
  M Next() {
    for (;;) {
      std::optional<wire::Message> message = Receive();
      if (message && std::holds_alternative<wire::Working>(*message)) continue;
      if (message && std::holds_alternative<M>(*message)) return std::get<M>(*message);
      ADD_FAILURE() << "another message, or none";
      return {};
    }
  }

  UniqueFd ours_;
  bool other_version_ = false, stopped_ = false;
  Drain drain_;
  Heartbeat heartbeat_{1};
  CommandHandler commands_{{files_, Clock::System(), *daemon_->store, daemon_->counters, daemon_->journal, dir_.path(),
                            dir_ / "sock", options_.observer, "", 0, drain_, [this](bool) { stopped_ = true; }}};
  std::thread thread_;
};

TEST_F(SessionTest, ACompileIsRunThenStored) {
  Send(one_.Request());
  const auto run = Next<wire::Run>();
  Send(FakeRustc(one_.directory(), one_.Environment()).Run(run));
  EXPECT_EQ(Next<wire::Exit>().code, 0);
  EXPECT_EQ(Receive(), std::nullopt);
  EXPECT_EQ(Last(), "miss");
}

TEST_F(SessionTest, AHitSendsItsOutputAndExit) {
  Compile(one_);
  Send(one_.Request());
  EXPECT_FALSE(Next<wire::Output>().to_stderr);
  EXPECT_TRUE(Next<wire::Output>().to_stderr);
  EXPECT_EQ(Next<wire::Exit>().code, 0);
  EXPECT_EQ(Receive(), std::nullopt);
}

TEST_F(SessionTest, AWrapperHearsThatWeAreAtIt) {
  Compile(one_);
  absl::Notification heard;
  files_.OnCall([&](Call, const std::string&) { heard.WaitForNotification(); });
  Send(one_.Request());
  for (int i = 0; i < 3; ++i) {
    const std::optional<wire::Message> message = Receive();
    EXPECT_TRUE(message && std::holds_alternative<wire::Working>(*message));
  }
  heard.Notify();
  Next<wire::Output>();
  Next<wire::Output>();
  EXPECT_EQ(Next<wire::Exit>().code, 0);
}

// It may be compiling without us.
TEST_F(SessionTest, NothingIsPutInPlaceForAWrapperThatHasGone) {
  Compile(one_);
  one_.RemoveTarget();
  std::filesystem::create_directories(one_.Deps());
  absl::Notification looked, gone;
  files_.OnCall([&](Call, const std::string&) {
    if (!looked.HasBeenNotified()) looked.Notify();
    gone.WaitForNotification();
  });
  Send(one_.Request());
  looked.WaitForNotification();
  ASSERT_EQ(shutdown(ours_.get(), SHUT_RDWR), 0);  // a process that is being made may have it open for a moment
  ours_.Reset();
  gone.Notify();
  End();
  EXPECT_TRUE(one_.Outputs().empty());
  EXPECT_EQ(Count("hits"), 0);
}

TEST_F(SessionTest, ARefusalIsPlain) {
  one_.arguments = {"--no-such-flag"};
  Send(one_.Request());
  Next<wire::Plain>();
  EXPECT_EQ(Receive(), std::nullopt);
}

TEST_F(SessionTest, OnceTheDaemonIsToEndCompilesArePlainAndCommandsAreAnswered) {
  drain_.Close();
  Send(one_.Request());
  Next<wire::Plain>();
  EXPECT_EQ(Receive(), std::nullopt);
  EXPECT_EQ(Count("compile_requests"), 0);
}

TEST_F(SessionTest, WhatIsCompiledWhenTheDaemonIsToEndIsStored) {
  Send(one_.Request());
  const auto run = Next<wire::Run>();
  drain_.Close();
  EXPECT_EQ(drain_.Await(absl::ZeroDuration()), 1);
  Send(FakeRustc(one_.directory(), one_.Environment()).Run(run));
  EXPECT_EQ(Next<wire::Exit>().code, 0);
  EXPECT_EQ(drain_.Await(absl::InfiniteDuration()), 0);
  EXPECT_EQ(Last(), "miss");
}

TEST_F(SessionTest, ACommandIsAnswered) {
  Send(wire::Command{wire::BuildId(), {"stats"}, "/", {}, false});
  EXPECT_FALSE(Next<wire::Output>().to_stderr);
  EXPECT_EQ(Next<wire::Exit>().code, 0);
}

TEST_F(SessionTest, AnotherVersionIsToldSoAndTheDaemonEnds) {
  wire::Compile request = one_.Request();
  request.build_id = "9.9.9+wire1";
  Send(request);
  EXPECT_EQ(Next<wire::OtherVersion>().build_id, wire::BuildId());
  End();
  EXPECT_TRUE(other_version_);
  EXPECT_EQ(Count("compile_requests"), 0);
}

TEST_F(SessionTest, AnotherVersionsCompileNeedNotBeUnderstood) {
  wire::Compile request = one_.Request();
  request.build_id = "9.9.9+wire2";
  const std::string payload = wire::Encode(request) + "fields of tomorrow";
  ASSERT_EQ(wire::WriteFrame(ours_.get(), payload), wire::FrameStatus::kOk);
  Next<wire::OtherVersion>();
  End();
  EXPECT_TRUE(other_version_);
}

TEST_F(SessionTest, GarbageIsDropped) {
  ASSERT_EQ(wire::WriteFrame(ours_.get(), "\x07 garbage"), wire::FrameStatus::kOk);
  EXPECT_EQ(Receive(), std::nullopt);
  End();
  EXPECT_FALSE(other_version_);
}

TEST_F(SessionTest, ALengthThatIsNoLengthIsDropped) {
  ASSERT_EQ(write(ours_.get(), "\xff\xff\xff\xff", 4), 4);
  EXPECT_EQ(Receive(), std::nullopt);
}

TEST_F(SessionTest, WhoSaysNothingAndGoesIsForgotten) {
  End();
  EXPECT_FALSE(other_version_);
}

TEST_F(SessionTest, AMessageThatIsNoQuestionIsDropped) {
  Send(wire::Ran{0, "", ""});
  EXPECT_EQ(Receive(), std::nullopt);
}

TEST_F(SessionTest, AWrapperThatDiesWhileTheCompilerRunsIsNoticed) {
  Send(one_.Request());
  Next<wire::Run>();
  End();
  EXPECT_EQ(Count("wrappers_lost"), 1);
}

TEST_F(SessionTest, AWrapperThatDiesAfterTheCompilerRanIsStoredAllTheSame) {
  Send(one_.Request());
  const auto run = Next<wire::Run>();
  Send(FakeRustc(one_.directory(), one_.Environment()).Run(run));
  End();
  EXPECT_EQ(Last(), "miss");
}

}  // namespace
}  // namespace smelt

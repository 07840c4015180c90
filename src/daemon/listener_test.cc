#include "src/daemon/listener.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/testing/status_matchers.h"
#include "src/testing/temp_dir.h"

namespace smelt {
namespace {

UniqueFd ConnectSilently(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return UniqueFd();
  return fd;
}

UniqueFd Connect(const std::string& path) {
  UniqueFd fd = ConnectSilently(path);
  if (fd.valid()) send(fd.get(), "?", 1, MSG_NOSIGNAL);
  return fd;
}

// What the other side wrote before it closed the connection.
std::string ReadAll(int fd) {
  std::string text;
  char piece[100];
  for (ssize_t n; (n = read(fd, piece, sizeof piece)) > 0;) text.append(piece, static_cast<std::size_t>(n));
  return text;
}

class ListenerTest : public testing::Test {
 protected:
  // A socket's path must be short.
  ListenerTest() { EXPECT_EQ(chdir(dir_.path().c_str()), 0); }
  ~ListenerTest() override { End(); }

  void Start(std::function<void(UniqueFd)> serve, Listener::Options options = {}) {
    options.socket_path = path_;
    listener_ = std::make_unique<Listener>(options, std::move(serve), [this] { ++ticks_; });
    ASSERT_OK(listener_->Bind());
    thread_ = std::thread([this] { drained_ = listener_->Run(); });
  }

  void End() {
    if (!thread_.joinable()) return;
    listener_->Stop();
    thread_.join();
  }

  bool SocketIsThere() { return access(path_.c_str(), F_OK) == 0; }

  static void WaitUntil(const std::function<bool()>& condition) {
    while (!condition()) std::this_thread::yield();
  }

  static void Greet(UniqueFd fd) { EXPECT_EQ(write(fd.get(), "hello", 5), 5); }

  TempDir dir_;
  const std::string path_ = "sock";
  std::unique_ptr<Listener> listener_;
  std::thread thread_;
  std::atomic<int> ticks_{0};
  bool drained_ = false;
};

TEST_F(ListenerTest, ServesEachConnectionAndTakesItsSocketAway) {
  Start(Greet);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ReadAll(Connect(path_).get()), "hello");
  End();
  EXPECT_TRUE(drained_);
  EXPECT_FALSE(SocketIsThere());
  EXPECT_FALSE(Connect(path_).valid());
  EXPECT_GE(ticks_, 1) << "once more at the end";
}

TEST_F(ListenerTest, AThreadServesOneConnectionAfterTheOther) {
  std::mutex mu;
  std::set<pid_t> threads;
  Start([&](UniqueFd fd) {
    const std::lock_guard lock(mu);
    threads.insert(gettid());
    Greet(std::move(fd));
  });
  std::size_t connections = 0;
  WaitUntil([&] {
    EXPECT_EQ(ReadAll(Connect(path_).get()), "hello");
    const std::lock_guard lock(mu);
    return threads.size() < ++connections;
  });
}

TEST_F(ListenerTest, TheSocketIsForItsUserOnly) {
  Start(Greet);
  struct stat st;
  ASSERT_EQ(stat(path_.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0600u);
}

TEST_F(ListenerTest, AnotherUserIsRefused) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can be somebody else";
  Start(Greet);
  ASSERT_EQ(chmod(path_.c_str(), 0666), 0);
  ASSERT_EQ(chmod(dir_.path().c_str(), 0755), 0);
  const pid_t child = fork();
  if (child == 0) {
    if (setuid(65534) != 0) _exit(2);
    UniqueFd fd = Connect(path_);
    _exit(!fd.valid() ? 3 : ReadAll(fd.get()).empty() ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  if (WEXITSTATUS(status) >= 2) GTEST_SKIP() << "there is nobody else here, or he cannot reach us";
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(ReadAll(Connect(path_).get()), "hello") << "we are not";
}

TEST_F(ListenerTest, ADeadSocketIsReplaced) {
  ASSERT_EQ(close(open(path_.c_str(), O_CREAT | O_WRONLY, 0600)), 0);
  Start(Greet);
  EXPECT_EQ(ReadAll(Connect(path_).get()), "hello");
}

TEST_F(ListenerTest, APathThatIsTooLongIsSaid) {
  Listener listener({.socket_path = dir_ / std::string(200, 'x')}, Greet, [] {});
  EXPECT_THAT(listener.Bind(), StatusIs(absl::StatusCode::kInvalidArgument, testing::HasSubstr("xxx")));
  Listener nowhere({.socket_path = dir_ / "absent/sock"}, Greet, [] {});
  EXPECT_FALSE(nowhere.Bind().ok());
}

TEST_F(ListenerTest, EndsWhenNobodyHasAskedForLong) {
  Start(Greet, {.idle_seconds = 0});
  thread_.join();
  EXPECT_FALSE(SocketIsThere());
}

TEST_F(ListenerTest, WhoIsBeingServedIsNotIdle) {
  absl::Notification go_on;
  Start(
      [&](UniqueFd fd) {
        go_on.WaitForNotification();
        Greet(std::move(fd));
      },
      {.idle_seconds = 0});
  UniqueFd connection = Connect(path_);
  if (!connection.valid()) GTEST_SKIP() << "it was quicker";
  const int before = ticks_;
  WaitUntil([&] { return ticks_ > before; });
  EXPECT_TRUE(SocketIsThere());
  go_on.Notify();
  EXPECT_EQ(ReadAll(connection.get()), "hello");
}

TEST_F(ListenerTest, StopWaitsForWhatIsBeingServed) {
  absl::Notification served, go_on;
  std::atomic<bool> done{false};
  Start([&](UniqueFd) {
    served.Notify();
    go_on.WaitForNotification();
    done = true;
  });
  UniqueFd connection = Connect(path_);
  served.WaitForNotification();
  listener_->Stop();
  WaitUntil([&] { return !SocketIsThere(); });
  EXPECT_FALSE(done);
  go_on.Notify();
  thread_.join();
  EXPECT_TRUE(done && drained_);
}

TEST_F(ListenerTest, WhatNeverEndsIsLeft) {
  absl::Notification served, go_on, gone;
  Start(
      [&](UniqueFd) {
        served.Notify();
        go_on.WaitForNotification();
        gone.Notify();
      },
      {.drain_seconds = 0});
  UniqueFd connection = Connect(path_);
  served.WaitForNotification();
  End();
  EXPECT_FALSE(drained_);
  // The thread still has the listener: it must outlive it here.
  go_on.Notify();
  gone.WaitForNotification();
  static_cast<void>(listener_.release());
}

// Would wait for as long as the compile takes, were it not said.
TEST_F(ListenerTest, StoppedAtOnceItWaitsForNothing) {
  absl::Notification served, go_on, gone;
  Start(
      [&](UniqueFd) {
        served.Notify();
        go_on.WaitForNotification();
        gone.Notify();
      },
      {.drain_seconds = 1'000'000});
  UniqueFd connection = Connect(path_);
  served.WaitForNotification();
  listener_->StopAtOnce();
  thread_.join();
  EXPECT_FALSE(drained_);
  EXPECT_FALSE(SocketIsThere());
  go_on.Notify();
  gone.WaitForNotification();
  static_cast<void>(listener_.release());
}

TEST_F(ListenerTest, ManyConnectAtOnce) {
  constexpr int kMany = 100;
  std::atomic<int> inside{0};
  absl::Notification all_inside;
  Start([&](UniqueFd fd) {
    if (++inside == kMany) all_inside.Notify();
    all_inside.WaitForNotification();
    Greet(std::move(fd));
  });
  std::vector<UniqueFd> connections;
  for (int i = 0; i < kMany; ++i) connections.push_back(Connect(path_));
  for (UniqueFd& connection : connections) EXPECT_EQ(ReadAll(connection.get()), "hello");
}

TEST_F(ListenerTest, MoreThanItTakesWait) {
  std::atomic<int> total{0};
  Start([&](UniqueFd fd) {
    ++total;
    Greet(std::move(fd));
  });
  constexpr int kMany = Listener::kConnectionsMax + 100;
  for (int i = 0; i < kMany; ++i) EXPECT_EQ(ReadAll(Connect(path_).get()), "hello");
  EXPECT_EQ(total, kMany);
}

TEST_F(ListenerTest, WhoSaysNothingMakesRoomForOthers) {
  absl::Notification served, go_on;
  Start([&](UniqueFd fd) {
    char word;
    if (read(fd.get(), &word, 1) != 1) return;
    if (word == '!') served.Notify(), go_on.WaitForNotification();
    Greet(std::move(fd));
  });
  UniqueFd first = ConnectSilently(path_);
  ASSERT_EQ(write(first.get(), "!", 1), 1);
  served.WaitForNotification();
  std::vector<UniqueFd> silent;
  while (silent.size() < Listener::kConnectionsMax + 3) silent.push_back(ConnectSilently(path_));
  EXPECT_EQ(ReadAll(Connect(path_).get()), "hello");
  EXPECT_EQ(ReadAll(silent.front().get()), "") << "the oldest went";
  EXPECT_EQ(write(silent.back().get(), "?", 1), 1);
  EXPECT_EQ(ReadAll(silent.back().get()), "hello") << "the youngest stayed";
  go_on.Notify();
  EXPECT_EQ(ReadAll(first.get()), "hello") << "who has spoken stays, however long ago that was";
  silent.clear();
}

TEST_F(ListenerTest, ADaemonThatNobodyCanFindAnyMoreEnds) {
  Start(Greet);
  ASSERT_EQ(unlink(path_.c_str()), 0);
  thread_.join();
  EXPECT_TRUE(drained_);
}

TEST_F(ListenerTest, AnotherDaemonsSocketIsLeftAlone) {
  Start(Greet);
  ASSERT_EQ(rename(path_.c_str(), "old"), 0);
  ASSERT_EQ(close(open(path_.c_str(), O_CREAT | O_WRONLY, 0600)), 0);
  End();
  EXPECT_TRUE(SocketIsThere());
}

TEST_F(ListenerTest, StoppingTwiceIsStopping) {
  Start(Greet);
  listener_->Stop();
  End();
  EXPECT_TRUE(drained_);
}

}  // namespace
}  // namespace smelt

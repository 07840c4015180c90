#include "src/wire/frame.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "src/base/unique_fd.h"

namespace smelt::wire {
namespace {

struct Ends {
  UniqueFd a, b;
  Ends() {
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0) abort();
    a.Reset(fds[0]);
    b.Reset(fds[1]);
  }
  void Raw(std::string_view bytes) { ASSERT_EQ(send(a.get(), bytes.data(), bytes.size(), 0), ssize_t(bytes.size())); }
};

TEST(Frame, IsTheLengthAndThePayload) {
  Ends ends;
  ASSERT_EQ(WriteFrame(ends.a.get(), "abc"), FrameStatus::kOk);
  char raw[16];
  ASSERT_EQ(read(ends.b.get(), raw, sizeof(raw)), 7);
  EXPECT_EQ(std::string(raw, 7), std::string("\x03\0\0\0abc", 7));
}

TEST(Frame, FramesComeOneByOneAndThenTheEnd) {
  Ends ends;
  ASSERT_EQ(WriteFrame(ends.a.get(), "one"), FrameStatus::kOk);
  ASSERT_EQ(WriteFrame(ends.a.get(), ""), FrameStatus::kOk);
  ASSERT_EQ(WriteFrame(ends.a.get(), "three"), FrameStatus::kOk);
  ends.a.Reset();
  std::string payload;
  for (const char* expected : {"one", "", "three"}) {
    ASSERT_EQ(ReadFrame(ends.b.get(), &payload), FrameStatus::kOk);
    EXPECT_EQ(payload, expected);
  }
  EXPECT_EQ(ReadFrame(ends.b.get(), &payload), FrameStatus::kClosed);
}

TEST(Frame, LargerThanAllBuffersPassesWhileTheOtherSideReads) {
  Ends ends;
  std::string sent(20 << 20, '\0');
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>(i * 7 >> 3);
  std::thread writer([&] { EXPECT_EQ(WriteFrame(ends.a.get(), sent), FrameStatus::kOk); });
  std::string payload;
  EXPECT_EQ(ReadFrame(ends.b.get(), &payload), FrameStatus::kOk);
  writer.join();
  EXPECT_TRUE(payload == sent);
}

TEST(Frame, AnEndInsideAFrameIsBroken) {
  std::string payload;
  for (std::string_view part :
       {std::string_view("\x05", 1), std::string_view("\x05\0\0\0", 4), std::string_view("\x05\0\0\0ab", 6)}) {
    Ends ends;
    ends.Raw(part);
    ends.a.Reset();
    EXPECT_EQ(ReadFrame(ends.b.get(), &payload), FrameStatus::kBroken) << part.size();
  }
}

TEST(Frame, ALengthBeyondTheLimitIsBrokenAtOnce) {
  Ends ends;
  ends.Raw(std::string_view("\x01\0\0\x10", 4));
  std::string payload;
  EXPECT_EQ(ReadFrame(ends.b.get(), &payload), FrameStatus::kBroken);
}

TEST(Frame, ALengthAtTheLimitCostsNoMemoryUntilItsBytesCome) {
  Ends ends;
  ends.Raw(std::string_view("\0\0\0\x10", 4));
  ends.a.Reset();
  std::string payload;
  EXPECT_EQ(ReadFrame(ends.b.get(), &payload), FrameStatus::kBroken);
  EXPECT_LT(payload.capacity(), 4u << 20);
}

TEST(Frame, SilenceTimesOutBeforeAndInsideAFrame) {
  Ends ends;
  std::string payload;
  EXPECT_EQ(ReadFrame(ends.b.get(), &payload, 1), FrameStatus::kTimedOut);
  ends.Raw(std::string_view("\x05\0\0\0ab", 6));
  EXPECT_EQ(ReadFrame(ends.b.get(), &payload, 1), FrameStatus::kTimedOut);
}

TEST(Frame, WritingToNobodyIsClosedAndRaisesNoSignal) {
  Ends ends;
  ends.b.Reset();
  EXPECT_EQ(WriteFrame(ends.a.get(), "x"), FrameStatus::kClosed);
}

TEST(Frame, WritingToOneWhoDoesNotReadTimesOut) {
  Ends ends;
  EXPECT_EQ(WriteFrame(ends.a.get(), std::string(8 << 20, 'x'), 1), FrameStatus::kTimedOut);
}

TEST(Frame, SignalsDoNotDisturb) {
  struct sigaction action = {};
  action.sa_handler = [](int) {};
  ASSERT_EQ(sigaction(SIGUSR1, &action, nullptr), 0);
  Ends ends;
  std::string payload;
  std::atomic<bool> done = false;
  std::thread reader([&] {
    EXPECT_EQ(ReadFrame(ends.b.get(), &payload), FrameStatus::kOk);
    done = true;
  });
  for (int i = 0; i < 100; ++i) pthread_kill(reader.native_handle(), SIGUSR1);
  ASSERT_EQ(WriteFrame(ends.a.get(), "after the signals"), FrameStatus::kOk);
  reader.join();
  EXPECT_TRUE(done);
  EXPECT_EQ(payload, "after the signals");
}

TEST(Message, TravelsAndGarbageIsBroken) {
  Ends ends;
  ASSERT_EQ(WriteMessage(ends.a.get(), Exit{3}), FrameStatus::kOk);
  ASSERT_EQ(WriteFrame(ends.a.get(), "garbage"), FrameStatus::kOk);
  Message message;
  ASSERT_EQ(ReadMessage(ends.b.get(), &message), FrameStatus::kOk);
  EXPECT_EQ(std::get<Exit>(message).code, 3);
  EXPECT_EQ(ReadMessage(ends.b.get(), &message), FrameStatus::kBroken);
}

}  // namespace
}  // namespace smelt::wire

#include "src/services/connections/polling_threads.h"

#include <gtest/gtest.h>

#include <deque>
#include <latch>
#include <mutex>
#include <set>
#include <thread>

#include "grpcpp/create_channel.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/channel_arguments.h"

namespace smelt {
namespace {

constexpr int kCalls = 500;

struct Call {
  grpc::ClientContext context;
  grpc::Slice nothing{"", 0};
  grpc::ByteBuffer request{&nothing, 1}, response;
};

// On which of gRPC's threads the ends of many calls are told.
std::set<std::thread::id> ThreadsOfCallbacks() {
  grpc::GenericStub stub(grpc::CreateCustomChannel("", nullptr, grpc::ChannelArguments()));
  std::mutex mu;
  std::set<std::thread::id> threads;
  std::latch left(kCalls);
  std::deque<Call> calls(kCalls);
  for (Call& call : calls) {
    stub.UnaryCall(&call.context, "/any/method", {}, &call.request, &call.response, [&](const grpc::Status&) {
      const std::lock_guard lock(mu);
      threads.insert(std::this_thread::get_id());
      left.count_down();
    });
  }
  left.wait();
  const std::lock_guard lock(mu);
  return threads;
}

TEST(FewPollingThreads, AreAsManyAsAreWanted) {
  const FewPollingThreads few(1);
  EXPECT_GE(few.waiting(), 1);
  EXPECT_EQ(few.polling(), 1);
  EXPECT_EQ(ThreadsOfCallbacks().size(), 1u);
}

TEST(FewPollingThreads, AreNeverNone) {
  const FewPollingThreads few(0);
  EXPECT_EQ(ThreadsOfCallbacks().size(), 1u);
}

TEST(FewPollingThreads, AreAllWhereAllAreWanted) {
  const FewPollingThreads few(16);
  EXPECT_EQ(few.waiting(), 0);
  EXPECT_GE(few.polling(), 2);
}

TEST(FewPollingThreads, AreManyAgainAfterwards) {
  for (int i = 0; i < 20; ++i) {
    const FewPollingThreads few(1);
    ASSERT_GE(few.waiting(), 1);
    ASSERT_EQ(ThreadsOfCallbacks().size(), 1u);
  }
}

}  // namespace
}  // namespace smelt

#ifndef SMELT_SERVICES_MESSAGES_RAW_CALL_H_
#define SMELT_SERVICES_MESSAGES_RAW_CALL_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "src/metrics/call_observer.h"
#include "src/services/bytes_budget.h"
#include "src/services/observed_call.h"
#include "src/services/stream_watch.h"

namespace google::protobuf {
class Message;
class MessageLite;
}  // namespace google::protobuf

namespace grpc {
class ByteBuffer;
class CallbackServerContext;
class ServerUnaryReactor;
}  // namespace grpc

namespace smelt {

// Reads what came as a message, as reapi::ParseBounded does.
absl::Status ParseMessage(const grpc::ByteBuffer& bytes, google::protobuf::Message& message);

// What was parsed before, anew: who waits for memory does so as bytes, since parsed they may be 14 times as many.
template <typename Request>
std::shared_ptr<Request> ParsedAgain(const grpc::ByteBuffer& bytes) {
  auto request = std::make_shared<Request>();
  ParseMessage(bytes, *request).IgnoreError();
  return request;
}

grpc::ByteBuffer SerializeMessage(const google::protobuf::MessageLite& message);

// Answers up to this size may wait for their clients without being counted: a connection has 256 of them at most.
inline constexpr std::int64_t kLittleAnswerBytes = 128 << 10;

class LargeAnswer;

// A unary call whose messages gRPC passes on as bytes, so that one that cannot be read is INVALID_ARGUMENT (gRPC by
// itself says UNIMPLEMENTED), and an answer may be bytes that somebody has. Its method returns `reactor()`; one of the
// Finish is called once, from any thread. A copy is the same call.
class RawCall {
 public:
  // `context` and `answer` live as long as the call. Nobody is told of it.
  RawCall(grpc::CallbackServerContext& context, grpc::ByteBuffer& answer) : RawCall(context, answer, nullptr, {}) {}

  // `observer`, which may be null, is told of it, under the name `method`; both live longer than the call.
  RawCall(grpc::CallbackServerContext& context, grpc::ByteBuffer& answer, CallObserver* observer,
          std::string_view method);

  grpc::ServerUnaryReactor* reactor() const { return reactor_; }

  // Says that the answer may have more than kLittleAnswerBytes, so that `Reserve` may be called: gRPC keeps an answer
  // until its client has taken it, which may be never. Before the call is copied and before `reactor` is asked.
  void MayBeLarge(StreamWatch& watch);

  // Takes `bytes` for the answer, kept until the client has it, and then calls `then`, at once or on another thread. A
  // client that does not take what it asked for is ended. `budget` lives longer than the call.
  void Reserve(BytesBudget& budget, std::int64_t bytes, std::function<void()> then) const;

  void Finish(const absl::Status& error) const;
  void Finish(const google::protobuf::MessageLite& answer) const;
  void Finish(grpc::ByteBuffer&& answer) const;

  // The error if there is one, else the answer.
  void Finish(const absl::Status& status, const google::protobuf::MessageLite& answer) const;

 private:
  grpc::CallbackServerContext* context_;
  ObservedCall observed_;
  grpc::ServerUnaryReactor* reactor_;
  LargeAnswer* large_ = nullptr;  // the reactor, after MayBeLarge
  grpc::ByteBuffer* answer_;
};

}  // namespace smelt

#endif  // SMELT_SERVICES_MESSAGES_RAW_CALL_H_

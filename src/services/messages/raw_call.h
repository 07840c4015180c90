#ifndef SMELT_SERVICES_MESSAGES_RAW_CALL_H_
#define SMELT_SERVICES_MESSAGES_RAW_CALL_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "src/metrics/call_observer.h"
#include "src/services/messages/answer_memory.h"
#include "src/services/observed_call.h"

namespace google::protobuf {
class Message;
class MessageLite;
}  // namespace google::protobuf

namespace grpc {
class ByteBuffer;
class CallbackServerContext;
class ServerUnaryReactor;
class Status;
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

class UnaryReactor;

// A unary call whose messages gRPC passes on as bytes, so that one that cannot be read is INVALID_ARGUMENT (gRPC by
// itself says UNIMPLEMENTED), and an answer may be bytes that somebody has. Its method returns `reactor()`; one of the
// Finish is called once, from any thread, and takes away the request, which gRPC would keep until the client has the
// answer. A copy is the same call.
class RawCall {
 public:
  // The parameters are those of gRPC's method, and live as long as the call. For answers that are always little; nobody
  // is told of it.
  RawCall(grpc::CallbackServerContext& context, const grpc::ByteBuffer& request, grpc::ByteBuffer& answer)
      : RawCall(context, request, answer, nullptr, nullptr, {}) {}

  // `observer`, which may be null, is told of it, under the name `method`. All three live longer than the call.
  RawCall(grpc::CallbackServerContext& context, const grpc::ByteBuffer& request, grpc::ByteBuffer& answer,
          AnswerMemory* memory, CallObserver* observer, std::string_view method);

  grpc::ServerUnaryReactor* reactor() const;

  // Takes `bytes` for an answer that is not little (AnswerMemory::IsLittle), kept until the client has it, and then
  // calls `then`, at once or on another thread. A client that does not take what it asked for is ended. Once at most.
  void Reserve(std::int64_t bytes, std::function<void()> then) const;

  void Finish(const absl::Status& error) const;
  void Finish(const google::protobuf::MessageLite& answer) const;
  void Finish(grpc::ByteBuffer&& answer) const;

  // The error if there is one, else the answer.
  void Finish(const absl::Status& status, const google::protobuf::MessageLite& answer) const;

 private:
  void Finish(const grpc::Status& status, absl::StatusCode code) const;

  grpc::CallbackServerContext* context_;
  ObservedCall observed_;
  UnaryReactor* reactor_;  // its own
  grpc::ByteBuffer* request_;
  grpc::ByteBuffer* answer_;
};

}  // namespace smelt

#endif  // SMELT_SERVICES_MESSAGES_RAW_CALL_H_

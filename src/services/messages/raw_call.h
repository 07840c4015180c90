#ifndef SMELT_SERVICES_MESSAGES_RAW_CALL_H_
#define SMELT_SERVICES_MESSAGES_RAW_CALL_H_

#include <string_view>

#include "absl/status/status.h"
#include "src/metrics/call_observer.h"
#include "src/services/observed_call.h"

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

grpc::ByteBuffer SerializeMessage(const google::protobuf::MessageLite& message);

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

  void Finish(const absl::Status& error) const;
  void Finish(const google::protobuf::MessageLite& answer) const;
  void Finish(grpc::ByteBuffer&& answer) const;

  // The error if there is one, else the answer.
  void Finish(const absl::Status& status, const google::protobuf::MessageLite& answer) const;

 private:
  grpc::CallbackServerContext* context_;
  ObservedCall observed_;
  grpc::ServerUnaryReactor* reactor_;
  grpc::ByteBuffer* answer_;
};

}  // namespace smelt

#endif  // SMELT_SERVICES_MESSAGES_RAW_CALL_H_

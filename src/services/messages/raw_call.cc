#include "src/services/messages/raw_call.h"

#include <string>
#include <utility>

#include "fmt/format.h"
#include "google/protobuf/message_lite.h"
#include "grpcpp/grpcpp.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "src/services/connections/answering.h"
#include "src/services/grpc_status.h"

namespace smelt {
namespace {

using google::protobuf::MessageLite;

bool Parse(const grpc::ByteBuffer& bytes, MessageLite& message) {
  grpc::Slice whole;
  if (bytes.TrySingleSlice(&whole).ok()) {
    return message.ParseFromArray(whole.begin(), static_cast<int>(whole.size()));
  }
  grpc::ByteBuffer copy(bytes);
  grpc::ProtoBufferReader reader(&copy);
  return reader.status().ok() && message.ParseFromZeroCopyStream(&reader);
}

grpc::ByteBuffer Serialized(const MessageLite& message) {
  grpc::Slice slice(message.ByteSizeLong());
  message.SerializeWithCachedSizesToArray(const_cast<std::uint8_t*>(slice.begin()));
  return grpc::ByteBuffer(&slice, 1);
}

}  // namespace

absl::Status ParseMessage(const grpc::ByteBuffer& bytes, MessageLite& message) {
  if (Parse(bytes, message)) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format("not a {}", message.GetTypeName()));
}

RawCall::RawCall(grpc::CallbackServerContext& context, grpc::ByteBuffer& answer, CallObserver* observer,
                 std::string_view method)
    : context_(&context), observed_(observer, method), reactor_(context.DefaultReactor()), answer_(&answer) {}

void RawCall::Finish(const absl::Status& error) const {
  Answering::Begin();
  observed_.End(*context_, error.code());
  reactor_->Finish(ToGrpc(error));
}

void RawCall::Finish(const MessageLite& answer) const { Finish(Serialized(answer)); }

void RawCall::Finish(grpc::ByteBuffer&& answer) const {
  Answering::Begin();
  *answer_ = std::move(answer);
  observed_.End(*context_, absl::StatusCode::kOk);
  reactor_->Finish(grpc::Status::OK);
}

void RawCall::Finish(const absl::Status& status, const MessageLite& answer) const {
  status.ok() ? Finish(answer) : Finish(status);
}

}  // namespace smelt

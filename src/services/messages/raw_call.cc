#include "src/services/messages/raw_call.h"

#include <string>
#include <utility>

#include "fmt/format.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/message.h"
#include "grpcpp/grpcpp.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "src/base/status_macros.h"
#include "src/reapi/bounded_parse.h"
#include "src/services/connections/answering.h"
#include "src/services/grpc_status.h"

namespace smelt {
namespace {

using google::protobuf::MessageLite;

// Each Reader reads from the beginning.
class Reader {
 public:
  explicit Reader(const grpc::ByteBuffer& bytes) : bytes_(bytes), reader_(&bytes_) {}

  bool ok() const { return reader_.status().ok(); }
  grpc::ProtoBufferReader& operator*() { return reader_; }

 private:
  grpc::ByteBuffer bytes_;
  grpc::ProtoBufferReader reader_;
};

absl::Status CheckPieces(const grpc::ByteBuffer& bytes, const google::protobuf::Descriptor& type) {
  Reader reader(bytes);
  if (!reader.ok()) return absl::OkStatus();
  google::protobuf::io::CodedInputStream in(&*reader);
  return reapi::CheckFields(in, static_cast<std::int64_t>(bytes.Length()), type);
}

}  // namespace

absl::Status ParseMessage(const grpc::ByteBuffer& bytes, google::protobuf::Message& message) {
  grpc::Slice whole;
  if (bytes.TrySingleSlice(&whole).ok()) {
    return reapi::ParseBounded({reinterpret_cast<const char*>(whole.begin()), whole.size()}, message);
  }
  RETURN_IF_ERROR(CheckPieces(bytes, *message.GetDescriptor()));
  Reader reader(bytes);
  if (reader.ok() && message.ParseFromZeroCopyStream(&*reader)) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format("not a {}", message.GetTypeName()));
}

// What is reserved for an answer goes back, and the watch ends, when gRPC is done with the call.
class LargeAnswer : public grpc::ServerUnaryReactor {
 public:
  LargeAnswer(StreamWatch& watch, grpc::CallbackServerContext& context) : stream_(watch, context) { stream_.Busy(); }

  void Keep(BytesBudget::Hold hold) { hold_ = std::move(hold); }

  void Sends(std::size_t bytes) {
    hold_.ShrinkTo(static_cast<std::int64_t>(bytes));
    stream_.Sends(static_cast<std::int64_t>(bytes));
  }

  void OnDone() override { delete this; }

 private:
  StreamWatch::Stream stream_;
  BytesBudget::Hold hold_;
};

grpc::ByteBuffer SerializeMessage(const MessageLite& message) {
  grpc::Slice slice(message.ByteSizeLong());
  message.SerializeWithCachedSizesToArray(const_cast<std::uint8_t*>(slice.begin()));
  return grpc::ByteBuffer(&slice, 1);
}

RawCall::RawCall(grpc::CallbackServerContext& context, grpc::ByteBuffer& answer, CallObserver* observer,
                 std::string_view method)
    : context_(&context), observed_(observer, method), reactor_(context.DefaultReactor()), answer_(&answer) {}

void RawCall::MayBeLarge(StreamWatch& watch) {
  large_ = new LargeAnswer(watch, *context_);
  reactor_ = large_;
}

void RawCall::Reserve(BytesBudget& budget, std::int64_t bytes, std::function<void()> then) const {
  budget.Acquire(context_->peer(), bytes, [large = large_, then = std::move(then)](BytesBudget::Hold hold) {
    large->Keep(std::move(hold));
    then();
  });
}

void RawCall::Finish(const absl::Status& error) const {
  Answering::Begin();
  if (large_ != nullptr) large_->Sends(0);
  observed_.End(*context_, error.code());
  reactor_->Finish(ToGrpc(error));
}

void RawCall::Finish(const MessageLite& answer) const { Finish(SerializeMessage(answer)); }

void RawCall::Finish(grpc::ByteBuffer&& answer) const {
  Answering::Begin();
  if (large_ != nullptr) large_->Sends(answer.Length());
  *answer_ = std::move(answer);
  observed_.End(*context_, absl::StatusCode::kOk);
  reactor_->Finish(grpc::Status::OK);
}

void RawCall::Finish(const absl::Status& status, const MessageLite& answer) const {
  status.ok() ? Finish(answer) : Finish(status);
}

}  // namespace smelt

#include "src/services/messages/raw_call.h"

#include <atomic>
#include <optional>
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

// Holds what an answer takes until gRPC is done with the call.
class UnaryReactor : public grpc::ServerUnaryReactor {
 public:
  explicit UnaryReactor(AnswerMemory* memory) : memory_(memory) {}

  void Reserve(grpc::CallbackServerContext& context, std::int64_t bytes, std::function<void()> then) {
    large_ = true;
    stream_.emplace(memory_->watch(), context).Busy();
    memory_->budget().Acquire(context.peer(), bytes, [this, then = std::move(then)](BytesBudget::Hold hold) {
      hold_ = std::move(hold);
      then();
    });
  }

  void Sends(std::int64_t bytes) {
    if (stream_.has_value()) {
      hold_.ShrinkTo(bytes);
      stream_->Sends(bytes);
    } else if (memory_ != nullptr) {
      memory_->CountLittle(bytes);
      little_bytes_ = bytes;
    }
  }

  void OnDone() override {
    if (little_bytes_ > 0) memory_->CountLittle(-little_bytes_);
    delete this;
  }

 private:
  // gRPC's way for its own reactors: a little answer is done with on gRPC's thread, without one more switch.
  bool InternalInlineable() override { return !large_; }

  AnswerMemory* const memory_;
  std::atomic<bool> large_ = false;
  std::int64_t little_bytes_ = 0;
  std::optional<StreamWatch::Stream> stream_;  // of a large one
  BytesBudget::Hold hold_;
};

grpc::ByteBuffer SerializeMessage(const MessageLite& message) {
  grpc::Slice slice(message.ByteSizeLong());
  message.SerializeWithCachedSizesToArray(const_cast<std::uint8_t*>(slice.begin()));
  return grpc::ByteBuffer(&slice, 1);
}

RawCall::RawCall(grpc::CallbackServerContext& context, const grpc::ByteBuffer& request, grpc::ByteBuffer& answer,
                 AnswerMemory* memory, CallObserver* observer, std::string_view method)
    : context_(&context),
      observed_(observer, method),
      reactor_(new UnaryReactor(memory)),
      request_(const_cast<grpc::ByteBuffer*>(&request)),
      answer_(&answer) {}

grpc::ServerUnaryReactor* RawCall::reactor() const { return reactor_; }

void RawCall::Reserve(std::int64_t bytes, std::function<void()> then) const {
  reactor_->Reserve(*context_, bytes, std::move(then));
}

void RawCall::Finish(const absl::Status& error) const { Finish(ToGrpc(error), error.code()); }

void RawCall::Finish(const MessageLite& answer) const { Finish(SerializeMessage(answer)); }

void RawCall::Finish(grpc::ByteBuffer&& answer) const {
  *answer_ = std::move(answer);
  Finish(grpc::Status::OK, absl::StatusCode::kOk);
}

void RawCall::Finish(const absl::Status& status, const MessageLite& answer) const {
  status.ok() ? Finish(answer) : Finish(status);
}

void RawCall::Finish(const grpc::Status& status, absl::StatusCode code) const {
  Answering::Begin();
  request_->Clear();
  reactor_->Sends(answer_->Valid() ? static_cast<std::int64_t>(answer_->Length()) : 0);
  observed_.End(*context_, code);
  reactor_->Finish(status);
}

}  // namespace smelt

#include "src/services/byte_stream_write.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "google/bytestream/bytestream.pb.h"
#include "grpcpp/grpcpp.h"
#include "src/base/status_macros.h"
#include "src/reapi/resource_name.h"
#include "src/services/byte_stream/upload.h"
#include "src/services/caller.h"
#include "src/services/grpc_status.h"
#include "src/services/messages/raw_call.h"
#include "src/services/publish.h"

namespace smelt {
namespace {

using google::bytestream::WriteRequest;
using google::bytestream::WriteResponse;
using reapi::ResourceName;

// Messages up to this size are not counted: a connection has 256 of them at most.
constexpr std::size_t kLittleMessageBytes = 64 << 10;

class WriteReactor : public grpc::ServerReadReactor<grpc::ByteBuffer> {
 public:
  WriteReactor(const ServiceParts& parts, grpc::CallbackServerContext& context, grpc::ByteBuffer& answer)
      : parts_(parts),
        context_(context),
        answer_(answer),
        stream_(parts.watch, context),
        upload_(parts.limits, parts.partials, parts.budget, parts.staging) {
    StartRead(&message_);
  }

  void OnReadDone(bool ok) override {
    stream_.Busy();
    if (!ok) return End();
    if (message_.Length() <= kLittleMessageBytes) return Next();
    parts_.budget.Acquire(context_.peer(), static_cast<std::int64_t>(message_.Length()),
                          [this](BytesBudget::Hold hold) {
                            message_hold_ = std::move(hold);
                            Next();
                          });
  }

  void OnDone() override { delete this; }

 private:
  void Next() {
    absl::Status status = Parse();
    if (status.ok() && !upload_.begun()) return Begin();
    if (status.ok()) status = upload_.CheckNext(request_);
    if (!status.ok()) return Finish(ToGrpc(status));
    Take();
  }

  // What a message says beside REAPI's fields is not held while the stream goes on.
  absl::Status Parse() {
    const absl::Status status = ParseMessage(message_, request_);
    message_.Clear();
    request_.DiscardUnknownFields();
    return status;
  }

  // The first message.
  void Begin() {
    const absl::Status status = Prepare();
    if (!status.ok()) return Finish(ToGrpc(status));
    if (upload_.name().digest.size == 0) return Committed(true);
    if (request_.write_offset() == 0 && request_.finish_write()) {
      return PublishAll([this] { return Bytes(std::move(*request_.mutable_data())); });
    }
    Run(parts_.reads, [this] { LookAndTake(); });
  }

  absl::Status Prepare() {
    RETURN_IF_ERROR(upload_.Begin(request_));
    return MayCall(parts_.authorizer, context_, upload_.name().instance, Permission::kWriteBlobs);
  }

  // Nothing needs to be uploaded twice.
  void LookAndTake() {
    const absl::StatusOr<std::vector<Digest>> missing = parts_.blobs.FindMissing({&upload_.name().digest, 1});
    if (!missing.ok()) return Finish(ToGrpc(missing.status()));
    if (missing->empty()) return Committed(true);
    const absl::Status status = upload_.Open(request_.write_offset());
    if (!status.ok()) return Finish(ToGrpc(status));
    Take();
  }

  // One message's data.
  void Take() {
    if (upload_.in_memory()) return Append();
    parts_.writes.Continue([this] { Append(); });
  }

  void Append() {
    const absl::Status status = upload_.Append(std::move(*request_.mutable_data()));
    message_hold_.Release();
    if (!status.ok()) return Finish(ToGrpc(status));
    if (request_.finish_write()) {
      return PublishAll([this] { return upload_.Finish(); });
    }
    stream_.Moved();
    StartRead(&message_);
  }

  // All of it is here.
  void PublishAll(std::function<Bytes()> wire) {
    if (MayPutInPlace(parts_, upload_.name().digest.size)) return Publish(wire());
    Run(parts_.writes, [this, wire = std::move(wire)] { Publish(wire()); });
  }

  void Publish(Bytes wire) {
    wire_size_ = wire.size();
    PublishUpload(parts_, upload_.name(), std::move(wire), [this](absl::Status status) {
      if (!status.ok()) return Finish(ToGrpc(status));
      Committed(false);
    });
  }

  // The blob is in the store.
  void Committed(bool early) {
    const bool zstd = upload_.name().compressor == ResourceName::Compressor::kZstd;
    Answer(!zstd ? upload_.name().digest.size : early ? -1 : wire_size_, grpc::Status::OK);
  }

  // The client has no more to say, or is gone, before it said finish_write.
  void End() {
    if (!upload_.begun()) {
      return Finish(ToGrpc(absl::InvalidArgumentError("a Write needs a message with resource_name")));
    }
    const std::int64_t size = upload_.size();
    upload_.Park();
    Answer(size, context_.IsCancelled() ? grpc::Status(grpc::StatusCode::CANCELLED, "the client has gone")
                                        : grpc::Status::OK);
  }

  void Answer(std::int64_t committed_size, const grpc::Status& status) {
    WriteResponse response;
    response.set_committed_size(committed_size);
    answer_ = SerializeMessage(response);
    request_ = WriteRequest();
    message_hold_.Release();
    stream_.Moved();
    Finish(status);
  }

  void Run(WorkerPool& pool, WorkerPool::Task task) {
    if (!pool.Submit(std::move(task))) Finish(ToGrpc(TooBusy()));
  }

  const ServiceParts& parts_;
  grpc::CallbackServerContext& context_;
  grpc::ByteBuffer& answer_;
  StreamWatch::Stream stream_;
  grpc::ByteBuffer message_;
  BytesBudget::Hold message_hold_;  // while a large message, or its data, is here and not in the upload
  WriteRequest request_;            // which `message_` was
  Upload upload_;
  std::int64_t wire_size_ = 0;
};

}  // namespace

grpc::ServerReadReactor<grpc::ByteBuffer>* StartWrite(const ServiceParts& parts, grpc::CallbackServerContext& context,
                                                      grpc::ByteBuffer& answer) {
  return new WriteReactor(parts, context, answer);
}

}  // namespace smelt
